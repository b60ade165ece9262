"""A Temporal server for each test, and the product's workers in this process."""

from collections.abc import AsyncIterator

import pytest
from house import MASTER_KEYS, House, open_house
from replays import replay_everything
from sandbox import Sandbox
from temporalio.testing import WorkflowEnvironment

from runtime.crypto import MasterKeys
from runtime.temporal import data_converter, dev_server_extra_args, temporal_binary


@pytest.fixture
async def temporal() -> AsyncIterator[WorkflowEnvironment]:
    environment = await WorkflowEnvironment.start_local(
        data_converter=data_converter(MasterKeys.parse(MASTER_KEYS)),
        dev_server_existing_path=temporal_binary(),
        dev_server_log_level="error",
        dev_server_extra_args=dev_server_extra_args(time_skipping=True),
    )
    async with environment:
        yield environment
        # The workers have stopped: every history that the test made must replay.
        await replay_everything(environment.client)


@pytest.fixture
def address(temporal: WorkflowEnvironment) -> str:
    return temporal.client.service_client.config.target_host


@pytest.fixture
async def house(
    temporal: WorkflowEnvironment, database_url: str, clean_sandbox: Sandbox, address: str
) -> AsyncIterator[House]:
    async with open_house(database_url, clean_sandbox, temporal.client, address) as opened:
        yield opened


@pytest.fixture
async def simulated(
    temporal: WorkflowEnvironment, database_url: str, clean_sandbox: Sandbox, address: str
) -> AsyncIterator[House]:
    """Return a house whose providers go by each workflow's clock and are not waited for long."""
    from worker import simulated_clock

    async with open_house(
        database_url, clean_sandbox, temporal.client, address,
        extra_headers=simulated_clock, patience=1.0,
    ) as opened:  # fmt: skip
        yield opened
