"""What the pages that watch a wish read: lists in the order of need, and everything of one wish."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Integer,
    and_,
    case,
    exists,
    func,
    literal,
    or_,
    select,
    tuple_,
)
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from db.models.attempt import AttemptRow
from db.models.campaign import CampaignRow
from db.models.campaign_event import CampaignEventRow
from db.models.campaign_fare import CampaignFareRow
from db.models.mandate import MandateRow
from db.models.offer_decision import DecisionVerdict, OfferDecisionRow
from db.models.offer_snapshot import OfferSnapshotRow
from db.models.payment import PaymentRow
from db.models.proposal import ProposalRow, ProposalStatus
from db.queries.campaigns import wishes_called
from domain.attempts import AttemptState
from domain.campaigns import ENDED, BookingMode, CampaignState
from domain.ids import UserId
from domain.mandate_document import MandateKind
from domain.matching import Unread
from domain.money import Money

# Of a wish that is looked at often, these many decisions are a day or more.
LATELY = 300


class Place(IntEnum):
    """Where a wish stands in the list: who needs its traveller comes first."""

    NEEDS_YOU = 0
    ACTIVE = 1
    PAUSED = 2
    ENDED = 3


@dataclass(frozen=True)
class BadCards:
    """The cards that no wish can be paid with, and whether the default is one of them."""

    ids: frozenset[UUID] = frozenset()
    default: bool = False


async def wishes_in_order(
    session: AsyncSession,
    user_id: UserId,
    bad: BadCards,
    *,
    places: Collection[Place] = (),
    text: str | None = None,
    skip: int = 0,
    limit: int = 20,
) -> list[CampaignRow]:
    """Return a page of the person's wishes: those that need them, active, paused, ended."""
    rank = _rank(bad)
    query = select(CampaignRow).where(col(CampaignRow.user_id) == user_id)
    if places:
        query = query.where(rank.in_([int(place) for place in places]))
    if text:
        query = query.where(
            or_(
                col(CampaignRow.id).in_(await wishes_called(session, user_id, text)),
                col(CampaignRow.criteria)["origins"].contains([text.upper()]),
                col(CampaignRow.criteria)["destinations"].contains([text.upper()]),
            )
        )
    order = (rank, col(CampaignRow.created_at).desc(), col(CampaignRow.id).desc())
    return list(await session.scalars(query.order_by(*order).offset(skip).limit(limit)))


async def count_places(session: AsyncSession, user_id: UserId, bad: BadCards) -> dict[Place, int]:
    """Count the person's wishes by where they stand."""
    rank = _rank(bad).label("place")
    query = select(rank, func.count()).where(col(CampaignRow.user_id) == user_id).group_by(rank)
    counts = dict.fromkeys(Place, 0)
    for place, number in await session.execute(query):
        counts[Place(place)] = number
    return counts


async def searched_for(session: AsyncSession, user_id: UserId) -> tuple[int, int]:
    """Sum up the looks and the offers of all the person's wishes."""
    fare = CampaignFareRow
    own = select(col(CampaignRow.id)).where(col(CampaignRow.user_id) == user_id)
    query = select(
        func.coalesce(func.sum(col(fare.looks)), 0), func.coalesce(func.sum(col(fare.offers)), 0)
    ).where(col(fare.campaign_id).in_(own))
    looks, offers = (await session.execute(query)).one()
    return int(looks), int(offers)


async def spent_by(session: AsyncSession, user_id: UserId) -> tuple[tuple[str, int], ...]:
    """Return what was charged less what came back: currency and minor units."""
    query = (
        select(
            col(PaymentRow.currency),
            func.sum(col(PaymentRow.captured_minor) - col(PaymentRow.refunded_minor)),
        )
        .where(col(PaymentRow.user_id) == user_id, col(PaymentRow.captured_minor) > 0)
        .group_by(col(PaymentRow.currency))
        .order_by(col(PaymentRow.currency))
    )
    return tuple((currency, int(minor)) for currency, minor in await session.execute(query))


async def open_proposals(
    session: AsyncSession, campaign_ids: Collection[UUID]
) -> dict[UUID, ProposalRow]:
    query = select(ProposalRow).where(
        col(ProposalRow.campaign_id).in_(list(campaign_ids)),
        col(ProposalRow.status) == ProposalStatus.OPEN,
    )
    return {row.campaign_id: row for row in await session.scalars(query)}


@dataclass(frozen=True)
class Consented:
    """The consent under which a wish may be booked now."""

    cap: Money
    expires_at: datetime


async def consents_of(
    session: AsyncSession, campaign_ids: Collection[UUID]
) -> dict[UUID, Consented]:
    """Return the consents of these wishes that stand; a wish without one is left out."""
    query = select(MandateRow).where(
        col(MandateRow.campaign_id).in_(list(campaign_ids)),
        col(MandateRow.kind) == MandateKind.BOOKING,
        col(MandateRow.revoked_at).is_(None),
    )
    return {
        row.campaign_id: Consented(
            Money(minor=row.cap_minor, currency=row.currency), row.expires_at
        )
        for row in await session.scalars(query)
    }


async def caps_of(session: AsyncSession, campaign_id: UUID) -> dict[int, Money]:
    """Return what each version of the wish that was consented to allowed to be charged."""
    query = select(
        col(MandateRow.criteria_version), col(MandateRow.cap_minor), col(MandateRow.currency)
    ).where(col(MandateRow.campaign_id) == campaign_id, col(MandateRow.kind) == MandateKind.BOOKING)
    return {
        version: Money(minor=cap, currency=currency)
        for version, cap, currency in await session.execute(query)
    }


async def newest_events(
    session: AsyncSession, campaign_id: UUID, *, before: int | None = None, limit: int = 40
) -> list[CampaignEventRow]:
    """Return the wish's newest events, newest first; `before` goes further back."""
    query = select(CampaignEventRow).where(col(CampaignEventRow.campaign_id) == campaign_id)
    if before is not None:
        query = query.where(col(CampaignEventRow.seq) < before)
    query = query.order_by(col(CampaignEventRow.seq).desc()).limit(limit)
    return list(await session.scalars(query))


@dataclass(frozen=True)
class Decided:
    """A decision as far as it takes to choose the nearest ones."""

    look_id: UUID
    offer_id: str
    itinerary_key: str
    total_minor: int
    currency: str
    verdict: DecisionVerdict
    reason: str
    at: datetime


async def decided_lately(session: AsyncSession, campaign: CampaignRow) -> list[Decided]:
    """Return the last decisions over the wish as it is now, newest first."""
    row = OfferDecisionRow
    newest = (
        select(row)
        .where(
            col(row.campaign_id) == campaign.id,
            col(row.criteria_version) == campaign.criteria_version,
            col(row.verdict) != DecisionVerdict.UNREAD,
        )
        .order_by(col(row.at).desc(), col(row.id).desc())
        .limit(LATELY)
        .subquery()
    )
    seen = newest.c
    query = select(
        seen.look_id,
        seen.offer_id,
        seen.itinerary_key,
        seen.total_minor,
        seen.currency,
        seen.verdict,
        seen.reason,
        seen.at,
    ).order_by(seen.at.desc(), seen.id.desc())
    return [Decided(*found) for found in await session.execute(query)]


async def unread_lately(session: AsyncSession, campaign: CampaignRow) -> OfferDecisionRow | None:
    """Return why the last look had nothing to decide on for the wish as it is; None: it had."""
    row = OfferDecisionRow
    newest: OfferDecisionRow | None = await session.scalar(
        select(row)
        .where(
            col(row.campaign_id) == campaign.id,
            col(row.criteria_version) == campaign.criteria_version,
        )
        .order_by(col(row.at).desc(), col(row.id).desc())
        .limit(1)
    )
    if newest is None or newest.verdict is not DecisionVerdict.UNREAD:
        return None
    return newest if newest.reason != Unread.SOME_UNREADABLE else None


async def snapshots_of(
    session: AsyncSession, offers: Collection[tuple[UUID, str]]
) -> dict[tuple[UUID, str], OfferSnapshotRow]:
    """Return these offers as they were at their looks."""
    if not offers:
        return {}
    place = tuple_(col(OfferSnapshotRow.look_id), col(OfferSnapshotRow.offer_id))
    rows = await session.scalars(select(OfferSnapshotRow).where(place.in_(list(offers))))
    return {(row.look_id, row.offer_id): row for row in rows}


async def matched_beside(
    session: AsyncSession, campaign_id: UUID, itinerary_key: str, before: datetime
) -> list[OfferDecisionRow]:
    """Return what fitted in the look that led to these flights being taken, the best first."""
    row = OfferDecisionRow
    look = await session.scalar(
        select(col(row.look_id))
        .where(
            col(row.campaign_id) == campaign_id,
            col(row.itinerary_key) == itinerary_key,
            col(row.verdict).in_(
                [
                    DecisionVerdict.BOOKED,
                    DecisionVerdict.ATTEMPTED,
                    DecisionVerdict.FAILED,
                    DecisionVerdict.PROPOSED,
                    DecisionVerdict.MATCHED,
                ]
            ),
            col(row.at) <= before,
        )
        .order_by(col(row.at).desc(), col(row.id).desc())
        .limit(1)
    )
    if look is None:
        return []
    query = (
        select(row)
        .where(
            col(row.campaign_id) == campaign_id,
            col(row.look_id) == look,
            col(row.score).is_not(None),
        )
        .order_by(col(row.score).desc(), col(row.total_minor))
        .limit(50)
    )
    return list(await session.scalars(query))


async def was_considered(
    session: AsyncSession, campaign_id: UUID, look_id: UUID, offer_id: str
) -> bool:
    """Say whether the offer was considered for this wish."""
    row = OfferDecisionRow
    query = select(col(row.id)).where(
        col(row.campaign_id) == campaign_id,
        col(row.look_id) == look_id,
        col(row.offer_id) == offer_id,
    )
    return await session.scalar(query) is not None


async def stops_of(session: AsyncSession, look_id: UUID) -> dict[str, int]:
    """Return how often each offer of a look stops."""
    query = select(col(OfferSnapshotRow.offer_id), col(OfferSnapshotRow.stops)).where(
        col(OfferSnapshotRow.look_id) == look_id
    )
    return {row.offer_id: row.stops for row in await session.execute(query)}


async def attempts_of(
    session: AsyncSession, campaign_id: UUID, limit: int = 20
) -> Sequence[AttemptRow]:
    """Return the wish's tries to book, newest first."""
    query = (
        select(AttemptRow)
        .where(col(AttemptRow.campaign_id) == campaign_id)
        .order_by(col(AttemptRow.number).desc())
        .limit(limit)
    )
    return list(await session.scalars(query))


_ASK_THEIR_OWNER = (
    CampaignState.NEEDS_ACTION,
    CampaignState.AWAITING_APPROVAL,
    CampaignState.AWAITING_CONSENT,
)


def _rank(bad: BadCards) -> ColumnElement[Any]:
    status = col(CampaignRow.status)
    waits = exists().where(
        col(AttemptRow.campaign_id) == col(CampaignRow.id),
        col(AttemptRow.state) == AttemptState.AWAITING_AUTHENTICATION,
    )
    card = col(CampaignRow.payment_method_id)
    unpaid: ColumnElement[bool] = card.in_(list(bad.ids)) if bad.ids else literal(value=False)
    if bad.default:
        unpaid = or_(unpaid, card.is_(None))
    needs = or_(
        status.in_(_ASK_THEIR_OWNER),
        and_(status == CampaignState.BOOKING, waits),
        and_(status == CampaignState.ACTIVE, col(CampaignRow.mode) != BookingMode.NOTIFY, unpaid),
    )
    return case(
        (needs, int(Place.NEEDS_YOU)),
        (status.in_(list(ENDED)), int(Place.ENDED)),
        (status == CampaignState.PAUSED, int(Place.PAUSED)),
        else_=int(Place.ACTIVE),
    ).cast(Integer)
