"""Telling travellers: pending notices become e-mail, at least once, under a stable Message-ID."""

import asyncio
from datetime import datetime, timedelta
from html import escape
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession
from temporalio import activity
from temporalio.common import RetryPolicy

from activities.failures import heartbeats, provider_call
from activities.offers import WORKER
from activities.options import HEARTBEAT_TIMEOUT, ActivityOptions
from db.models import NoticeRow
from db.models.notice import NoticeState
from db.queries.attempts import open_task
from db.queries.bookings import get_booking
from db.queries.campaigns import get_campaign, summary_of
from db.queries.notices import next_due, pending_notices, people_untold, take_pending
from db.queries.openings import get_proposal
from db.queries.users import get_user
from db.session import Database
from db.telling import address_of
from db.vault import PersonalVault
from domain.account_notices import ONE_TIME_LINKS
from domain.ids import BookingId, CampaignId, UserId
from domain.itineraries import Itinerary
from domain.messages.notices import Sweep, SweepInput
from domain.notices import NoticeFacts, compose
from providers.errors import ProviderRefused
from providers.ports import MailSender, OutgoingMail
from runtime.clock import activity_now
from runtime.tokens import PAY_PURPOSE, one_time_token, sign_token

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
    ) -> None:
        self._database, self._vault, self._mail = database, vault, mail
        self._senders = asyncio.Semaphore(SENDERS)
        self._base_url, self._link_secret, self._sandbox = base_url, link_secret, sandbox

    @activity.defn
    async def send_notices(self, campaign_id: CampaignId) -> int:
        """Send what is pending for a campaign; return how many were sent."""
        return await self._send_all(campaign_id=campaign_id)

    @activity.defn
    async def send_booking_notices(self, booking_id: BookingId) -> int:
        """Send what is pending for a booking; return how many were sent."""
        return await self._send_all(booking_id=booking_id)

    @activity.defn
    async def send_personal_notices(self, user_id: UserId) -> int:
        """Send everything that is pending for a person; return how much was sent."""
        return await self._send_all(user_id=user_id)

    @activity.defn
    async def next_notice(self, user_id: UserId) -> datetime | None:
        """Return when something is to be sent to a person next; None if nothing waits."""
        async with self._database.transaction(WORKER) as session:
            return await next_due(session, user_id)

    @activity.defn
    async def find_untold(self, sweep: SweepInput) -> Sweep:
        """Find people to whom something should have been sent a while ago."""
        before = activity_now() - timedelta(seconds=sweep.overdue_seconds)
        async with self._database.transaction(WORKER) as session:
            people = await people_untold(session, due_before=before, limit=sweep.at_most)
        return Sweep(people=tuple(people))

    async def _send_all(
        self,
        *,
        campaign_id: UUID | None = None,
        booking_id: UUID | None = None,
        user_id: UUID | None = None,
    ) -> int:
        async with self._database.transaction(WORKER) as session:
            rows = await pending_notices(
                session,
                campaign_id=campaign_id,
                booking_id=booking_id,
                user_id=user_id,
                now=activity_now(),
            )
            waiting = [row.id for row in rows]
        return sum([await self._deliver(notice_id) for notice_id in waiting])

    async def _deliver(self, notice_id: UUID) -> bool:
        """Send one mail; a refusal for good becomes a person's task and stops no other mail.

        The row stays locked meanwhile: a booking and its wish tell the same things side by side.
        """
        async with (
            heartbeats(),
            self._senders,
            self._database.transaction(WORKER) as session,
        ):
            row = await take_pending(session, notice_id)
            if row is None:
                return False
            mail = await self._write(session, row)
            async with provider_call():
                refusal = await self._refusal(mail)
            now = activity_now()
            row.tries += 1
            if refusal is None:
                row.state, row.sent_at = NoticeState.SENT, now
                return True
            row.state = NoticeState.FAILED
            detail = f"notice {row.id} ({row.event}) is refused for good: {refusal.code}"
            await open_task(
                session, f"undelivered:{row.id}", "undelivered", detail, now, notice=row
            )
        return False

    async def _refusal(self, mail: OutgoingMail) -> ProviderRefused | None:
        try:
            await self._mail.send(mail)
        except ProviderRefused as refusal:
            return refusal
        return None

    async def _write(self, session: AsyncSession, row: NoticeRow) -> OutgoingMail:
        user = await get_user(session, row.user_id)
        if user is None:
            raise LookupError(f"notice {row.id} has no user")
        address = await address_of(session, self._vault, user, row)
        message = compose(row.event, await self._facts(session, row))
        return OutgoingMail(
            message_id=row.message_id,
            to=address,
            subject=message.subject,
            text=message.text,
            html=_html(message.text),
        )

    async def _facts(self, session: AsyncSession, row: NoticeRow) -> NoticeFacts:
        campaign = await get_campaign(session, row.campaign_id) if row.campaign_id else None
        booking = await get_booking(session, row.booking_id) if row.booking_id else None
        itinerary = Itinerary.model_validate(booking.itinerary) if booking else None
        if row.event == "approval_needed":
            proposal = await get_proposal(session, UUID(row.data["proposal_id"]))
            itinerary = Itinerary.model_validate(proposal.itinerary) if proposal else None
        return NoticeFacts(
            wish=summary_of(campaign) if campaign else "your booking",
            data=row.data,
            itinerary=itinerary,
            tickets=tuple(str(t["number"]) for t in booking.ticket_numbers) if booking else (),
            link=self._link(row),
            sandbox=self._sandbox,
        )

    def _link(self, row: NoticeRow) -> str | None:
        if row.event in ONE_TIME_LINKS:
            # Made anew from the id at each sending, so that it is stored nowhere.
            purpose = ONE_TIME_LINKS[row.event]
            token = one_time_token(self._link_secret, purpose, UUID(row.data["link_id"]))
            return f"{self._base_url}/{purpose}/{token}"
        if row.event != "authentication_required":
            return None
        lapses_at = datetime.fromisoformat(row.data["lapses_at"])
        attempt_id = UUID(row.data["attempt_id"])
        token = sign_token(self._link_secret, PAY_PURPOSE, attempt_id, lapses_at, owner=row.user_id)
        return f"{self._base_url}/pay/{token}"


def _html(text: str) -> str:
    """Show the same words as a page: paragraphs, line breaks, links that can be pressed."""
    parts = []
    for paragraph in text.strip().split("\n\n"):
        safe = escape(paragraph).replace("\n", "<br>\n")
        if paragraph.startswith(("http://", "https://")):
            safe = f'<a href="{safe}">{safe}</a>'
        parts.append(f"<p>{safe}</p>")
    body = "\n".join(parts)
    return f'<!doctype html>\n<html lang="en"><body>\n{body}\n</body></html>\n'
