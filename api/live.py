"""One LISTEN connection a process, handed on to every open stream.

Payloads are nudges with ids only: streams read the rows. What is told:

* `campaign_events`: a wish's id, the event's number, its owner's id;
* `campaign_looks`: wishes that a look has served, each with its owner's id;
* `session_ends`: a browser's session that was ended.

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

from db.queries.fares import LOOKS_CHANNEL
from db.queries.transitions import EVENTS_CHANNEL
from db.queries.web_sessions import SESSION_ENDS_CHANNEL
from db.session import Database

_log = logging.getLogger("api")
_RECONNECT_SECONDS = (0.2, 1.0, 5.0)


class Subscription:
    """A stream's ear: set when there may be something new. `looks`: whether a look is news."""

    def __init__(self, *, looks: bool) -> None:
        self._changed = asyncio.Event()
        self.looks = looks
        self.closing = False

    def nudge(self) -> None:
        self._changed.set()

    def close(self) -> None:
        self.closing = True
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
        self.listening = False
        """Whether nudges arrive at this moment; while they do not, streams look by themselves."""

    def start(self) -> None:
        self._task = asyncio.create_task(self._listen(), name="live-feed")

    async def stop(self) -> None:
        for subscription in self._everyone():
            subscription.close()
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    @asynccontextmanager
    async def subscribe(
        self, subject_id: UUID, *, session_id: UUID | None = None, looks: bool = False
    ) -> AsyncIterator[Subscription]:
        """Be nudged about a wish, or all wishes of a person; closed when the session ends."""
        subscription = Subscription(looks=looks)
        subjects = [subject_id] if session_id is None else [subject_id, session_id]
        for subject in subjects:
            self._subscribers[subject].add(subscription)
        try:
            yield subscription
        finally:
            for subject in subjects:
                self._subscribers[subject].discard(subscription)
                if not self._subscribers[subject]:
                    del self._subscribers[subject]

    async def _listen(self) -> None:
        failures = 0
        while True:
            try:
                channels = (EVENTS_CHANNEL, LOOKS_CHANNEL, SESSION_ENDS_CHANNEL)
                async with self._database.listen_to(channels) as payloads:
                    failures = 0
                    self.listening = True
                    self._nudge_all()
                    async for channel, payload in payloads:
                        self._hand_on(channel, payload)
            except (psycopg.Error, OSError) as error:
                _log.warning("listening interrupted error=%s", type(error).__name__)
            finally:
                self.listening = False
            self._nudge_all()
            await asyncio.sleep(_RECONNECT_SECONDS[min(failures, len(_RECONNECT_SECONDS) - 1)])
            failures += 1

    def _hand_on(self, channel: str, payload: str) -> None:
        with contextlib.suppress(ValueError):
            if channel == SESSION_ENDS_CHANNEL:
                for subscription in self._of(payload):
                    subscription.close()
            elif channel == LOOKS_CHANNEL:
                for told in payload.split(","):
                    for subject in told.split(":"):
                        for subscription in self._of(subject):
                            if subscription.looks:
                                subscription.nudge()
            else:
                campaign, _, rest = payload.partition(":")
                for subject in (campaign, rest.partition(":")[2]):
                    for subscription in self._of(subject):
                        subscription.nudge()

    def _of(self, subject: str) -> list[Subscription]:
        return list(self._subscribers.get(UUID(subject), ()))

    def _nudge_all(self) -> None:
        for subscription in self._everyone():
            subscription.nudge()

    def _everyone(self) -> list[Subscription]:
        return [one for group in self._subscribers.values() for one in group]
