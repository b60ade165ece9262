"""Browsers that gave a password and still owe a second factor."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from db.models.pending_sign_in import PendingSignInRow
from domain.ids import UserId


@dataclass(frozen=True)
class PendingIds:
    """Which pending sign-in a cookie belongs to, and whose it is."""

    pending_id: UUID
    user_id: UserId


async def add_pending(session: AsyncSession, row: PendingSignInRow) -> None:
    session.add(row)
    await session.flush()


async def find_pending(session: AsyncSession, token_hash: str) -> PendingIds | None:
    """Find whose cookie this is."""
    query = text("SELECT pending_id, owner_id FROM find_pending_sign_in(:hash)")
    row = (await session.execute(query, {"hash": token_hash})).one_or_none()
    return None if row is None else PendingIds(row.pending_id, UserId(row.owner_id))


async def get_pending(
    session: AsyncSession, pending_id: UUID, *, lock: bool = False
) -> PendingSignInRow | None:
    return await session.get(
        PendingSignInRow, pending_id, with_for_update=lock or None, populate_existing=True
    )


async def delete_stale_pending(session: AsyncSession, user_id: UserId, now: datetime) -> None:
    """Forget the person's pending sign-ins that can lead to nothing."""
    await session.execute(
        delete(PendingSignInRow).where(
            col(PendingSignInRow.user_id) == user_id, col(PendingSignInRow.expires_at) <= now
        )
    )


async def delete_pending(session: AsyncSession, user_id: UserId) -> None:
    """Forget all of the person's pending sign-ins: the password that began them is over."""
    await session.execute(delete(PendingSignInRow).where(col(PendingSignInRow.user_id) == user_id))
