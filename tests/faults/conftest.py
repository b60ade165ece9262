"""One stage for all faults of a file: Postgres, Temporal, sandboxes; workers come and go."""

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
async def points(stage: Stage) -> list[Point]:
    """Return every place at which something can go wrong, as clean runs came by it."""
    worker = await stage.worker(patience=PATIENCE)
    found = new_points(await stage.record(SCENARIOS))
    worker.end()
    return found
