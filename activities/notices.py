"""Telling travellers: pending letters become e-mail, at least once, under a stable Message-ID."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from typing import Protocol
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession
from temporalio import activity
from temporalio.common import RetryPolicy
from temporalio.service import RPCError

from activities.failures import heartbeats, provider_call
from activities.letters import write_mail
from activities.offers import WORKER
from activities.options import HEARTBEAT_TIMEOUT, ActivityOptions
from activities.webhooks import WebhookDeliveries
from db.models import NoticeRow
from db.models.notice import NoticeState
from db.queries.attempts import open_task
from db.queries.notices import (
    NewNotice,
    add_notices,
    due_notices,
    message_id,
    next_due,
    owners_waiting,
    pending_notices,
    people_untold,
    take_pending,
)
from db.queries.users import get_user
from db.queries.webhooks import next_delivery, owners_undelivered, people_undelivered
from db.session import Database
from db.telling import address_of, facts_of, link_of
from db.vault import PersonalVault
from domain.ids import BookingId, CampaignId, UserId, derive
from domain.letters import Letter, NoticeFacts
from domain.messages.notices import Sweep, SweepInput, TellingInput, telling_workflow_id
from domain.notices import compose
from domain.words import Words
from providers.errors import ProviderRefused
from providers.ports import Attachment, MailSender, OutgoingMail
from runtime.catalogue import language_of, translator
from runtime.clock import activity_now
from runtime.key_store import KeyDestroyed
from runtime.temporal import MAIN_QUEUE, RPC_TIMEOUT

# Given up for now after a day; the row stays pending and the next round takes it along.
SEND_NOTICES = ActivityOptions(
    start_to_close_timeout=timedelta(minutes=2),
    schedule_to_close_timeout=timedelta(days=1),
    heartbeat_timeout=HEARTBEAT_TIMEOUT,
    retry_policy=RetryPolicy(
        initial_interval=timedelta(seconds=2), maximum_interval=timedelta(minutes=10)
    ),
)

# Each holds a connection to Postgres while it waits for the mail server: a silent one must not
# keep bookings from theirs.
SENDERS = 4

Wake = Callable[[UserId], Awaitable[None]]


class Enclose(Protocol):
    """Makes what a letter encloses; the worker hands it in, since it is made as pages are."""

    async def __call__(
        self, session: AsyncSession, notice: NoticeRow, *, zone: str, now: datetime
    ) -> tuple[Attachment, ...]:
        """Return the files of a notice; none where it has none, or where they cannot be made."""
        ...


_log = logging.getLogger("notices")


async def wake_telling(user_id: UserId) -> None:
    """Have somebody's telling run beside us: something is to be sent at an hour to come.

    Should it fail, a schedule finds what is overdue.
    """
    try:
        await activity.client().start_workflow(
            "TellingWorkflow",
            TellingInput(user_id=user_id),
            id=telling_workflow_id(user_id),
            task_queue=MAIN_QUEUE,
            start_signal="tell",
            rpc_timeout=RPC_TIMEOUT,
        )
    except RPCError as error:
        _log.warning("telling is left to the schedule error=%s", error.status.name)


class NoticeActivities:
    def __init__(
        self,
        database: Database,
        vault: PersonalVault,
        mail: MailSender,
        *,
        base_url: str,
        link_secret: str,
        sandbox: bool,
        hooks: WebhookDeliveries,
        enclose: Enclose,
        wake: Wake = wake_telling,
    ) -> None:
        self._database, self._vault, self._mail = database, vault, mail
        self._hooks, self._enclose = hooks, enclose
        self._senders = asyncio.Semaphore(SENDERS)
        self._base_url, self._link_secret, self._sandbox = base_url, link_secret, sandbox
        self._wake = wake

    @activity.defn
    async def send_notices(self, campaign_id: CampaignId) -> int:
        """Send what is pending for a campaign; return how many were sent."""
        return await self._send_pending(campaign_id=campaign_id)

    @activity.defn
    async def send_booking_notices(self, booking_id: BookingId) -> int:
        """Send what is pending for a booking; return how many were sent."""
        return await self._send_pending(booking_id=booking_id)

    @activity.defn
    async def send_personal_notices(self, user_id: UserId) -> int:
        """Send everything that is due for a person; return how much was sent.

        A mail server that is away keeps no webhook waiting: those come first, and come back at
        hours of their own.
        """
        return await self._hooks.deliver(user_id) + await self._send_due(user_id)

    async def _send_due(self, user_id: UserId) -> int:
        """Send a person's letters; what was held back for one hour comes as one mail."""
        now = activity_now()
        async with self._database.transaction(WORKER) as session:
            rows = await due_notices(session, user_id, now, held=False)
            held = await due_notices(session, user_id, now, held=True)
            letters = [[row.id] for row in rows] + ([[row.id for row in held]] if held else [])
        return sum([await self._deliver(ids) for ids in letters])

    @activity.defn
    async def next_notice(self, user_id: UserId) -> datetime | None:
        """Return when something is to be sent to a person next; None if nothing waits."""
        async with self._database.transaction(WORKER) as session:
            instants = (await next_due(session, user_id), await next_delivery(session, user_id))
        return min((at for at in instants if at is not None), default=None)

    @activity.defn
    async def find_untold(self, sweep: SweepInput) -> Sweep:
        """Find people to whom something should have been sent a while ago."""
        before = activity_now() - timedelta(seconds=sweep.overdue_seconds)
        async with self._database.transaction(WORKER) as session:
            people = await people_untold(session, due_before=before, limit=sweep.at_most)
            people += await people_undelivered(session, due_before=before, limit=sweep.at_most)
        return Sweep(people=tuple(dict.fromkeys(people)))

    async def _send_pending(
        self, *, campaign_id: UUID | None = None, booking_id: UUID | None = None
    ) -> int:
        async with self._database.transaction(WORKER) as session:
            rows = await pending_notices(session, campaign_id=campaign_id, booking_id=booking_id)
            waiting = [row.id for row in rows]
            later = await owners_waiting(session, campaign_id=campaign_id, booking_id=booking_id)
            later += await owners_undelivered(
                session, campaign_id=campaign_id, booking_id=booking_id
            )
        for user_id in dict.fromkeys(later):
            await self._wake(user_id)
        return sum([await self._deliver([notice_id]) for notice_id in waiting])

    async def _deliver(self, notice_ids: Sequence[UUID]) -> int:
        """Send one mail; a refusal for good becomes a person's task and stops no other mail.

        The rows stay locked meanwhile: a booking and its wish tell the same things side by side.
        """
        async with (
            heartbeats(),
            self._senders,
            self._database.transaction(WORKER) as session,
        ):
            taken = [await take_pending(session, notice_id) for notice_id in notice_ids]
            rows = [row for row in taken if row is not None]
            if not rows:
                return 0
            try:
                mail = await self._write(session, rows)
            except KeyDestroyed:
                # The account was erased meanwhile: there is nobody to tell any more.
                for row in rows:
                    row.state = NoticeState.FAILED
                return 0
            async with provider_call():
                refusal = await self._refusal(mail)
            now = activity_now()
            for row in rows:
                row.tries += 1
                if refusal is None:
                    row.state, row.sent_at = NoticeState.SENT, now
                else:
                    await self._refused(session, row, refusal, now)
        return len(rows) if refusal is None else 0

    async def _refused(
        self, session: AsyncSession, row: NoticeRow, refusal: ProviderRefused, now: datetime
    ) -> None:
        row.state = NoticeState.FAILED
        detail = f"notice {row.id} ({row.event}) is refused for good: {refusal.code}"
        await open_task(session, f"undelivered:{row.id}", "undelivered", detail, now, notice=row)
        if row.to_encrypted is None:
            # It cannot be said by mail; it stands where its owner looks.
            today = derive("address refused", row.user_id, now.date())
            told = NewNotice(event="address_refused", subject_id=today, user_id=row.user_id)
            await add_notices(session, [told], now)

    async def _refusal(self, mail: OutgoingMail) -> ProviderRefused | None:
        try:
            await self._mail.send(mail)
        except ProviderRefused as refusal:
            return refusal
        return None

    async def _write(self, session: AsyncSession, rows: Sequence[NoticeRow]) -> OutgoingMail:
        first = rows[0]
        user = await get_user(session, first.user_id)
        if user is None:
            raise LookupError(f"notice {first.id} has no user")
        language = language_of(user.locale)
        say = Words(language, user.time_zone, translator(language))
        facts = await facts_of(session, self._vault, rows, sandbox=self._sandbox)
        letters = [self._letter(row, known, say) for row, known in zip(rows, facts, strict=True)]
        # By their names: what two letters of one mail enclose goes with it once.
        enclosed = {
            one.name: one
            for row in rows
            for one in await self._enclose(session, row, zone=user.time_zone, now=activity_now())
        }
        written = write_mail(letters, say, base_url=self._base_url, enclosed=list(enclosed))
        return OutgoingMail(
            message_id=first.message_id if len(rows) == 1 else _together(rows),
            to=await address_of(session, self._vault, user, first),
            subject=written.subject,
            text=written.text,
            html=written.html,
            attachments=tuple(enclosed.values()),
        )

    def _letter(self, row: NoticeRow, facts: NoticeFacts, say: Words) -> Letter:
        link = link_of(row, self._link_secret)
        return compose(row.event, facts.model_copy(update={"link": link}), say)


def _together(rows: Sequence[NoticeRow]) -> str:
    """Return the Message-ID of several letters in one: the same for the same ones."""
    return message_id(derive("together", *sorted(str(row.id) for row in rows)))
