"""One stage for all faults of a file: Postgres, Temporal, sandboxes; workers come and go."""

import asyncio
import fcntl
import os
import pickle
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from fault_stage import Stage, open_stage
from postgres import temporary_database
from sandbox import running_sandbox
from skipping import address_of, server_with_skipping

from tests.faults.matrix import SCENARIOS, Point, new_points
from tests.faults.verdict import PATIENCE


@pytest.fixture(scope="module")
def stage_database_url(postgres_url: str) -> Iterator[str]:
    """Return a migrated database of the module's own."""
    with temporary_database(postgres_url, "faults") as url:
        yield url


@pytest.fixture(scope="module")
async def stage(
    stage_database_url: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Stage]:
    folder: Path = tmp_path_factory.mktemp("faults")
    async with server_with_skipping() as server:
        with running_sandbox(tmp_path_factory.mktemp("faults-sandbox")) as sandbox:
            async with open_stage(
                stage_database_url, sandbox, server.client, address_of(server), folder
            ) as opened:
                yield opened


@pytest.fixture(scope="module")
async def points(stage: Stage, tmp_path_factory: pytest.TempPathFactory) -> list[Point]:
    """Return every place at which something can go wrong, as clean runs came by it.

    One of pytest's processes records them for all.
    """
    shared = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        shared = shared.parent
    recorded = shared / "points"
    with (shared / "points.lock").open("w") as lock:
        await asyncio.to_thread(fcntl.flock, lock, fcntl.LOCK_EX)
        if not recorded.exists():
            worker = await stage.worker(patience=PATIENCE)
            found = new_points(await stage.record(SCENARIOS))
            worker.end()
            recorded.write_bytes(pickle.dumps((found, stage.seen)))
    found, stage.seen = pickle.loads(recorded.read_bytes())
    return found
