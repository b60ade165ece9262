"""A house for each test; how it is furnished differs from test to test."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from functools import partial

import pytest
from house import House
from sandbox import Sandbox
from temporal_servers import SharedServers

Furnish = Callable[..., AbstractAsyncContextManager[House]]


@pytest.fixture
def furnish(database_url: str, clean_sandbox: Sandbox, temporal_servers: SharedServers) -> Furnish:
    """Return a way to open a house whose policy and workers the test chooses."""
    return partial(temporal_servers.house, database_url, clean_sandbox)
