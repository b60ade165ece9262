"""One LISTEN connection a process, handed on to every open stream.

A payload is only a nudge with a campaign's id and the event's number: streams read the rows.
After a lost connection every stream is nudged, since nobody knows what was missed.
"""

import asyncio
import contextlib
import logging
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID

import psycopg

from db.session import Database

_log = logging.getLogger("api")
CHANNEL = "campaign_events"
_RECONNECT_SECONDS = (0.2, 1.0, 5.0)


class Subscription:
    """A stream's ear: set when there may be something new."""

    def __init__(self) -> None:
        self._changed = asyncio.Event()
        self.closing = False

    def nudge(self) -> None:
        self._changed.set()

    async def wait(self, seconds: float) -> bool:
        """Wait for a nudge; False when the time passed without one."""
        try:
            async with asyncio.timeout(seconds):
                await self._changed.wait()
        except TimeoutError:
            return False
        self._changed.clear()
        return True


class LiveFeed:
    """Listens while the application runs."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._subscribers: dict[UUID, set[Subscription]] = defaultdict(set)
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = asyncio.create_task(self._listen(), name="live-feed")

    async def stop(self) -> None:
        for subscription in self._everyone():
            subscription.closing = True
            subscription.nudge()
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    @asynccontextmanager
    async def subscribe(self, campaign_id: UUID) -> AsyncIterator[Subscription]:
        subscription = Subscription()
        self._subscribers[campaign_id].add(subscription)
        try:
            yield subscription
        finally:
            self._subscribers[campaign_id].discard(subscription)
            if not self._subscribers[campaign_id]:
                del self._subscribers[campaign_id]

    async def _listen(self) -> None:
        failures = 0
        while True:
            try:
                async with self._database.listen(CHANNEL) as payloads:
                    failures = 0
                    self._nudge_all()
                    async for payload in payloads:
                        self._hand_on(payload)
            except (psycopg.Error, OSError) as error:
                _log.warning("listening interrupted error=%s", type(error).__name__)
            await asyncio.sleep(_RECONNECT_SECONDS[min(failures, len(_RECONNECT_SECONDS) - 1)])
            failures += 1

    def _hand_on(self, payload: str) -> None:
        campaign, _, _ = payload.partition(":")
        with contextlib.suppress(ValueError):
            for subscription in self._subscribers.get(UUID(campaign), ()):
                subscription.nudge()

    def _nudge_all(self) -> None:
        for subscription in self._everyone():
            subscription.nudge()

    def _everyone(self) -> list[Subscription]:
        return [one for group in self._subscribers.values() for one in group]
