"""A desk of its own for each test."""

from collections.abc import AsyncIterator

import pytest
from activity_desk import PATIENCE, Desk
from house import House, settings_for
from sandbox import Sandbox

from db.session import WORKER_ROLE, Database
from providers.duffel.client import Timeouts
from providers.registry import build_providers
from worker import Activities


@pytest.fixture
async def desk(database_url: str, clean_sandbox: Sandbox) -> AsyncIterator[Desk]:
    settings = settings_for(database_url, clean_sandbox, "127.0.0.1:1")
    database = Database(database_url, role=WORKER_ROLE, pool_size=5)
    providers = await build_providers(
        settings, duffel_timeouts=Timeouts(*[PATIENCE] * 4), stripe_timeout_seconds=PATIENCE
    )
    house = House(settings, database, None, providers, clean_sandbox)
    yield Desk(house, Activities(settings, database, providers))
    await providers.aclose()
    await database.close()
