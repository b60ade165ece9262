"""What holds for every page of wishes: booking stopped, or a provider that does not answer."""

from collections.abc import Collection
from dataclasses import dataclass


@dataclass(frozen=True)
class Banner:
    title: str
    sentence: str
    tone: str = "wait"
    path: str | None = None
    words: str | None = None


_AWAY = {
    "duffel": Banner(
        "The airlines' system does not answer.",
        "We go on trying. What you see is from the last look; nothing is booked or charged"
        " meanwhile.",
    ),
    "stripe": Banner(
        "Cards cannot be charged at the moment.",
        "We go on trying. Nothing is booked until your card can be asked; nothing was charged.",
    ),
    "smtp": Banner(
        "Our messages are delayed.",
        "They are sent as soon as mail works again. Everything is shown here meanwhile.",
    ),
}


def banners_of(*, stopped: bool, away: Collection[str]) -> tuple[Banner, ...]:
    """Return what somebody should know before they read anything else.

    `away` names the providers that workers leave alone since they do not answer.
    """
    found = []
    if stopped:
        found.append(
            Banner(
                "Booking is stopped for everybody at the moment.",
                "We go on looking at fares. Nothing new is booked or charged until it is allowed"
                " again; a booking already being placed will finish.",
            )
        )
    return (*found, *(_AWAY[name] for name in away if name in _AWAY))
