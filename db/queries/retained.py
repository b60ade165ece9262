"""What is kept of people who are gone, and the rows that it is written from."""

from datetime import date
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from db.models.booking import BookingRow
from db.models.payment import PaymentRow
from db.models.payment_method import PaymentMethodRow
from db.models.refund import RefundRow
from db.models.retained_record import RetainedRecordRow
from domain.ids import UserId


async def add_retained(session: AsyncSession, row: RetainedRecordRow) -> bool:
    """Keep a record unless it is kept already; say whether it was new."""
    added = await session.execute(
        insert(RetainedRecordRow)
        .values(row.model_dump())
        .on_conflict_do_nothing()
        .returning(col(RetainedRecordRow.id))
    )
    return added.scalar_one_or_none() is not None


async def retained_of(session: AsyncSession, user_id: UserId) -> list[RetainedRecordRow]:
    query = select(RetainedRecordRow).where(col(RetainedRecordRow.user_id) == user_id)
    return list(await session.scalars(query.order_by(col(RetainedRecordRow.keep_until))))


async def drop_retained(session: AsyncSession, today: date) -> int:
    """Let go of what was kept long enough; return how many records."""
    query = delete(RetainedRecordRow).where(col(RetainedRecordRow.keep_until) < today)
    return len((await session.execute(query.returning(col(RetainedRecordRow.id)))).all())


async def bookings_of(session: AsyncSession, user_id: UserId) -> list[BookingRow]:
    query = select(BookingRow).where(col(BookingRow.user_id) == user_id)
    return list(await session.scalars(query.order_by(col(BookingRow.created_at))))


async def payments_of(
    session: AsyncSession, booking: BookingRow
) -> list[tuple[PaymentRow, PaymentMethodRow]]:
    """Return what was tried to be charged for a booking, with the card."""
    query = (
        select(PaymentRow, PaymentMethodRow)
        .join(PaymentMethodRow, col(PaymentMethodRow.id) == col(PaymentRow.payment_method_id))
        .where(
            col(PaymentRow.attempt_id) == booking.attempt_id
            if booking.attempt_id
            else col(PaymentRow.booking_id) == booking.id
        )
        .order_by(col(PaymentRow.created_at))
    )
    return [(payment, card) for payment, card in (await session.execute(query)).all()]


async def refunds_of(session: AsyncSession, booking_id: UUID) -> list[RefundRow]:
    query = select(RefundRow).where(col(RefundRow.booking_id) == booking_id)
    return list(await session.scalars(query.order_by(col(RefundRow.created_at))))
