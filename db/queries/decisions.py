"""What became of the offers that were decided on, written on their decisions."""

from enum import StrEnum
from uuid import UUID

from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from db.models.attempt import AttemptRow
from db.models.offer_decision import DecisionVerdict, OfferDecisionRow
from domain.attempts import FailureReason
from domain.messages.campaign import OfferFound


async def decide(
    session: AsyncSession, campaign_id: UUID, found: OfferFound, verdict: DecisionVerdict
) -> None:
    """Say that an offer is proposed or being booked.

    The verdict of before does not matter: an offer over the budget may be allowed by hand, and one
    whose booking failed may be tried again.
    """
    row = OfferDecisionRow
    await session.execute(
        update(row)
        .where(
            col(row.campaign_id) == campaign_id,
            col(row.look_id) == found.look_id,
            col(row.itinerary_key) == found.itinerary_key,
            col(row.total_minor) == found.price.minor,
            col(row.currency) == found.price.currency,
        )
        .values(verdict=verdict, failure_reason=None)
    )


async def decide_booked(session: AsyncSession, attempt: AttemptRow) -> None:
    """Say that the offer that is being booked for the attempt's campaign was booked."""
    await _settle(session, attempt, {"verdict": DecisionVerdict.BOOKED})


async def decide_failed(session: AsyncSession, attempt: AttemptRow, reason: FailureReason) -> None:
    """Say why the offer that is being booked for the attempt's campaign was not."""
    await _settle(session, attempt, {"verdict": DecisionVerdict.FAILED, "failure_reason": reason})


async def _settle(session: AsyncSession, attempt: AttemptRow, values: dict[str, StrEnum]) -> None:
    # A campaign has one attempt at a time, so what is being booked for it is the attempt's.
    row = OfferDecisionRow
    await session.execute(
        update(row)
        .where(
            col(row.campaign_id) == attempt.campaign_id,
            col(row.itinerary_key) == attempt.itinerary_key,
            col(row.verdict) == DecisionVerdict.ATTEMPTED,
        )
        .values(**values)
    )
