"""`parker verify` and `parker simulate pipeline`: a checklist, and an exit code that can be used."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from cli.exits import Exit
from cli.stack import Stack

ROOT = Path(__file__).resolve().parents[2]
COMPONENTS = {
    "dependencies",
    "schema",
    "definitions",
    "search attributes",
    "search queue limit",
    "workers",
    "search loop",
    "templates",
    "pages",
    "duffel",
    "stripe",
    "smtp",
}


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    with Stack.temporary() as running:
        yield running


def parker(*arguments: str, env: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "cli.main", *arguments],
        cwd=ROOT, env=env, capture_output=True, text=True, timeout=180, check=False,
    )  # fmt: skip


def verdicts(done: subprocess.CompletedProcess[str]) -> dict[str, str]:
    return {row["subject"]: row["verdict"] for row in json.loads(done.stdout)}


def test_a_whole_installation_passes_and_what_is_missing_is_named(stack: Stack) -> None:
    done = parker("verify", "--json", env=stack.env)
    assert done.returncode == Exit.OK, done.stdout + done.stderr
    found = verdicts(done)
    assert set(found) >= COMPONENTS
    assert {found[name] for name in COMPONENTS} == {"ok"}

    other = parker("verify", "--json", env=stack.env | {"PARKER_POLICY_SEARCHES_PER_MINUTE": "60"})
    assert other.returncode == Exit.FAILURE
    assert verdicts(other)["search queue limit"] == "bad"

    stack.supervisor.kill("api", signal.SIGSTOP)
    try:
        silent = parker("verify", env=stack.env)
    finally:
        stack.supervisor.kill("api", signal.SIGCONT)
    assert silent.returncode == Exit.FAILURE
    assert "pages" in silent.stderr


def test_with_nothing_running_it_fails_in_words(tmp_path: Path) -> None:
    clean = {k: v for k, v in os.environ.items() if not k.startswith("PARKER_")}
    done = parker("verify", env=clean | {"PARKER_ENV_FILE": "", "PARKER_STATE_DIR": str(tmp_path)})
    assert done.returncode == Exit.FAILURE
    assert "Traceback" not in done.stderr
    assert "components" in done.stderr


def test_one_wish_runs_through_the_whole_pipeline() -> None:
    clean = {k: v for k, v in os.environ.items() if not k.startswith("PARKER_")}
    done = parker("simulate", "pipeline", "--json", env=clean)
    assert done.returncode == Exit.OK, done.stdout + done.stderr
    found = verdicts(done)
    assert next(iter(found)) == "create"
    assert set(found.values()) == {"ok"}
    assert {"authorise", "order", "capture", "ticket", "tell", "invariants"} <= set(found)
