"""One place where a provider's failure becomes what Temporal understands.

The types are written where they are raised; retry policies match on them:
`RateLimited` and `ProviderUnavailable` (nothing happened, retried), `OutcomeUnknown` (retried: only
raised by calls that are safe to repeat), `BadAnswer` (retried a few times by its policy),
`CredentialsRefused` and `ProviderRefused` (never retried).
"""

import asyncio
import random
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from contextvars import ContextVar
from datetime import UTC, datetime, timedelta

from temporalio import activity
from temporalio.exceptions import ApplicationError

from domain.breakers import PAUSE
from providers.breaker import LEFT_ALONE
from providers.errors import CredentialsRefused, ProviderError, ProviderRefused, RateLimited

HEARTBEAT_SECONDS = 2.0
# Most calls are over before that, and each sign of life is a call to Temporal and a write there.
FIRST_HEARTBEAT_SECONDS = 1.0
RATE_LIMIT_PAUSE = timedelta(seconds=5)
RATE_LIMIT_PAUSE_MAX = timedelta(seconds=90)


class _LastSign:
    """When an activity last showed that it lives; before the first time, when it began to."""

    def __init__(self) -> None:
        self._at = time.monotonic()

    def due_in(self) -> float:
        return self._at + FIRST_HEARTBEAT_SECONDS - time.monotonic()

    def give(self) -> None:
        activity.heartbeat()
        self._at = time.monotonic()


_last_sign: ContextVar[_LastSign | None] = ContextVar("last_sign", default=None)


@asynccontextmanager
async def provider_call() -> AsyncIterator[None]:
    """Heartbeat while a provider is asked, and translate what it may raise.

    Raises:
        ApplicationError: with the type names listed at the top of this module.
    """
    try:
        async with heartbeats():
            yield
    except ProviderError as error:
        raise to_application_error(error) from error


@asynccontextmanager
async def heartbeats() -> AsyncIterator[None]:
    """Say that this worker lives, as long as the block runs.

    An activity of many short blocks says it as well: its blocks know of each other.
    """
    last = _last_sign.get()
    if last is None:
        last = _LastSign()
        _last_sign.set(last)
    elif last.due_in() <= 0:
        last.give()
    beating = asyncio.create_task(_heartbeat(last))
    try:
        yield
    finally:
        beating.cancel()


def to_application_error(error: ProviderError) -> ApplicationError:
    name = type(error).__name__
    if isinstance(error, RateLimited):
        return ApplicationError(str(error), type=name, next_retry_delay=_pause(error.retry_at))
    if error.code == LEFT_ALONE:
        return ApplicationError(str(error), type=name, next_retry_delay=_left_alone_for())
    final = isinstance(error, CredentialsRefused | ProviderRefused)
    return ApplicationError(str(error), type=name, non_retryable=final)


def _left_alone_for() -> timedelta:
    """Return a pause after which the vendor may be asked again.

    Not ever longer ones: when it is back, nobody waits for what grew while nothing was asked.
    Of many that wait, one comes first and tries; the others find the way open.
    """
    return PAUSE * random.uniform(0.5, 1.1)  # noqa: S311 - no secret


def _pause(retry_at: datetime | None) -> timedelta:
    if retry_at is None:
        return RATE_LIMIT_PAUSE
    # The vendor's window is real time, whatever clock the workflow lives on.
    wait = retry_at - datetime.now(UTC)
    return min(max(wait, timedelta(seconds=1)), RATE_LIMIT_PAUSE_MAX)


async def _heartbeat(last: _LastSign) -> None:
    await asyncio.sleep(last.due_in())
    while True:
        last.give()
        await asyncio.sleep(HEARTBEAT_SECONDS)
