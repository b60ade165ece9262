"""When a person or a traveller may be erased, and the states of such a wish."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from domain.transitions import Transitions


class ErasureState(StrEnum):
    ASKED = "asked"  # it can be taken back until it begins
    WITHDRAWN = "withdrawn"
    BEGUN = "begun"  # the account is shut; there is no way back
    DONE = "done"


_S = ErasureState
ERASURE_TRANSITIONS = Transitions(
    "erasure",
    {
        _S.ASKED: frozenset({_S.WITHDRAWN, _S.BEGUN}),
        _S.WITHDRAWN: frozenset(),
        _S.BEGUN: frozenset({_S.DONE}),
        _S.DONE: frozenset(),
    },
)
OPEN_ERASURES = frozenset({_S.ASKED, _S.BEGUN})


class Obstacle(StrEnum):
    """What has to end first, since it needs the person's data or their money is on its way."""

    TRIP = "trip"
    BOOKING = "booking"
    REFUND = "refund"
    HOLD = "hold"
    TASK = "task"
    WISH = "wish"


# How long each takes at most as a rule; the trip itself has a date.
_TAKES = {
    Obstacle.TRIP: timedelta(days=1),  # after landing: the booking is closed a day later
    Obstacle.BOOKING: timedelta(days=1),
    Obstacle.REFUND: timedelta(days=14),
    Obstacle.HOLD: timedelta(days=1),
    Obstacle.TASK: timedelta(days=14),
    Obstacle.WISH: timedelta(0),
}
# What should have ended by now and has not is looked at again after this.
_AGAIN = timedelta(days=1)


@dataclass(frozen=True)
class Hindrance:
    """Something in the way, and since or until when: a trip's landing, a refund's beginning."""

    obstacle: Obstacle
    at: datetime

    def gone_by(self, now: datetime) -> datetime:
        """Return when it will be out of the way, as far as one can tell."""
        expected = self.at + _TAKES[self.obstacle]
        return expected if expected > now else now + _AGAIN


def possible_from(hindrances: Sequence[Hindrance], now: datetime) -> datetime:
    """Return from when on nothing is in the way; now if nothing is."""
    return max((hindrance.gone_by(now) for hindrance in hindrances), default=now)
