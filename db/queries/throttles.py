"""Buckets of tries, locked while one is taken."""

from collections.abc import Collection, Mapping
from datetime import datetime

from sqlalchemy import delete, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from db.models.throttle import ThrottleRow


async def lock_throttles(
    session: AsyncSession, keys: Collection[str], now: datetime
) -> dict[str, datetime]:
    """Lock these buckets, always in the same order; return when each will be empty."""
    fresh = [{"key": key, "empty_at": now} for key in sorted(keys)]
    await session.execute(insert(ThrottleRow).values(fresh).on_conflict_do_nothing())
    query = (
        select(col(ThrottleRow.key), col(ThrottleRow.empty_at))
        .where(col(ThrottleRow.key).in_(keys))
        .order_by(col(ThrottleRow.key))
        .with_for_update()
    )
    return {row.key: row.empty_at for row in await session.execute(query)}


async def fill_throttles(session: AsyncSession, empty_at: Mapping[str, datetime]) -> None:
    """Write down when buckets that are locked will be empty."""
    for key, instant in empty_at.items():
        await session.execute(
            update(ThrottleRow).where(col(ThrottleRow.key) == key).values(empty_at=instant)
        )


async def sweep_throttles(session: AsyncSession, now: datetime, *, at_most: int) -> None:
    """Forget some buckets that say nothing any more; those in use are passed over."""
    empty = (
        select(col(ThrottleRow.key))
        .where(col(ThrottleRow.empty_at) <= now)
        .limit(at_most)
        .with_for_update(skip_locked=True)
    )
    await session.execute(
        delete(ThrottleRow)
        .where(col(ThrottleRow.key).in_(empty))
        .execution_options(synchronize_session=False)
    )
