"""A Temporal server of a test's own whose clocks can be moved, and a house on it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from house import MASTER_KEYS, House, open_house
from replays import replay_everything
from sandbox import Sandbox
from temporalio.testing import WorkflowEnvironment

from runtime.crypto import MasterKeys
from runtime.temporal import data_converter, dev_server_extra_args, temporal_binary

_STARTS = 3  # further ones, where a server was not ready when it was asked


@asynccontextmanager
async def server_with_skipping() -> AsyncIterator[WorkflowEnvironment]:
    async with await _started() as environment:
        yield environment


async def _started() -> WorkflowEnvironment:
    """Start a server; on a busy machine it may answer a moment before it is of use."""
    for _ in range(_STARTS):
        try:
            return await _start()
        except RuntimeError as error:
            if "not healthy yet" not in str(error):
                raise
    return await _start()


async def _start() -> WorkflowEnvironment:
    return await WorkflowEnvironment.start_local(
        data_converter=data_converter(MasterKeys.parse(MASTER_KEYS)),
        dev_server_existing_path=temporal_binary(),
        dev_server_log_level="error",
        dev_server_extra_args=dev_server_extra_args(time_skipping=True),
    )


@asynccontextmanager
async def skipping_server() -> AsyncIterator[WorkflowEnvironment]:
    async with server_with_skipping() as environment:
        yield environment
        # The workers have stopped: every history that the test made must replay.
        await replay_everything(environment.client)


def address_of(server: WorkflowEnvironment) -> str:
    return server.client.service_client.config.target_host


@asynccontextmanager
async def house_of_its_own(
    database_url: str, sandbox: Sandbox, **choices: Any
) -> AsyncIterator[House]:
    """Open a house whose policy and workers the test chooses."""
    async with skipping_server() as server:
        address = address_of(server)
        async with open_house(database_url, sandbox, server.client, address, **choices) as house:
            yield house
