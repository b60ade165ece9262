"""Payments and refunds: rows, and who stands behind them at the processor."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from db.locks import hold
from db.models import PaymentCustomerRow, PaymentMethodRow, PaymentRow, RefundRow
from db.queries.audit import write_down
from domain.audit import Action, Entry
from domain.payments import PaymentState


async def get_payment(
    session: AsyncSession, attempt_id: UUID, number: int, *, lock: bool = False
) -> PaymentRow | None:
    query = select(PaymentRow).where(
        PaymentRow.attempt_id == attempt_id,  # type: ignore[arg-type]
        PaymentRow.round == number,  # type: ignore[arg-type]
    )
    if lock:
        query = query.with_for_update()
    row: PaymentRow | None = await session.scalar(query.execution_options(populate_existing=True))
    if lock and row is not None:
        hold(session, row, row.id)
    return row


async def captured_payment(
    session: AsyncSession, booking_id: UUID, *, lock: bool = False
) -> PaymentRow | None:
    """Return the payment that paid for the booking."""
    query = select(PaymentRow).where(
        PaymentRow.booking_id == booking_id,  # type: ignore[arg-type]
        PaymentRow.state.in_((PaymentState.CAPTURED, PaymentState.REFUNDED)),  # type: ignore[attr-defined]
    )
    if lock:
        query = query.with_for_update()
    row: PaymentRow | None = await session.scalar(query.execution_options(populate_existing=True))
    if lock and row is not None:
        hold(session, row, row.id)
    return row


async def held_payments(session: AsyncSession, attempt_id: UUID) -> list[PaymentRow]:
    """Return the attempt's payments that hold money, newest first."""
    query = (
        select(PaymentRow)
        .where(
            PaymentRow.attempt_id == attempt_id,  # type: ignore[arg-type]
            PaymentRow.state == PaymentState.AUTHORISED,  # type: ignore[arg-type]
        )
        .order_by(PaymentRow.round.desc())  # type: ignore[attr-defined]
    )
    return list(await session.scalars(query))


async def count_payments(session: AsyncSession, attempt_id: UUID) -> int:
    """Count the authorisations that an attempt has had."""
    query = select(func.count()).where(PaymentRow.attempt_id == attempt_id)  # type: ignore[arg-type]
    return int(await session.scalar(query) or 0)


async def was_authorised(session: AsyncSession, attempt_id: UUID) -> bool:
    query = select(PaymentRow.id).where(  # type: ignore[call-overload]
        PaymentRow.attempt_id == attempt_id, PaymentRow.authorised_minor > 0
    )
    return await session.scalar(query.limit(1)) is not None


async def refunds_of(session: AsyncSession, booking_id: UUID) -> list[RefundRow]:
    query = select(RefundRow).where(RefundRow.booking_id == booking_id)  # type: ignore[arg-type]
    return list(await session.scalars(query.order_by(RefundRow.created_at)))  # type: ignore[arg-type]


async def add_refund(session: AsyncSession, row: RefundRow, *, reason: str = "") -> None:
    session.add(row)
    await session.flush()
    await _note_refund(session, row, {}, row.created_at, reason=reason)


async def settle_refund(session: AsyncSession, row: RefundRow, status: str, now: datetime) -> None:
    before, row.status = {"status": row.status}, status
    await _note_refund(session, row, before, now)


async def _note_refund(
    session: AsyncSession,
    row: RefundRow,
    before: dict[str, str],
    now: datetime,
    *,
    reason: str = "",
) -> None:
    after = {
        "status": row.status,
        "booking_id": str(row.booking_id),
        "payment_id": str(row.payment_id),
        "amount_minor": row.amount_minor,
        "currency": row.currency,
    }
    entry = Entry(Action.REFUND_STATE, "refund", str(row.id), row.user_id, before, after, reason)
    await write_down(session, entry, now)


async def get_customer(session: AsyncSession, user_id: UUID) -> PaymentCustomerRow | None:
    return await session.get(PaymentCustomerRow, user_id)


async def get_method(
    session: AsyncSession, method_id: UUID, *, lock: bool = False
) -> PaymentMethodRow | None:
    row = await session.get(
        PaymentMethodRow, method_id, with_for_update=lock, populate_existing=lock
    )
    if lock and row is not None:
        hold(session, row, row.id)
    return row
