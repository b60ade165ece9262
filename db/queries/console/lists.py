"""What operators list: a page at a time, the newest first, narrowed by what they look for."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import Any, cast
from uuid import UUID

from sqlalchemy import ColumnElement, Row, Table, func, inspect, select, text, tuple_
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import SQLModel

from db.paging import Page, check_limit, decode_cursor, page_of

Line = Row[Any]
"""A row of a view or a table: its columns by their names."""


@dataclass(frozen=True)
class Narrow:
    """What is looked for. Of a column without words every row is wanted, of one with words those.

    `ids` None: any.
    """

    words: Mapping[str, Collection[object]] = field(default_factory=dict)
    ids: Collection[UUID] | None = None
    since: datetime | None = None
    before: datetime | None = None

    def conditions(self, table: Table, at: str) -> list[ColumnElement[bool]]:
        found: list[ColumnElement[bool]] = [
            table.c[name].in_(list(words)) for name, words in self.words.items() if words
        ]
        if self.ids is not None:
            found.append(table.c.id.in_(list(self.ids)))
        if self.since is not None:
            found.append(table.c[at] >= self.since)
        if self.before is not None:
            found.append(table.c[at] < self.before)
        return found


ALL = Narrow()


def table_of(model: type[SQLModel]) -> Table:
    """Return the table of a model that operators may list as it is."""
    return cast("Table", inspect(model).local_table)


async def newest(
    session: AsyncSession,
    table: Table,
    narrow: Narrow = ALL,
    *,
    at: str = "created_at",
    cursor: str | None = None,
    limit: int = 50,
) -> Page[Line]:
    """Return a page of a table or a view that has an id and an instant.

    Raises:
        BadCursor, BadLimit: the paging is not one of ours.
    """
    instant, identity = table.c[at], table.c.id
    query = select(table).where(*narrow.conditions(table, at))
    if cursor:
        last = decode_cursor(cursor)
        query = query.where(tuple_(instant, identity) < tuple_(last.at, last.uuid()))
    query = query.order_by(instant.desc(), identity.desc()).limit(check_limit(limit) + 1)
    rows = list(await session.execute(query))
    return page_of(rows, limit, lambda row: (getattr(row, at), row.id))


async def one(session: AsyncSession, table: Table, row_id: UUID) -> Line | None:
    found = await session.execute(select(table).where(table.c.id == row_id))
    return found.one_or_none()


async def counts_by(
    session: AsyncSession,
    table: Table,
    column: str,
    narrow: Narrow = ALL,
    *,
    at: str = "created_at",
) -> dict[str, int]:
    """Count rows by what stands in a column."""
    word = table.c[column]
    query = select(word, func.count()).where(*narrow.conditions(table, at)).group_by(word)
    return {
        _word(name): int(number) for name, number in await session.execute(query.order_by(word))
    }


async def count_in(
    session: AsyncSession, model: type[SQLModel], column: str, words: Collection[object]
) -> int:
    table = table_of(model)
    query = select(func.count()).select_from(table).where(table.c[column].in_(list(words)))
    return int(await session.scalar(query) or 0)


async def booking_by_reference(session: AsyncSession, reference: str) -> list[UUID]:
    """Return the bookings of a reference that somebody has told us."""
    query = text("SELECT * FROM find_booking_by_reference(:reference)")
    return list(await session.scalars(query, {"reference": reference}))


def _word(value: object) -> str:
    return str(value.value if isinstance(value, Enum) else value)
