"""What operators may do: which actions there are, who may take them, and why one is refused."""

from collections.abc import Mapping
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


class ActionState(StrEnum):
    WAITING = "waiting"  # for a second person
    ASKED = "asked"  # written down; its process has not taken it up yet
    TAKEN = "taken"  # its process is at it
    DONE = "done"
    REFUSED = "refused"
    DECLINED = "declined"  # by the second person
    LAPSED = "lapsed"


_SUPPORT = frozenset({"support", "admin"})
_ADMIN = frozenset({"admin"})

MAY: Mapping[OperatorAction, frozenset[str]] = {
    OperatorAction.RETRY: _SUPPORT,
    OperatorAction.COMPENSATE: _SUPPORT,
    OperatorAction.ABANDON: _SUPPORT,
    OperatorAction.ADOPT: _SUPPORT,
    OperatorAction.REFUND: _SUPPORT,
    OperatorAction.CLOSE_TASK: _SUPPORT,
    OperatorAction.SWITCH: _ADMIN,
    OperatorAction.SIGN_OUT: _SUPPORT,
    OperatorAction.ROLE: _ADMIN,
    OperatorAction.LIMIT: _ADMIN,
}
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
