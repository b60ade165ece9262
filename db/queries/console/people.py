"""One person as operators see them without a reason: counts, states and the ids of their things."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from db.glances import ACCOUNTS, BOOKINGS, CAMPAIGNS, NOTICES, SESSIONS
from db.models.attempt import AttemptRow
from db.queries.console.lists import Line, Narrow, counts_by, newest, one, table_of

_NEWEST = 10


@dataclass(frozen=True)
class PersonFacts:
    account: Line
    wishes: dict[str, int]
    notices: dict[str, int]
    bookings: tuple[Line, ...]
    attempts: tuple[Line, ...]
    sessions: tuple[Line, ...]


async def person_facts(session: AsyncSession, user_id: UUID) -> PersonFacts | None:
    account = await one(session, ACCOUNTS, user_id)
    if account is None:
        return None
    theirs = Narrow(words={"user_id": [user_id]})
    attempts = table_of(AttemptRow)
    bookings = await newest(session, BOOKINGS, theirs, limit=_NEWEST)
    tried = await newest(session, attempts, theirs, at="started_at", limit=_NEWEST)
    return PersonFacts(
        account=account,
        wishes=await counts_by(session, CAMPAIGNS, "status", theirs),
        notices=await counts_by(session, NOTICES, "state", theirs),
        bookings=bookings.rows,
        attempts=tried.rows,
        sessions=tuple(await open_sessions(session, [user_id])),
    )


async def open_sessions(session: AsyncSession, people: list[UUID]) -> list[Line]:
    """Return the browsers that are signed in to these accounts, the one seen last first."""
    query = (
        select(SESSIONS)
        .where(SESSIONS.c.user_id.in_(people), SESSIONS.c.revoked_at.is_(None))
        .order_by(SESSIONS.c.last_seen_at.desc())
    )
    return list(await session.execute(query))
