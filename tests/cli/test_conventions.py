"""What holds for every command there is: the tree is walked, so that a new one is held to it too."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import typer
from typer._click.core import Command, Context
from typer.core import TyperGroup
from typer.testing import CliRunner

from cli.amounts import confirm_amount
from cli.conventions import PROCESSES, READS
from cli.exits import Exit
from cli.main import app
from cli.output import manner, print_rows

ROOT = Path(__file__).resolve().parents[2]
# Words of options that a secret could stand behind; these name a file, or no secret.
_SECRET = re.compile(r"pass(word|phrase)|secret|token|api[-_]?key")
_NAMES_A_FILE = {"--passphrase-file", "--secrets"}
SETTINGS = {"PARKER_ENV_FILE": "", "PARKER_STATE_DIR": "/nonexistent"}


def leaves() -> Iterator[tuple[str, Command]]:
    root = typer.main.get_command(app)
    assert isinstance(root, TyperGroup)
    context = Context(root)
    for name in root.list_commands(context):
        command = root.get_command(context, name)
        assert command is not None, name
        yield from below(command, name)


def below(command: Command, path: str) -> Iterator[tuple[str, Command]]:
    if not isinstance(command, TyperGroup):
        yield path, command
        return
    for name in command.list_commands(Context(command)):
        child = command.get_command(Context(command), name)
        assert child is not None
        yield from below(child, f"{path} {name}")


COMMANDS = dict(leaves())


def options(command: Command) -> set[str]:
    return {option for parameter in command.params for option in parameter.opts}


@pytest.fixture(autouse=True)
def fresh_manner() -> Iterator[None]:
    yield
    manner.as_json = manner.plain = manner.dry_run = manner.gave = False


def parker(*arguments: str, **env: str) -> Any:
    return CliRunner().invoke(app, list(arguments), env=SETTINGS | env)


def test_every_command_leads_with_an_example_of_itself_and_says_what_it_does() -> None:
    assert len(COMMANDS) > 40
    for path, command in COMMANDS.items():
        assert command.help, path
        example, _, words = command.help.partition("\n\n")
        assert f"parker {path}" in example or f"parker {path.split()[0]}" in example, path
        assert example.startswith("Example"), path
        assert words.strip().endswith((".", ")")) or "." in words, path
        assert command.short_help, path
        assert "--install-completion" not in options(command), path
    root = parker("--help").output
    assert "parker up" in root.partition("Books a traveller")[0]
    subject = parker("campaign", "show", "--help").output
    assert "`" not in subject, "an example in backticks would run what it prints"


def test_every_command_prints_json_and_plain_and_whatever_writes_has_a_dry_run() -> None:
    for path, command in COMMANDS.items():
        if path.split()[0] in PROCESSES:
            continue
        has = options(command)
        assert "--json" in has, path
        assert "--plain" in has, path
        assert ("--dry-run" in has) is not (path.split()[-1] in READS), path


def test_no_secret_is_ever_an_argument() -> None:
    for path, command in COMMANDS.items():
        asked = {option for option in options(command) if _SECRET.search(option)}
        assert asked <= _NAMES_A_FILE, path


def test_every_exit_code_is_told() -> None:
    told = typer.main.get_command(app).epilog or ""
    assert {int(number) for number in re.findall(r"\d+", told)} == {code.value for code in Exit}


@pytest.mark.parametrize(
    ("typed", "meant"),
    [(["campain", "list"], "campaign"), (["campaign", "lits"], "list"), (["bakup"], "backup")],
)
def test_a_typing_slip_is_answered_with_what_was_meant(typed: list[str], meant: str) -> None:
    done = parker(*typed)
    assert done.exit_code == Exit.USAGE
    assert f"Did you mean '{meant}'" in done.output


@pytest.mark.parametrize(
    "command",
    [
        ["campaign", "pause", "ID"],
        ["card", "remove", "ID"],
        ["traveler", "remove", "ID"],
        ["booking", "stop"],
        ["user", "grant", "--email", "a@example.com", "--role", "admin", "--reason", "x"],
        ["keys", "revoke", "ID", "--email", "a@example.com"],
    ],
)
def test_a_dry_run_says_what_would_be_done_and_asks_nobody(command: list[str]) -> None:
    """No database and no API are there: whoever asked one would fail."""
    reached = {"PARKER_API_URL": "http://127.0.0.1:1", "PARKER_API_KEY": "pk_x"}
    done = parker(*command, "--dry-run", "--json", **reached)
    assert done.exit_code == Exit.OK, done.output
    told = json.loads(done.stdout)
    assert told["done"] is False
    assert "Nothing was changed" in done.stderr
    assert parker(*command, **reached).exit_code != Exit.OK


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (["keys", "create", "--email", "nonsense"], "no e-mail address"),
        (["keys", "create", "--email", "a@b.example", "--expires", "2020-01-01"], "is over"),
        (["attempt", "retry", str(UUID(int=1)), "--reason", " "], "say why"),
        (["task", "close", str(UUID(int=1)), "--reason", ""], "say why"),
        (["mandate", "verify", "/nonexistent", "--keys", "/nonexistent"], "No such file"),
    ],
)
def test_what_cannot_be_is_refused_in_words_before_anybody_is_asked(
    command: list[str], said: str
) -> None:
    done = parker(*command)
    assert done.exit_code == Exit.USAGE
    assert said in " ".join(re.sub("[│╭╮╰╯─]", " ", done.output).split())


def test_tables_say_nothing_for_nothing_and_keep_to_their_lines(
    capsys: pytest.CaptureFixture[str],
) -> None:
    row = {"a": None, "b": ["read", "write"], "c": True, "d": "two\nlines\tand tabs"}
    print_rows(["a", "b", "c", "d"], [row], as_json=False)
    assert capsys.readouterr().out == "\tread, write\tyes\ttwo lines and tabs\n"


def test_money_moves_only_for_an_amount_that_was_typed(monkeypatch: pytest.MonkeyPatch) -> None:
    amount = {"amount": "50.00", "currency": "USD"}

    def asked(*, yes: bool = False, limit: str | None = None) -> int:
        try:
            confirm_amount("Kept back", amount, yes=yes, max_amount=limit)
        except typer.Exit as end:
            return int(end.exit_code)
        except typer.BadParameter:
            return int(Exit.USAGE)
        return int(Exit.OK)

    assert asked() == Exit.NEEDS_ACTION  # nobody is there to type it
    assert asked(yes=True) == Exit.USAGE
    assert asked(yes=True, limit="49.99 USD") == Exit.REFUSED
    assert asked(yes=True, limit="50 EUR") == Exit.REFUSED
    assert asked(yes=True, limit="50 USD") == Exit.OK
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    for typed, code in (("50.00", Exit.OK), ("50.00 USD", Exit.OK), ("y", Exit.NEEDS_ACTION)):
        monkeypatch.setattr("typer.prompt", lambda *_, _typed=typed, **__: _typed)
        assert asked() == code


def test_colour_is_left_out_where_nobody_wants_it(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "cli.main", "campain"]
    base = {k: v for k, v in os.environ.items() if not k.startswith("PARKER_")}
    coloured = base | {"PARKER_ENV_FILE": "", "PARKER_STATE_DIR": str(tmp_path), "FORCE_COLOR": "1"}

    def said(env: dict[str, str]) -> str:
        done = subprocess.run(
            command, cwd=ROOT, env=env, capture_output=True, text=True, check=False
        )
        assert done.returncode == Exit.USAGE
        return done.stderr

    assert "\x1b[31m" in said(coloured)
    assert "\x1b[31m" not in said(coloured | {"NO_COLOR": "1"})
