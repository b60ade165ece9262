"""The gate on what must be tested branch by branch: money, states, decisions, keys, the door.

It counts while the whole suite runs, in every process of pytest's, and fails the run when a line
or a branch of a named module was never taken. `make test` turns it on; a part of the suite run by
itself is not judged.
"""

import os
from collections.abc import Iterator
from pathlib import Path

import coverage
import pytest

ROOT = Path(__file__).resolve().parents[2]
VARIABLE = "COVERAGE_GATE"
_FOLDER = ROOT / ".coverage-gate"

# What money, seats and keys depend on. A module that joins them is named here.
CRITICAL = (
    "activities/failures.py",
    "activities/payment_answers.py",
    "db/queries/transitions.py",
    "domain/api_keys.py",
    "domain/attempts.py",
    "domain/authorisations.py",
    "domain/campaigns.py",
    "domain/factors.py",
    "domain/mandates.py",
    "domain/matching.py",
    "domain/money.py",
    "domain/orders.py",
    "domain/payments.py",
    "domain/scoring.py",
    "domain/transitions.py",
    "providers/duffel/errors.py",
    "providers/stripe/amounts.py",
    "providers/stripe/errors.py",
    "providers/stripe/webhooks.py",
    "runtime/crypto.py",
    "runtime/tokens.py",
    "runtime/web_tokens.py",
    "workflows/attempt.py",
    "workflows/saga.py",
    "workflows/unknown_order.py",
)


def _measure() -> coverage.Coverage:
    return coverage.Coverage(
        data_file=str(_FOLDER / "data"),
        data_suffix=True,
        branch=True,
        include=[str(ROOT / name) for name in CRITICAL],
        # SQLAlchemy switches greenlets under our coroutines; workflows run in threads.
        concurrency=["thread", "greenlet"],
        config_file=False,
    )


def _is_on() -> bool:
    return os.environ.get(VARIABLE) == "1"


class Counting:
    """Counts in one of pytest's processes, from before our own modules are imported."""

    def __init__(self) -> None:
        self._coverage = _measure()
        self._coverage.start()

    def pytest_sessionfinish(self) -> None:
        self._coverage.stop()
        self._coverage.save()


# The first thing that the tests' outermost conftest imports is this module.
_COUNTING = Counting() if _is_on() else None


class Judging:
    """Adds up what all processes counted, and says what was never taken."""

    def __init__(self) -> None:
        self._missing: list[str] | None = None

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        if not session.testscollected or session.exitstatus == pytest.ExitCode.INTERRUPTED:
            return
        self._missing = list(_missing())
        if self._missing and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if self._missing is None:
            return
        taken = len(CRITICAL) - len(self._missing)
        terminalreporter.write_line(
            f"coverage gate: every branch taken in {taken} of {len(CRITICAL)} critical modules"
        )
        for line in self._missing:
            terminalreporter.write_line(f"  {line}", red=True)


def _missing() -> Iterator[str]:
    total = _measure()
    total.combine([str(_FOLDER)])
    for name in CRITICAL:
        path = str(ROOT / name)
        _, _, _, _, lines = total.analysis2(path)
        branches = {
            f"{start}->{end}"
            for start, ends in total._analyze(path).missing_branch_arcs().items()
            for end in ends
        }
        if lines or branches:
            yield f"{name}: {lines or 'no line'} never ran; branches {', '.join(sorted(branches))}"


def configure(config: pytest.Config) -> None:
    """Take part, if the gate is on: as a process that counts, as the one that judges, or both."""
    if not _is_on():
        return
    worker = hasattr(config, "workerinput")
    if not worker:
        _FOLDER.mkdir(exist_ok=True)
        for old in _FOLDER.glob("data*"):
            old.unlink()
        config.pluginmanager.register(Judging(), "coverage-judging")
    if worker or not config.getoption("numprocesses", None):
        config.pluginmanager.register(_COUNTING, "coverage-counting")
