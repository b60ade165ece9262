"""What operators do, as the console and the command line ask for it: one way in for all actions.

Every action has a reason and a key, names the state that the operator was looking at, and is
refused, with who did what meanwhile, where that is not the state any more. The same key again gives
the same outcome. Money, seats and attempts are moved by a process; all else is one transaction
with its row in the audit log.
"""

from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from api.errors import unavailable
from api.services import Services
from domain.audit import Actor
from domain.money import Money
from domain.operating import ActionState, OperatorAction, Refusal


@dataclass(frozen=True)
class Operator:
    """Who acts: an account with a role, after a second factor, or whoever is at the machine.

    `actor` is what the audit log says of them; its role decides what they may do.
    """

    actor: Actor


@dataclass(frozen=True)
class Expected:
    """What the operator was looking at: the row's state and version, as the page showed them.

    A task and an account have no version; theirs is None, and `state` is the task's state or the
    account's role.
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
    details: Details = Details(),
) -> Outcome:
    """Do something to an attempt, a booking (REFUND), a task, an account, or the installation.

    `target` None: the installation (SWITCH, LIMIT). A refusal is an outcome, never an exception;
    only an engine or a database that does not answer raises (503).
    """
    del services, operator, action, target, reason, key, expected, details
    raise unavailable("Operators' actions are not at hand yet. Nothing was done.")


async def decide(
    services: Services, operator: Operator, action_id: UUID, *, agree: bool, reason: str
) -> Outcome:
    """Agree, as the second person, to what somebody else asked for, or decline it.

    What is agreed to is what was written down: the amount, the payment and the reason cannot have
    changed since.
    """
    del services, operator, action_id, agree, reason
    raise unavailable("Operators' actions are not at hand yet. Nothing was done.")
