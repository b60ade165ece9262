"""Fixtures for all tests: a real Postgres, and a fresh migrated database for each test.

The database layer is imported by the fixtures that need it, so that a test of something else
starts at once.
"""

import gc
import itertools
import os
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import coverage_gate
import pytest
from hypothesis import HealthCheck, settings
from in_memory import folder_in_memory

if TYPE_CHECKING:
    from sandbox import Sandbox
    from temporal_servers import SharedServers

    from db.session import Database

# How long an example takes says how busy the machine is.
settings.register_profile("unhurried", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("unhurried")

# A client that may speak TLS reads all of the world's authorities, which takes it 20 ms each time.
# Nobody here has a certificate from any of them; a test of certificates brings its own.
os.environ["SSL_CERT_FILE"] = str(Path(__file__).parent / "support" / "nobody.pem")

# Temporal's servers have little in memory here, which is collected often for that.
os.environ.setdefault("GOGC", "800")

# What is thrown away need not go through a disk's file system; pytest keeps the last run.
if _memory := folder_in_memory():
    os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(_memory))

_numbers = itertools.count(1)


def pytest_configure(config: pytest.Config) -> None:
    """Count the branches taken, where the whole suite is judged."""
    coverage_gate.configure(config)
    # Thousands of tests and all that they import stay for good; little of what is made is garbage
    # that the count of references does not find.
    gc.set_threshold(10_000, 20, 20)


def pytest_collection_finish() -> None:
    """Look no more for garbage among what was collected."""
    gc.freeze()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> object:
    """Hand out whole files; see `sharing`."""
    from sharing import FilesOfOneStack

    return FilesOfOneStack(config, log)


_COUNTED = "counted"
Counted = Callable[[str], None]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print what tests of many cases counted."""
    for report in itertools.chain(*terminalreporter.stats.values()):
        if isinstance(report, pytest.TestReport) and report.when == "call":
            for name, line in report.user_properties:
                if name == _COUNTED:
                    terminalreporter.write_line(str(line))


@pytest.fixture
def counted(record_property: Callable[[str, object], None]) -> Counted:
    """Return what shows a line of figures below the tests' results."""
    return lambda line: record_property(_COUNTED, line)


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """Start a server of this run's own; its `parker_template` database is migrated."""
    from postgres import running_postgres

    with running_postgres() as url:
        yield url


@pytest.fixture
def empty_database_url(postgres_url: str) -> Iterator[str]:
    """Return a database without a schema."""
    yield from _temporary_database(postgres_url, "template1")


@pytest.fixture
def database_url(postgres_url: str) -> Iterator[str]:
    """Return a migrated database that is this test's alone."""
    from postgres import TEMPLATE

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


def _temporary_database(server_url: str, template: str) -> Iterator[str]:
    from postgres import temporary_database

    with temporary_database(server_url, f"test_{next(_numbers)}", template) as url:
        yield url


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


@pytest.fixture(scope="session")
async def temporal_servers() -> "AsyncIterator[SharedServers]":
    """Return what gives each test a namespace of its own on a real Temporal server."""
    from temporal_servers import SharedServers

    servers = SharedServers()
    yield servers
    await servers.aclose()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes longest, most of it waiting, and let a starved machine be starved.

    A workflow that is not scheduled for two seconds is interrupted by the SDK and simply taken up
    again. If that meets the garbage collector, Python can only print the interruption.
    """
    from sharing import seconds_of

    items.sort(key=lambda item: seconds_of(item.nodeid), reverse=True)
    folders = {"workflows", "search", "faults", "api"}
    for item in items:
        if folders & set(item.path.parts):
            mark = "ignore:Exception ignored in:pytest.PytestUnraisableExceptionWarning"
            item.add_marker(pytest.mark.filterwarnings(mark))
