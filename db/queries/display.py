"""What a person is shown of campaigns and bookings, read for many rows at once."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from sqlalchemy import func, or_, select, tuple_
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from db.models.attempt import AttemptRow
from db.models.booking import BookingRow
from db.models.campaign import CampaignRow
from db.models.offer_decision import DecisionVerdict, OfferDecisionRow
from db.models.pair_state import PairStateRow
from db.models.payment import PaymentRow
from db.models.proposal import ProposalRow, ProposalStatus
from db.models.refund import RefundRow
from db.paging import Page, check_limit, decode_cursor, page_of
from domain.campaigns import CampaignState
from domain.ids import UserId
from domain.matching import Reason
from domain.payments import PaymentState
from domain.search_plan import Known

# Rejected for one of these, an offer would still have been the flight that was wished for.
_FITTING = (Reason.MATCHES.value, Reason.OVER_BUDGET.value, Reason.IGNORED.value)
_TODAY = timedelta(days=1)


@dataclass(frozen=True)
class Standing:
    """What a campaign's one sentence is made of, besides its own row."""

    attempt: AttemptRow | None = None
    booking: BookingRow | None = None
    best_minor: int | None = None
    lately_minor: int | None = None


async def find_campaigns(
    session: AsyncSession,
    user_id: UserId,
    *,
    states: Collection[CampaignState] = (),
    text: str | None = None,
    cursor: str | None = None,
    limit: int = 20,
) -> Page[CampaignRow]:
    """Return the person's campaigns, newest first, whose name or route contains the text.

    Raises:
        BadCursor, BadLimit: the paging is not one of ours.
    """
    query = select(CampaignRow).where(col(CampaignRow.user_id) == user_id)
    if states:
        query = query.where(col(CampaignRow.status).in_(list(states)))
    if text:
        query = query.where(
            or_(
                col(CampaignRow.name).icontains(text, autoescape=True),
                col(CampaignRow.criteria)["origins"].contains([text.upper()]),
                col(CampaignRow.criteria)["destinations"].contains([text.upper()]),
            )
        )
    if cursor:
        last = decode_cursor(cursor)
        place = tuple_(col(CampaignRow.created_at), col(CampaignRow.id))
        query = query.where(place < (last.at, last.uuid()))
    query = query.order_by(col(CampaignRow.created_at).desc(), col(CampaignRow.id).desc())
    rows = list(await session.scalars(query.limit(check_limit(limit) + 1)))
    return page_of(rows, limit, lambda row: (row.created_at, row.id))


async def standings(
    session: AsyncSession, campaigns: Sequence[CampaignRow]
) -> dict[UUID, Standing]:
    """Return each campaign's newest attempt, newest booking, and best fares, in three queries."""
    ids = [row.id for row in campaigns]
    if not ids:
        return {}
    newest_attempts = (
        select(AttemptRow)
        .where(col(AttemptRow.campaign_id).in_(ids))
        .ext(distinct_on(col(AttemptRow.campaign_id)))
        .order_by(col(AttemptRow.campaign_id), col(AttemptRow.number).desc())
    )
    newest_bookings = (
        select(BookingRow)
        .where(col(BookingRow.campaign_id).in_(ids))
        .ext(distinct_on(col(BookingRow.campaign_id)))
        .order_by(col(BookingRow.campaign_id), col(BookingRow.created_at).desc())
    )
    attempts = {row.campaign_id: row for row in await session.scalars(newest_attempts)}
    bookings = {row.campaign_id: row for row in await session.scalars(newest_bookings)}
    best = await _best_fares(session, ids)
    return {
        one: Standing(attempts.get(one), bookings.get(one), *best.get(one, (None, None)))
        for one in ids
    }


async def open_proposal(session: AsyncSession, campaign_id: UUID) -> ProposalRow | None:
    row: ProposalRow | None = await session.scalar(
        select(ProposalRow).where(
            col(ProposalRow.campaign_id) == campaign_id,
            col(ProposalRow.status) == ProposalStatus.OPEN,
        )
    )
    return row


async def list_bookings(
    session: AsyncSession,
    user_id: UserId,
    *,
    campaign_id: UUID | None = None,
    cursor: str | None = None,
    limit: int = 20,
) -> Page[BookingRow]:
    """Return the person's bookings, newest first.

    Raises:
        BadCursor, BadLimit: the paging is not one of ours.
    """
    query = select(BookingRow).where(col(BookingRow.user_id) == user_id)
    if campaign_id:
        query = query.where(col(BookingRow.campaign_id) == campaign_id)
    if cursor:
        last = decode_cursor(cursor)
        place = tuple_(col(BookingRow.created_at), col(BookingRow.id))
        query = query.where(place < (last.at, last.uuid()))
    query = query.order_by(col(BookingRow.created_at).desc(), col(BookingRow.id).desc())
    rows = list(await session.scalars(query.limit(check_limit(limit) + 1)))
    return page_of(rows, limit, lambda row: (row.created_at, row.id))


async def money_of(
    session: AsyncSession, booking: BookingRow
) -> tuple[list[PaymentRow], list[RefundRow]]:
    """Return the payments and the refunds of a booking, oldest first."""
    payments = await session.scalars(
        select(PaymentRow)
        .where(col(PaymentRow.booking_id) == booking.id)
        .order_by(col(PaymentRow.created_at))
    )
    refunds = await session.scalars(
        select(RefundRow)
        .where(col(RefundRow.booking_id) == booking.id)
        .order_by(col(RefundRow.created_at))
    )
    return list(payments), list(refunds)


async def _best_fares(
    session: AsyncSession, ids: list[UUID]
) -> dict[UUID, tuple[int | None, int | None]]:
    """Return the lowest fare ever seen and that of the last day of looks, for the wish of now."""
    last = (
        func.max(col(OfferDecisionRow.at))
        .over(partition_by=col(OfferDecisionRow.campaign_id))
        .label("last")
    )
    fitting = (
        select(
            col(OfferDecisionRow.campaign_id).label("campaign_id"),
            col(OfferDecisionRow.total_minor).label("minor"),
            col(OfferDecisionRow.at).label("at"),
            last,
        )
        .join(CampaignRow, col(CampaignRow.id) == col(OfferDecisionRow.campaign_id))
        .where(
            col(OfferDecisionRow.campaign_id).in_(ids),
            col(OfferDecisionRow.criteria_version) == col(CampaignRow.criteria_version),
            col(OfferDecisionRow.currency) == col(CampaignRow.currency),
            or_(
                col(OfferDecisionRow.verdict) != DecisionVerdict.REJECTED,
                col(OfferDecisionRow.reason).in_(_FITTING),
            ),
        )
        .subquery()
    )
    lately = func.min(fitting.c.minor).filter(fitting.c.at > fitting.c.last - _TODAY)
    query = select(fitting.c.campaign_id, func.min(fitting.c.minor), lately).group_by(
        fitting.c.campaign_id
    )
    return {one: (best, recent) for one, best, recent in await session.execute(query)}


async def known_of(
    session: AsyncSession, seller: str, pair_keys: Sequence[str], currency: str
) -> dict[str, Known]:
    """Return what is known of these date pairs; a price in another currency is left out."""
    query = select(PairStateRow).where(
        col(PairStateRow.seller) == seller, col(PairStateRow.pair_key).in_(pair_keys)
    )
    return {
        row.pair_key: Known(
            last_look_at=row.last_look_at,
            best_minor=row.best_minor if row.currency == currency else None,
            volatility=row.volatility,
            looks=row.looks,
        )
        for row in await session.scalars(query)
    }


async def payment_to_confirm(session: AsyncSession, attempt_id: UUID) -> PaymentRow | None:
    """Return the attempt's newest payment that waits for its traveller's bank."""
    row: PaymentRow | None = await session.scalar(
        select(PaymentRow)
        .where(
            col(PaymentRow.attempt_id) == attempt_id,
            col(PaymentRow.state) == PaymentState.AUTHENTICATION_REQUIRED,
        )
        .order_by(col(PaymentRow.round).desc())
        .limit(1)
    )
    return row
