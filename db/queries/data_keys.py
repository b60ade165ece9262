"""The wrapped data keys of people."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from db.models.data_key import DataKeyRow
from domain.ids import UserId


async def get_data_key(session: AsyncSession, user_id: UserId) -> DataKeyRow | None:
    row = await session.get(DataKeyRow, user_id)
    if row is not None:
        # The session holds its rows weakly: kept here, a person's key is read once for all fields.
        session.info[DataKeyRow, user_id] = row
    return row


async def ensure_data_key(
    session: AsyncSession, user_id: UserId, wrapped_key: str, master_key_id: str, now: datetime
) -> DataKeyRow:
    """Keep the key unless the person has one already; return the one that stands."""
    await session.execute(
        insert(DataKeyRow)
        .values(
            user_id=user_id, wrapped_key=wrapped_key, master_key_id=master_key_id, created_at=now
        )
        .on_conflict_do_nothing()
    )
    return await session.get_one(DataKeyRow, user_id, populate_existing=True)


async def keys_not_under(
    session: AsyncSession, master_key_id: str, *, limit: int
) -> list[DataKeyRow]:
    """Lock and return data keys that another master key wraps; skips those being worked on."""
    query = (
        select(DataKeyRow)
        .where(col(DataKeyRow.master_key_id) != master_key_id)
        .order_by(col(DataKeyRow.user_id))
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    return list(await session.scalars(query))
