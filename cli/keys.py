"""`parker keys`: accounts' API keys, and the master key that wraps everybody's data keys."""

import asyncio
import sys
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Annotated, Any, TypeVar
from uuid import UUID

import typer

from cli.exits import Exit
from cli.output import complain, print_rows, say

if TYPE_CHECKING:
    from db.session import Database
    from runtime.settings import Settings

T = TypeVar("T")
app = typer.Typer(no_args_is_help=True, help="API keys, and rotating the master key.")

_Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
_Email = Annotated[str, typer.Option(help="The person's address.")]


@app.command(epilog="Example: `export PARKER_API_KEY=$(parker keys create --email me@example.com)`")
def create(
    email: _Email,
    name: Annotated[str, typer.Option(help="What the key is for.")] = "command line",
) -> None:
    """Make a key, and the account if it is new. The key is printed this once."""
    key, prefix = _run(lambda settings, database: _create(settings, database, email, name))
    say(f"Key {prefix}… for {email}. It is shown this once; keep it safe.")
    sys.stdout.write(key + "\n")


@app.command("list", epilog="Example: `parker keys list --email me@example.com --json`")
def list_keys(email: _Email, as_json: _Json = False) -> None:
    """List a person's keys, newest first."""
    rows = _run(lambda settings, database: _list(settings, database, email))
    print_rows(
        ["id", "prefix", "name", "created_at", "last_used_at", "revoked_at"], rows, as_json=as_json
    )


@app.command(epilog="Example: `parker keys revoke KEY_ID --email me@example.com`")
def revoke(
    key_id: Annotated[str, typer.Argument(metavar="KEY_ID", help="As `keys list` shows it.")],
    email: _Email,
) -> None:
    """Let a key open nothing any more, at once."""
    try:
        wanted = UUID(key_id)
    except ValueError:
        raise typer.BadParameter("give the id as `parker keys list` shows it") from None
    if not _run(lambda settings, database: _revoke(settings, database, email, wanted)):
        complain("There is no such key.")
        raise typer.Exit(Exit.NOT_FOUND)
    say("Revoked.")


@app.command(
    "rotate-master", epilog="Example: `PARKER_MASTER_KEYS=new:…,old:… parker keys rotate-master`"
)
def rotate_master() -> None:
    """Wrap every data key with the first of PARKER_MASTER_KEYS; harmless to interrupt and repeat.

    Keep the old master key in the setting until this has ended; then take it out.
    """
    from db.vault import vault_of
    from runtime.crypto import DecryptionFailed
    from runtime.settings import load_settings

    try:
        done = vault_of(load_settings()).rotate_master_key()
    except DecryptionFailed as error:
        complain(f"A data key does not open: {error}.")
        raise typer.Exit(Exit.FAILURE) from error
    say(f"Rewrapped {done} data keys. Those of older master keys are no longer needed here.")


def _run(work: "Callable[[Settings, Database], Coroutine[Any, Any, T]]") -> T:
    """Do something with the database as an operator; a database that is away ends the command."""
    from sqlalchemy.exc import SQLAlchemyError

    from runtime.crypto import DecryptionFailed

    async def opened() -> T:
        async with _operator() as (settings, database):
            return await work(settings, database)

    try:
        return asyncio.run(opened())
    except SQLAlchemyError as error:
        complain(f"The database does not answer ({type(error).__name__}).")
        raise typer.Exit(Exit.UNAVAILABLE) from error
    except DecryptionFailed as error:
        complain(f"A data key does not open: {error}.")
        raise typer.Exit(Exit.FAILURE) from error


@asynccontextmanager
async def _operator() -> "AsyncIterator[tuple[Settings, Database]]":
    from db.session import WORKER_ROLE, Database
    from runtime.settings import load_settings

    settings = load_settings()
    database = Database(settings.database_for("worker"), role=WORKER_ROLE, pool_size=2)
    try:
        yield settings, database
    finally:
        await database.close()


async def _create(
    settings: "Settings", database: "Database", email: str, name: str
) -> tuple[str, str]:
    from db.accounts import ensure_account, issue_api_key
    from db.session import SystemActor
    from db.vault import vault_of
    from runtime.clock import system_now

    vault, pepper, now = vault_of(settings), settings.api_key_pepper, system_now()
    async with database.transaction(SystemActor("operator")) as session:
        user_id = await ensure_account(session, vault, email=email, pepper=pepper, now=now)
        row, key = await issue_api_key(session, user_id, name=name, pepper=pepper, now=now)
        return key, row.prefix


async def _list(settings: "Settings", database: "Database", email: str) -> list[dict[str, object]]:
    from db.queries.users import find_user_id_by_email_hmac, list_api_keys
    from db.session import SystemActor
    from runtime.tokens import email_hash

    async with database.transaction(SystemActor("operator")) as session:
        user = await find_user_id_by_email_hmac(session, email_hash(settings.api_key_pepper, email))
        rows = await list_api_keys(session, user) if user else []
        return [row.model_dump(exclude={"key_hash", "user_id"}) for row in rows]


async def _revoke(settings: "Settings", database: "Database", email: str, key_id: UUID) -> bool:
    from db.queries.users import find_user_id_by_email_hmac, revoke_api_key
    from db.session import SystemActor
    from runtime.clock import system_now
    from runtime.tokens import email_hash

    async with database.transaction(SystemActor("operator")) as session:
        user = await find_user_id_by_email_hmac(session, email_hash(settings.api_key_pepper, email))
        return user is not None and await revoke_api_key(session, user, key_id, system_now())
