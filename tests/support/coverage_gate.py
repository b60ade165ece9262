"""The gate on what must be tested branch by branch: money, states, decisions, keys, the door.

It counts while the whole suite runs, in pytest's processes and in the workers that tests start
beside them (but for those killed), and fails the run when a statement or a branch of a named
module was never taken. `make gate` turns it on; a part of the suite run by itself is not judged.
"""

import json
import os
from pathlib import Path

import pytest
from taken import Counter, never_taken

ROOT = Path(__file__).resolve().parents[2]
VARIABLE = "COVERAGE_GATE"
_FOLDER = ROOT / ".coverage-gate"

# What money, seats and keys depend on. A module that joins them is named here.
CRITICAL = (
    "activities/failures.py",
    "activities/mandate_guard.py",
    "activities/payment_answers.py",
    "activities/payments.py",
    "api/access.py",
    "api/auth.py",
    "api/throttle.py",
    "api/web/sign_in.py",
    "api/web/signing_in.py",
    "api/web/step_up.py",
    "db/queries/transitions.py",
    "db/second_factors.py",
    "domain/accounts.py",
    "domain/api_keys.py",
    "domain/attempts.py",
    "domain/authorisations.py",
    "domain/campaigns.py",
    "domain/factors.py",
    "domain/mandate_document.py",
    "domain/mandates.py",
    "domain/matching.py",
    "domain/money.py",
    "domain/orders.py",
    "domain/passwords.py",
    "domain/payments.py",
    "domain/scoring.py",
    "domain/throttling.py",
    "domain/transitions.py",
    "providers/duffel/errors.py",
    "providers/duffel/webhooks.py",
    "providers/signed_events.py",
    "providers/stripe/amounts.py",
    "providers/stripe/errors.py",
    "providers/stripe/webhooks.py",
    "runtime/crypto.py",
    "runtime/passwords.py",
    "runtime/tokens.py",
    "runtime/web_tokens.py",
    "workflows/attempt.py",
    "workflows/saga.py",
    "workflows/unknown_order.py",
)


def _is_on() -> bool:
    return os.environ.get(VARIABLE) == "1"


class Counting:
    """Counts in one of pytest's processes, from before our own modules are imported."""

    def __init__(self) -> None:
        self._counter = Counter(ROOT, CRITICAL)
        self._counter.start()

    def pytest_sessionfinish(self) -> None:
        self.keep()

    def keep(self) -> None:
        found = {name: sorted(numbers) for name, numbers in self._counter.taken.items()}
        (_FOLDER / f"{os.getpid()}.json").write_text(json.dumps(found))


# The first thing that the tests' outermost conftest imports is this module.
_COUNTING = Counting() if _is_on() else None


def keep() -> None:
    """Write down what a process of the tests' own took, before it ends."""
    if _COUNTING is not None:
        _COUNTING.keep()


class Judging:
    """Adds up what all processes counted, and says what was never taken."""

    def __init__(self) -> None:
        self._missing: list[str] | None = None

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        if not session.testscollected or session.exitstatus == pytest.ExitCode.INTERRUPTED:
            return
        self._missing = list(never_taken(ROOT, _all_taken()))
        if self._missing and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if self._missing is None:
            return
        whole = len(CRITICAL) - len({line.partition(":")[0] for line in self._missing})
        terminalreporter.write_line(
            f"coverage gate: every branch taken in {whole} of {len(CRITICAL)} critical modules"
        )
        for line in self._missing:
            terminalreporter.write_line(f"  {line}", red=True)


def _all_taken() -> dict[str, set[int]]:
    taken: dict[str, set[int]] = {name: set() for name in CRITICAL}
    for file in _FOLDER.glob("*.json"):
        for name, numbers in json.loads(file.read_text()).items():
            taken[name].update(numbers)
    return taken


def configure(config: pytest.Config) -> None:
    """Take part, if the gate is on: as a process that counts, as the one that judges, or both."""
    if not _is_on():
        return
    worker = hasattr(config, "workerinput")
    if not worker:
        _FOLDER.mkdir(exist_ok=True)
        for old in _FOLDER.iterdir():
            old.unlink()
        config.pluginmanager.register(Judging(), "coverage-judging")
    if worker or not config.getoption("numprocesses", None):
        config.pluginmanager.register(_COUNTING, "coverage-counting")
