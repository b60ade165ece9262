"""All rows of one person, table by table, in the order of their keys."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Table, func, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import SQLModel

import db.models  # noqa: F401  # fills the metadata
from domain.exports import APART
from domain.ids import UserId


def table_of(name: str) -> Table:
    return SQLModel.metadata.tables[name]


async def rows_after(
    session: AsyncSession,
    table: Table,
    user_id: UserId,
    last: Sequence[Any] | None,
    limit: int,
) -> list[Mapping[str, Any]]:
    """Return the person's next rows after the one with this key."""
    keys = list(table.primary_key.columns)
    told = [column for column in table.columns if column.name not in APART]
    query = select(*told).where(_owner(table) == user_id).order_by(*keys).limit(limit)
    if last is not None:
        query = query.where(tuple_(*keys) > tuple(last))
    return [dict(row) for row in (await session.execute(query)).mappings()]


async def count_rows(
    session: AsyncSession, user_id: UserId, tables: Sequence[str]
) -> dict[str, int]:
    """Return how many rows of each table are the person's, in one question."""
    counts = [
        select(func.count())
        .select_from(table_of(name))
        .where(_owner(table_of(name)) == user_id)
        .scalar_subquery()
        .label(name)
        for name in tables
    ]
    row = (await session.execute(select(*counts))).one()
    return dict(row._mapping)  # noqa: SLF001  # its documented name


def _owner(table: Table) -> Any:
    return table.c.id if table.name == "users" else table.c.user_id
