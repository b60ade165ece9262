"""A throwaway installation, with the product's workers inside the benchmark or as it runs."""

import contextlib
import sys
from collections.abc import AsyncIterator, Collection, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

from temporalio.client import Client

import worker as product
from cli.stack import PARTS, Stack
from db.session import WORKER_ROLE, Database
from db.vault import PersonalVault, vault_of
from providers.registry import Providers, build_providers, no_extra_headers
from runtime.settings import Settings
from runtime.temporal import connect, set_search_queue_limit

SERVERS = ("temporal", "sandboxes", "postgres", "migrate")
# The seller's quota and the day's spending cap are rules, not speed.
_UNBOUNDED = {
    "SANDBOX_SEARCH_RATE": "1000000",
    "PARKER_POLICY_SEARCHES_PER_MINUTE": "6000",
    "PARKER_POLICY_SPENDING_CAP_DAILY": "USD:90000000",
    # What is printed for a booked traveller is no part of booking.
    "PARKER_NOTICES_ENCLOSE_PDFS": "false",
}


@contextlib.contextmanager
def installation(
    only: Collection[str] = PARTS,
    *,
    time_skipping: bool = False,
    env: Mapping[str, str] | None = None,
) -> Iterator[Stack]:
    """Start a throwaway stack; nothing of it is left when the block ends."""
    stack = Stack.temporary(
        only=only,
        time_skipping=time_skipping,
        simulated_clock=time_skipping,
        extra_env=_UNBOUNDED | dict(env or {}),
    )
    with stack:
        yield stack


def pids(stack: Stack, *names: str) -> dict[str, int]:
    """Return the process ids of the parts that run."""
    found = {name: stack.supervisor.pid(name) for name in names if stack.has(name)}
    return {name: pid for name, pid in found.items() if pid is not None}


@dataclass(frozen=True)
class Inside:
    """The product's parts, inside this process, so that calls can be timed one by one."""

    stack: Stack
    settings: Settings
    database: Database
    client: Client
    providers: Providers
    activities: product.Activities
    vault: PersonalVault


@asynccontextmanager
async def inside(stack: Stack, *, wrap: Any = None, workers: bool = True) -> AsyncIterator[Inside]:
    """Run the workers in this process; `wrap` may put something around the providers."""
    settings = stack.settings
    sys.setswitchinterval(product.SWITCH_SECONDS)  # as the worker does
    async with AsyncExitStack() as opened:
        words = vault_of(settings).words(opens=False)
        database = Database(settings.database_url, role=WORKER_ROLE, pool_size=20, words=words)
        opened.push_async_callback(database.close)
        hook = product.simulated_clock if settings.simulated_clock else no_extra_headers
        providers = await build_providers(settings, hook)
        opened.push_async_callback(providers.aclose)
        seen = wrap(providers) if wrap else providers
        client = await connect(settings)
        await set_search_queue_limit(client, settings.policy.searches_per_second)
        activities = product.Activities(settings, database, seen)
        if workers:
            for each in product.build_workers(client, settings, activities):
                await opened.enter_async_context(each)
        yield Inside(stack, settings, database, client, providers, activities, vault_of(settings))
