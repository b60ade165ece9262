"""Switches that an operator turns while the product runs, and those that turn by themselves."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from db.models.switch import SwitchRow
from db.queries.audit import write_down
from domain.audit import Action, Entry
from domain.breakers import Breaker

BOOKING = "booking"
_PROVIDER = "provider:"


@dataclass(frozen=True)
class Hindrances:
    """What keeps wishes from being booked at the moment, whoever's they are."""

    stopped: bool
    away: tuple[str, ...]  # providers that do not answer


async def hindrances(session: AsyncSession, now: datetime) -> Hindrances:
    """Read all switches that a page tells people of, at once."""
    name = col(SwitchRow.name)
    query = select(SwitchRow).where(or_(name == BOOKING, name.startswith(_PROVIDER))).order_by(name)
    found = {row.name: row.value for row in await session.scalars(query)}
    away = [
        each.removeprefix(_PROVIDER)
        for each, value in found.items()
        if each != BOOKING and Breaker.model_validate(value).away(now)
    ]
    return Hindrances(bool(found.get(BOOKING, {}).get("stopped")), tuple(away))


async def set_provider(session: AsyncSession, vendor: str, breaker: Breaker, now: datetime) -> None:
    """Write down whether a provider is left alone, as a breaker says."""
    value = breaker.model_dump(mode="json")
    # Nobody has turned it: the log of what people did stays readable in an outage.
    await _put(session, f"{_PROVIDER}{vendor}", value, "breaker", now)


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
    await _put(session, name, value, by, now)
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


async def _put(
    session: AsyncSession, name: str, value: dict[str, Any], by: str, now: datetime
) -> None:
    changed = {"value": value, "changed_at": now, "changed_by": by}
    await session.execute(
        insert(SwitchRow)
        .values(name=name, **changed)
        .on_conflict_do_update(index_elements=[col(SwitchRow.name)], set_=changed)
    )


def _without_words(value: dict[str, Any]) -> dict[str, Any]:
    return {name: known for name, known in value.items() if name != "why"}


async def list_switches(session: AsyncSession) -> list[SwitchRow]:
    return list(await session.scalars(select(SwitchRow).order_by(col(SwitchRow.name))))
