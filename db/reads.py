"""How an operator comes to see a person's data: say why, and only then look.

The reason is committed before the look begins, and Postgres shows an operator nothing of a person
without one (`operator_may_look`). The person reads who looked, at what and why.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from uuid import uuid4

from sqlalchemy.ext.asyncio import AsyncSession

from db.models.personal_read import PersonalReadRow
from db.queries.personal_reads import add_personal_read
from db.session import Database, OperatorActor, SystemActor
from db.vault import PersonalVault
from domain.ids import UserId

READS = "personal_reads"


@dataclass(frozen=True)
class Look:
    """Who looks, at what ("API keys"), and why in the operator's own words."""

    operator: str
    what: str
    why: str


@asynccontextmanager
async def looking_at(
    database: Database, vault: PersonalVault, person: UserId, look: Look, now: datetime
) -> AsyncIterator[AsyncSession]:
    """Open a transaction in which an operator sees one person's rows."""
    read_id = uuid4()
    async with database.transaction(SystemActor("operator")) as session:
        # What an operator writes about somebody may be personal itself.
        why = await vault.seal(session, person, look.why, table=READS, column="why", row_id=read_id)
        row = PersonalReadRow(
            id=read_id,
            user_id=person,
            operator=look.operator,
            what=look.what,
            why_encrypted=why,
            at=now,
        )
        await add_personal_read(session, row)
    async with database.transaction(OperatorActor(person, read_id)) as session:
        yield session
