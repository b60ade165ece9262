"""Calls that move money or seats: a row before each, its answer after it."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from db.locks import one_at_a_time
from db.models import AttemptRow, ProviderCallRow
from db.models.provider_call import CallState
from domain.ids import derive

ORDER = "create_order"
# In these states the call may still have taken effect, or has.
MAY_EXIST = (CallState.SENT, CallState.UNKNOWN, CallState.ANSWERED)


async def get_call(
    session: AsyncSession, key: str, *, lock: bool = False
) -> ProviderCallRow | None:
    query = select(ProviderCallRow).where(ProviderCallRow.key == key)  # type: ignore[arg-type]
    if lock:
        query = query.with_for_update()
    row: ProviderCallRow | None = await session.scalar(
        query.execution_options(populate_existing=True)
    )
    return row


async def begun_call(session: AsyncSession, key: str) -> ProviderCallRow:
    """Return a call that was begun before, under lock.

    Raises:
        LookupError: there is no such row.
    """
    row = await get_call(session, key, lock=True)
    if row is None:
        raise LookupError(f"the call {key} was never begun")
    return row


async def begin_call(
    session: AsyncSession,
    *,
    key: str,
    kind: str,
    provider: str,
    user_id: UUID,
    facts: dict[str, Any],
    now: datetime,
    attempt_id: UUID | None = None,
    booking_id: UUID | None = None,
) -> tuple[ProviderCallRow, bool]:
    """Write down that the call is about to be made; False if that was written before.

    A call that is known not to have happened is written down afresh.
    """
    added = (
        insert(ProviderCallRow)
        .values(
            id=derive("call", key),
            key=key,
            kind=kind,
            provider=provider,
            attempt_id=attempt_id,
            booking_id=booking_id,
            user_id=user_id,
            state=CallState.SENT,
            facts=facts,
            sent_at=now,
        )
        .on_conflict_do_nothing(index_elements=[col(ProviderCallRow.key)])
        .returning(ProviderCallRow)
    )
    first: ProviderCallRow | None = await session.scalar(added)
    if first is not None:
        return first, True
    row = await begun_call(session, key)
    if row.state is not CallState.UNAVAILABLE:
        return row, False
    row.state, row.facts, row.sent_at = CallState.SENT, facts, now
    row.answer, row.answered_at = None, None
    return row, True


def settle(
    row: ProviderCallRow, state: CallState, now: datetime, answer: dict[str, Any] | None = None
) -> None:
    """Write the call's outcome on its row; ids and amounts only."""
    row.state, row.answer, row.answered_at = state, answer, now


async def calls_of(session: AsyncSession, attempt_id: UUID) -> list[ProviderCallRow]:
    """Return every call of an attempt that moved money or seats, the oldest first."""
    query = select(ProviderCallRow).where(ProviderCallRow.attempt_id == attempt_id)  # type: ignore[arg-type]
    return list(await session.scalars(query.order_by(ProviderCallRow.sent_at)))  # type: ignore[arg-type]


async def order_calls(session: AsyncSession, attempt_id: UUID) -> list[ProviderCallRow]:
    """Return the order calls of an attempt, newest first."""
    query = (
        select(ProviderCallRow)
        .where(ProviderCallRow.attempt_id == attempt_id, ProviderCallRow.kind == ORDER)  # type: ignore[arg-type]
        .order_by(ProviderCallRow.sent_at.desc())  # type: ignore[attr-defined]
    )
    return list(await session.scalars(query))


async def calls_of_attempt(session: AsyncSession, attempt_id: UUID) -> list[ProviderCallRow]:
    """Return all that was asked of providers for an attempt, oldest first."""
    query = select(ProviderCallRow).where(ProviderCallRow.attempt_id == attempt_id)  # type: ignore[arg-type]
    return list(await session.scalars(query.order_by(ProviderCallRow.sent_at)))  # type: ignore[arg-type]


async def ordered_since(session: AsyncSession, currency: str, since: datetime) -> int:
    """Sum what orders were sent for since then and may exist, in minor units.

    Takes a lock for the transaction, so that two orders cannot both see room for one.
    """
    await one_at_a_time(session, f"spend:{currency}")
    amount = ProviderCallRow.facts["total_minor"].as_integer()
    query = (
        select(func.coalesce(func.sum(amount), 0))
        .join(AttemptRow, AttemptRow.id == ProviderCallRow.attempt_id)  # type: ignore[arg-type]
        .where(
            ProviderCallRow.kind == ORDER,  # type: ignore[arg-type]
            ProviderCallRow.state.in_(MAY_EXIST),  # type: ignore[attr-defined]
            ProviderCallRow.sent_at >= since,  # type: ignore[arg-type]
            AttemptRow.currency == currency,  # type: ignore[arg-type]
        )
    )
    return int(await session.scalar(query) or 0)
