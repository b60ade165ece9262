"""What operators do, as the console and the command line ask for it: one way in for all actions.

Every action has a reason and a key, names the state that the operator was looking at, and is
refused, with who did what meanwhile, where that is not the state any more. The same key again gives
the same outcome. Money, seats and attempts are moved by a process; all else is one transaction
with its row in the audit log.
"""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy.ext.asyncio import AsyncSession

from api.operating.alone import alone_up_to, others_who_may_decide
from api.operating.at_once import change_at_once
from api.operating.desk import Desk, run_action
from api.services import Services
from db.acting import acting
from db.models.operator_action import OperatorActionRow
from db.queries.attempts import get_attempt
from db.queries.audit import sealed_reason
from db.queries.operator_actions import (
    add_action,
    end_overdue,
    get_action,
    lock_action,
    note_action,
    refunds_counted,
    settle_action,
)
from db.queries.payments import captured_payment
from db.reads import Look, looking_at
from db.session import SystemActor
from domain.audit import Action, Actor, ActorKind
from domain.ids import UserId
from domain.money import Money
from domain.operating import (
    BY_PROCESS,
    MAY,
    OF_TWO,
    SECOND_PERSON,
    ActionState,
    OperatorAction,
    Refusal,
    sentence_of,
)

_ACTOR = SystemActor("operator")


@dataclass(frozen=True)
class Operator:
    """Who acts: an account with a role, after a second factor, or whoever is at the machine.

    `actor` is what the audit log says of them; its role decides what they may do.
    """

    actor: Actor

    def may(self, action: OperatorAction) -> bool:
        """Say whether their role allows it; the machine's owner may do what needs nobody else."""
        if self.actor.kind is ActorKind.COMMAND:
            return action not in OF_TWO
        return self.actor.kind is ActorKind.PERSON and self.actor.role in MAY[action]


@dataclass(frozen=True)
class Expected:
    """What the operator was looking at: the row's state and version, as the page showed them.

    A task and an account have no version; theirs is None, and `state` is the task's state or the
    account's role. Of booking for everyone it is "running" or "stopped", of a limit the amount that
    holds: "200.00".
    """

    state: str
    version: int | None = None


@dataclass(frozen=True)
class Details:
    """What an action needs besides: only the fields of its kind are read."""

    amount: Money | None = None
    """REFUND and LIMIT."""
    order_id: str | None = None
    """ADOPT: the order's id at the seller."""
    role: str | None = None
    """ROLE: which one."""
    stopped: bool | None = None
    """SWITCH: whether booking is stopped."""

    def facts(self) -> dict[str, Any]:
        named = {"order_id": self.order_id, "role": self.role, "stopped": self.stopped}
        return {name: value for name, value in named.items() if value is not None}


NO_DETAILS = Details()


@dataclass(frozen=True)
class Outcome:
    """What came of it. `sentence` is for the operator: what happened and what comes next."""

    state: ActionState
    sentence: str
    action_id: UUID | None = None
    refusal: Refusal | None = None
    facts: dict[str, Any] = field(default_factory=dict)

    @property
    def done(self) -> bool:
        return self.state is ActionState.DONE


async def act(
    services: Services,
    operator: Operator,
    action: OperatorAction,
    target: UUID | None,
    *,
    reason: str,
    key: str,
    expected: Expected,
    details: Details = NO_DETAILS,
) -> Outcome:
    """Do something to an attempt, a booking (REFUND), a task, an account, or the installation.

    `target` None: the installation (SWITCH, LIMIT). A refusal is an outcome, never an exception;
    only an engine or a database that does not answer raises (503).
    """
    return await act_at(
        Desk.of(services), operator, action, target,
        reason=reason, key=key, expected=expected, details=details,
    )  # fmt: skip


async def decide(
    services: Services, operator: Operator, action_id: UUID, *, agree: bool, reason: str
) -> Outcome:
    """Agree, as the second person, to what somebody else asked for, or decline it.

    What is agreed to is what was written down: the amount, the payment and the reason cannot have
    changed since.
    """
    return await decide_at(Desk.of(services), operator, action_id, agree=agree, reason=reason)


async def act_at(
    desk: Desk,
    operator: Operator,
    action: OperatorAction,
    target: UUID | None,
    *,
    reason: str,
    key: str,
    expected: Expected,
    details: Details = NO_DETAILS,
) -> Outcome:
    """Do the same where there is no API: at the machine."""
    if not reason.strip() or not key.strip():
        raise ValueError("an action has a reason and a key")
    if not operator.may(action):
        return _refused(Refusal.NOT_ALLOWED)
    new = OperatorActionRow(
        id=uuid4(), key=key, action=action, target_id=target, reason=reason,
        operator=operator.actor.id, operator_kind=operator.actor.kind, role=operator.actor.role,
        channel=operator.actor.channel, expected_state=expected.state,
        expected_version=expected.version, facts=details.facts(), state=ActionState.ASKED,
        amount_minor=details.amount.minor if details.amount else None,
        currency=details.amount.currency if details.amount else None,
        created_at=desk.clock(), updated_at=desk.clock(),
    )  # fmt: skip
    with acting(operator.actor):
        row = await (_ask_process(desk, new) if action in BY_PROCESS else _at_once(desk, new))
    if isinstance(row, Refusal):
        return _refused(row)
    if not _same(row, new):
        return _refused(Refusal.KEY_USED)
    if row.action in BY_PROCESS and row.state in {ActionState.ASKED, ActionState.TAKEN}:
        return await _done_by_process(desk, row.id)
    return outcome_of(row)


async def decide_at(
    desk: Desk, operator: Operator, action_id: UUID, *, agree: bool, reason: str
) -> Outcome:
    """Decide where there is no API."""
    actor, now = operator.actor, desk.clock()
    if actor.kind is not ActorKind.PERSON or actor.role not in SECOND_PERSON:
        return _refused(Refusal.NOT_ALLOWED)
    async with desk.database.transaction(_ACTOR) as session:
        row = await lock_action(session, action_id)
        if row is None:
            return _refused(Refusal.NOT_FOUND)
        await end_overdue(session, [row], now, desk.limits.begin_within)
        if row.state is not ActionState.WAITING:
            return outcome_of(row)
        if row.operator == actor.id:
            return _refused(Refusal.OWN_REQUEST)
        row.decided_by, row.decided_at = actor.id, now
        await settle_action(session, row, ActionState.ASKED if agree else ActionState.DECLINED, now)
        await note_action(
            session, row, now, kind="operator action", before={"state": "waiting"},
            action=Action.PROPOSAL_DECIDED, by=actor,
        )  # fmt: skip
    if not agree:
        return outcome_of(row)
    if row.action in BY_PROCESS:
        return await _done_by_process(desk, row.id)
    with acting(actor):
        return outcome_of(await _do_at_once(desk, row, by=actor, why=reason))


def outcome_of(row: OperatorActionRow) -> Outcome:
    """Say what came of an action, as its row has it."""
    sentence = sentence_of(row.state, row.refusal, row.note)
    return Outcome(row.state, sentence, row.id, row.refusal)


# Written down first


async def _ask_process(desk: Desk, new: OperatorActionRow) -> OperatorActionRow | Refusal:
    """Write down what a process is to do, or what waits for a second person."""
    async with desk.database.transaction(_ACTOR) as session:
        assert new.target_id is not None
        if new.action is OperatorAction.REFUND:
            refusal = await _measure_refund(session, desk, new)
            if refusal is not None:
                return refusal
        else:
            attempt = await get_attempt(session, new.target_id)
            if attempt is None:
                return Refusal.NOT_FOUND
            new.user_id = attempt.user_id
        return await _add(session, desk, new)


async def _measure_refund(
    session: AsyncSession, desk: Desk, new: OperatorActionRow
) -> Refusal | None:
    """Bind a refund to its payment, and see whether one operator may give so much back alone."""
    assert new.target_id is not None
    payment = await captured_payment(session, new.target_id)
    if payment is None or new.amount_minor is None or new.currency != payment.currency:
        return Refusal.NOT_FOUND
    if not 0 < new.amount_minor <= payment.captured_minor - payment.refunded_minor:
        return Refusal.TOO_MUCH
    new.user_id, new.payment_id = payment.user_id, payment.id
    midnight = new.created_at.replace(hour=0, minute=0, second=0, microsecond=0)
    counted = await refunds_counted(
        session, new.target_id, new.operator, payment.currency, midnight
    )
    limit = await alone_up_to(session, desk.limits, payment.currency)
    new.of_two = counted + new.amount_minor > limit.minor
    return None


async def _add(
    session: AsyncSession, desk: Desk, new: OperatorActionRow
) -> OperatorActionRow | Refusal:
    if new.of_two:
        if not await others_who_may_decide(session, new.operator):
            return Refusal.ALONE
        new.state = ActionState.WAITING
        new.decide_by = new.created_at + timedelta(hours=desk.limits.decide_hours)
    new.reason = sealed_reason(session, new.reason, new.user_id, new.operator)
    row = await add_action(session, new)
    if row.id == new.id and row.of_two:
        await note_action(
            session, row, row.created_at, kind="operator action", before={},
            action=Action.PROPOSAL_MADE,
        )  # fmt: skip
    return row


async def _at_once(desk: Desk, new: OperatorActionRow) -> OperatorActionRow | Refusal:
    """Write an action down; what needs nobody else is done at the same time."""
    if new.action is OperatorAction.ROLE or new.action is OperatorAction.SIGN_OUT:
        new.user_id = new.target_id
    why = new.reason
    async with desk.database.transaction(_ACTOR) as session:
        new.of_two = new.action in OF_TWO
        row = await _add(session, desk, new)
    if isinstance(row, Refusal) or row.state is not ActionState.ASKED:
        return row
    return await _do_at_once(desk, row, by=None, why=why)


async def _do_at_once(
    desk: Desk, row: OperatorActionRow, *, by: Actor | None, why: str
) -> OperatorActionRow:
    """Do it in one transaction with its row of the audit log, and say what came of it."""
    now = desk.clock()
    if row.user_id is not None and row.action in {OperatorAction.ROLE, OperatorAction.SIGN_OUT}:
        look = Look(by.id if by else row.operator, f"The account: {row.action.value}", why)
        opened = looking_at(desk.database, desk.vault, UserId(row.user_id), look, now)
    else:
        opened = desk.database.transaction(_ACTOR)
    async with opened as session:
        taken = await lock_action(session, row.id)
        assert taken is not None
        if taken.state is not ActionState.ASKED:
            return taken
        refusal, note = await change_at_once(session, desk.limits, taken, why, now)
        state = ActionState.REFUSED if refusal else ActionState.DONE
        await settle_action(session, taken, state, now, refusal, note)
        return taken


async def _done_by_process(desk: Desk, action_id: UUID) -> Outcome:
    await run_action(desk, action_id)
    async with desk.database.transaction(_ACTOR) as session:
        row = await get_action(session, action_id)
    assert row is not None
    return outcome_of(row)


def _same(row: OperatorActionRow, new: OperatorActionRow) -> bool:
    """Say whether a key's row is about what is asked now."""
    names = ("operator", "action", "target_id", "amount_minor", "currency", "facts")
    return all(getattr(row, name) == getattr(new, name) for name in names)


def _refused(refusal: Refusal) -> Outcome:
    state = ActionState.REFUSED
    return Outcome(state, sentence_of(state, refusal, ""), None, refusal)
