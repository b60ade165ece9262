"""Worker processes that tests kill, stop and continue."""

import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import fault_worker
from house import eventually
from sandbox import ROOT

# What would take hours takes one, and nobody's money runs out.
POLICY: dict[str, Any] = {
    "unknown_order_settle_hours": 1,
    "authentication_hours": 1,
    "spending_cap_daily": "USD:100000000",
}


class WorkerProcess:
    """A worker under a parent that starts another one whenever it is killed."""

    def __init__(self, folder: Path, variables: Mapping[str, str], patience: float) -> None:
        self._folder = folder
        path = os.pathsep.join((str(ROOT), str(ROOT / "tests" / "support")))
        env = dict(os.environ) | variables
        env |= {"PYTHONPATH": path, fault_worker.FOLDER: str(folder)}
        env |= {fault_worker.PATIENCE: str(patience)}
        with self._log.open("ab") as log:
            command = [sys.executable, fault_worker.__file__]
            self._parent = subprocess.Popen(
                command, cwd=ROOT, env=env, stdout=log, stderr=log, start_new_session=True
            )

    @property
    def _log(self) -> Path:
        return self._folder / "worker.log"

    async def works(self, *, not_pid: int = 0) -> int:
        """Wait until a worker works that is not this one; return its process."""

        async def ready() -> int:
            assert self._parent.poll() is None, self._log.read_text()[-3000:]
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
        self._parent.terminate()

    def end(self) -> None:
        self.retire()
        self._parent.wait()

    def destroy(self) -> None:
        """Leave nothing behind, whatever state it is in."""
        if self._parent.poll() is None:
            os.killpg(self._parent.pid, signal.SIGKILL)
            self._parent.wait()

    def _child(self) -> int:
        file = self._folder / fault_worker.child_file(self._parent.pid)
        return int(file.read_text() or 0) if file.exists() else 0
