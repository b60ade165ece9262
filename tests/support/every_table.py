"""One row in each table for a person, made from what the models say, for tests of rights."""

import itertools
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID, uuid4

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlmodel import SQLModel

import db.models  # noqa: F401  # fills the metadata

NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
# Far from what a table counts by itself.
_numbers = itertools.count(1_000_001)
Key = dict[str, Any]


def fill(connection: sa.Connection, person: UUID, at: datetime = NOW) -> dict[str, Key]:
    """Add a row of this person's to every table, as of an instant; return each primary key."""
    made: dict[str, dict[str, Any]] = {}
    for table in SQLModel.metadata.sorted_tables:
        values = {c.name: _value(c, person, made) for c in table.columns if _needed(c)}
        values = {k: at if v is NOW else v for k, v in values.items()}
        connection.execute(table.insert().values(values))
        made[table.name] = values
    return {
        table.name: {c.name: made[table.name][c.name] for c in table.primary_key.columns}
        for table in SQLModel.metadata.sorted_tables
    }


def _needed(column: sa.Column[Any]) -> bool:
    """Say whether a row wants a value; what may be empty stays so, but for whose row it is."""
    if column.computed is not None:
        return False
    wanted = (column.table.name, column.name) in _OF_AN_OFFER
    return column.primary_key or not column.nullable or column.name == "user_id" or wanted


# Of an offer that was decided on, all of these are known.
_OF_AN_OFFER = {
    ("offer_decisions", name) for name in ("offer_id", "itinerary_key", "total_minor", "currency")
}


def _value(column: sa.Column[Any], person: UUID, made: dict[str, dict[str, Any]]) -> Any:
    if column.name == "user_id" or (column.table.name == "users" and column.primary_key):
        return person
    for key in column.foreign_keys:
        return made[key.column.table.name][key.column.name]
    kind = column.type.impl if isinstance(column.type, sa.TypeDecorator) else column.type
    if isinstance(kind, sa.Enum):
        return next(iter(kind.enum_class)) if kind.enum_class else kind.enums[0]
    if isinstance(kind, sa.String):
        return f"{column.name[:3]}{next(_numbers)}{person.hex}"[: kind.length or 60]
    for sort, make in _OF_TYPE:
        if isinstance(kind, sort):
            return make()
    raise NotImplementedError(f"{column.table.name}.{column.name}: {kind!r}")


_OF_TYPE: tuple[tuple[type, Callable[[], Any]], ...] = (
    (sa.Uuid, uuid4),
    (sa.Boolean, lambda: False),
    (sa.Float, lambda: 1.0),
    (sa.Numeric, lambda: next(_numbers)),
    (sa.SmallInteger, lambda: 2),
    (sa.Integer, lambda: next(_numbers)),
    (sa.DateTime, lambda: NOW),
    (sa.Date, lambda: date(2027, 5, 10)),
    (sa.LargeBinary, lambda: uuid4().bytes),
    (JSONB, dict),
    (ARRAY, list),
)
