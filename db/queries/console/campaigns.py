"""One wish as operators see it without a reason: states, amounts, instants and ids."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from db.glances import BOOKINGS, CAMPAIGNS, MANDATES, SEARCHES
from db.models.attempt import AttemptRow
from db.models.audit import AuditRow
from db.models.operator_task import OperatorTaskRow
from db.models.payment import PaymentRow
from db.models.refund import RefundRow
from db.queries.console.lists import Line, one
from db.queries.switches import Hindrances, hindrances
from db.queries.timelines import done_to

# The newest: a wish that is tried again and again has more than anybody reads.
_ATTEMPTS = 50


@dataclass(frozen=True)
class CampaignFacts:
    """`searched` None: nobody has looked for it yet. `mandates` are those that stand."""

    campaign: Line
    searched: Line | None
    mandates: tuple[Line, ...]
    attempts: tuple[AttemptRow, ...]
    bookings: tuple[Line, ...]
    payments: tuple[PaymentRow, ...]
    refunds: tuple[RefundRow, ...]
    tasks: tuple[OperatorTaskRow, ...]
    timeline: tuple[AuditRow, ...]
    held: Hindrances


async def campaign_facts(
    session: AsyncSession, campaign_id: UUID, now: datetime
) -> CampaignFacts | None:
    campaign = await one(session, CAMPAIGNS, campaign_id)
    if campaign is None:
        return None
    mandates = await session.execute(
        select(MANDATES)
        .where(MANDATES.c.campaign_id == campaign_id)
        .order_by(MANDATES.c.consented_at.desc())
    )
    given = tuple(mandates)
    attempts = await session.scalars(
        select(AttemptRow)
        .where(col(AttemptRow.campaign_id) == campaign_id)
        .order_by(col(AttemptRow.number).desc())
        .limit(_ATTEMPTS)
    )
    bookings = await session.execute(
        select(BOOKINGS)
        .where(BOOKINGS.c.campaign_id == campaign_id)
        .order_by(BOOKINGS.c.created_at.desc())
    )
    tried, booked = tuple(attempts), tuple(bookings)
    payments = await _payments(session, campaign_id, [row.id for row in tried])
    refunds = await _refunds(session, [row.id for row in booked])
    rows: tuple[Any, ...] = (*given, *tried, *booked, *payments, *refunds)
    return CampaignFacts(
        campaign=campaign,
        searched=await one(session, SEARCHES, campaign_id),
        mandates=tuple(row for row in given if row.revoked_at is None),
        attempts=tried,
        bookings=booked,
        payments=payments,
        refunds=refunds,
        tasks=await _tasks(session, campaign_id),
        timeline=tuple(await done_to(session, [campaign_id, *(row.id for row in rows)])),
        held=await hindrances(session, now),
    )


async def _payments(
    session: AsyncSession, campaign_id: UUID, attempts: list[UUID]
) -> tuple[PaymentRow, ...]:
    query = select(PaymentRow).where(
        or_(col(PaymentRow.campaign_id) == campaign_id, col(PaymentRow.attempt_id).in_(attempts))
    )
    return tuple(await session.scalars(query.order_by(col(PaymentRow.created_at))))


async def _refunds(session: AsyncSession, bookings: list[UUID]) -> tuple[RefundRow, ...]:
    query = select(RefundRow).where(col(RefundRow.booking_id).in_(bookings))
    return tuple(await session.scalars(query.order_by(col(RefundRow.created_at))))


async def _tasks(session: AsyncSession, campaign_id: UUID) -> tuple[OperatorTaskRow, ...]:
    query = select(OperatorTaskRow).where(col(OperatorTaskRow.campaign_id) == campaign_id)
    return tuple(await session.scalars(query.order_by(col(OperatorTaskRow.created_at).desc())))
