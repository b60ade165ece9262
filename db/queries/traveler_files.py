"""Scans of travellers: listed without their content, which is read one at a time."""

from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import defer
from sqlmodel import col

from db.models.traveler_file import TravelerFileRow


async def list_files(session: AsyncSession, traveler_id: UUID) -> list[TravelerFileRow]:
    """Return a traveller's files, the newest first; their content stays where it is."""
    query = (
        select(TravelerFileRow)
        .options(defer(TravelerFileRow.content_encrypted, raiseload=True))  # type: ignore[arg-type]
        .where(col(TravelerFileRow.traveler_id) == traveler_id)
        .order_by(col(TravelerFileRow.created_at).desc(), col(TravelerFileRow.id))
    )
    return list(await session.scalars(query))


async def count_files(session: AsyncSession, traveler_id: UUID) -> int:
    query = (
        select(func.count())
        .select_from(TravelerFileRow)
        .where(col(TravelerFileRow.traveler_id) == traveler_id)
    )
    return int(await session.scalar(query) or 0)


async def get_file(
    session: AsyncSession, traveler_id: UUID, file_id: UUID
) -> TravelerFileRow | None:
    row = await session.get(TravelerFileRow, file_id, populate_existing=True)
    return row if row is not None and row.traveler_id == traveler_id else None


async def add_file(session: AsyncSession, row: TravelerFileRow) -> None:
    session.add(row)
    await session.flush()


async def delete_file(session: AsyncSession, row: TravelerFileRow) -> None:
    await session.delete(row)
    await session.flush()
