"""`parker demo` as a user runs it: its words, its exit code, and nothing left behind."""

import os
import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

ROOT = Path(__file__).parents[2]
# Other tests may share the machine, so it gets more than the 90 s that it takes alone.
LIMIT_SECONDS = 270


@pytest.fixture
def folder() -> Iterator[Path]:
    """Return where temporary folders go: a short path, for the database's socket."""
    with tempfile.TemporaryDirectory(prefix="pd-") as made:
        Path(made).chmod(0o755)
        yield Path(made)


@contextmanager
def started(folder: Path) -> Iterator[subprocess.Popen[str]]:
    environ = {k: v for k, v in os.environ.items() if not k.startswith("PARKER_")}
    environ |= {"TMPDIR": str(folder), "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(
        [sys.executable, "-m", "cli.main", "demo", "--limit", str(LIMIT_SECONDS)],
        cwd=ROOT,
        env=environ,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        # What it leaves behind would still be of its session.
        start_new_session=True,
    ) as process:
        try:
            yield process
        finally:
            process.terminate()


def of_folder(folder: Path) -> list[psutil.Process]:
    """Return the processes that work in the demo's folder, wherever they hang."""
    found = []
    for process in psutil.process_iter():
        try:
            belongs = str(folder) in " ".join(process.cmdline())
            belongs = belongs or str(folder) in process.environ().get("PARKER_STATE_DIR", "")
            if belongs and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except psutil.Error:
            continue
    return found


@pytest.mark.timeout(LIMIT_SECONDS + 60)
def test_the_demo_books_what_should_be_booked_and_all_invariants_hold(folder: Path) -> None:
    with started(folder) as process:
        out, _ = process.communicate()
    assert process.returncode == 0, out
    lines = out.splitlines()

    def said(who: str, what: str) -> int:
        """Return where the first line is that says so."""
        return next(n for n, line in enumerate(lines) if re.search(rf"\b{who} +.*{what}", line))

    for who in ("Ana", "Ben", "Dan", "Eva"):
        steps = ("wishes", "looked", "held on the card", "confirmed", "USD charged", "ticketed")
        places = [said(who, step) for step in steps]
        assert places == sorted(places), (who, places)
        assert re.search(rf"│ {who} +│ [0-9A-Z]{{6}} +│ .*│ \d{{3}}-\d+ +│ [\d,.]+ USD +│", out), (
            out
        )
    assert said("Ben", "from 519.00 USD") < said("Ben", "431.00 USD charged")
    assert said("Cleo", "card was declined") < said("Cleo", "waits for the traveller")
    assert said("Dan", "refused the order") < said("Dan", "hold on the card is released")
    assert said("Dan", "goes on watching") < said("Dan", "ticketed")
    assert said("Eva", "asks first") < said("Eva", "said yes over HTTP") < said("Eva", "USD held")
    assert said("Fay", "Asleep until") < said("Fay", "expired; nothing was booked")
    looks, events = re.search(r"took (\d+) looks at the market and (\d+) events", out).groups()  # type: ignore[union-attr]
    assert int(looks) > 50
    assert int(events) < 2000
    assert out.count("│ yes ") == 6
    assert "NO" not in re.findall(r"│ (yes|NO) ", out)
    assert of_folder(folder) == []
    assert list(folder.iterdir()) == []


@pytest.mark.timeout(180)
def test_an_interrupted_demo_leaves_nothing_behind(folder: Path) -> None:
    with started(folder) as process:
        assert process.stdout is not None
        said = ""
        for line in process.stdout:
            said += line
            if "the wish is accepted" in line:
                break
        assert len(of_folder(folder)) >= 4, said
        process.send_signal(signal.SIGINT)
        said += process.stdout.read()
        assert process.wait() == 130, said
    assert "Traceback" not in said
    assert of_folder(folder) == []
    assert list(folder.iterdir()) == []


@pytest.mark.timeout(120)
def test_an_interrupt_while_it_starts_is_heard_too(folder: Path) -> None:
    with started(folder) as process:
        assert process.stdout is not None
        said = process.stdout.readline()
        assert "Starting" in said
        while not of_folder(folder):  # its first parts come at once
            pass
        process.send_signal(signal.SIGINT)
        said += process.stdout.read()
        process.wait()
    assert process.returncode == 130, said
    assert "Traceback" not in said
    assert of_folder(folder) == []
    assert list(folder.iterdir()) == []
