"""The `parker` command."""

import contextlib
import gc
import importlib
import importlib.util
import logging
import os
import sys
from collections.abc import Sequence
from difflib import get_close_matches
from typing import Annotated, NoReturn

import typer
from typer._click.core import Command, Context
from typer._click.exceptions import UsageError
from typer.core import TyperGroup

from cli.conventions import dressed
from cli.exits import Exit
from cli.output import complain

# Loaded when they are asked for: a command must not wait for the imports of all others.
_SUBJECTS = {
    "campaign": "cli.campaign",
    "booking": "cli.booking",
    "traveler": "cli.traveler",
    "mandate": "cli.mandate",
    "card": "cli.card",
    "dispute": "cli.dispute",
    "keys": "cli.keys",
    "user": "cli.user",
    "attempt": "cli.attempt",
    "task": "cli.task",
    "audit": "cli.audit",
    "demo": "cli.demo",
    "simulate": "cli.simulate",
    "config": "cli.config",
    "backup": "cli.backup",
    "restore": "cli.restore",
    "retention": "cli.retention",
    "export": "cli.export",
}

# What a start makes stays. Python looks for garbage in all of it after every 700 objects, which
# took a quarter of the time that the API and the worker need to start.
_GARBAGE_AFTER = 10_000


class _Subjects(TyperGroup):
    """Our own commands and, by name, those of the modules above."""

    def list_commands(self, ctx: Context) -> list[str]:
        present = (name for name, module in _SUBJECTS.items() if importlib.util.find_spec(module))
        return [*super().list_commands(ctx), *present]

    def get_command(self, ctx: Context, cmd_name: str) -> Command | None:
        module = _SUBJECTS.get(cmd_name)
        if module is None or importlib.util.find_spec(module) is None:
            own = super().get_command(ctx, cmd_name)
            return dressed(own, cmd_name) if own is not None else None
        subject: typer.Typer = importlib.import_module(module).app
        command = typer.main.get_command(subject)
        command.name = cmd_name
        return dressed(command, cmd_name)

    def resolve_command(
        self, ctx: Context, args: list[str]
    ) -> tuple[str | None, Command | None, list[str]]:
        """Suggest what may have been meant, also of what is only loaded when it is asked for."""
        try:
            return self._click_resolve_command(ctx, args)
        except UsageError as error:
            near = get_close_matches(args[0], self.list_commands(ctx))
            if near:
                error.message = f"{error.message.rstrip('.')}. Did you mean {near[0]!r}?"
            raise


app = typer.Typer(
    name="parker",
    cls=_Subjects,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    help="Example: `parker up`, then `parker keys create --email you@example.com`\n\n"
    "Books a traveller's wish by itself, exactly once.",
    epilog="Exit codes: 0 done, 1 failure, 2 usage or settings, 3 not found, 4 conflict, "
    "5 not reachable, 6 a person must act, 7 refused by policy, 130 interrupted.",
)

_Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command(
    epilog="Example: `parker up --workers 2`. Ports and keys are settings: see .env.example."
)
def up(
    workers: Annotated[int, typer.Option(min=0, max=8, help="How many worker processes.")] = 1,
    temporary: Annotated[
        bool, typer.Option(help="Free ports, no settings, nothing kept afterwards.")
    ] = False,
) -> None:
    """Start everything on this machine and keep it running until Ctrl-C."""
    from cli.up import run_stack

    raise typer.Exit(run_stack(workers=workers, temporary=temporary))


@app.command(epilog="Example: `parker doctor --json`")
def doctor(
    as_json: _Json = False,
    worker: Annotated[
        bool, typer.Option("--worker", help="Ask only whether this host's worker works.")
    ] = False,
) -> None:
    """Say what is reachable, what is real and what is a sandbox, and what is set in vain."""
    from cli.doctor import examine, examine_worker, show

    findings = examine_worker() if worker else examine()
    show(findings, as_json=as_json)
    raise typer.Exit(Exit.FAILURE if any(f.is_bad for f in findings) else Exit.OK)


@app.command(epilog="Example: `parker verify && parker simulate pipeline`")
def verify(as_json: _Json = False) -> None:
    """Check that every component is present and that they work together; exits 1 if not."""
    from cli.doctor import show
    from cli.verify import verify as look

    findings = look()
    show(findings, as_json=as_json)
    bad = [finding.subject for finding in findings if finding.is_bad]
    if bad:
        complain(f"{len(bad)} of {len(findings)} are not as they should be: {', '.join(bad)}")
    raise typer.Exit(Exit.FAILURE if bad else Exit.OK)


@app.command(epilog="Example: `parker worker`")
def worker() -> None:
    """Run one worker in this process; it stops cleanly on SIGTERM."""
    from cli.services import run_worker

    run_worker()


@app.command(epilog="Example: `PARKER_API_PORT=9000 parker api`")
def api() -> None:
    """Serve the API in this process; it stops cleanly on SIGTERM."""
    from cli.services import serve_api

    serve_api()


@app.command(epilog="Example: `parker sandbox`")
def sandbox() -> None:
    """Serve the providers' stand-ins and the mail inbox in this process."""
    from cli.services import become_sandbox

    become_sandbox()


@app.command(epilog="Example: `parker migrate`")
def migrate() -> None:
    """Bring the database's schema and Temporal's search attributes and queue limit up to date."""
    from cli.services import migrate_all

    migrate_all()


@app.command(epilog="Example: `parker policy --json`")
def policy(as_json: _Json = False) -> None:
    """Show the rules of this installation, and the words of a consent."""
    from cli.config import show_policy

    show_policy(as_json=as_json)


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run a command; the exit code says what came of it."""
    gc.set_threshold(_GARBAGE_AFTER)
    code = outcome(arguments)
    logging.shutdown()
    with contextlib.suppress(OSError, ValueError):  # whoever read our output may have gone
        sys.stdout.flush()
        sys.stderr.flush()
    # Not sys.exit: threads of Temporal's client may still answer, and calling into an interpreter
    # that is being taken apart aborts the process ("PyGILState_Release", seen on 3.11).
    os._exit(code)


def outcome(arguments: Sequence[str] | None) -> int:
    """Run a command and return its exit code; whatever stands in its way is said in words."""
    from cli.supervisor import StackError
    from runtime.settings import SettingsError

    try:
        app(args=arguments, prog_name="parker")
    except SystemExit as done:
        return done.code if isinstance(done.code, int) else Exit.OK
    except SettingsError as error:
        complain(str(error))
        return Exit.USAGE
    except StackError as error:
        complain(str(error))
        return Exit.FAILURE
    except Exception as error:
        if _database_away(error):
            complain("The database does not answer. `parker doctor` looks.")
            return Exit.UNAVAILABLE
        logging.getLogger(__name__).exception("the command failed")
        return Exit.FAILURE
    return Exit.OK


def _database_away(error: Exception) -> bool:
    from sqlalchemy.exc import InterfaceError, OperationalError

    return isinstance(error, OperationalError | InterfaceError)


if __name__ == "__main__":
    main()
