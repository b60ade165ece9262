"""What Temporal is told of a provider's failure."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest
from temporalio.testing import ActivityEnvironment

from activities import failures
from activities.failures import (
    RATE_LIMIT_PAUSE,
    RATE_LIMIT_PAUSE_MAX,
    heartbeats,
    to_application_error,
)
from domain.breakers import PAUSE
from providers.breaker import LEFT_ALONE
from providers.errors import (
    BadAnswer,
    CredentialsRefused,
    OutcomeUnknown,
    ProviderRefused,
    ProviderUnavailable,
    RateLimited,
)


@pytest.mark.parametrize(
    ("kind", "final"),
    [
        (ProviderUnavailable, False),
        (OutcomeUnknown, False),
        (BadAnswer, False),
        (ProviderRefused, True),
        (CredentialsRefused, True),
    ],
)
def test_its_name_and_whether_to_try_again(kind: type, final: bool) -> None:
    error = to_application_error(kind("duffel", "create_order", "code"))
    assert (error.type, error.non_retryable) == (kind.__name__, final)
    assert error.next_retry_delay is None


def test_a_limit_is_waited_for_within_reason() -> None:
    def pause(retry_at: datetime | None) -> timedelta | None:
        limited = RateLimited("duffel", "create_order", retry_at)
        return to_application_error(limited).next_retry_delay

    now = datetime.now(UTC)
    assert pause(None) == RATE_LIMIT_PAUSE
    assert pause(now - timedelta(hours=1)) == timedelta(seconds=1)
    assert pause(now + timedelta(hours=1)) == RATE_LIMIT_PAUSE_MAX


def test_nobody_waits_ever_longer_for_a_vendor_that_is_left_alone() -> None:
    error = to_application_error(ProviderUnavailable("duffel", "create_order", LEFT_ALONE))
    assert not error.non_retryable
    assert error.next_retry_delay is not None
    assert PAUSE / 2 <= error.next_retry_delay <= PAUSE * 1.1


async def test_a_short_call_gives_no_sign_of_life_but_many_or_a_long_one_do(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(failures, "FIRST_HEARTBEAT_SECONDS", 0.05)
    signs = asyncio.Event()

    async def short(*, until: Callable[[], bool]) -> None:
        while True:
            async with heartbeats():
                await asyncio.sleep(0)
            if until():
                return

    async def long() -> None:
        async with heartbeats():
            await signs.wait()

    async def run(call: Callable[[], Awaitable[None]]) -> bool:
        signs.clear()
        environment = ActivityEnvironment()
        environment.on_heartbeat = lambda *_: signs.set()
        await asyncio.create_task(environment.run(call))  # a task of its own, as in a worker
        return signs.is_set()

    assert not await run(partial(short, until=lambda: True))
    assert await run(long)
    assert await run(partial(short, until=signs.is_set))
