"""A house for each test; how it is furnished differs from test to test."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from functools import partial

import pytest
from house import House
from sandbox import Sandbox
from skipping import house_of_its_own

Furnish = Callable[..., AbstractAsyncContextManager[House]]


@pytest.fixture
def furnish(database_url: str, clean_sandbox: Sandbox) -> Furnish:
    """Return a way to open a house whose policy and workers the test chooses."""
    return partial(house_of_its_own, database_url, clean_sandbox)
