"""What a person booked: found by filters, a page at a time, and summed up."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from sqlalchemy import ColumnElement, Subquery, Text, and_, case, cast, func, or_, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from db.models.attempt import AttemptRow
from db.models.booking import BookingProvider, BookingRow
from db.models.campaign import CampaignRow
from db.models.campaign_event import CampaignEventRow
from db.models.payment import PaymentRow
from db.models.traveler import TravelerRow
from db.paging import Page, check_limit, decode_cursor, page_of
from domain.ids import UserId
from domain.orders import BookingState

# What the timeline of one booking tells; the rest of its campaign is the wish's own page.
_TOLD = ("booking.", "payment.", "order.", "attempt.awaiting_authentication")
_CODE = 30  # a booking reference, or the number of a ticket


@dataclass(frozen=True)
class HistoryFilter:
    """What is looked for; each part narrows the list. Dates are those of the first departure."""

    states: Collection[BookingState] = ()
    provider: BookingProvider | None = None
    traveler_id: UUID | None = None
    departs_from: date | None = None
    departs_until: date | None = None
    code: str = ""  # a booking reference, or a ticket's number

    @property
    def narrows(self) -> bool:
        return self != HistoryFilter()


@dataclass(frozen=True)
class HistoryLine:
    """A booking with what its wish allowed, if it came of one."""

    booking: BookingRow
    wish: str | None
    budget_minor: int | None
    budget_currency: str | None
    traveler_ids: tuple[UUID, ...]
    charged_minor: int
    refunded_minor: int

    @property
    def saved_minor(self) -> int | None:
        """Return how far under the budget it was booked; None where that cannot be said."""
        row = self.booking
        if self.budget_minor is None or self.budget_currency != row.currency:
            return None
        if row.state is BookingState.CANCELLED:
            return None
        return max(self.budget_minor - row.price_minor, 0)


@dataclass(frozen=True)
class HistoryTotals:
    """Everything that the filter finds, in one currency."""

    currency: str
    bookings: int
    cancelled: int
    charged_minor: int
    refunded_minor: int
    saved_minor: int
    compared: int  # how many bookings the savings are of


async def find_bookings(
    session: AsyncSession,
    user_id: UserId,
    wanted: HistoryFilter,
    *,
    cursor: str | None = None,
    limit: int = 20,
) -> Page[HistoryLine]:
    """Return the person's bookings that the filter lets through, newest first.

    Raises:
        BadCursor, BadLimit: the paging is not one of ours.
    """
    money = _money_by_booking(user_id)
    query = (
        select(
            BookingRow,
            col(CampaignRow.name),
            col(CampaignRow.budget_minor),
            col(CampaignRow.currency),
            col(CampaignRow.traveler_ids),
            func.coalesce(money.c.charged, 0),
            func.coalesce(money.c.refunded, 0),
        )
        .join(CampaignRow, col(CampaignRow.id) == col(BookingRow.campaign_id), isouter=True)
        .join(money, money.c.booking_id == col(BookingRow.id), isouter=True)
        .where(*_conditions(user_id, wanted))
    )
    if cursor:
        last = decode_cursor(cursor)
        place = tuple_(col(BookingRow.created_at), col(BookingRow.id))
        query = query.where(place < (last.at, last.uuid()))
    query = query.order_by(col(BookingRow.created_at).desc(), col(BookingRow.id).desc())
    found = await session.execute(query.limit(check_limit(limit) + 1))
    lines = [
        HistoryLine(row, wish, budget, currency, tuple(people or ()), int(charged), int(refunded))
        for row, wish, budget, currency, people, charged, refunded in found
    ]
    return page_of(lines, limit, lambda line: (line.booking.created_at, line.booking.id))


async def sum_bookings(
    session: AsyncSession, user_id: UserId, wanted: HistoryFilter
) -> list[HistoryTotals]:
    """Sum up what the filter finds, each currency by itself, the largest sum first."""
    money = _money_by_booking(user_id)
    live = col(BookingRow.state) != BookingState.CANCELLED
    compared = and_(live, col(CampaignRow.currency) == col(BookingRow.currency))
    saved = func.greatest(col(CampaignRow.budget_minor) - col(BookingRow.price_minor), 0)
    charged = func.coalesce(func.sum(money.c.charged), 0)
    query = (
        select(
            col(BookingRow.currency),
            func.count(),
            func.count().filter(~live),
            charged,
            func.coalesce(func.sum(money.c.refunded), 0),
            func.coalesce(func.sum(case((compared, saved), else_=0)), 0),
            func.count().filter(compared),
        )
        .join(CampaignRow, col(CampaignRow.id) == col(BookingRow.campaign_id), isouter=True)
        .join(money, money.c.booking_id == col(BookingRow.id), isouter=True)
        .where(*_conditions(user_id, wanted))
        .group_by(col(BookingRow.currency))
        .order_by(charged.desc(), col(BookingRow.currency))
    )
    return [
        HistoryTotals(currency, count, gone, int(taken), int(back), int(spared), n)
        for currency, count, gone, taken, back, spared, n in await session.execute(query)
    ]


async def providers_used(session: AsyncSession, user_id: UserId) -> list[BookingProvider]:
    """Return who has ever sold the person something, for the filter's choices."""
    query = select(col(BookingRow.provider)).where(col(BookingRow.user_id) == user_id).distinct()
    return sorted(await session.scalars(query))


async def traveler_labels(session: AsyncSession, user_id: UserId) -> dict[UUID, str]:
    """Return the owner's own words for their travellers; removed ones have none left."""
    query = (
        select(col(TravelerRow.id), col(TravelerRow.label))
        .where(col(TravelerRow.user_id) == user_id, col(TravelerRow.deleted_at).is_(None))
        .order_by(col(TravelerRow.created_at), col(TravelerRow.id))
    )
    return {row.id: row.label for row in await session.execute(query)}


async def booking_events(session: AsyncSession, booking: BookingRow) -> list[CampaignEventRow]:
    """Return what happened to a booking and its money, oldest first."""
    if booking.campaign_id is None:
        return []
    kind = col(CampaignEventRow.kind)
    query = select(CampaignEventRow).where(
        col(CampaignEventRow.campaign_id) == booking.campaign_id,
        or_(*(kind.startswith(word) for word in _TOLD)),
    )
    if booking.attempt_id is not None:
        began = select(col(AttemptRow.started_at)).where(col(AttemptRow.id) == booking.attempt_id)
        query = query.where(col(CampaignEventRow.at) >= began.scalar_subquery())
    return list(await session.scalars(query.order_by(col(CampaignEventRow.seq))))


async def payments_of(session: AsyncSession, booking: BookingRow) -> list[PaymentRow]:
    """Return the booking's payments, those of its attempt that were released too."""
    theirs = col(PaymentRow.booking_id) == booking.id
    if booking.attempt_id is not None:
        theirs = or_(theirs, col(PaymentRow.attempt_id) == booking.attempt_id)
    query = select(PaymentRow).where(theirs)
    return list(await session.scalars(query.order_by(col(PaymentRow.created_at))))


def _conditions(user_id: UserId, wanted: HistoryFilter) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = [col(BookingRow.user_id) == user_id]
    if wanted.states:
        found.append(col(BookingRow.state).in_(list(wanted.states)))
    if wanted.provider:
        found.append(col(BookingRow.provider) == wanted.provider)
    if wanted.traveler_id:
        found.append(col(CampaignRow.traveler_ids).contains([wanted.traveler_id]))
    # Local dates as airlines publish them: the day on which the traveller has to be there.
    departs = func.left(
        cast(
            func.jsonb_extract_path_text(
                col(BookingRow.itinerary), "slices", "0", "segments", "0", "departing_at"
            ),
            Text,
        ),
        10,
    )
    if wanted.departs_from:
        found.append(departs >= wanted.departs_from.isoformat())
    if wanted.departs_until:
        found.append(departs <= wanted.departs_until.isoformat())
    if code := "".join(wanted.code.split())[:_CODE]:
        ticket = col(BookingRow.ticket_numbers).contains([{"number": code}])
        reference = col(BookingRow.booking_reference)
        found.append(or_(reference.istartswith(code, autoescape=True), ticket))
    return found


def _money_by_booking(user_id: UserId) -> Subquery:
    return (
        select(
            col(PaymentRow.booking_id).label("booking_id"),
            func.sum(col(PaymentRow.captured_minor)).label("charged"),
            func.sum(col(PaymentRow.refunded_minor)).label("refunded"),
        )
        .where(col(PaymentRow.user_id) == user_id, col(PaymentRow.booking_id).is_not(None))
        .group_by(col(PaymentRow.booking_id))
        .subquery()
    )
