"""The supervisor with small parts: order, healing, ports, and leaving nothing behind."""

import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from cli.processes import clear_stale, log_file
from cli.supervisor import Part, StackError, Supervisor

ROOT = Path(__file__).resolve().parents[2]
FOREVER = "import signal, sys; print('hello', flush=True); signal.pause()"
STUBBORN = (
    "import signal\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\nwhile True: signal.pause()"
)


def python(name: str, code: str, **values: object) -> Part:
    return Part(name=name, command=[sys.executable, "-c", code], **values)  # type: ignore[arg-type]


def until(condition: Callable[[], bool], seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


@pytest.fixture
def listener() -> Iterator[int]:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        yield taken.getsockname()[1]


def supervisor(parts: list[Part], state_dir: Path, **values: object) -> Supervisor:
    return Supervisor(parts, state_dir=state_dir, cwd=ROOT, **values)  # type: ignore[arg-type]


def test_starts_in_order_and_stops_without_a_process_left(tmp_path: Path) -> None:
    trail = tmp_path / "trail"
    note = f"open({str(trail)!r}, 'a').write"
    parts = [
        python("ground", f"{note}('ground ')\n{FOREVER}", ready=lambda _: trail.exists()),
        python("once", f"{note}('once ')", once=True, after=("ground",)),
        python("top", f"{note}('top ')\n{FOREVER}", after=("once",)),
    ]
    with supervisor(parts, tmp_path / "state") as running:
        until(lambda: trail.read_text() == "ground once top ")
        pids = [running.pid("ground"), running.pid("top")]
        assert all(pid and psutil.pid_exists(pid) for pid in pids)
        assert running.pid("once") is None
        said = log_file(tmp_path / "state", "top")
        until(lambda: "hello" in said.read_text())
    assert not any(psutil.pid_exists(pid) for pid in pids if pid)
    assert not list((tmp_path / "state" / "pids").iterdir())


def test_a_killed_part_comes_back(tmp_path: Path) -> None:
    with supervisor([python("one", FOREVER), python("two", FOREVER)], tmp_path) as running:
        untouched = running.pid("two")
        for count in (1, 2):
            before = running.kill("one", signal.SIGKILL)
            running.wait_ready("one", after_restarts=count)
            assert running.pid("one") not in {before, None}
        assert running.pid("two") == untouched
        assert running.restarts("two") == 0


def test_what_a_dead_part_had_started_goes_with_it(tmp_path: Path) -> None:
    file = tmp_path / "grandchild"
    code = f"""
import subprocess, sys
child = subprocess.Popen([sys.executable, "-c", {FOREVER!r}])
open({str(file)!r}, "w").write(str(child.pid))
child.wait()
"""
    with supervisor([python("one", code)], tmp_path) as running:
        until(lambda: file.exists() and file.read_text() != "")
        grandchild = psutil.Process(int(file.read_text()))
        file.unlink()
        running.kill("one")
        running.wait_ready("one", after_restarts=1)
        until(lambda: not alive(grandchild))


def test_a_part_that_never_starts_is_shown_with_its_last_words(tmp_path: Path) -> None:
    broken = python(
        "broken", "import sys; sys.exit('the cat ate the configuration')", ready=lambda _: False
    )
    with (
        pytest.raises(StackError, match=r"(?s)broken did not start \(exit code 1\).*cat ate"),
        supervisor([python("fine", FOREVER), broken], tmp_path),
    ):
        pass
    assert not list((tmp_path / "pids").iterdir())


def test_a_step_that_fails_stops_the_start(tmp_path: Path) -> None:
    failing = python("migrate", "raise SystemExit(3)", once=True)
    with (
        pytest.raises(StackError, match=r"migrate did not start \(exit code 3\)"),
        supervisor([failing, python("api", FOREVER, after=("migrate",))], tmp_path),
    ):
        pass
    assert not log_file(tmp_path, "api").exists()


def test_a_taken_port_is_named_with_its_setting(tmp_path: Path, listener: int) -> None:
    api = python("api", FOREVER, ports={listener: "PARKER_API_PORT"})
    inbox = python("inbox", FOREVER, ports={listener: "PARKER_SANDBOX_PORT"})
    with pytest.raises(StackError) as refused, supervisor([api, inbox], tmp_path):
        pass
    first, second = str(refused.value).splitlines()
    assert re.match(rf"api needs port {listener}.*taken by.*PARKER_API_PORT", first)
    assert second.endswith("PARKER_SANDBOX_PORT."), "all that are taken are named at once"


def test_two_supervisors_do_not_share_a_folder(tmp_path: Path) -> None:
    with supervisor([python("one", FOREVER)], tmp_path):
        second = supervisor([python("one", FOREVER)], tmp_path)
        with pytest.raises(StackError, match=rf"already runs here \(pid {os.getpid()}"):
            second.start()
    with supervisor([python("one", FOREVER)], tmp_path):
        pass


def test_a_part_that_does_not_listen_is_killed_when_told_to_hurry(tmp_path: Path) -> None:
    part = python("deaf", STUBBORN, stop_seconds=60)
    running = supervisor([part], tmp_path)
    running.start()
    pid = running.pid("deaf")
    running.hurry()
    running.stop()
    assert pid
    assert not psutil.pid_exists(pid)


def test_leftovers_are_ended_but_not_a_stranger_with_the_same_pid(tmp_path: Path) -> None:
    command = [sys.executable, "-c", "import signal; signal.pause()"]
    quiet = subprocess.DEVNULL
    with (
        subprocess.Popen(command, stderr=quiet) as leftover,
        subprocess.Popen(command, stderr=quiet) as stranger,
    ):
        pids = tmp_path / "pids"
        pids.mkdir()
        for name, process, shift in (("old", leftover, 0), ("other", stranger, -900)):
            until(lambda: psutil.Process(process.pid).cmdline() == command)  # noqa: B023
            started = psutil.Process(process.pid).create_time() + shift
            identity = {"pid": process.pid, "started": started, "command": command}
            (pids / f"{name}.json").write_text(json.dumps(identity))
        (pids / "damaged.json").write_text("{")
        try:
            assert clear_stale(tmp_path) == ["old"]
            assert leftover.wait(10) is not None
            assert stranger.poll() is None
        finally:
            leftover.kill()
            stranger.kill()
    assert not list(pids.iterdir())


SCRIPT = """
import signal, sys
from pathlib import Path
from cli.supervisor import Part, Supervisor
for number in (signal.SIGINT, signal.SIGTERM):
    signal.signal(number, lambda *_: sys.exit())
part = Part(name="one", command=[sys.executable, "-c", {forever!r}])
supervisor = Supervisor([part], state_dir=Path({state!r}), cwd=Path.cwd())
with supervisor:
    print(supervisor.pid("one"), flush=True)
    while True:
        signal.pause()
"""


@contextlib.contextmanager
def supervising_process(state: Path) -> Iterator[tuple[subprocess.Popen[str], psutil.Process]]:
    script = textwrap.dedent(SCRIPT).format(forever=FOREVER, state=str(state))
    with subprocess.Popen(
        [sys.executable, "-c", script], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout
        try:
            yield process, psutil.Process(int(process.stdout.readline()))
        finally:
            process.kill()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_no_process_outlives_the_supervisor(tmp_path: Path, number: signal.Signals) -> None:
    with supervising_process(tmp_path) as (process, child):
        process.send_signal(number)
        process.wait(20)
        until(lambda: not alive(child))


def alive(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
