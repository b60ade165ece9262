"""Clearing away what was kept long enough, and holding what was forgotten forgotten."""

from datetime import datetime, timedelta
from uuid import UUID

from temporalio import activity
from temporalio.common import RetryPolicy

from activities.failures import heartbeats
from activities.offers import WORKER
from activities.options import HEARTBEAT_TIMEOUT, ActivityOptions
from db.journal import remember
from db.queries.audit import write_down
from db.queries.erasures import (
    erased_people,
    erased_travelers,
    forget_person,
    never_confirmed,
    open_erasures,
    people_not_erased,
)
from db.queries.retained import drop_retained
from db.queries.retention import end_mandates, steps_of
from db.retained import keep_receipts
from db.session import Database
from db.vault import PersonalVault
from domain.audit import Action, Entry
from domain.journal import Act
from domain.retention import PERIODS, Sweep
from runtime.clock import activity_now
from runtime.privacy_settings import PrivacySettings

# A day's worth is small; a first run over years may take its time, a batch a transaction.
CLEAR = ActivityOptions(
    start_to_close_timeout=timedelta(hours=2),
    heartbeat_timeout=HEARTBEAT_TIMEOUT,
    retry_policy=RetryPolicy(
        initial_interval=timedelta(seconds=5),
        maximum_interval=timedelta(minutes=10),
        # Half an hour in all: one kind that cannot be cleared must not keep the others for ever.
        maximum_attempts=10,
    ),
)
BATCH = 5_000
_PEOPLE = 50  # somebody has rows in many tables
_YEAR = timedelta(days=365.25)


class RetentionActivities:
    def __init__(
        self,
        database: Database,
        vault: PersonalVault,
        privacy: PrivacySettings,
        *,
        batch: int = BATCH,
    ) -> None:
        self._database, self._vault, self._privacy = database, vault, privacy
        self._batch = batch

    @activity.defn
    async def find_erasures(self) -> list[UUID]:
        """Find what a process has to be looking after, whoever died before starting it."""
        async with self._database.transaction(WORKER) as session:
            return [row.id for row in await open_erasures(session)]

    @activity.defn
    async def forget_again(self) -> int:
        """Hold the rows and the keys against each other: an older backup of either came back.

        The keys of everybody erased go again; rows of somebody whose keys were destroyed go too.
        """
        now = activity_now()
        async with self._database.transaction(WORKER) as session:
            for user_id in await erased_people(session):
                self._vault.forget_person(user_id)
            for user_id, travelers in (await erased_travelers(session)).items():
                self._vault.forget_subjects(user_id, travelers)
            returned = await people_not_erased(session, self._vault.forgotten_people())
        for user_id in returned:
            async with heartbeats(), self._database.transaction(WORKER) as session:
                years = self._privacy.receipts_years
                await keep_receipts(session, self._vault, user_id, years=years, now=now)
                await forget_person(session, user_id, now)
        return len(returned)

    @activity.defn
    async def clear_away(self, sweep: Sweep) -> int:
        """Clear away one kind of thing; return how many rows went."""
        now = activity_now()
        cleared = await self._clear(sweep, now)
        async with self._database.transaction(WORKER) as session:
            # Also where nothing was due: that it ran is what somebody asks about.
            run = activity.info().workflow_run_id or ""
            facts = {"kind": sweep.value, "removed": cleared}
            await write_down(
                session, Entry(Action.RETENTION_RAN, "retention", run, after=facts), now
            )
        return cleared

    async def _clear(self, sweep: Sweep, now: datetime) -> int:
        if sweep is Sweep.RECORDS:
            return await self._end_records(now)
        before, cleared = now - PERIODS[sweep].span, 0
        if sweep is Sweep.UNCONFIRMED:
            return await self._forget_unconfirmed(before, now)
        async with heartbeats():
            for step in steps_of(sweep):
                while True:
                    async with self._database.transaction(WORKER) as session:
                        gone = await step(session, before, self._batch)
                    cleared += gone
                    if gone < self._batch:
                        break
        return cleared

    async def _forget_unconfirmed(self, before: datetime, now: datetime) -> int:
        """Erase accounts that nobody took up. Their keys go after their rows, as ever."""
        forgotten, most = 0, min(self._batch, _PEOPLE)
        async with heartbeats():
            while True:
                async with self._database.transaction(WORKER) as session:
                    people = await never_confirmed(session, before, most)
                    for user_id in people:
                        remember(session, Act.ERASED, "erasures", [user_id], user_id, at=now)
                        await forget_person(session, user_id, now)
                for user_id in people:
                    self._vault.forget_person(user_id)
                forgotten += len(people)
                if len(people) < most:
                    return forgotten

    async def _end_records(self, now: datetime) -> int:
        today = now.date()
        async with self._database.transaction(WORKER) as session:
            gone = await drop_retained(session, today)
            gone += await end_mandates(session, now - _YEAR * self._privacy.mandates_years)
        self._vault.end_retention(today)
        return gone
