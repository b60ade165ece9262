"""What the process of an operator's action, its activities and the API say to each other."""

from enum import StrEnum
from uuid import UUID

from domain.ids import AttemptId, BookingId
from domain.messages.attempt import AttemptInput, OrderStatus
from domain.money import Money
from domain.operating import ActionState, OperatorAction, Refusal
from domain.values import Value

KEEP_ACTIONS_ID = "keep-actions"


def operator_workflow_id(action_id: UUID) -> str:
    return f"operator:{action_id}"


class OperatorInput(Value):
    """Which action; the row says all else."""

    action_id: UUID


class ActionsInput(Value):
    """What is looked for: actions that nobody began for so long, at most so many."""

    overdue_seconds: int = 60
    at_most: int = 100


class Unbegun(Value):
    """Actions that have to be begun."""

    actions: tuple[UUID, ...] = ()


class ActionPlan(Value):
    """What is to be done. `state` is TAKEN, or says that nothing is left to be done."""

    action_id: UUID
    action: OperatorAction
    state: ActionState
    attempt: AttemptInput | None = None
    ended: bool = False
    """The attempt has ended."""
    payments: int = 0
    """How many authorisations the attempt has had."""
    booking_id: BookingId | None = None
    amount: Money | None = None
    order_id: str | None = None


class CloseAction(Value):
    """Write down what came of it: done, or why not."""

    action_id: UUID
    refusal: Refusal | None = None
    note: str = ""


class Reach(StrEnum):
    HURRY = "hurry"  # try now what it waits for
    WITHDRAW = "withdraw"
    STOP = "stop"  # end its process where it stands


class ReachAttempt(Value):
    attempt_id: AttemptId
    how: Reach


class Doubt(Value):
    """The order call that may have taken effect; none: the door is closed, nothing can be sent."""

    round: int | None = None
    payments: int = 0
    """How many authorisations there are by now; behind a closed door none is added."""


class AdoptOrder(Value):
    attempt: AttemptInput
    order_id: str


class Adopted(Value):
    status: OrderStatus
    note: str = ""


class RefundAsDecided(Value):
    """Give back what an operator decided on, once for each action."""

    action_id: UUID
    booking_id: BookingId
    amount: Money
