"""A house for each test; how it is furnished differs from test to test."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import pytest
from house import House, open_house
from replays import replay_everything
from sandbox import Sandbox
from skipping import address_of
from temporal_servers import SharedServers

Furnish = Callable[..., AbstractAsyncContextManager[House]]


@pytest.fixture
def furnish(database_url: str, clean_sandbox: Sandbox, temporal_servers: SharedServers) -> Furnish:
    """Return a way to open a house whose policy and workers the test chooses."""

    @asynccontextmanager
    async def furnished(**choices: Any) -> AsyncIterator[House]:
        async with temporal_servers.namespace() as server:
            client, address = server.client, address_of(server)
            async with open_house(database_url, clean_sandbox, client, address, **choices) as house:
                yield house
            await replay_everything(client)

    return furnished
