"""A campaign's live status: rows read together, and the stream that follows them."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from api.auth import Caller
from api.outlook import next_look
from api.rest.campaign_answers import load
from api.rest.schemas.campaigns import (
    AttemptBrief,
    BookingBrief,
    CampaignEventBody,
    CampaignStatusResponse,
    LastLook,
    ProposalBody,
)
from api.rest.schemas.common import MoneyBody
from api.services import Services
from api.standing import display_of
from db.models.attempt import AttemptRow
from db.models.booking import BookingRow
from db.models.campaign import CampaignRow
from db.models.look import LookRow
from db.models.proposal import ProposalRow
from db.queries.display import Standing, open_proposal
from db.queries.history import events_after, last_look
from domain.attempts import published_state
from domain.campaigns import ENDED
from domain.orders import BookingState
from domain.storyline import StoryFacts, story_line

# Below the half minute after which proxies give up on a silent connection.
HEARTBEAT_SECONDS = 15.0
_BATCH = 100
_BOOKING_OVER = frozenset({BookingState.CANCELLED, BookingState.FLOWN})
_TICKETED = frozenset({BookingState.TICKETED, BookingState.FLOWN})


async def snapshot(
    services: Services, user: Caller, row: CampaignRow, standing: Standing
) -> CampaignStatusResponse:
    """Return everything that is shown of a campaign at this moment."""
    now = services.clock()
    async with services.database.transaction(user.user_id) as session:
        look = await last_look(session, row.id)
        proposal = await open_proposal(session, row.id)
        upcoming = await _next(session, services, row, now)
    return CampaignStatusResponse(
        campaign_id=row.id,
        status=row.status,
        display_status=display_of(row, standing, now),
        criteria_version=row.criteria_version,
        last_event=row.event_seq,
        budget=MoneyBody.of(row.budget),
        best_price=MoneyBody.minor(standing.best_minor, row.currency),
        last_look=_look(look) if look else None,
        next_look_at=upcoming,
        opens_at=row.opens_at,
        ends_at=row.ends_at,
        action_reason=row.action_reason,
        proposal=_proposal(proposal) if proposal else None,
        attempt=_attempt(standing.attempt, standing.booking) if standing.attempt else None,
        booking=_booking(standing.booking) if standing.booking else None,
        final=is_final(row, standing),
        updated_at=row.updated_at,
    )


def is_final(row: CampaignRow, standing: Standing) -> bool:
    """Say whether nothing more will happen: ended, and its booking, if any, over."""
    if row.status not in ENDED or row.undo_until is not None:
        return False
    return standing.booking is None or standing.booking.state in _BOOKING_OVER


@dataclass(frozen=True)
class Beat:
    """Nothing happened for a while; the connection is alive."""


async def follow(
    services: Services, user: Caller, row: CampaignRow, after: int
) -> AsyncIterator[CampaignEventBody | Beat]:
    """Yield every event after a number, as it happens, until nothing more can happen.

    Listening begins before the first read, so that nothing falls between the two.
    """
    async with services.live.subscribe(row.id) as ear:
        while not ear.closing:
            async with services.database.transaction(user.user_id) as session:
                events = await events_after(session, row.id, after, _BATCH)
            current, standing = await load(services, user, row.id)
            display = display_of(current, standing, services.clock())
            facts = StoryFacts(currency=current.currency)
            for event in events:
                after = event.seq
                line = story_line(event.kind, event.data, event.at, facts)
                yield CampaignEventBody(
                    seq=event.seq,
                    kind=event.kind,
                    sentence=line.words if line else None,
                    data=event.data,
                    at=event.at,
                    status=current.status,
                    display_status=display,
                )
            if len(events) == _BATCH or current.event_seq > after:
                continue
            if is_final(current, standing):
                return
            if not await ear.wait(HEARTBEAT_SECONDS):
                yield Beat()


async def _next(
    session: AsyncSession, services: Services, row: CampaignRow, now: datetime
) -> datetime | None:
    return await next_look(session, row, services.settings.policy, now)


def _look(row: LookRow) -> LastLook:
    back = f", back {row.returns_on:%d %b %Y}" if row.returns_on else ""
    return LastLook(
        at=row.at,
        summary=f"{row.origin} to {row.destination}, {row.departs_on:%d %b %Y}{back}",
        cheapest=MoneyBody.minor(row.cheapest_minor, row.currency),
        offers=row.offers,
    )


def _proposal(row: ProposalRow) -> ProposalBody:
    price = MoneyBody.minor(row.price_minor, row.currency)
    assert price is not None
    return ProposalBody(id=row.id, price=price, itinerary=row.itinerary, expires_at=row.expires_at)


def _attempt(row: AttemptRow, booking: BookingRow | None) -> AttemptBrief:
    matched = MoneyBody.minor(row.matched_minor, row.currency)
    limit = MoneyBody.minor(row.limit_minor, row.currency)
    assert matched is not None
    assert limit is not None
    ticketed = booking is not None and booking.state in _TICKETED
    return AttemptBrief(
        id=row.id,
        number=row.number,
        state=row.state,
        step=published_state(row.state, ticketed),
        matched_price=matched,
        limit=limit,
        failure_reason=row.failure_reason,
        started_at=row.started_at,
        finished_at=row.finished_at,
    )


def _booking(row: BookingRow) -> BookingBrief:
    price = MoneyBody.minor(row.price_minor, row.currency)
    assert price is not None
    return BookingBrief(
        id=row.id,
        booking_reference=row.booking_reference,
        state=row.state,
        price=price,
        departs_at=row.departs_at,
        href=f"/api/bookings/{row.id}",
    )
