"""What operators do from a page to attempts, bookings, tasks, accounts and the installation.

With a reason, once, and not where the state has moved on: then somebody else was quicker, and the
page says who. What it comes to is `api/operating/actions.py`'s.
"""

from uuid import UUID, uuid4

from fastapi import APIRouter
from starlette.background import BackgroundTask
from starlette.responses import Response

from api.errors import not_found
from api.operating.actions import Details, Expected, Operator, Outcome, act, decide
from api.processes import wake_events
from api.web.admin import (
    attempts,
    booking,
    bookings,
    decisions,
    events,
    installation,
    people,
    refunds,
    tasks,
    users,
)
from api.web.admin.doing import NO_REASON, actor_of, reason_in, turned_away
from api.web.admin.entry import OperatorDep
from api.web.forms import Form, FormDep
from api.web.pages import redirect
from api.web.visits import Visit
from db.models.user import Role
from domain.errors import MoneyFormat
from domain.money import Money
from domain.operating import ActionState, OperatorAction

router = APIRouter(tags=["console"], include_in_schema=False)
_NO_AMOUNT = "Write the amount in figures, as 120.50. Nothing was done."
_LARGEST_LIMIT = 10**9
_OF_ATTEMPT = frozenset(
    {
        OperatorAction.RETRY,
        OperatorAction.COMPENSATE,
        OperatorAction.ADOPT,
        OperatorAction.ABANDON,
    }
)


@router.post(f"{attempts.ONE}/act")
async def act_on_attempt(visit: OperatorDep, attempt_id: UUID, form: FormDep) -> Response:
    """Have it tried again, undone, ended, or given the order that was found."""
    wanted = form.text("action")
    if wanted not in _OF_ATTEMPT:
        raise not_found("action")
    page, details = f"{attempts.PATH}/{attempt_id}", Details(order_id=form.text("order_id") or None)
    return await _do(visit, form, OperatorAction(wanted), attempt_id, page, details)


@router.post(f"{booking.ONE}/refund")
async def refund_booking(visit: OperatorDep, booking_id: UUID, form: FormDep) -> Response:
    """Ask for money back to the card that was charged."""
    page, amount = f"{bookings.PATH}/{booking_id}", _amount_in(form)
    if amount is None:
        return turned_away(visit, page, _NO_AMOUNT)
    details = Details(amount=amount)
    return await _do(visit, form, OperatorAction.REFUND, booking_id, page, details)


@router.post(refunds.LIMITS)
async def change_limit(visit: OperatorDep, form: FormDep) -> Response:
    """Ask for another limit up to which one operator refunds alone; a second admin agrees to it."""
    amount = _amount_in(form)
    if amount is None or not 0 <= amount.minor <= _LARGEST_LIMIT:
        return turned_away(visit, refunds.LIMITS, _NO_AMOUNT)
    details = Details(amount=amount)
    return await _do(visit, form, OperatorAction.LIMIT, None, refunds.LIMITS, details)


@router.post(f"{tasks.ONE}/close")
async def close_task(visit: OperatorDep, task_id: UUID, form: FormDep) -> Response:
    """Write down that it is settled, and how."""
    return await _do(visit, form, OperatorAction.CLOSE_TASK, task_id, f"{tasks.PATH}/{task_id}")


@router.post(f"{people.ONE}/sign-out")
async def sign_person_out(visit: OperatorDep, user_id: UUID, form: FormDep) -> Response:
    """End every browser of an account."""
    return await _do(visit, form, OperatorAction.SIGN_OUT, user_id, f"{people.PATH}/{user_id}")


@router.post(f"{events.ONE}/replay")
async def replay_event(visit: OperatorDep, event_id: UUID, form: FormDep) -> Response:
    """Have what a provider told us worked on once more."""
    page = f"{events.PATH}/{event_id}"
    answer = await _do(visit, form, OperatorAction.REPLAY, event_id, page)
    answer.background = BackgroundTask(wake_events, visit.services.temporal)
    return answer


@router.post(installation.SWITCH)
async def turn_switch(visit: OperatorDep, form: FormDep) -> Response:
    """Stop booking for everybody, or allow it again."""
    details = Details(stopped=form.text("turn") == "stop")
    return await _do(visit, form, OperatorAction.SWITCH, None, "/admin", details)


@router.post(f"{users.ONE}/role")
async def change_role(visit: OperatorDep, user_id: UUID, form: FormDep) -> Response:
    """Ask for a role to be given; a second admin agrees to it."""
    if form.text("role") not in set(Role):
        raise not_found("role")
    page, details = f"{users.PATH}/{user_id}", Details(role=form.text("role"))
    return await _do(visit, form, OperatorAction.ROLE, user_id, page, details)


@router.post(f"{decisions.PATH}/{{action_id}}")
async def submit_decision(visit: OperatorDep, action_id: UUID, form: FormDep) -> Response:
    """Agree to what somebody else asked for, or decline it."""
    reason, page = reason_in(form), decisions.PATH
    if reason is None:
        return turned_away(visit, page, NO_REASON)
    agree = form.text("answer") == "agree"
    operator = Operator(actor_of(visit))
    outcome = await decide(visit.services, operator, action_id, agree=agree, reason=reason)
    return _answered(visit, outcome, page)


def _amount_in(form: Form) -> Money | None:
    try:
        return Money.parse(form.text("amount"), form.text("currency"))
    except (MoneyFormat, ValueError):
        return None


async def _do(  # noqa: PLR0917
    visit: Visit,
    form: Form,
    action: OperatorAction,
    target: UUID | None,
    back: str,
    details: Details | None = None,
) -> Response:
    """Do it, and lead back with what came of it; a refusal is a page that says why."""
    reason = reason_in(form)
    if reason is None:
        return turned_away(visit, back, NO_REASON)
    state, _, version = form.text("expected").partition("|")
    outcome = await act(
        visit.services,
        Operator(actor_of(visit)),
        action,
        target,
        reason=reason,
        key=form.text("key") or str(uuid4()),
        expected=Expected(state, int(version) if version.isdigit() else None),
        details=details or Details(),
    )
    return _answered(visit, outcome, back)


def _answered(visit: Visit, outcome: Outcome, back: str) -> Response:
    if outcome.state in {ActionState.REFUSED, ActionState.LAPSED, ActionState.EXPIRED}:
        return turned_away(visit, back, outcome.sentence, status=409)
    return redirect(back, say=outcome.sentence)
