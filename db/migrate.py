"""Moves the schema from one version to another; safe to be run by many at once."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, NullPool, create_engine, make_url, text

from db.vault import PersonalVault

_FOLDER = Path(__file__).parent / "migrations"
# Any number will do as long as it never changes and nobody else uses it.
_LOCK = 7_214_533_901
# Long enough for another's migration to end; then a table's lock is waited for briefly only, since
# everything else queues up behind a migration that waits.
_WAIT_FOR_OTHERS = "120s"
_WAIT_FOR_TABLE = "5s"


def upgrade(url: str, revision: str = "head", *, vault: PersonalVault | None = None) -> None:
    """Bring the schema up to the revision; nothing happens when it is there already.

    `vault` is where data keys go that an old schema keeps in a table; without it one that holds
    any is not upgraded.
    """
    _run(url, lambda config: command.upgrade(config, revision), vault)


def downgrade(url: str, revision: str) -> None:
    """Take the schema back to the revision; `base` removes it with everything in it."""
    _run(url, lambda config: command.downgrade(config, revision))


def current(url: str) -> str | None:
    """Return the schema's revision, None for an empty database."""
    with _connected(url) as connection:
        return MigrationContext.configure(connection).get_current_revision()


def head() -> str | None:
    """Return the revision that this code expects."""
    return ScriptDirectory(str(_FOLDER)).get_current_head()


def draft(url: str, message: str, now: datetime) -> None:
    """Write a migration from the difference between tables and models, to be checked by hand."""
    name = f"{now:%Y%m%d_%H%M}"
    _run(url, lambda config: command.revision(config, message, autogenerate=True, rev_id=name))


def _run(url: str, act: Callable[[Config], object], vault: PersonalVault | None = None) -> None:
    with _connected(url) as connection, _alone(connection):
        config = Config()
        config.set_main_option("script_location", str(_FOLDER))
        config.set_main_option("file_template", "%%(rev)s_%%(slug)s")
        config.attributes["connection"] = connection
        config.attributes["vault"] = vault
        act(config)
        connection.commit()


@contextmanager
def _alone(connection: Connection) -> Iterator[None]:
    connection.execute(text(f"SET lock_timeout = '{_WAIT_FOR_OTHERS}'"))
    connection.execute(text("SELECT pg_advisory_lock(:lock)"), {"lock": _LOCK})
    connection.execute(text(f"SET lock_timeout = '{_WAIT_FOR_TABLE}'"))
    connection.commit()
    # Given back with the connection, which is closed whatever happens.
    yield


@contextmanager
def _connected(url: str) -> Iterator[Connection]:
    engine = create_engine(make_url(url).set(drivername="postgresql+psycopg"), poolclass=NullPool)
    with engine.connect() as connection:
        yield connection
