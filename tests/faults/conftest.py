"""One stage for all faults of a file: Postgres, Temporal, sandboxes; workers come and go."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import psycopg
import pytest
from fault_stage import Stage, open_stage
from house import MASTER_KEYS
from sandbox import running_sandbox
from sqlalchemy import make_url
from temporalio.testing import WorkflowEnvironment

from runtime.crypto import MasterKeys
from runtime.temporal import data_converter, dev_server_extra_args, temporal_binary
from tests.faults.matrix import SCENARIOS, Point, new_points
from tests.faults.verdict import PATIENCE


@pytest.fixture(scope="module")
def stage_database_url(postgres_url: str) -> Iterator[str]:
    """Return a migrated database of the module's own."""
    name = "faults"
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE parker_template")
        yield make_url(postgres_url).set(database=name).render_as_string(hide_password=False)
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(scope="module")
async def stage(
    stage_database_url: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Stage]:
    folder: Path = tmp_path_factory.mktemp("faults")
    environment = await WorkflowEnvironment.start_local(
        data_converter=data_converter(MasterKeys.parse(MASTER_KEYS)),
        dev_server_existing_path=temporal_binary(),
        dev_server_log_level="error",
        dev_server_extra_args=dev_server_extra_args(time_skipping=True),
    )
    address = environment.client.service_client.config.target_host
    async with environment:
        with running_sandbox(tmp_path_factory.mktemp("faults-sandbox")) as sandbox:
            async with open_stage(
                stage_database_url, sandbox, environment.client, address, folder
            ) as opened:
                yield opened


@pytest.fixture(scope="module")
async def points(stage: Stage) -> list[Point]:
    """Return every place at which something can go wrong, as clean runs came by it."""
    worker = await stage.worker(patience=PATIENCE)
    found = new_points(await stage.record(SCENARIOS))
    worker.end()
    return found
