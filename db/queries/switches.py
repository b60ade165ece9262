"""Switches that an operator turns while the product runs."""

from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from db.models.switch import SwitchRow
from db.queries.audit import write_down
from domain.audit import Action, Entry

BOOKING = "booking"


async def booking_stopped(session: AsyncSession) -> bool:
    """Tell whether nothing may be booked at the moment."""
    value = await get_switch(session, BOOKING)
    return bool(value and value.get("stopped"))


def is_stopped() -> ColumnElement[bool]:
    """The same of a switch's row, for a query of more than that."""
    stopped: ColumnElement[bool] = col(SwitchRow.value)["stopped"].as_boolean()
    return stopped


async def stop_booking(session: AsyncSession, why: str, by: str, now: datetime) -> None:
    await set_switch(session, BOOKING, {"stopped": True, "why": why}, by, now)


async def start_booking(session: AsyncSession, by: str, now: datetime) -> None:
    await set_switch(session, BOOKING, {"stopped": False}, by, now)


async def get_switch(session: AsyncSession, name: str) -> dict[str, Any] | None:
    """Return the switch's value, None if it was never turned."""
    value: dict[str, Any] | None = await session.scalar(
        select(col(SwitchRow.value)).where(col(SwitchRow.name) == name)
    )
    return value


async def set_switch(
    session: AsyncSession, name: str, value: dict[str, Any], by: str, now: datetime
) -> None:
    before = await get_switch(session, name) or {}
    changed = {"value": value, "changed_at": now, "changed_by": by}
    await session.execute(
        insert(SwitchRow)
        .values(name=name, **changed)
        .on_conflict_do_update(index_elements=[col(SwitchRow.name)], set_=changed)
    )
    why = str(value.get("why", ""))
    entry = Entry(
        Action.SWITCH_TURNED,
        "switch",
        name,
        None,
        _without_words(before),
        _without_words(value),
        why,
    )
    await write_down(session, entry, now)


def _without_words(value: dict[str, Any]) -> dict[str, Any]:
    return {name: known for name, known in value.items() if name != "why"}


async def list_switches(session: AsyncSession) -> list[SwitchRow]:
    return list(await session.scalars(select(SwitchRow).order_by(col(SwitchRow.name))))
