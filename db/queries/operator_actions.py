"""What operators asked for: written once by its key, taken by one, and what came of it."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import and_, func, or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from db.acting import who_acts
from db.locks import lock, one_at_a_time
from db.models.operator_action import OperatorActionRow
from db.own_words import dump
from db.queries.audit import write_down
from domain.audit import Action, Actor, Entry
from domain.operating import ActionState, OperatorAction, Refusal

# What was declined, refused or left to lapse moved no money.
_COUNTS = (ActionState.WAITING, ActionState.ASKED, ActionState.TAKEN, ActionState.DONE)
_AT_WORK = (ActionState.TAKEN, ActionState.DONE)


def actor_of(row: OperatorActionRow) -> Actor:
    """Return who asked, as the audit log names them."""
    return Actor(row.operator_kind, row.operator, row.channel, row.role)


async def add_action(session: AsyncSession, row: OperatorActionRow) -> OperatorActionRow:
    """Write an action down; return the row of its key, which may be an earlier one."""
    await session.execute(
        insert(OperatorActionRow).values(dump(row)).on_conflict_do_nothing(index_elements=["key"])
    )
    query = select(OperatorActionRow).where(col(OperatorActionRow.key) == row.key)
    return (await session.scalars(query)).one()


async def get_action(session: AsyncSession, action_id: UUID) -> OperatorActionRow | None:
    return await session.get(OperatorActionRow, action_id, populate_existing=True)


async def lock_action(session: AsyncSession, action_id: UUID) -> OperatorActionRow | None:
    return await lock(session, OperatorActionRow, action_id)


async def list_actions(
    session: AsyncSession,
    *,
    state: ActionState | None = None,
    target_id: UUID | None = None,
    limit: int = 100,
) -> list[OperatorActionRow]:
    """Return actions, the latest first."""
    query = select(OperatorActionRow)
    if state is not None:
        query = query.where(col(OperatorActionRow.state) == state)
    if target_id is not None:
        query = query.where(col(OperatorActionRow.target_id) == target_id)
    query = query.order_by(col(OperatorActionRow.created_at).desc()).limit(limit)
    return list(await session.scalars(query))


async def last_done(session: AsyncSession, row: OperatorActionRow) -> OperatorActionRow | None:
    """Return what another action did to the same thing last."""
    query = (
        select(OperatorActionRow)
        .where(
            col(OperatorActionRow.target_id) == row.target_id,
            col(OperatorActionRow.id) != row.id,
            col(OperatorActionRow.state).in_(_AT_WORK),
        )
        .order_by(col(OperatorActionRow.updated_at).desc())
        .limit(1)
    )
    found: OperatorActionRow | None = await session.scalar(query)
    return found


async def refunds_counted(
    session: AsyncSession, booking_id: UUID, operator: str, currency: str, since: datetime
) -> int:
    """Sum what operators give back: of this booking, or by this operator since; the larger.

    Takes a lock for the transaction, so that two requests cannot both see room for one.
    """
    await one_at_a_time(session, f"operator refunds:{currency}")
    total = func.coalesce(func.sum(col(OperatorActionRow.amount_minor)), 0)
    counted = (
        col(OperatorActionRow.action) == OperatorAction.REFUND,
        col(OperatorActionRow.state).in_(_COUNTS),
        col(OperatorActionRow.currency) == currency,
    )
    of_booking = select(total).where(*counted, col(OperatorActionRow.target_id) == booking_id)
    of_day = select(total).where(
        *counted,
        col(OperatorActionRow.operator) == operator,
        col(OperatorActionRow.created_at) >= since,
    )
    sums = [int(await session.scalar(query) or 0) for query in (of_booking, of_day)]
    return max(sums)


async def settle_action(  # noqa: PLR0917
    session: AsyncSession,
    row: OperatorActionRow,
    state: ActionState,
    now: datetime,
    refusal: Refusal | None = None,
    note: str = "",
) -> None:
    row.state, row.refusal, row.note, row.updated_at = state, refusal, note, now
    await session.flush()


async def note_action(
    session: AsyncSession,
    row: OperatorActionRow,
    now: datetime,
    *,
    kind: str,
    before: Mapping[str, Any],
    action: Action = Action.OPERATOR_ACTED,
    by: Actor | None = None,
) -> None:
    """Write in the audit log what the action does, in the transaction in which it does it."""
    after: dict[str, Any] = {"action": row.action.value, "action_id": str(row.id), **row.facts}
    if row.amount_minor is not None:
        after |= {"amount_minor": row.amount_minor, "currency": row.currency}
    if row.decided_by is not None:
        after["decided_by"] = row.decided_by
    target = str(row.target_id or "installation")
    entry = Entry(action, kind, target, row.user_id, before, after, row.reason)
    await write_down(session, entry, now, by=by or actor_of(row))


async def overdue_actions(
    session: AsyncSession, now: datetime, *, asked_before: datetime, limit: int
) -> list[OperatorActionRow]:
    """Return, locked, what nobody began and what nobody agreed to in time, the oldest first.

    What somebody is at in this instant is left to them.
    """
    state = col(OperatorActionRow.state)
    asked = and_(state == ActionState.ASKED, col(OperatorActionRow.updated_at) <= asked_before)
    waiting = and_(state == ActionState.WAITING, col(OperatorActionRow.decide_by) <= now)
    query = (
        select(OperatorActionRow)
        .where(or_(asked, waiting))
        .order_by(col(OperatorActionRow.updated_at))
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    return list(await session.scalars(query))


async def end_overdue(
    session: AsyncSession,
    rows: Sequence[OperatorActionRow],
    now: datetime,
    begin_within: timedelta,
) -> None:
    """End what nobody agreed to in time, and what could not be begun in time."""
    for row in rows:
        was = row.state
        if was is ActionState.WAITING and row.decide_by and row.decide_by <= now:
            state, refusal, action = ActionState.LAPSED, Refusal.LAPSED, Action.PROPOSAL_LAPSED
        elif was is ActionState.ASKED and row.updated_at + begin_within <= now:
            state, refusal, action = ActionState.EXPIRED, Refusal.EXPIRED, Action.ACTION_EXPIRED
        else:
            continue
        await settle_action(session, row, state, now, refusal)
        await note_action(
            session, row, now, kind="operator action", before={"state": was.value},
            action=action, by=who_acts(session),
        )  # fmt: skip
