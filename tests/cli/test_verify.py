"""`parker up`, `verify` and `simulate pipeline`: what runs, and whether it is as it should be."""

import json
import re
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import psutil
from commands import ROOT, Done, parker, without_ours

from cli.exits import Exit
from cli.stack import free_values

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


def process_of(*arguments: str, env: Mapping[str, str]) -> Done:
    done = subprocess.run(
        [sys.executable, "-m", "cli.main", *arguments],
        cwd=ROOT, env=env, capture_output=True, text=True, timeout=180, check=False,
    )  # fmt: skip
    return Done(done.returncode, done.stdout, done.stderr)


def verdicts(done: Done) -> dict[str, str]:
    return {row["subject"]: row["verdict"] for row in json.loads(done.stdout)}


@contextmanager
def up(*options: str, env: Mapping[str, str], until: signal.Signals, last: str) -> Iterator[str]:
    """Run `parker up` until the block's end; yield its words once it is up."""
    with subprocess.Popen(
        [sys.executable, "-m", "cli.main", "up", *options],
        cwd=ROOT,
        env=env,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        assert process.stderr
        said = ""
        try:
            for line in process.stderr:
                said += line
                if "Ctrl-C stops everything" in line:
                    break
            yield said
        finally:
            process.send_signal(until)
            rest = process.stderr.read()
            code = process.wait(60)
    assert (code, last in rest) == (Exit.OK, True), rest


def test_an_installation_that_is_up_passes_and_what_is_missing_is_named(tmp_path: Path) -> None:
    env = free_values() | {"PARKER_STATE_DIR": str(tmp_path)}
    with up(env=env, until=signal.SIGTERM, last="everything is kept for the next start."):
        done = parker("verify", "--json", env=env)
        assert done.returncode == Exit.OK, done.stdout + done.stderr
        found = verdicts(done)
        assert set(found) >= COMPONENTS
        assert {found[name] for name in COMPONENTS} == {"ok"}

        other = parker("verify", "--json", env=env | {"PARKER_POLICY_SEARCHES_PER_MINUTE": "60"})
        assert other.returncode == Exit.FAILURE
        assert verdicts(other)["search queue limit"] == "bad"

        api = psutil.Process(json.loads((tmp_path / "pids" / "api.json").read_text())["pid"])
        api.suspend()
        try:
            silent = parker("verify", env=env)
        finally:
            api.resume()
        assert silent.returncode == Exit.FAILURE
        assert "pages" in silent.stderr


def test_up_says_where_things_are_and_ctrl_c_stops_it(tmp_path: Path) -> None:
    env = without_ours() | {"PARKER_ENV_FILE": "", "PARKER_STATE_DIR": str(tmp_path)}
    options = ("--temporary", "--workers", "0")
    with up(*options, env=env, until=signal.SIGINT, last="Stopped.") as said:
        assert re.search(r"Ready after \d+ s", said), said
        assert re.search(r"API documentation +http://localhost:\d+/docs", said)
        assert re.search(r"Mail inbox \(SANDBOX\) +http", said)
        assert "SANDBOX: Duffel, Stripe, mail" in said


def test_with_nothing_running_it_fails_in_words(tmp_path: Path) -> None:
    env = without_ours() | {"PARKER_ENV_FILE": "", "PARKER_STATE_DIR": str(tmp_path)}
    done = process_of("verify", env=env)
    assert done.returncode == Exit.FAILURE
    assert "Traceback" not in done.stderr
    assert "components" in done.stderr


def test_one_wish_runs_through_the_whole_pipeline() -> None:
    done = process_of("simulate", "pipeline", "--json", env=without_ours())
    assert done.returncode == Exit.OK, done.stdout + done.stderr
    found = verdicts(done)
    assert next(iter(found)) == "create"
    assert set(found.values()) == {"ok"}
    assert {"authorise", "order", "capture", "ticket", "tell", "invariants"} <= set(found)
