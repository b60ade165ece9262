"""A Temporal server of a test's own whose clocks can be moved."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from house import MASTER_KEYS
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


def address_of(server: WorkflowEnvironment) -> str:
    return server.client.service_client.config.target_host
