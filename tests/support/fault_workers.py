"""Worker processes that tests kill, stop and continue."""

import atexit
import functools
import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import fault_worker
import psutil
from house import eventually
from sandbox import ROOT

# What would take hours takes one, and nobody's money runs out.
POLICY: dict[str, Any] = {
    "unknown_order_settle_hours": 1,
    "authentication_hours": 1,
    "spending_cap_daily": "USD:100000000",
}


class WorkerProcess:
    """A worker under a keeper that starts another one whenever it is killed."""

    def __init__(self, folder: Path, variables: Mapping[str, str], patience: float) -> None:
        self._folder = folder
        order = {"folder": str(folder), "log": str(self._log), "patience": patience}
        self._keeper = psutil.Process(_ordered({**order, "variables": dict(variables)}))

    @property
    def _log(self) -> Path:
        return self._folder / "worker.log"

    async def works(self, *, not_pid: int = 0) -> int:
        """Wait until a worker works that is not this one; return its process."""

        async def ready() -> int:
            assert self._keeper.is_running(), self._log.read_text()[-3000:]
            child = self._child()
            is_new = child and child != not_pid
            return child if is_new and (self._folder / f"ready.{child}").exists() else 0

        return await eventually(ready, seconds=60)

    async def kill(self) -> None:
        """Kill the worker with `kill -9` and wait for the next one."""
        child = self._child()
        os.kill(child, signal.SIGKILL)
        await self.works(not_pid=child)

    def stop(self) -> None:
        """Let the worker stand still: it keeps its connections and says nothing."""
        os.kill(self._child(), signal.SIGSTOP)

    def go_on(self) -> None:
        os.kill(self._child(), signal.SIGCONT)

    def retire(self) -> None:
        """Let it finish what it has begun, as a deployment would."""
        with suppress(psutil.NoSuchProcess):
            self._keeper.terminate()

    def end(self) -> None:
        self.retire()
        self._keeper.wait()

    def destroy(self) -> None:
        """Leave nothing behind, whatever state it is in."""
        if self._keeper.is_running():
            os.killpg(self._keeper.pid, signal.SIGKILL)
            self._keeper.wait()

    def _child(self) -> int:
        file = self._folder / fault_worker.child_file(self._keeper.pid)
        return int(file.read_text() or 0) if file.exists() else 0


@functools.cache
def _nursery() -> subprocess.Popen[str]:
    """Start what forks all workers of this process: importing the product takes seconds."""
    path = os.pathsep.join((str(ROOT), str(ROOT / "tests" / "support")))
    started = subprocess.Popen(
        [sys.executable, fault_worker.__file__],
        cwd=ROOT,
        env=dict(os.environ) | {"PYTHONPATH": path},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    atexit.register(started.communicate)  # it ends when its input does
    return started


def _ordered(order: Mapping[str, object]) -> int:
    """Have a keeper forked and return its process id."""
    nursery = _nursery()
    assert nursery.stdin
    assert nursery.stdout
    nursery.stdin.write(json.dumps(order) + "\n")
    nursery.stdin.flush()
    return int(nursery.stdout.readline())
