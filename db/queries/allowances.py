"""Offers that only the budget kept from being booked, and how an attempt came to be allowed."""

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from db.models.attempt import AttemptRow
from db.models.campaign import CampaignRow
from db.models.look import LookRow
from db.models.mandate import MandateRow
from db.models.offer_decision import OfferDecisionRow
from domain.mandate_document import MandateKind
from domain.matching import Reason
from domain.offers import Cabin, DatePair, Party


async def decision_allowed(
    session: AsyncSession, campaign: CampaignRow, look_id: UUID, offer_id: str
) -> OfferDecisionRow | None:
    """Return the decision over an offer that fits the wish of now in all but its price."""
    query = select(OfferDecisionRow).where(
        col(OfferDecisionRow.campaign_id) == campaign.id,
        col(OfferDecisionRow.look_id) == look_id,
        col(OfferDecisionRow.offer_id) == offer_id,
        col(OfferDecisionRow.criteria_version) == campaign.criteria_version,
        col(OfferDecisionRow.reason) == Reason.OVER_BUDGET.value,
        col(OfferDecisionRow.currency) == campaign.currency,
    )
    row: OfferDecisionRow | None = await session.scalar(query)
    return row


async def pair_of_look(session: AsyncSession, look_id: UUID, party: Party) -> DatePair:
    """Return what a look searched, for those who travel."""
    look = await session.get_one(LookRow, look_id)
    return DatePair(
        origin=look.origin,
        destination=look.destination,
        departs_on=look.departs_on,
        returns_on=look.returns_on,
        cabin=Cabin(look.cabin),
        party=party,
    )


async def allowed_once(session: AsyncSession, attempt: AttemptRow) -> bool:
    """Say whether the attempt acts under a consent to its flights alone."""
    if attempt.mandate_id is None:
        return False
    kind = select(col(MandateRow.kind)).where(col(MandateRow.id) == attempt.mandate_id)
    return await session.scalar(kind) is MandateKind.ALLOW_ONCE
