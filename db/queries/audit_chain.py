"""The chain of the audit log: links are made of rows afterwards, by one appender at a time.

A row that nobody has linked yet stands in no chain; a link that stands says what its row was.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import TextClause, func, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from db.locks import one_at_a_time
from db.models.audit import AuditLinkRow
from domain.audit import FIRST, digest_of, link

# Ids are given when a row is added and rows become visible when their transaction ends, so a lower
# one may follow. No transaction stays open while so many others are made.
_LATE = 20_000
# Raw, so that sealed words come as they are stored: that is what is linked.
_NOT_LINKED = text(
    """
    SELECT * FROM audit_log AS l WHERE l.id > :since
        AND NOT EXISTS (SELECT FROM audit_chain AS c WHERE c.row_id = l.id)
    ORDER BY l.id LIMIT :limit
    """
)
_LEFT_OUT = text(
    "SELECT count(*) FROM audit_log AS l"
    " WHERE NOT EXISTS (SELECT FROM audit_chain AS c WHERE c.row_id = l.id)"
)
_LINKED = text(
    """
    SELECT l.*, c.position, c.row_id, c.digest, c.hash
    FROM audit_chain AS c LEFT JOIN audit_log AS l ON l.id = c.row_id
    WHERE c.position > :after ORDER BY c.position LIMIT :limit
    """
)
_ALL = text(
    """
    SELECT l.*, c.position, c.hash
    FROM audit_log AS l LEFT JOIN audit_chain AS c ON l.id = c.row_id
    WHERE l.id > :after ORDER BY l.id LIMIT :limit
    """
)


async def last_link(session: AsyncSession) -> AuditLinkRow | None:
    query = select(AuditLinkRow).order_by(col(AuditLinkRow.position).desc()).limit(1)
    row: AuditLinkRow | None = await session.scalar(query)
    return row


async def append_links(session: AsyncSession, now: datetime, limit: int) -> int:
    """Link rows that no link holds yet, under the one appender's lock; return how many."""
    await one_at_a_time(session, "audit_chain")
    last = await last_link(session)
    position, previous = (last.position, last.hash) if last else (0, FIRST)
    newest = await session.scalar(select(func.max(col(AuditLinkRow.row_id)))) or 0
    values = {"since": newest - _LATE, "limit": limit}
    links = []
    for row in await _rows(session, _NOT_LINKED, values):
        position, digest = position + 1, digest_of(row)
        previous = link(previous, position, row["id"], digest)
        links.append(
            AuditLinkRow(
                position=position, row_id=row["id"], digest=digest, hash=previous, chained_at=now
            )
        )
    session.add_all(links)
    await session.flush()
    return len(links)


async def count_not_linked(session: AsyncSession) -> int:
    return int(await session.scalar(_LEFT_OUT) or 0)


async def linked_rows(
    session: AsyncSession, page: int = 2_000
) -> AsyncIterator[Sequence[Mapping[str, Any]]]:
    """Yield all links in order with the rows they hold, as they are stored, in pages."""
    after = 0
    while True:
        rows = await _rows(session, _LINKED, {"after": after, "limit": page})
        if rows:
            yield rows
        if len(rows) < page:
            return
        after = rows[-1]["position"]


async def all_rows(session: AsyncSession, page: int = 2_000) -> AsyncIterator[Mapping[str, Any]]:
    """Yield every row as it is stored, the oldest first, with its place in the chain."""
    after = 0
    while True:
        rows = await _rows(session, _ALL, {"after": after, "limit": page})
        for row in rows:
            yield row
        if len(rows) < page:
            return
        after = rows[-1]["id"]


async def _rows(
    session: AsyncSession, statement: TextClause, values: Mapping[str, int]
) -> list[dict[str, Any]]:
    found = (await session.execute(statement, values)).mappings()
    return [{str(name): value for name, value in row.items()} for row in found]
