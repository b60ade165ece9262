"""A look at somebody: written down with its reason before it, and shown to whom it is about."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sqlalchemy.ext.asyncio import AsyncSession

from api.web.admin.doing import name_of
from api.web.admin.entry import ledgers
from api.web.visits import Visit
from db.reads import Look, looking_at
from domain.ids import UserId


@asynccontextmanager
async def look(visit: Visit, person: UserId, what: str, why: str) -> AsyncIterator[AsyncSession]:
    """Open a transaction that sees one person's rows; that it was opened is in the audit log."""
    database, seen = ledgers(visit), Look(name_of(visit), what, why)
    async with looking_at(database, visit.services.vault, person, seen, visit.now) as session:
        yield session
