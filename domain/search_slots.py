"""The date pairs of a wish in the order of their turns, cheap enough for hundreds of thousands."""

from datetime import date
from functools import lru_cache
from typing import NamedTuple

from domain.offers import Cabin
from domain.wishes import markets, trip_dates

GOLDEN = 0.6180339887498949  # its multiples spread evenly, however many are taken


class Slot(NamedTuple):
    """A date pair before it is worth being an object."""

    key: str
    origin: str
    destination: str
    departs_on: date
    returns_on: date | None
    last_day: date


class Shape(NamedTuple):
    """What decides which date pairs a watch has."""

    origins: tuple[str, ...]
    destinations: tuple[str, ...]
    departure_from: date
    departure_until: date
    nights_min: int | None
    nights_max: int | None
    cabin: Cabin
    party_code: str


@lru_cache(maxsize=512)
def slots_of(shape: Shape) -> tuple[Slot, ...]:
    """Return the date pairs in the order of their turns: neighbours in turn lie far apart, so
    that the first looks already tell something of the whole window.
    """
    routes = list(markets(shape.origins, shape.destinations))
    tail = f"{shape.cabin}:{shape.party_code}"
    slots = []
    for departs, returns in trip_dates(
        shape.departure_from, shape.departure_until, shape.nights_min, shape.nights_max
    ):
        back = returns.isoformat() if returns else "oneway"
        for origin, destination in routes:
            # The same text as DatePair.key, without the cost of building one for each.
            key = f"{origin}-{destination}:{departs}:{back}:{tail}"
            slots.append(Slot(key, origin, destination, departs, returns, returns or departs))
    turns = sorted(range(len(slots)), key=lambda i: (i * GOLDEN) % 1.0)
    return tuple(slots[i] for i in turns)
