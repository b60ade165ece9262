"""How everybody is answered: the rules that the table of all routes (`api/access.py`) is made of.

HEARD means that the request is taken in, whatever comes of it; all else is how it is turned away.
"""

from collections.abc import Mapping
from enum import StrEnum


class Who(StrEnum):
    """Everybody who may ask, with what they show: a browser signed in and a key, or neither."""

    NOBODY = "nobody"
    OWNER = "owner"
    OTHER = "other"
    """Somebody with an account of their own, asking for what is not theirs."""
    SALES = "sales"
    SUPPORT = "support"
    ADMIN = "admin"
    """A role gives nothing of another person's by itself. These have shown no second factor yet."""
    UNCONFIRMED = "unconfirmed"
    """The owner, before the address of the account was confirmed."""
    STEPPED_UP = "stepped up"
    """The owner, who has just shown a second factor. Nobody else here has."""


OPERATORS = (Who.SALES, Who.SUPPORT, Who.ADMIN)


class Answer(StrEnum):
    HEARD = "heard"
    KEY_NEEDED = "401"
    FORBIDDEN = "403"
    ABSENT = "404"
    """What is somebody else's is answered like what does not exist."""
    SIGN_IN = "to the door"
    CONFIRM = "to the page that asks for the address to be confirmed"
    STEP_UP = "to the page that asks for a second factor"


Rule = Mapping[Who, Answer]


def rule(
    everybody: Answer,
    *,
    nobody: Answer | None = None,
    strangers: Answer | None = None,
    operators: Answer | None = None,
    unconfirmed: Answer | None = None,
    stepped_up: Answer | None = None,
) -> Rule:
    """Spell a rule out. Strangers are all who have an account and are not the owner."""
    stranger = strangers or everybody
    operator = operators or stranger
    return {
        Who.NOBODY: nobody or stranger,
        Who.OWNER: everybody,
        Who.OTHER: stranger,
        Who.SALES: operator,
        Who.SUPPORT: operator,
        Who.ADMIN: operator,
        Who.UNCONFIRMED: unconfirmed or everybody,
        Who.STEPPED_UP: stepped_up or everybody,
    }


OPEN = rule(Answer.HEARD)
"""Says nothing about anybody."""
LINK = OPEN
"""Whoever holds the address may: it holds a secret of its own, for one purpose."""
SIGNED = OPEN
"""Whoever holds a provider's signing secret: the request itself is signed."""
KEY = rule(Answer.HEARD, nobody=Answer.KEY_NEEDED)
"""What belongs to whoever asks; there is nothing of another person's to name."""
KEY_OF_OWNER = rule(Answer.HEARD, nobody=Answer.KEY_NEEDED, strangers=Answer.ABSENT)
"""One thing of one person's."""

PAGE = rule(Answer.HEARD, nobody=Answer.SIGN_IN, operators=Answer.STEP_UP)
"""A page of whoever is signed in; there is nothing of another person's to name."""
SET_UP = rule(Answer.HEARD, nobody=Answer.SIGN_IN)
"""Where a second factor is shown or set up: an operator who owes one gets no further."""
PAGE_OF_OWNER = rule(
    Answer.HEARD, nobody=Answer.SIGN_IN, strangers=Answer.ABSENT, operators=Answer.STEP_UP
)
"""A page about one thing of one person's."""
ORDER_OF_OWNER = rule(
    Answer.STEP_UP,
    nobody=Answer.SIGN_IN,
    strangers=Answer.ABSENT,
    operators=Answer.STEP_UP,
    unconfirmed=Answer.CONFIRM,
    stepped_up=Answer.HEARD,
)
"""What may cost money, about one thing of one person's."""
SHARED = rule(
    Answer.HEARD, nobody=Answer.SIGN_IN, operators=Answer.STEP_UP, unconfirmed=Answer.CONFIRM
)
"""What is given away is given by somebody whose address is confirmed."""
SHARED_BY_OWNER = rule(
    Answer.HEARD,
    nobody=Answer.SIGN_IN,
    strangers=Answer.ABSENT,
    operators=Answer.STEP_UP,
    unconfirmed=Answer.CONFIRM,
)
DOOR = rule(Answer.HEARD)
"""Where nobody needs to be signed in; whoever is, is led on or is told so."""
MONEY_PAGE = rule(Answer.STEP_UP, nobody=Answer.SIGN_IN, stepped_up=Answer.HEARD)
"""Where money can be made to move: a second factor comes first, whosever thing it is."""
FACTOR_FIRST = MONEY_PAGE
"""What opens an account, or shows more than its pages do, is changed after a second factor too."""
FACTOR_SHOWN = rule(
    Answer.STEP_UP, nobody=Answer.SIGN_IN, strangers=Answer.HEARD, stepped_up=Answer.HEARD
)
"""The owner has a second factor and must show it; the others have none yet, and just signed in."""
FACTOR_SHOWN_OF_OWNER = rule(
    Answer.STEP_UP, nobody=Answer.SIGN_IN, strangers=Answer.ABSENT, stepped_up=Answer.HEARD
)
