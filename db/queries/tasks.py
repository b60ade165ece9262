"""What only a person can decide: reading it. Opening one is `db/queries/attempts.py`."""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from db.models.operator_task import OperatorTaskRow, TaskState


async def get_task(session: AsyncSession, task_id: UUID) -> OperatorTaskRow | None:
    return await session.get(OperatorTaskRow, task_id, populate_existing=True)


async def list_tasks(session: AsyncSession, *, every: bool, limit: int) -> list[OperatorTaskRow]:
    """Return tasks, the oldest first; `every`: those that were closed too."""
    query = select(OperatorTaskRow).order_by(col(OperatorTaskRow.created_at)).limit(limit)
    if not every:
        query = query.where(col(OperatorTaskRow.state) == TaskState.OPEN)
    return list(await session.scalars(query))
