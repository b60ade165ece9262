"""What was done about one booking or wish, by whom: from the audit log, the oldest first."""

from collections.abc import Iterable
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from db.models.audit import AuditRow
from db.models.payment import PaymentRow
from db.models.refund import RefundRow

_MOST = 1_000


async def timeline_of(session: AsyncSession, booking_id: UUID) -> list[AuditRow]:
    """Return all that was done to a booking, its attempt, its payments and refunds.

    Read by way of the payments: an operator sees ids and states of those without a reason.
    """
    paid = select(PaymentRow).where(col(PaymentRow.booking_id) == booking_id)
    attempts = {row.attempt_id for row in await session.scalars(paid) if row.attempt_id}
    tried = select(col(PaymentRow.id)).where(col(PaymentRow.attempt_id).in_(attempts))
    refunds = select(col(RefundRow.id)).where(col(RefundRow.booking_id) == booking_id)
    things = [booking_id, *attempts, *await session.scalars(tried), *await session.scalars(refunds)]
    return await done_to(session, things)


async def done_to(session: AsyncSession, things: Iterable[UUID]) -> list[AuditRow]:
    """Return all that was done to these things."""
    query = select(AuditRow).where(col(AuditRow.object_id).in_([str(thing) for thing in things]))
    return list(await session.scalars(query.order_by(col(AuditRow.id)).limit(_MOST)))
