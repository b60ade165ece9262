"""What an operator changes at once: tasks, the brake, browsers, roles, limits and events."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from api.operating.alone import REFUND_ALONE, alone_up_to
from db.locks import lock, one_at_a_time
from db.models.operator_action import OperatorActionRow
from db.models.operator_task import OperatorTaskRow, TaskState
from db.models.user import Role
from db.queries.audit import write_down
from db.queries.operator_actions import actor_of, last_done, note_action
from db.queries.provider_events import lock_event, work_again
from db.queries.switches import booking_stopped, get_switch, set_switch, start_booking, stop_booking
from db.queries.users import get_user, give_role
from db.queries.web_sessions import revoke_sessions
from domain.audit import Action, Entry
from domain.ids import UserId
from domain.money import Money
from domain.operating import OperatorAction, Refusal, told_of
from domain.provider_events import EventState
from runtime.operating_settings import OperatingSettings

Changed = tuple[Refusal | None, str]


async def change_at_once(
    session: AsyncSession,
    limits: OperatingSettings,
    row: OperatorActionRow,
    why: str,
    now: datetime,
) -> Changed:
    """Do what the row says, or say why not."""
    match row.action:
        case OperatorAction.CLOSE_TASK:
            return await _close_task(session, row, now)
        case OperatorAction.SWITCH:
            return await _switch(session, row, why, now)
        case OperatorAction.SIGN_OUT:
            return await _sign_out(session, row, now)
        case OperatorAction.ROLE:
            return await _role(session, row, now)
        case OperatorAction.REPLAY:
            return await _replay(session, row, now)
        case OperatorAction.LIMIT:
            return await _limit(session, limits, row, now)
        case _:
            raise AssertionError(row.action)


async def _close_task(session: AsyncSession, row: OperatorActionRow, now: datetime) -> Changed:
    task = await lock(session, OperatorTaskRow, row.target_id) if row.target_id else None
    if task is None:
        return Refusal.NOT_FOUND, ""
    if task.state is not TaskState.OPEN:
        return await _moved_on(session, row, task.state.value)
    task.state, task.closed_at = TaskState.DONE, now
    entry = Entry(
        Action.TASK_CLOSED, "task", str(task.id), task.user_id,
        {"state": "open", "kind": task.kind}, {"state": "done"}, row.reason,
    )  # fmt: skip
    await write_down(session, entry, now, by=actor_of(row))
    return None, "the task is closed"


async def _switch(
    session: AsyncSession, row: OperatorActionRow, why: str, now: datetime
) -> Changed:
    stopped = await booking_stopped(session)
    is_now = "stopped" if stopped else "running"
    if row.expected_state != is_now:
        return await _moved_on(session, row, f"booking is {is_now}")
    if row.facts.get("stopped"):
        await stop_booking(session, why, row.operator, now)
        return None, "booking is stopped for everyone"
    await start_booking(session, row.operator, now)
    return None, "booking is allowed again"


async def _sign_out(session: AsyncSession, row: OperatorActionRow, now: datetime) -> Changed:
    user = await get_user(session, row.target_id) if row.target_id else None
    if user is None:
        return Refusal.NOT_FOUND, ""
    ended = await revoke_sessions(session, UserId(user.id), now)
    await note_action(session, row, now, kind="account", before={})
    return None, f"{ended} browsers are signed out"


async def _role(session: AsyncSession, row: OperatorActionRow, now: datetime) -> Changed:
    user = await get_user(session, row.target_id) if row.target_id else None
    if user is None or row.facts.get("role") not in set(Role):
        return Refusal.NOT_FOUND, ""
    if user.role.value != row.expected_state:
        return await _moved_on(session, row, f"the account is {user.role.value}")
    if user.email_confirmed_at is None:
        return Refusal.NOT_NOW, "its address is not confirmed"
    await give_role(session, user, Role(row.facts["role"]), now, reason=row.reason)
    await revoke_sessions(session, UserId(user.id), now)
    return None, f"the account is {user.role.value} now, and was signed out"


async def _replay(session: AsyncSession, row: OperatorActionRow, now: datetime) -> Changed:
    event = await lock_event(session, row.target_id) if row.target_id else None
    if event is None:
        return Refusal.NOT_FOUND, ""
    if (event.state.value, event.tries) != (row.expected_state, row.expected_version):
        return await _moved_on(session, row, f"{event.state.value} after {event.tries} tries")
    if event.state is EventState.REFUSED:
        return Refusal.NOT_NOW, "it was not signed, and nothing of it was kept"
    if event.state is EventState.PENDING:
        return Refusal.NOT_NOW, "it waits to be worked on already"
    before = {"state": event.state.value, "tries": event.tries}
    work_again(event, now)
    await note_action(session, row, now, kind="provider event", before=before)
    return None, "it is worked on again, by whoever owns what it is about"


async def _limit(
    session: AsyncSession, limits: OperatingSettings, row: OperatorActionRow, now: datetime
) -> Changed:
    if row.amount_minor is None or row.currency is None or row.amount_minor < 0:
        return Refusal.NOT_FOUND, ""
    # The limits of all currencies are one row: what somebody else agrees to meanwhile must stay.
    await one_at_a_time(session, REFUND_ALONE)
    holds = await alone_up_to(session, limits, row.currency)
    if row.expected_state != holds.amount():
        return await _moved_on(session, row, f"the limit is {holds}")
    limit = Money(minor=row.amount_minor, currency=row.currency)
    agreed = await get_switch(session, REFUND_ALONE) or {}
    changed = agreed | {limit.currency: limit.amount()}
    await set_switch(session, REFUND_ALONE, changed, row.operator, now)
    return None, f"one operator refunds up to {limit} alone"


async def _moved_on(session: AsyncSession, row: OperatorActionRow, state: str) -> Changed:
    other = await last_done(session, row) if row.target_id else None
    if other is None:
        return Refusal.MOVED_ON, f"it is {state}"
    return Refusal.MOVED_ON, told_of(other.action, other.role, other.operator, other.updated_at)
