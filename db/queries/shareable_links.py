"""Addresses that people give away, found by the hash of their secret before it is known whose."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select, text, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from db.journal import remember
from db.models.booking import BookingRow
from db.models.shareable_link import LinkKind, ShareableLinkRow
from domain.ids import UserId
from domain.journal import Act


@dataclass(frozen=True)
class SharedBy:
    """Which link a secret belongs to, and whose it is."""

    link_id: UUID
    owner_id: UserId


async def find_shared(session: AsyncSession, token_hash: str) -> SharedBy | None:
    """Find whose link this is."""
    query = text("SELECT link_id, owner_id FROM find_shareable_link(:hash)")
    row = (await session.execute(query, {"hash": token_hash})).one_or_none()
    return None if row is None else SharedBy(row.link_id, UserId(row.owner_id))


async def get_shared(session: AsyncSession, link_id: UUID) -> ShareableLinkRow | None:
    return await session.get(ShareableLinkRow, link_id, populate_existing=True)


async def list_shared(
    session: AsyncSession, user_id: UserId, kind: LinkKind, booking_id: UUID | None = None
) -> list[ShareableLinkRow]:
    """Return a person's links of a kind, the newest first; of one booking where one is named."""
    query = select(ShareableLinkRow).where(
        col(ShareableLinkRow.user_id) == user_id, col(ShareableLinkRow.kind) == kind
    )
    if booking_id is not None:
        query = query.where(col(ShareableLinkRow.booking_id) == booking_id)
    newest = (col(ShareableLinkRow.created_at).desc(), col(ShareableLinkRow.id).desc())
    return list(await session.scalars(query.order_by(*newest)))


async def add_shared(session: AsyncSession, row: ShareableLinkRow) -> None:
    session.add(row)
    await session.flush()


async def revoke_shared(
    session: AsyncSession,
    user_id: UserId,
    kind: LinkKind,
    now: datetime,
    *,
    link_id: UUID | None = None,
) -> int:
    """Let a person's links of a kind open nothing any more, or one of them; return how many."""
    query = update(ShareableLinkRow).where(
        col(ShareableLinkRow.user_id) == user_id,
        col(ShareableLinkRow.kind) == kind,
        col(ShareableLinkRow.revoked_at).is_(None),
    )
    if link_id is not None:
        query = query.where(col(ShareableLinkRow.id) == link_id)
    ended = query.values(revoked_at=now).returning(col(ShareableLinkRow.id))
    done = list(await session.scalars(ended.execution_options(synchronize_session=False)))
    remember(session, Act.REVOKED, str(ShareableLinkRow.__tablename__), done, user_id, at=now)
    return len(done)


async def flights_since(
    session: AsyncSession, user_id: UserId, since: datetime, *, most: int
) -> list[BookingRow]:
    """Return a person's bookings that arrive after an instant, the earliest first.

    Those that were cancelled are there too: calendars must hear of it.
    """
    query = (
        select(BookingRow)
        .where(col(BookingRow.user_id) == user_id, col(BookingRow.arrives_at) > since)
        .order_by(col(BookingRow.departs_at), col(BookingRow.id))
        .limit(most)
    )
    return list(await session.scalars(query))
