"""One attempt with all that is known of it, in ids, states and amounts."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from db.glances import BOOKINGS, CAMPAIGNS
from db.models.attempt import AttemptRow
from db.models.operator_task import OperatorTaskRow
from db.models.payment import PaymentRow
from db.models.provider_call import ProviderCallRow
from db.models.refund import RefundRow
from db.queries.console.health import tasks_of
from db.queries.console.lists import Line, one


@dataclass(frozen=True)
class AttemptFacts:
    attempt: AttemptRow
    campaign: Line | None
    booking: Line | None
    calls: tuple[ProviderCallRow, ...]
    payments: tuple[PaymentRow, ...]
    refunds: tuple[RefundRow, ...]
    tasks: tuple[OperatorTaskRow, ...]


async def attempt_facts(session: AsyncSession, attempt_id: UUID) -> AttemptFacts | None:
    """Return everything of an attempt: what was sent, what came back, what money moved."""
    attempt = await session.get(AttemptRow, attempt_id)
    if attempt is None:
        return None
    found = await session.execute(select(BOOKINGS).where(BOOKINGS.c.attempt_id == attempt_id))
    booking = found.first()
    booking_id = booking.id if booking else None
    of_call = [col(ProviderCallRow.attempt_id) == attempt_id]
    of_refund = []
    if booking_id is not None:
        of_call.append(col(ProviderCallRow.booking_id) == booking_id)
        of_refund.append(col(RefundRow.booking_id) == booking_id)
    calls = select(ProviderCallRow).where(or_(*of_call)).order_by(col(ProviderCallRow.sent_at))
    payments = select(PaymentRow).where(col(PaymentRow.attempt_id) == attempt_id)
    refunds = select(RefundRow).where(*of_refund).order_by(col(RefundRow.created_at))
    return AttemptFacts(
        attempt=attempt,
        campaign=await one(session, CAMPAIGNS, attempt.campaign_id),
        booking=booking,
        calls=tuple(await session.scalars(calls)),
        payments=tuple(await session.scalars(payments.order_by(col(PaymentRow.round)))),
        refunds=tuple(await session.scalars(refunds)) if of_refund else (),
        tasks=tuple(await tasks_of(session, attempt_id=attempt_id, booking_id=booking_id)),
    )
