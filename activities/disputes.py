"""Following disputes: what the processor says of them becomes rows, and a person's work.

Reading only: a dispute is answered at the processor's desk, with what `parker dispute evidence`
gathers. Looking again changes nothing that has not changed, so it may be asked at any time.
"""

from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncSession
from temporalio import activity

from activities.failures import provider_call
from activities.offers import WORKER
from db.models.dispute import DisputeRow
from db.queries.attempts import open_task
from db.queries.bookings import get_booking
from db.queries.disputes import (
    dispute_id_of,
    end_task,
    get_dispute,
    oldest_open,
    payment_of_intent,
)
from db.session import Database
from domain.messages.disputes import DisputesSeen
from providers.disputes import CardDisputes, Dispute
from runtime.clock import activity_now

# A new one is found although nobody told us of it for as long as this.
LOOK_BACK = timedelta(days=30)
_KIND = "dispute"


class DisputeActivities:
    def __init__(self, database: Database, disputes: CardDisputes) -> None:
        self._database, self._disputes = database, disputes

    @activity.defn
    async def follow_disputes(self) -> DisputesSeen:
        """Write down every dispute as it stands, and have a person answer what must be."""
        async with self._database.transaction(WORKER) as session:
            oldest = await oldest_open(session)
        since = activity_now() - LOOK_BACK
        if oldest is not None:
            since = min(since, oldest)
        async with provider_call():
            found = await self._disputes.opened_since(since)
        changed = 0
        for dispute in found:
            async with self._database.transaction(WORKER) as session:
                changed += await self._write(session, dispute)
        return DisputesSeen(seen=len(found), changed=changed)

    async def _write(self, session: AsyncSession, dispute: Dispute) -> bool:
        """Follow one dispute; say whether that was news."""
        row = await get_dispute(session, dispute_id_of(dispute.dispute_ref), lock=True)
        before = None if row is None else row.status
        if row is None:
            row = await self._begin(session, dispute)
        if row is None:
            return False
        now = activity_now()
        news = before is not dispute.status or row.withdrawn_minor != dispute.withdrawn_minor
        row.status, row.withdrawn_minor = dispute.status, dispute.withdrawn_minor
        row.answer_by = dispute.answer_by
        if news:
            row.updated_at = now
        key = f"{_KIND}:{dispute.dispute_ref}"
        if dispute.status.needs_answer:
            booking = await get_booking(session, row.booking_id) if row.booking_id else None
            await open_task(session, key, _KIND, _words(dispute), now, booking=booking)
        else:
            await end_task(session, key, now)
        return news

    async def _begin(self, session: AsyncSession, dispute: Dispute) -> DisputeRow | None:
        """Write a new dispute's row; one about a payment that is not ours goes to a person."""
        now = activity_now()
        payment = None
        if dispute.intent_ref is not None:
            payment = await payment_of_intent(session, dispute.intent_ref)
        if payment is None:
            detail = f"{_words(dispute)} It is about a payment that is in none of our rows."
            await open_task(session, f"{_KIND}:{dispute.dispute_ref}", _KIND, detail, now)
            return None
        row = DisputeRow(
            id=dispute_id_of(dispute.dispute_ref),
            dispute_ref=dispute.dispute_ref,
            payment_id=payment.id,
            booking_id=payment.booking_id,
            campaign_id=payment.campaign_id,
            user_id=payment.user_id,
            status=dispute.status,
            reason=dispute.reason,
            amount_minor=dispute.amount.minor,
            currency=dispute.amount.currency,
            opened_at=dispute.opened_at,
            updated_at=now,
        )
        session.add(row)
        await session.flush()
        return row


def _words(dispute: Dispute) -> str:
    by = f" by {dispute.answer_by:%Y-%m-%d %H:%M} UTC" if dispute.answer_by else ""
    what = "An inquiry" if dispute.withdrawn_minor == 0 else "A dispute"
    return (
        f"{what} over {dispute.amount} ({dispute.reason}), {dispute.dispute_ref}: answer it{by}, or"
        " it is lost."
    )
