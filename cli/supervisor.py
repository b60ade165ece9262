"""Starts parts in order, keeps them running, and stops them without leaving a process behind.

One thread does everything: it starts the children too, because Linux ties a child's life to the
thread that started it.
"""

import fcntl
import os
import signal
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum, auto
from pathlib import Path
from typing import IO, Self

from cli.processes import (
    Child,
    clear_stale,
    holder_of,
    log_file,
    log_tail,
    port_is_free,
    start_child,
)

_TICK_SECONDS = 0.05
_ASK_AGAIN = 0.1  # what is slow to start is asked less often: after so much of what it took so far
_FIRST_TRIES = 4  # before it was ready once, a part that keeps ending is a mistake to show
_BACKOFF_SECONDS = 0.2
_BACKOFF_LIMIT_SECONDS = 10.0
_STEADY_SECONDS = 30.0  # after so long the next end counts as the first


class StackError(Exception):
    """The stack could not start; the message says which part and what to do."""


@dataclass(frozen=True)
class Running:
    """What a health check may look at."""

    pid: int
    started_at: float
    """Wall time, in seconds since the epoch."""


@dataclass(frozen=True, kw_only=True)
class Part:
    """One program of the stack."""

    name: str
    command: Sequence[str]
    env: Mapping[str, str] = field(default_factory=dict)
    ready: Callable[[Running], bool] | None = None
    """Asked until it says yes; must answer within a second. Without it, running is ready."""
    after: tuple[str, ...] = ()
    """Parts that must be ready (or done) first."""
    once: bool = False
    """Runs to its end, and must end well."""
    prepare: Callable[[], None] | None = None
    """Called before each start."""
    ports: Mapping[int, str] = field(default_factory=dict)
    """Ports it listens on, with the setting that moves each."""
    stop_signal: signal.Signals = signal.SIGTERM
    stop_seconds: float = 10
    death_signal: signal.Signals = signal.SIGKILL
    user: tuple[int, int] | None = None
    """Who runs it: user and group id, if not who runs the supervisor."""


class _State(StrEnum):
    WAITING = auto()
    STARTING = auto()
    READY = auto()
    DONE = auto()


@dataclass
class _Slot:
    part: Part
    state: _State = _State.WAITING
    child: Child | None = None
    launched: float = 0
    ask_at: float = 0
    not_before: float = 0
    ends: int = 0
    restarts: int = 0
    was_ready: bool = False


class Supervisor:
    """Runs parts until it is stopped.

    Use `start`, `stop`, or a `with` block; `pid`, `restarts` and `wait_ready` are for whoever
    kills parts to see them come back.
    """

    def __init__(
        self,
        parts: Iterable[Part],
        *,
        state_dir: Path,
        cwd: Path,
        announce: Callable[[str], None] = lambda _line: None,
        ready_seconds: float = 90,
    ) -> None:
        self._slots = {part.name: _Slot(part) for part in parts}
        self.state_dir = state_dir.resolve()
        self._cwd = cwd
        self._announce = announce
        self._ready_seconds = ready_seconds
        self._lock_file: IO[str] | None = None
        self._thread: threading.Thread | None = None
        self._all_ready = threading.Event()
        self._stopping = threading.Event()
        self._hurry = threading.Event()
        self._problem: str | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self.stop()

    def start(self) -> None:
        """Start all parts and return when every one is ready.

        Raises:
            StackError: another supervisor runs here, a port is taken, or a part does not come up.
        """
        self.state_dir.mkdir(parents=True, exist_ok=True)
        self._lock()
        try:
            for name in clear_stale(self.state_dir):
                self._announce(f"{name}: ended a process that an earlier run left behind")
            self._check_ports()
        except BaseException:
            self._unlock()
            raise
        self._thread = threading.Thread(target=self._run, name="supervisor", daemon=True)
        self._thread.start()
        self._all_ready.wait()
        if self._problem is not None:
            self.stop()
            raise StackError(self._problem)

    def stop(self) -> None:
        """Stop every part, the last ones first; returns when no process is left."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None
        self._unlock()

    def abandon(self) -> None:
        """Ask it to stop, from a signal handler; `start`, if it waits, returns."""
        self._stopping.set()

    def hurry(self) -> None:
        """Make a stop that is under way end the parts at once."""
        self._hurry.set()
        self._stopping.set()

    @property
    def problem(self) -> str | None:
        """What made it give up, if it did."""
        return self._problem

    @property
    def runs(self) -> bool:
        return self._thread is not None

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self._slots)

    def pid(self, name: str) -> int | None:
        """Return a part's process id; None while it is not running."""
        child = self._slots[name].child
        return child.pid if child is not None else None

    def is_ready(self, name: str) -> bool:
        return self._slots[name].state in {_State.READY, _State.DONE}

    def restarts(self, name: str) -> int:
        """Return how often a part came back after it had been ready."""
        return self._slots[name].restarts

    def kill(self, name: str, number: signal.Signals = signal.SIGKILL) -> int:
        """Send a part a signal, as an accident would; return the process id it had."""
        child = self._slots[name].child
        if child is None:
            raise StackError(f"{name} is not running")
        child.send(number)
        return child.pid

    def wait_ready(self, name: str, *, after_restarts: int = 0, seconds: float = 180) -> None:
        """Wait until a part is ready and has come back at least so many times.

        Raises:
            StackError: it did not happen in time.
        """
        deadline = time.monotonic() + seconds
        slot = self._slots[name]
        while not (self.is_ready(name) and slot.restarts >= after_restarts):
            if time.monotonic() > deadline or self._problem:
                raise StackError(self._problem or f"{name} was not ready after {seconds:.0f} s")
            time.sleep(_TICK_SECONDS)

    # What follows runs in the supervisor's thread.

    def _run(self) -> None:
        deadline = time.monotonic() + self._ready_seconds
        try:
            while not self._stopping.is_set():
                for slot in self._slots.values():
                    self._tend(slot)
                if not self._all_ready.is_set():
                    if all(self.is_ready(name) for name in self._slots):
                        self._all_ready.set()
                    elif time.monotonic() > deadline:
                        self._give_up(self._too_slow())
                self._stopping.wait(_TICK_SECONDS)
        except Exception as error:  # noqa: BLE001 - whatever it is, the children must be stopped
            self._give_up(str(error) or repr(error))
        finally:
            self._stop_all()
            self._all_ready.set()

    def _give_up(self, problem: str) -> None:
        self._problem = self._problem or problem
        self._stopping.set()

    def _tend(self, slot: _Slot) -> None:
        now = time.monotonic()
        match slot.state:
            case _State.WAITING:
                if now >= slot.not_before and all(map(self.is_ready, slot.part.after)):
                    self._launch(slot)
            case _State.STARTING:
                code = slot.child.exit_code() if slot.child else None
                if code is not None:
                    self._ended(slot, code)
                elif not slot.part.once and now >= slot.ask_at:
                    slot.ask_at = now + _ASK_AGAIN * (now - slot.launched)
                    if self._is_healthy(slot):
                        self._came_up(slot)
            case _State.READY:
                code = slot.child.exit_code() if slot.child else None
                if code is not None:
                    self._ended(slot, code)
            case _State.DONE:
                pass

    def _launch(self, slot: _Slot) -> None:
        part = slot.part
        if part.prepare is not None:
            part.prepare()
        slot.launched = time.monotonic()
        slot.child = start_child(
            part.name,
            part.command,
            env=part.env or os.environ,
            cwd=self._cwd,
            state_dir=self.state_dir,
            death_signal=part.death_signal,
            user=part.user,
        )
        slot.state = _State.STARTING

    def _is_healthy(self, slot: _Slot) -> bool:
        if slot.part.ready is None or slot.child is None:
            return slot.child is not None
        return slot.part.ready(Running(slot.child.pid, slot.child.identity.started))

    def _came_up(self, slot: _Slot) -> None:
        slot.state = _State.READY
        seconds = time.monotonic() - slot.launched
        if slot.was_ready:
            slot.restarts += 1
            self._announce(f"{slot.part.name}: back after {seconds:.1f} s")
        else:
            self._announce(f"{slot.part.name}: ready after {seconds:.1f} s")
        slot.was_ready = True

    def _ended(self, slot: _Slot, code: int) -> None:
        name = slot.part.name
        slot.child = None
        if slot.part.once and code == 0:
            slot.state = _State.DONE
            self._announce(f"{name}: done after {time.monotonic() - slot.launched:.1f} s")
            return
        if time.monotonic() - slot.launched > _STEADY_SECONDS:
            slot.ends = 0
        slot.ends += 1
        if slot.part.once or (not slot.was_ready and slot.ends >= _FIRST_TRIES):
            self._give_up(self._failed(name, code))
            return
        pause = min(_BACKOFF_SECONDS * 2 ** (slot.ends - 1), _BACKOFF_LIMIT_SECONDS)
        slot.not_before = time.monotonic() + pause
        slot.state = _State.WAITING
        self._announce(f"{name}: ended ({_how(code)}); starting it again in {pause:.1f} s")

    def _failed(self, name: str, code: int) -> str:
        where = log_file(self.state_dir, name)
        tail = log_tail(self.state_dir, name)
        return f"{name} did not start ({_how(code)}). Its last words, from {where}:\n{tail}"

    def _too_slow(self) -> str:
        late = next(name for name in self._slots if not self.is_ready(name))
        where = log_file(self.state_dir, late)
        tail = log_tail(self.state_dir, late)
        return f"{late} was not ready after {self._ready_seconds:.0f} s. From {where}:\n{tail}"

    def _stop_all(self) -> None:
        # What leans on others goes first, all of it at once.
        leaning = [slot for slot in self._slots.values() if slot.part.after]
        standing = [slot for slot in self._slots.values() if not slot.part.after]
        for group in (leaning, standing):
            alive = [slot for slot in group if slot.child is not None]
            for slot in alive:
                if slot.child:
                    slot.child.send(slot.part.stop_signal)
            for slot in alive:
                self._await_end(slot)

    def _await_end(self, slot: _Slot) -> None:
        child = slot.child
        if child is None:
            return
        deadline = time.monotonic() + slot.part.stop_seconds
        while not child.wait(0.1):
            if time.monotonic() > deadline or self._hurry.is_set():
                child.kill()
                break
        slot.child = None
        slot.state = _State.WAITING

    # Before anything starts.

    def _check_ports(self) -> None:
        taken = [
            f"{slot.part.name} needs port {port}, and it is taken by "
            f"{holder_of(port)}. Free it, or choose another with {setting}."
            for slot in self._slots.values()
            for port, setting in slot.part.ports.items()
            if not port_is_free(port)
        ]
        if taken:
            raise StackError("\n".join(taken))

    def _lock(self) -> None:
        path = self.state_dir / "stack.lock"
        lock = path.open("a+")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            lock.seek(0)
            owner = lock.read().strip() or "unknown"
            lock.close()
            raise StackError(
                f"Parker Flight already runs here (pid {owner}, state in {self.state_dir}). "
                "Stop it first, or choose another folder with PARKER_STATE_DIR."
            ) from None
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        self._lock_file = lock

    def _unlock(self) -> None:
        if self._lock_file is not None:
            self._lock_file.close()
            self._lock_file = None


def _how(code: int) -> str:
    if code < 0:
        return f"by {signal.Signals(-code).name}"
    return f"exit code {code}"
