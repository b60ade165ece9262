"""A person's rows as they read them: opened, without what only opens something."""

from collections.abc import AsyncIterator, Mapping
from typing import Any

from pydantic_core import to_jsonable_python
from sqlalchemy import Table
from sqlalchemy.ext.asyncio import AsyncSession

from db.queries.exports import rows_after, table_of
from db.session import Database
from db.vault import PersonalVault
from domain.exports import HIDDEN
from domain.ids import UserId
from domain.retention import TABLES
from runtime.crypto import DecryptionFailed
from runtime.key_store import KeyDestroyed

_PAGE = 500
_SEALED = "_encrypted"
Row = dict[str, Any]


async def person_rows(
    database: Database, vault: PersonalVault, user_id: UserId, name: str
) -> AsyncIterator[Row]:
    """Yield all rows of a table that are the person's, as JSON; a short transaction a page."""
    table, last = table_of(name), None
    keys = [column.name for column in table.primary_key.columns]
    while True:
        async with database.transaction(user_id) as session:
            found = await rows_after(session, table, user_id, last, _PAGE)
            opened = [await _opened(session, vault, user_id, table, row) for row in found]
        for row in opened:
            yield row
        if len(found) < _PAGE:
            return
        last = [found[-1][key] for key in keys]


async def _opened(
    session: AsyncSession,
    vault: PersonalVault,
    user_id: UserId,
    table: Table,
    row: Mapping[str, Any],
) -> Row:
    of_traveler = TABLES[table.name].of_traveler
    subject = row[of_traveler] if of_traveler else None
    if table.name == "bookings":
        subject = row["id"]
    row_id = ":".join(str(row[column.name]) for column in table.primary_key.columns)
    opened: Row = {}
    for name, value in row.items():
        if name in HIDDEN or name == "user_id":
            continue
        if not name.endswith(_SEALED):
            opened[name] = to_jsonable_python(value, bytes_mode="base64")
            continue
        column = name.removesuffix(_SEALED)
        place = {"table": table.name, "column": column, "row_id": row_id, "subject": subject}
        opened[column] = await _text(session, vault, user_id, value, place)
    return opened


async def _text(
    session: AsyncSession,
    vault: PersonalVault,
    user_id: UserId,
    token: str | None,
    place: dict[str, Any],
) -> str | None:
    """Open a field; one that does not open must not keep all the others from their owner."""
    if not token:
        return None
    try:
        return await vault.open(session, user_id, token, **place)
    except (DecryptionFailed, KeyDestroyed):
        return None
