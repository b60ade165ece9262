"""The `parker` command itself: exit codes, and where words and data go."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from commands import ROOT, Done, parker, without_ours

from cli.doctor import Finding, Verdict, examine
from cli.exits import Exit
from runtime.crypto import new_master_key


def environment(tmp_path: Path, **values: str) -> dict[str, str]:
    ours = {"PARKER_ENV_FILE": "", "PARKER_STATE_DIR": str(tmp_path), "PYTHONPATH": str(ROOT)}
    return without_ours() | ours | values


def process_of(*arguments: str, env: dict[str, str]) -> Done:
    """Run a command as a process, with the end that only a process has."""
    command = [sys.executable, "-m", "cli.main", *arguments]
    done = subprocess.run(
        command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=60, check=False
    )
    return Done(done.returncode, done.stdout, done.stderr)


def test_data_goes_to_standard_output_and_words_to_standard_error(tmp_path: Path) -> None:
    done = process_of("policy", "--json", env=environment(tmp_path))
    assert done.returncode == Exit.OK
    assert json.loads(done.stdout)["price_tolerance_percent"] == "2"
    assert "at most {cap}" in json.loads(done.stdout)["consent"]
    assert done.stderr == ""
    checked = parker("config", "check", env=environment(tmp_path, PARKER_API_PROT="1"))
    assert checked.returncode == Exit.OK
    assert checked.stdout == ""
    assert "PARKER_API_PROT means nothing" in checked.stderr


def test_a_setting_that_is_wrong_is_a_usage_error_in_words(tmp_path: Path) -> None:
    done = parker("config", "check", env=environment(tmp_path, PARKER_API_PORT="x"))
    assert done.returncode == Exit.USAGE
    assert "PARKER_API_PORT: " in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("command", ["worker", "api", "migrate"])
def test_a_process_says_which_settings_it_lacks(tmp_path: Path, command: str) -> None:
    done = parker(command, env=environment(tmp_path))
    assert done.returncode == Exit.USAGE
    assert "PARKER_DATABASE_URL is not set" in done.stderr
    assert "PARKER_MASTER_KEYS is not set" in done.stderr


@pytest.mark.parametrize(
    ("run", "command"),
    [(process_of, ["migrate"]), (parker, ["booking", "stop"]), (parker, ["task", "list"])],
)
def test_a_database_that_is_away_is_said_with_what_to_do(
    tmp_path: Path, run: Callable[..., Done], command: list[str]
) -> None:
    away = {
        "PARKER_DATABASE_URL": "postgresql://nobody@127.0.0.1:1/nothing",
        "PARKER_MASTER_KEYS": new_master_key("k1"),
        "PARKER_HMAC_SECRET": "x" * 40,
        "PARKER_TEMPORAL_ADDRESS": "127.0.0.1:1",
    }
    done = run(*command, env=environment(tmp_path, **away))
    assert done.returncode == Exit.UNAVAILABLE, done.stderr
    assert "The database does not answer" in done.stderr
    assert "`parker doctor` looks" in done.stderr
    assert "Traceback" not in done.stderr


def test_an_unknown_command_is_a_usage_error(tmp_path: Path) -> None:
    assert parker("bogus", env=environment(tmp_path)).returncode == Exit.USAGE


def test_settings_are_listed_without_their_secrets(tmp_path: Path) -> None:
    key = new_master_key("k1")
    env = environment(
        tmp_path, PARKER_MASTER_KEYS=key, PARKER_DATABASE_URL="postgresql://u:geheim@h/d"
    )
    done = parker("config", "list", "--json", env=env)
    rows = {row["variable"]: row for row in json.loads(done.stdout)}
    assert rows["PARKER_MASTER_KEYS"] == {
        "variable": "PARKER_MASTER_KEYS", "value": "(hidden)", "set": True,
    }  # fmt: skip
    assert rows["PARKER_API_PORT"]["value"] == "8000"
    assert "geheim" not in done.stdout
    assert key not in done.stdout


def test_the_doctor_names_what_is_away_unused_and_a_sandbox(tmp_path: Path) -> None:
    env = environment(
        tmp_path, UPSTASH_REDIS_REST_URL="https://redis", PARKER_TEMPORAL_ADDRESS="127.0.0.1:9"
    )
    done = parker("doctor", "--json", env=env)
    assert done.returncode == Exit.FAILURE
    found = {row["subject"]: row for row in json.loads(done.stdout)}
    assert found["temporal"]["verdict"] == "bad"
    assert "parker up" in found["temporal"]["words"]
    assert "SANDBOX" in found["duffel"]["words"]
    assert "unused" in found["UPSTASH_REDIS_REST_URL"]["words"]


def test_the_doctor_compares_the_schema_with_what_the_code_expects(
    point_at: Callable[..., None], empty_database_url: str
) -> None:
    point_at()
    assert _schema().verdict is Verdict.GOOD
    point_at(PARKER_DATABASE_URL=empty_database_url)
    assert _schema().is_bad
    assert "`parker migrate`" in _schema().words


def _schema() -> Finding:
    return next(one for one in examine() if one.subject == "schema")
