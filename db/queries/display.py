"""What a person is shown of campaigns and bookings, read for many rows at once."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import or_, select, tuple_
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from db.models.attempt import AttemptRow
from db.models.booking import BookingRow
from db.models.campaign import CampaignRow
from db.models.pair_state import PairStateRow
from db.models.payment import PaymentRow
from db.models.proposal import ProposalRow, ProposalStatus
from db.paging import Page, check_limit, decode_cursor, page_of
from db.queries.campaigns import wishes_called
from db.queries.fares import Fares, fares_of
from domain.campaigns import CampaignState
from domain.ids import UserId
from domain.payments import PaymentState
from domain.search_plan import Known


@dataclass(frozen=True)
class Standing:
    """What a campaign's one sentence is made of, besides its own row."""

    attempt: AttemptRow | None = None
    booking: BookingRow | None = None
    fares: Fares | None = None

    @property
    def best_minor(self) -> int | None:
        return self.fares.best_minor if self.fares else None

    @property
    def lately_minor(self) -> int | None:
        return self.fares.lately_minor if self.fares else None


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
                col(CampaignRow.id).in_(await wishes_called(session, user_id, text)),
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
    fares = await fares_of(session, ids)
    return {one: Standing(attempts.get(one), bookings.get(one), fares.get(one)) for one in ids}


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
