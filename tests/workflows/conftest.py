"""A Temporal namespace for each test, and the product's workers in this process."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from functools import partial

import pytest
from fault_worker import marked
from house import House, open_house
from replays import replay_everything
from sandbox import Sandbox
from skipping import address_of
from temporal_servers import SharedServers
from temporalio.testing import WorkflowEnvironment

Furnish = Callable[..., AbstractAsyncContextManager[House]]


@pytest.fixture
async def temporal(temporal_servers: SharedServers) -> AsyncIterator[WorkflowEnvironment]:
    async with temporal_servers.namespace() as server:
        yield server
        # The workers have stopped: every history that the test made must replay.
        await replay_everything(server.client)


@pytest.fixture
def address(temporal: WorkflowEnvironment) -> str:
    return address_of(temporal)


@pytest.fixture
def furnish(
    temporal: WorkflowEnvironment, database_url: str, clean_sandbox: Sandbox, address: str
) -> Furnish:
    """Return a way to open a house whose policy and workers the test chooses."""
    return partial(open_house, database_url, clean_sandbox, temporal.client, address)


@pytest.fixture
async def house(furnish: Furnish) -> AsyncIterator[House]:
    async with furnish() as opened:
        yield opened


@pytest.fixture
async def simulated(
    furnish: Furnish,
) -> AsyncIterator[House]:
    """Return a house whose providers go by each workflow's clock and are not waited for long.

    They are told which workflow calls, so that a fault can be aimed at one.
    """
    async with furnish(extra_headers=marked, patience=1.0) as opened:
        yield opened
