"""Signed-in browsers: found by their cookie's hash, ended one by one or all at once."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import text, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from db.journal import remember
from db.models.web_session import WebSessionRow
from db.queries.audit import write_down
from domain.audit import Action, Entry
from domain.ids import UserId
from domain.journal import Act

SESSION_ENDS_CHANNEL = "session_ends"  # a trigger of the table tells the session's id
# "Last seen" is for people to read and for the idle limit, so not every visit writes it.
TOUCH_AT_MOST_EVERY = timedelta(minutes=1)


@dataclass(frozen=True)
class SessionIds:
    """Which session a cookie belongs to, and whose it is."""

    session_id: UUID
    user_id: UserId


async def find_session(session: AsyncSession, token_hash: str) -> SessionIds | None:
    """Find whose cookie this is, before it is known who asks."""
    query = text("SELECT session_id, owner_id FROM find_web_session(:hash)")
    row = (await session.execute(query, {"hash": token_hash})).one_or_none()
    return None if row is None else SessionIds(row.session_id, UserId(row.owner_id))


async def get_session(session: AsyncSession, session_id: UUID) -> WebSessionRow | None:
    return await session.get(WebSessionRow, session_id)


async def add_session(
    session: AsyncSession,
    *,
    session_id: UUID,
    user_id: UserId,
    token_hash: str,
    device: str,
    now: datetime,
    lasts: timedelta,
    stepped_up_at: datetime | None = None,
    factors_open_until: datetime | None = None,
) -> WebSessionRow:
    """Remember a browser that has just signed in."""
    row = WebSessionRow(
        id=session_id,
        user_id=user_id,
        token_hash=token_hash,
        device=device,
        created_at=now,
        last_seen_at=now,
        expires_at=now + lasts,
        stepped_up_at=stepped_up_at,
        factors_open_until=factors_open_until,
    )
    session.add(row)
    await session.flush()
    return row


async def list_sessions(session: AsyncSession, user_id: UserId) -> list[WebSessionRow]:
    """Return the person's sessions that were not ended, the one seen last first."""
    query = select(WebSessionRow).where(
        col(WebSessionRow.user_id) == user_id, col(WebSessionRow.revoked_at).is_(None)
    )
    return list(await session.scalars(query.order_by(col(WebSessionRow.last_seen_at).desc())))


async def revoke_session(
    session: AsyncSession, user_id: UserId, session_id: UUID, now: datetime
) -> bool:
    """End one of the person's sessions; False if they have none of that id, or it has ended."""
    query = (
        update(WebSessionRow)
        .where(
            col(WebSessionRow.id) == session_id,
            col(WebSessionRow.user_id) == user_id,
            col(WebSessionRow.revoked_at).is_(None),
        )
        .values(revoked_at=now)
        .returning(col(WebSessionRow.id))
    )
    ended = (await session.execute(query)).scalar_one_or_none()
    await _written_down(session, user_id, [ended] if ended else [], now)
    return ended is not None


async def revoke_sessions(
    session: AsyncSession, user_id: UserId, now: datetime, *, but: UUID | None = None
) -> int:
    """End all of the person's sessions, or all but one; return how many."""
    query = update(WebSessionRow).where(
        col(WebSessionRow.user_id) == user_id, col(WebSessionRow.revoked_at).is_(None)
    )
    if but is not None:
        query = query.where(col(WebSessionRow.id) != but)
    query = query.values(revoked_at=now)
    ended = list(await session.scalars(query.returning(col(WebSessionRow.id))))
    await _written_down(session, user_id, ended, now)
    return len(ended)


async def _written_down(
    session: AsyncSession, user_id: UserId, ended: list[UUID], now: datetime
) -> None:
    remember(session, Act.REVOKED, str(WebSessionRow.__tablename__), ended, user_id, at=now)
    if ended:
        after = {"ended": len(ended)}
        entry = Entry(Action.SESSIONS_ENDED, "account", str(user_id), user_id, after=after)
        await write_down(session, entry, now)
