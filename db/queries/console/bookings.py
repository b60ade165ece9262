"""One booking with its money, and money on its way back, in ids, states and amounts."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from db.glances import BOOKINGS
from db.models.operator_task import OperatorTaskRow
from db.models.payment import PaymentRow
from db.models.provider_call import ProviderCallRow
from db.models.refund import RefundRow
from db.queries.console.health import tasks_of
from db.queries.console.lists import Line, one
from domain.money import Money


@dataclass(frozen=True)
class BookingFacts:
    booking: Line
    calls: tuple[ProviderCallRow, ...]
    payments: tuple[PaymentRow, ...]
    refunds: tuple[RefundRow, ...]
    tasks: tuple[OperatorTaskRow, ...]

    @property
    def left(self) -> Money:
        """Return what was taken and is neither given back nor on its way."""
        taken = sum(one.captured_minor for one in self.payments)
        gone = sum(one.amount_minor for one in self.refunds if one.status != "failed")
        return Money(minor=taken - gone, currency=self.booking.currency)


async def booking_facts(session: AsyncSession, booking_id: UUID) -> BookingFacts | None:
    booking = await one(session, BOOKINGS, booking_id)
    if booking is None:
        return None

    async def of_booking(table: Any, order: Any, *more: Any) -> tuple[Any, ...]:
        query = select(table).where(or_(col(table.booking_id) == booking_id, *more))
        return tuple(await session.scalars(query.order_by(order)))

    attempt = [] if booking.attempt_id is None else [booking.attempt_id]
    return BookingFacts(
        booking=booking,
        calls=await of_booking(
            ProviderCallRow,
            col(ProviderCallRow.sent_at),
            col(ProviderCallRow.attempt_id).in_(attempt),
        ),
        payments=await of_booking(
            PaymentRow, col(PaymentRow.created_at), col(PaymentRow.attempt_id).in_(attempt)
        ),
        refunds=await of_booking(RefundRow, col(RefundRow.created_at)),
        tasks=tuple(await tasks_of(session, booking_id=booking_id, attempt_id=booking.attempt_id)),
    )
