"""Money that was held, taken and given back, newest first."""

from collections import defaultdict
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Select, case, func, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from db.models.booking import BookingRow
from db.models.campaign import CampaignRow
from db.models.dispute import DisputeRow
from db.models.payment import PaymentRow
from db.models.payment_method import PaymentMethodRow
from db.models.refund import RefundRow
from db.paging import Page, check_limit, decode_cursor, page_of
from domain.ids import UserId
from domain.payments import PaymentState


@dataclass(frozen=True)
class Bill:
    """One payment with what it was for, the card it went to, and what came back of it."""

    payment: PaymentRow
    card: PaymentMethodRow
    booking: BookingRow | None
    wish: str | None
    refunds: tuple[RefundRow, ...]
    disputes: tuple[DisputeRow, ...]


async def list_bills(
    session: AsyncSession, user_id: UserId, *, cursor: str | None = None, limit: int = 20
) -> Page[Bill]:
    """Return the person's payments, newest first.

    Raises:
        BadCursor, BadLimit: the paging is not one of ours.
    """
    query = _bills().where(col(PaymentRow.user_id) == user_id)
    if cursor:
        last = decode_cursor(cursor)
        place = tuple_(col(PaymentRow.created_at), col(PaymentRow.id))
        query = query.where(place < (last.at, last.uuid()))
    query = query.order_by(col(PaymentRow.created_at).desc(), col(PaymentRow.id).desc())
    found = list(await session.execute(query.limit(check_limit(limit) + 1)))
    ids = [row[0].id for row in found]
    back, asked = await _refunds_by_payment(session, ids), await _disputes_by_payment(session, ids)
    bills = [
        Bill(payment, card, booking, wish, tuple(back[payment.id]), tuple(asked[payment.id]))
        for payment, card, booking, wish in found
    ]
    return page_of(bills, limit, lambda bill: (bill.payment.created_at, bill.payment.id))


async def get_bill(session: AsyncSession, user_id: UserId, payment_id: UUID) -> Bill | None:
    query = _bills().where(col(PaymentRow.user_id) == user_id, col(PaymentRow.id) == payment_id)
    found = (await session.execute(query)).one_or_none()
    if found is None:
        return None
    payment, card, booking, wish = found
    back = await _refunds_by_payment(session, [payment.id])
    asked = await _disputes_by_payment(session, [payment.id])
    return Bill(payment, card, booking, wish, tuple(back[payment.id]), tuple(asked[payment.id]))


def _bills() -> Select[PaymentRow, PaymentMethodRow, BookingRow, str]:
    return (
        select(PaymentRow, PaymentMethodRow, BookingRow, col(CampaignRow.name))
        .join(PaymentMethodRow, col(PaymentMethodRow.id) == col(PaymentRow.payment_method_id))
        .join(BookingRow, col(BookingRow.id) == col(PaymentRow.booking_id), isouter=True)
        .join(CampaignRow, col(CampaignRow.id) == col(PaymentRow.campaign_id), isouter=True)
    )


async def _refunds_by_payment(
    session: AsyncSession, payment_ids: list[UUID]
) -> defaultdict[UUID, list[RefundRow]]:
    query = select(RefundRow).where(col(RefundRow.payment_id).in_(payment_ids))
    found: defaultdict[UUID, list[RefundRow]] = defaultdict(list)
    for row in await session.scalars(query.order_by(col(RefundRow.created_at))):
        found[row.payment_id].append(row)
    return found


async def _disputes_by_payment(
    session: AsyncSession, payment_ids: list[UUID]
) -> defaultdict[UUID, list[DisputeRow]]:
    query = select(DisputeRow).where(col(DisputeRow.payment_id).in_(payment_ids))
    found: defaultdict[UUID, list[DisputeRow]] = defaultdict(list)
    for row in await session.scalars(query.order_by(col(DisputeRow.opened_at))):
        found[row.payment_id].append(row)
    return found


@dataclass(frozen=True)
class BillTotals:
    """All of one currency; `at_banks_minor` is what cards' banks took back of what was charged."""

    currency: str
    charged_minor: int
    refunded_minor: int
    held_minor: int
    at_banks_minor: int


async def sum_bills(session: AsyncSession, user_id: UserId) -> list[BillTotals]:
    """Sum up all of the person's money, each currency by itself."""
    held = case(
        (col(PaymentRow.state) == PaymentState.AUTHORISED, col(PaymentRow.authorised_minor)),
        else_=0,
    )
    charged = func.sum(col(PaymentRow.captured_minor))
    query = (
        select(
            col(PaymentRow.currency),
            charged,
            func.sum(col(PaymentRow.refunded_minor)),
            func.sum(held),
        )
        .where(col(PaymentRow.user_id) == user_id)
        .group_by(col(PaymentRow.currency))
        .order_by(charged.desc(), col(PaymentRow.currency))
    )
    at_banks = await _at_banks(session, user_id)
    return [
        BillTotals(currency, int(taken), int(back), int(now), at_banks.get(currency, 0))
        for currency, taken, back, now in await session.execute(query)
    ]


async def _at_banks(session: AsyncSession, user_id: UserId) -> dict[str, int]:
    currency, taken = col(DisputeRow.currency), func.sum(col(DisputeRow.withdrawn_minor))
    query = select(currency, taken).where(col(DisputeRow.user_id) == user_id).group_by(currency)
    return {name: int(minor) for name, minor in await session.execute(query)}
