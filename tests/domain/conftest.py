"""Offers and wishes that are valid by default; every part can be varied."""

from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any

import pytest

from domain.criteria import Criteria
from domain.itineraries import Itinerary, Segment, Slice
from domain.money import Money
from domain.offers import Cabin, Offer, OfferPassenger

OUT = datetime(2027, 5, 12, 18, 5)  # noqa: DTZ001


def usd(amount: str) -> Money:
    return Money.parse(amount, "USD")


def segment(
    origin: str = "JFK", destination: str = "LIS", departs: datetime = OUT, **changes: Any
) -> Segment:
    facts: dict[str, Any] = {
        "origin": origin,
        "destination": destination,
        "departing_at": departs,
        "arriving_at": departs + timedelta(hours=12),
        "duration_minutes": 420,
        "marketing_carrier": "TP",
        "flight_number": "204",
        "operating_carrier": "TP",
        "cabin": "economy",
    }
    return Segment(**(facts | changes))


def leg(*segments: Segment, minutes: int = 420) -> Slice:
    return Slice(
        origin=segments[0].origin,
        destination=segments[-1].destination,
        duration_minutes=minutes,
        segments=segments,
    )


def round_trip(nights: int = 8, **changes: Any) -> Itinerary:
    back = segment("LIS", "JFK", OUT + timedelta(days=nights), flight_number="203")
    return Itinerary(slices=(leg(segment(**changes)), leg(back)))


def offer(itinerary: Itinerary | None = None, total: str = "480.00", **changes: Any) -> Offer:
    facts: dict[str, Any] = {
        "seller": "duffel",
        "offer_id": "off_1",
        "offer_request_id": "orq_1",
        "itinerary": itinerary or round_trip(),
        "total": usd(total),
        "airline": "TP",
        "cabin": Cabin.ECONOMY,
        "refundable": False,
        "expires_at": datetime(2026, 11, 21, 12, 30),  # noqa: DTZ001
        "passengers": (OfferPassenger(ref="pas_1", kind="adult"),),
    }
    return Offer(**(facts | changes))


def wish(**changes: Any) -> Criteria:
    facts: dict[str, Any] = {
        "origins": ("NYC",),
        "destinations": ("LIS",),
        "departure_from": date(2027, 5, 1),
        "departure_until": date(2027, 6, 30),
        "nights_min": 6,
        "nights_max": 10,
        "budget": usd("520.00"),
    }
    return Criteria(**(facts | changes))


class Make:
    """The makers, for tests: one object, since test files cannot import each other."""

    usd = staticmethod(usd)
    segment = staticmethod(segment)
    leg = staticmethod(leg)
    round_trip = staticmethod(round_trip)
    offer: Callable[..., Offer] = staticmethod(offer)
    wish: Callable[..., Criteria] = staticmethod(wish)
    out = OUT


@pytest.fixture(scope="session")
def make() -> Make:
    return Make()
