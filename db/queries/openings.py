"""From a match to an attempt or a proposal, under the campaign's lock."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import exists, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from db.models import (
    AttemptRow,
    BookingRow,
    CampaignRow,
    OfferSnapshotRow,
    PaymentMethodRow,
    ProposalRow,
)
from db.models.offer_decision import DecisionVerdict
from db.models.proposal import ProposalStatus
from db.models.switch import SwitchRow
from db.queries.attempts import next_number
from db.queries.audit import write_down
from db.queries.decisions import decide
from db.queries.switches import BOOKING, is_stopped
from db.queries.transitions import append_event
from domain.attempts import LIVE
from domain.audit import Action, Entry
from domain.ids import CampaignId, attempt_id_for, booking_id_for, proposal_id_for
from domain.messages.attempt import AttemptInput
from domain.messages.campaign import OfferFound, OpenInput
from domain.money import Money
from domain.offers import DatePair, Offer
from domain.orders import BookingState


async def insert_attempt(
    session: AsyncSession,
    campaign: CampaignRow,
    card: PaymentMethodRow,
    request: OpenInput,
    *,
    limit: Money,
    mandate_id: UUID,
    now: datetime,
) -> AttemptRow:
    """Insert the campaign's next attempt; the unique index lets only one live one stand.

    Raises:
        IntegrityError: another attempt or booking of this campaign is live.
    """
    number = await next_number(session, campaign.id)
    match = request.offer
    row = AttemptRow(
        id=attempt_id_for(CampaignId(campaign.id), number),
        campaign_id=campaign.id,
        user_id=campaign.user_id,
        number=number,
        seller=match.seller,
        pair=match.pair.model_dump(mode="json"),
        itinerary_key=match.itinerary_key,
        matched_minor=match.price.minor,
        limit_minor=limit.minor,
        currency=match.price.currency,
        criteria_version=campaign.criteria_version,
        payment_method_id=card.id,
        opening_key=request.opening_key,
        proposal_id=request.proposal_id,
        mandate_id=mandate_id,
        started_at=now,
        updated_at=now,
    )
    session.add(row)
    await session.flush()
    await decide(session, campaign.id, match, DecisionVerdict.ATTEMPTED)
    made = {"state": row.state.value, "limit_minor": limit.minor, "currency": row.currency}
    entry = Entry(Action.ATTEMPT_STATE, "attempt", str(row.id), row.user_id, after=made)
    await write_down(session, entry, now)
    return row


def attempt_input(row: AttemptRow) -> AttemptInput:
    """Say to a workflow what the row says."""
    attempt_id = attempt_id_for(CampaignId(row.campaign_id), row.number)
    return AttemptInput(
        attempt_id=attempt_id,
        campaign_id=CampaignId(row.campaign_id),
        booking_id=booking_id_for(attempt_id),
        criteria_version=row.criteria_version,
        seller=row.seller,
        pair=DatePair.model_validate(row.pair),
        itinerary_key=row.itinerary_key,
        matched=Money(minor=row.matched_minor, currency=row.currency),
        limit=Money(minor=row.limit_minor, currency=row.currency),
    )


async def insert_proposal(
    session: AsyncSession,
    campaign: CampaignRow,
    request: OpenInput,
    offer: Offer,
    *,
    expires_at: datetime,
    now: datetime,
) -> ProposalRow:
    match = request.offer
    row = ProposalRow(
        id=proposal_id_for(CampaignId(campaign.id), request.opening_key),
        campaign_id=campaign.id,
        user_id=campaign.user_id,
        criteria_version=campaign.criteria_version,
        look_id=match.look_id,
        seller=match.seller,
        pair=match.pair.model_dump(mode="json"),
        itinerary_key=match.itinerary_key,
        itinerary=offer.itinerary.model_dump(mode="json"),
        price_minor=match.price.minor,
        currency=match.price.currency,
        expires_at=expires_at,
        opening_key=request.opening_key,
        created_at=now,
    )
    session.add(row)
    await session.flush()
    return row


@dataclass(frozen=True)
class Standing:
    """What was opened under a key before, and what forbids opening anything."""

    attempted: bool
    proposed: bool
    busy: bool
    """An attempt or a booking is live."""
    stopped: bool
    """Nothing is booked for anybody."""


async def standing_of(session: AsyncSession, campaign_id: UUID, opening_key: str) -> Standing:
    """Ask everything that a match has to know of its campaign at once."""
    live_attempt = exists().where(
        col(AttemptRow.campaign_id) == campaign_id, col(AttemptRow.state).in_(LIVE)
    )
    live_booking = exists().where(
        col(BookingRow.campaign_id) == campaign_id,
        col(BookingRow.state) != BookingState.CANCELLED,
    )
    query = select(
        exists().where(col(AttemptRow.opening_key) == opening_key),
        exists().where(col(ProposalRow.opening_key) == opening_key),
        or_(live_attempt, live_booking),
        exists().where(col(SwitchRow.name) == BOOKING, is_stopped()),
    )
    return Standing(*(await session.execute(query)).one())


async def open_proposal(session: AsyncSession, campaign_id: UUID) -> ProposalRow | None:
    query = select(ProposalRow).where(
        ProposalRow.campaign_id == campaign_id,  # type: ignore[arg-type]
        ProposalRow.status == ProposalStatus.OPEN,  # type: ignore[arg-type]
    )
    row: ProposalRow | None = await session.scalar(query)
    return row


async def approved_in_vain(
    session: AsyncSession, campaign_id: UUID, proposal_id: UUID
) -> ProposalRow | None:
    """Return the proposal if the traveller said yes to it and no attempt came of that."""
    row = await get_proposal(session, proposal_id)
    if row is None or row.campaign_id != campaign_id or row.status is not ProposalStatus.APPROVED:
        return None
    tried = select(AttemptRow.id).where(AttemptRow.proposal_id == proposal_id)  # type: ignore[call-overload]
    return None if await session.scalar(tried.limit(1)) else row


async def close_proposal(
    session: AsyncSession, campaign: CampaignRow, status: ProposalStatus, now: datetime
) -> ProposalRow | None:
    """Close the campaign's open proposal, if it has one."""
    row = await open_proposal(session, campaign.id)
    if row is None:
        return None
    row.status, row.closed_at = status, now
    await append_event(
        session, campaign.id, f"proposal.{status.value}", {"proposal_id": str(row.id)}, now
    )
    return row


def match_of(row: ProposalRow) -> OfferFound:
    return OfferFound(
        look_id=row.look_id,
        criteria_version=row.criteria_version,
        seller=row.seller,
        pair=DatePair.model_validate(row.pair),
        itinerary_key=row.itinerary_key,
        price=Money(minor=row.price_minor, currency=row.currency),
    )


async def snapshot_of(session: AsyncSession, match: OfferFound) -> Offer | None:
    """Return the offer of a match as it was at its look."""
    query = select(OfferSnapshotRow).where(
        OfferSnapshotRow.look_id == match.look_id,  # type: ignore[arg-type]
        OfferSnapshotRow.itinerary_key == match.itinerary_key,  # type: ignore[arg-type]
    )
    row: OfferSnapshotRow | None = await session.scalar(
        query.order_by(OfferSnapshotRow.total_minor).limit(1)  # type: ignore[arg-type]
    )
    return Offer.model_validate(row.offer) if row else None


async def get_proposal(session: AsyncSession, proposal_id: UUID) -> ProposalRow | None:
    return await session.get(ProposalRow, proposal_id)
