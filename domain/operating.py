"""What operators may do: which actions there are, who may take them, and why one is refused."""

from collections.abc import Mapping
from datetime import UTC, datetime
from enum import StrEnum


class OperatorAction(StrEnum):
    RETRY = "retry"  # an attempt: what it waits for is tried now
    COMPENSATE = "compensate"  # an attempt: it is called off, and everything undone
    ABANDON = "abandon"  # an attempt that nothing moves any more: it ends, its wish waits
    ADOPT = "adopt"  # an attempt: the order that was found at the seller is its own
    REFUND = "refund"  # a booking: money back to the card that was charged
    CLOSE_TASK = "close_task"
    SWITCH = "switch"  # booking, for everyone
    SIGN_OUT = "sign_out"  # every browser of an account
    ROLE = "role"  # what an account is to the installation
    REPLAY = "replay"  # an event of a provider: it is worked on once more
    LIMIT = "limit"  # how much one operator may refund alone


class Refusal(StrEnum):
    NOT_FOUND = "not_found"
    NOT_ALLOWED = "not_allowed"  # not in this role
    MOVED_ON = "moved_on"  # it is not what the operator was looking at any more
    KEY_USED = "key_used"  # the key stands for another action
    NOT_NOW = "not_now"  # not in the state that it is in
    TOO_MUCH = "too_much"  # more than was taken and is left
    ALONE = "alone"  # a second person is needed, and there is none
    OWN_REQUEST = "own_request"  # whoever asked cannot be the second person
    LAPSED = "lapsed"  # nobody agreed in time
    EXPIRED = "expired"  # nothing began it in time


class ActionState(StrEnum):
    WAITING = "waiting"  # for a second person
    ASKED = "asked"  # written down; its process has not taken it up yet
    TAKEN = "taken"  # its process is at it
    DONE = "done"
    REFUSED = "refused"
    DECLINED = "declined"  # by the second person
    LAPSED = "lapsed"
    EXPIRED = "expired"


_SUPPORT = frozenset({"support", "admin"})
_ADMIN = frozenset({"admin"})

MAY: Mapping[OperatorAction, frozenset[str]] = {
    OperatorAction.RETRY: _SUPPORT,
    OperatorAction.COMPENSATE: _SUPPORT,
    OperatorAction.ABANDON: _SUPPORT,
    OperatorAction.ADOPT: _SUPPORT,
    OperatorAction.REFUND: _SUPPORT,
    OperatorAction.CLOSE_TASK: _SUPPORT,
    OperatorAction.REPLAY: _SUPPORT,
    OperatorAction.SWITCH: _ADMIN,
    OperatorAction.SIGN_OUT: _SUPPORT,
    OperatorAction.ROLE: _ADMIN,
    OperatorAction.LIMIT: _ADMIN,
}
BY_OPERATOR = "operator:"
"""What the reason of a refund begins with that an operator decided on; the action's id follows."""
SECOND_PERSON = _ADMIN
"""Who may agree to what somebody else asked for."""
OF_TWO = frozenset({OperatorAction.ROLE, OperatorAction.LIMIT})
"""What always takes two; a refund does above the limit."""
BY_PROCESS = frozenset(
    {
        OperatorAction.RETRY,
        OperatorAction.COMPENSATE,
        OperatorAction.ABANDON,
        OperatorAction.ADOPT,
        OperatorAction.REFUND,
    }
)
"""What touches money or seats: a process does it. The others are one transaction."""


def told_of(action: OperatorAction, role: str, operator: str, at: datetime) -> str:
    """Say to an operator what another one did first."""
    who = f"{role or 'whoever is at the machine'} {operator}"
    return f"{who} did {action.value} at {at.astimezone(UTC):%H:%M:%S} UTC"


def sentence_of(state: ActionState, refusal: Refusal | None, note: str) -> str:
    """Say to an operator what came of an action, and what comes next."""
    match state:
        case ActionState.DONE:
            return f"Done: {note}." if note else "Done."
        case ActionState.WAITING:
            return "It is written down and waits for a second person. Nothing is done until then."
        case ActionState.ASKED | ActionState.TAKEN:
            return "It is written down and under way. This page shows what came of it."
        case ActionState.DECLINED:
            return "The second person declined it. Nothing was done."
        case ActionState.LAPSED:
            return "Nobody agreed to it in time. Nothing was done; ask again if it is still needed."
        case ActionState.EXPIRED:
            return "It could not be begun in time. Nothing was done; ask again if it is needed."
        case ActionState.REFUSED:
            return _REFUSED[refusal or Refusal.NOT_NOW].format(note=note or "its state forbids it")


_REFUSED: Mapping[Refusal, str] = {
    Refusal.NOT_FOUND: "There is no such thing. Nothing was done.",
    Refusal.NOT_ALLOWED: "Your role does not allow this. Nothing was done.",
    Refusal.MOVED_ON: "It moved on before you: {note}. Nothing was done; look at it again.",
    Refusal.KEY_USED: "This form was used for something else. Nothing was done; open it again.",
    Refusal.NOT_NOW: "That is not possible now: {note}. Nothing was done.",
    Refusal.TOO_MUCH: "More than was charged and is left cannot go back. Nothing was done.",
    Refusal.ALONE: "This takes a second admin, and there is none. Nothing was done.",
    Refusal.OWN_REQUEST: "Nobody agrees to what they asked for themselves. Nothing was done.",
    Refusal.LAPSED: "Its time to be agreed to is over. Nothing was done.",
    Refusal.EXPIRED: "Its time to be begun is over. Nothing was done.",
}
