"""A Temporal server for each test; how a house is furnished differs from test to test."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import pytest
from house import MASTER_KEYS, House, open_house
from sandbox import Sandbox
from temporalio.testing import WorkflowEnvironment

from runtime.crypto import MasterKeys
from runtime.temporal import data_converter, dev_server_extra_args, temporal_binary

Furnish = Callable[..., AbstractAsyncContextManager[House]]


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


@pytest.fixture
def furnish(temporal: WorkflowEnvironment, database_url: str, clean_sandbox: Sandbox) -> Furnish:
    """Return a way to open a house whose policy and workers the test chooses."""
    address = temporal.client.service_client.config.target_host

    def opened(**choices: Any) -> AbstractAsyncContextManager[House]:
        return open_house(database_url, clean_sandbox, temporal.client, address, **choices)

    return opened
