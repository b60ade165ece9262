"""Disputes: the rows, and what belongs to one."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from db.models.dispute import DisputeRow
from db.models.notice import NoticeRow
from db.models.operator_task import OperatorTaskRow, TaskState
from db.models.payment import PaymentRow
from domain.disputes import DisputeStatus
from domain.ids import derive


async def oldest_open(session: AsyncSession) -> datetime | None:
    """Return when the oldest dispute was opened that is not over."""
    over = [status for status in DisputeStatus if status.is_over]
    query = select(func.min(col(DisputeRow.opened_at))).where(col(DisputeRow.status).not_in(over))
    found: datetime | None = await session.scalar(query)
    return found


async def payment_of_intent(session: AsyncSession, intent_ref: str) -> PaymentRow | None:
    query = select(PaymentRow).where(col(PaymentRow.intent_ref) == intent_ref)
    row: PaymentRow | None = await session.scalar(query)
    return row


async def get_dispute(
    session: AsyncSession, dispute_id: UUID, *, lock: bool = False
) -> DisputeRow | None:
    return await session.get(DisputeRow, dispute_id, with_for_update=lock, populate_existing=True)


async def find_dispute(session: AsyncSession, reference: str) -> DisputeRow | None:
    """Return a dispute by the processor's id."""
    return await session.get(DisputeRow, dispute_id_of(reference))


async def disputes_of(session: AsyncSession, booking_id: UUID) -> list[DisputeRow]:
    query = select(DisputeRow).where(col(DisputeRow.booking_id) == booking_id)
    return list(await session.scalars(query.order_by(col(DisputeRow.opened_at))))


async def all_disputes(session: AsyncSession, *, only_open: bool) -> list[DisputeRow]:
    """Return them by deadline; those that nobody has to answer come last."""
    query = select(DisputeRow)
    if only_open:
        over = [status for status in DisputeStatus if status.is_over]
        query = query.where(col(DisputeRow.status).not_in(over))
    query = query.order_by(col(DisputeRow.answer_by).nulls_last(), col(DisputeRow.opened_at))
    return list(await session.scalars(query.limit(1_000)))


async def told_about(session: AsyncSession, dispute: DisputeRow) -> list[NoticeRow]:
    """Return what the traveller was told of the wish and its booking, oldest first."""
    query = select(NoticeRow).where(
        col(NoticeRow.user_id) == dispute.user_id,
        or_(
            col(NoticeRow.booking_id) == dispute.booking_id,
            col(NoticeRow.campaign_id) == dispute.campaign_id,
        ),
    )
    return list(await session.scalars(query.order_by(col(NoticeRow.created_at))))


async def end_task(session: AsyncSession, key: str, now: datetime) -> None:
    """Close an operator's task whose matter has settled itself."""
    task = await session.get(OperatorTaskRow, derive("task", key), with_for_update=True)
    if task is not None and task.state is TaskState.OPEN:
        task.state, task.closed_at = TaskState.DONE, now


def dispute_id_of(reference: str) -> UUID:
    return derive("dispute", reference)
