"""Operators' looks at personal data: written down before them, shown to the person."""

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from db.models.personal_read import PersonalReadRow
from db.queries.audit import write_down
from domain.audit import Action, Entry
from domain.ids import UserId

_SHOWN = 200


async def add_personal_read(session: AsyncSession, row: PersonalReadRow) -> None:
    session.add(row)
    await session.flush()
    seen = {"what": row.what}
    entry = Entry(Action.PERSON_LOOKED_AT, "personal read", str(row.id), row.user_id, after=seen)
    await write_down(session, entry, row.at)


async def list_personal_reads(session: AsyncSession, user_id: UserId) -> list[PersonalReadRow]:
    """Return who looked at the person's data, the latest first."""
    query = (
        select(PersonalReadRow)
        .where(col(PersonalReadRow.user_id) == user_id)
        .order_by(col(PersonalReadRow.at).desc(), col(PersonalReadRow.id))
        .limit(_SHOWN)
    )
    return list(await session.scalars(query))
