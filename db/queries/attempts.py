"""Attempts: reading them, and the facts that allow or forbid another one."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from db.models import (
    AttemptRow,
    BookingRow,
    CampaignRow,
    NoticeRow,
    OperatorTaskRow,
    PaymentMethodRow,
    PaymentRow,
)
from domain.attempts import LIVE, AttemptState, FailureReason
from domain.ids import derive
from domain.orders import BookingState


async def get_attempt(session: AsyncSession, attempt_id: UUID) -> AttemptRow | None:
    return await session.get(AttemptRow, attempt_id, populate_existing=True)


async def list_attempts(
    session: AsyncSession, states: Sequence[AttemptState], limit: int
) -> list[AttemptRow]:
    """Return attempts, those that began last first; no states means all."""
    query = select(AttemptRow)
    if states:
        query = query.where(AttemptRow.state.in_(states))  # type: ignore[attr-defined]
    query = query.order_by(AttemptRow.started_at.desc()).limit(limit)  # type: ignore[attr-defined]
    return list(await session.scalars(query))


async def live_attempt(session: AsyncSession, campaign_id: UUID) -> AttemptRow | None:
    """Return the campaign's one attempt that has not ended."""
    query = select(AttemptRow).where(
        AttemptRow.campaign_id == campaign_id,  # type: ignore[arg-type]
        AttemptRow.state.in_(LIVE),  # type: ignore[attr-defined]
    )
    row: AttemptRow | None = await session.scalar(query)
    return row


async def attempt_opened_by(session: AsyncSession, opening_key: str) -> AttemptRow | None:
    query = select(AttemptRow).where(AttemptRow.opening_key == opening_key)  # type: ignore[arg-type]
    row: AttemptRow | None = await session.scalar(query)
    return row


async def next_number(session: AsyncSession, campaign_id: UUID) -> int:
    query = select(func.coalesce(func.max(AttemptRow.number), 0)).where(
        AttemptRow.campaign_id == campaign_id  # type: ignore[arg-type]
    )
    return int(await session.scalar(query) or 0) + 1


async def failures_in_a_row(session: AsyncSession, campaign_id: UUID) -> int:
    """Count the failed attempts, leaving out those that the traveller called off."""
    query = select(func.count()).where(
        AttemptRow.campaign_id == campaign_id,  # type: ignore[arg-type]
        AttemptRow.state == AttemptState.FAILED,  # type: ignore[arg-type]
        AttemptRow.failure_reason != FailureReason.WITHDRAWN,  # type: ignore[arg-type]
    )
    return int(await session.scalar(query) or 0)


async def card_of(session: AsyncSession, campaign: CampaignRow) -> PaymentMethodRow | None:
    """Return the campaign's own card, else its owner's default, if it can be used."""
    query = select(PaymentMethodRow).where(
        PaymentMethodRow.user_id == campaign.user_id,  # type: ignore[arg-type]
        PaymentMethodRow.status == "usable",  # type: ignore[arg-type]
    )
    if campaign.payment_method_id:
        query = query.where(PaymentMethodRow.id == campaign.payment_method_id)  # type: ignore[arg-type]
    else:
        query = query.where(PaymentMethodRow.is_default)  # type: ignore[arg-type]
    row: PaymentMethodRow | None = await session.scalar(query)
    return row


async def authorisation_times(
    session: AsyncSession, payment_method_id: UUID, since: datetime
) -> list[datetime]:
    """Return when the card was asked for money since then."""
    query = select(PaymentRow.created_at).where(  # type: ignore[call-overload]
        PaymentRow.payment_method_id == payment_method_id, PaymentRow.created_at >= since
    )
    return list(await session.scalars(query))


async def booking_of(session: AsyncSession, attempt_id: UUID) -> BookingRow | None:
    """Return the attempt's booking unless it was cancelled."""
    query = select(BookingRow).where(
        BookingRow.attempt_id == attempt_id,  # type: ignore[arg-type]
        BookingRow.state != BookingState.CANCELLED,  # type: ignore[arg-type]
    )
    row: BookingRow | None = await session.scalar(query)
    return row


async def open_task(  # noqa: PLR0917
    session: AsyncSession,
    key: str,
    kind: str,
    detail: str,
    now: datetime,
    attempt: AttemptRow | None = None,
    booking: BookingRow | None = None,
    notice: NoticeRow | None = None,
) -> bool:
    """Ask a person, once for each key, about one of these or about nothing in particular.

    Return whether this is what asked.
    """
    task_id = derive("task", key)
    if await session.get(OperatorTaskRow, task_id):
        return False
    owner = attempt or booking or notice
    session.add(
        OperatorTaskRow(
            id=task_id,
            key=key,
            kind=kind,
            user_id=owner.user_id if owner else None,
            campaign_id=owner.campaign_id if owner else None,
            attempt_id=attempt.id if attempt else None,
            booking_id=booking.id if booking else None,
            detail=detail,
            created_at=now,
        )
    )
    await session.flush()
    return True
