"""One child process of the supervisor: started guarded, known by pid, start time and command."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import BinaryIO

import psutil

_GUARD = Path(__file__).with_name("guard.py")
_LOG_BYTES = 20_000_000
_SAME_START_SECONDS = 2.0  # the boot time that start times count from is corrected now and then


@dataclass(frozen=True)
class Identity:
    """What tells a process from a later one that got the same pid."""

    pid: int
    started: float
    command: list[str]

    def process(self) -> psutil.Process | None:
        """Return the process if it is still the same one."""
        try:
            process = psutil.Process(self.pid)
            same_start = abs(process.create_time() - self.started) < _SAME_START_SECONDS
            if not same_start or process.status() == psutil.STATUS_ZOMBIE:
                return None
            running = process.cmdline()
        except psutil.Error:
            return None
        # Between start and exec the command still stands behind the guard's own arguments;
        # a script's interpreter stands before it.
        tail = self.command[1:]
        return process if not tail or running[-len(tail) :] == tail else None


class Child:
    """A running program in its own process group."""

    def __init__(self, popen: subprocess.Popen[bytes], identity: Identity, pid_file: Path) -> None:
        self._popen = popen
        self._pid_file = pid_file
        self.identity = identity

    @property
    def pid(self) -> int:
        return self.identity.pid

    def exit_code(self) -> int | None:
        """Return how it ended; None while it runs. What it left behind is ended with it."""
        code = self._popen.poll()
        if code is not None:
            self._sweep()
        return code

    def send(self, number: signal.Signals) -> None:
        if self._popen.poll() is None:
            self._popen.send_signal(number)

    def wait(self, seconds: float) -> bool:
        """Wait for its end; False if it still runs."""
        try:
            self._popen.wait(max(seconds, 0))
        except subprocess.TimeoutExpired:
            return False
        self._sweep()
        return True

    def kill(self) -> None:
        """End it and its group at once."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)
        self._popen.kill()
        self._popen.wait()
        self._pid_file.unlink(missing_ok=True)

    def _sweep(self) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)
        self._pid_file.unlink(missing_ok=True)


def start_child(
    name: str,
    command: Sequence[str],
    *,
    env: Mapping[str, str],
    cwd: Path,
    state_dir: Path,
    death_signal: signal.Signals = signal.SIGKILL,
    user: tuple[int, int] | None = None,
) -> Child:
    """Start a program under the guard; its output goes to `logs/<name>.log`."""
    uid, gid = map(str, user) if user else ("-", "-")
    guard = [sys.executable, "-I", "-S", str(_GUARD), str(os.getpid()), str(int(death_signal))]
    with _open_log(state_dir, name) as log:
        popen = subprocess.Popen(
            [*guard, uid, gid, *command],
            env=dict(env),
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            process_group=0,
        )
    identity = Identity(popen.pid, psutil.Process(popen.pid).create_time(), list(command))
    pid_file = state_dir / "pids" / f"{name}.json"
    pid_file.parent.mkdir(parents=True, exist_ok=True)
    pid_file.write_text(json.dumps(asdict(identity)))
    return Child(popen, identity, pid_file)


def clear_stale(state_dir: Path, *, seconds: float = 10) -> list[str]:
    """End what an earlier supervisor left running, and only that; return the names."""
    ended: list[str] = []
    for pid_file in sorted((state_dir / "pids").glob("*.json")):
        process = _read_identity(pid_file)
        if process is not None:
            ended.append(pid_file.stem)
            # For Postgres an interrupt is the fast shutdown; the others end by it as well.
            with contextlib.suppress(psutil.Error):
                process.send_signal(signal.SIGINT)
                try:
                    process.wait(seconds)
                except psutil.TimeoutExpired:
                    process.kill()
                    process.wait(seconds)
        pid_file.unlink(missing_ok=True)
    return ended


def log_file(state_dir: Path, name: str) -> Path:
    return state_dir / "logs" / f"{name}.log"


def log_tail(state_dir: Path, name: str, lines: int = 15) -> str:
    """Return the last lines that a child wrote."""
    with contextlib.suppress(OSError), log_file(state_dir, name).open("rb") as log:
        log.seek(max(log.seek(0, os.SEEK_END) - 8192, 0))
        return "\n".join(log.read().decode(errors="replace").splitlines()[-lines:])
    return ""


def port_is_free(port: int, host: str = "127.0.0.1") -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def holder_of(port: int) -> str:
    """Say which program listens on a port, as far as one may know."""
    with contextlib.suppress(psutil.Error, OSError):
        for connection in psutil.net_connections("tcp"):
            local: tuple[object, ...] = connection.laddr
            listens = connection.status == psutil.CONN_LISTEN and port in local[1:]
            if listens and connection.pid is not None:
                return f"{psutil.Process(connection.pid).name()}, pid {connection.pid}"
    return "another program"


def _open_log(state_dir: Path, name: str) -> BinaryIO:
    path = log_file(state_dir, name)
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.exists() and path.stat().st_size > _LOG_BYTES:
        path.replace(path.with_suffix(".log.1"))
    return path.open("ab")


def _read_identity(pid_file: Path) -> psutil.Process | None:
    try:
        identity = Identity(**json.loads(pid_file.read_text()))
    except (OSError, ValueError, TypeError):
        return None
    return identity.process()
