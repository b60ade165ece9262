from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.campaigns import BookingMode
from domain.money import Money
from domain.offers import Cabin
from domain.reaching import Agreed, reaches_further

ANA, MIA = UUID(int=1), UUID(int=2)
FIRST = date(2027, 5, 1)


def agreed(make: Any, **changes: Any) -> Agreed:
    whole = {"mode": BookingMode.ASK_ME_FIRST, "traveler_ids": (ANA,), "card_id": None}
    outer = {name: changes.pop(name) for name in list(changes) if name in whole}
    wish = {
        "origins": ("NYC", "BOS"),
        "destinations": ("LIS", "OPO"),
        "departure_from": FIRST,
        "departure_until": FIRST + timedelta(days=30),
        "nights_min": 5,
        "nights_max": 9,
        "max_connections": 1,
        "airlines_wanted": ("TP", "B6"),
        "airlines_excluded": ("AA",),
        "refundable_only": True,
        "checked_bags": 1,
    }
    return Agreed(criteria=make.wish(**(wish | changes)), **(whole | outer))


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"budget": Money(minor=52_001, currency="USD")}, "the budget rises to 520.01 USD"),
        ({"budget": Money(minor=1, currency="EUR")}, "the budget rises to 0.01 EUR"),
        ({"mode": BookingMode.AUTO}, "the wish would be booked without asking you"),
        ({"traveler_ids": (MIA,)}, "others travel"),
        ({"traveler_ids": (ANA, MIA)}, "others travel"),
        ({"card_id": MIA}, "another card may be charged"),
        ({"origins": ("NYC", "PHL")}, "the trip may begin elsewhere"),
        ({"destinations": ("FAO",)}, "the trip may go elsewhere"),
        ({"departure_from": FIRST - timedelta(days=1)}, "it may leave on other days"),
        ({"departure_until": FIRST + timedelta(days=31)}, "it may leave on other days"),
        ({"nights_max": 10}, "it may last otherwise"),
        ({"nights_min": None, "nights_max": None}, "it may last otherwise"),
        ({"cabin": Cabin.BUSINESS}, "it is another cabin"),
        ({"max_connections": None}, "it may stop more often"),
        ({"airlines_wanted": ()}, "other airlines may fly it"),
        ({"airlines_wanted": ("TP", "IB")}, "other airlines may fly it"),
        ({"airlines_excluded": ()}, "airlines that you left out may fly it"),
        ({"refundable_only": False}, "the fare may give nothing back"),
        ({"checked_bags": 0}, "fewer bags are included"),
    ],
)
def test_whatever_could_book_something_else_is_agreed_to_anew(
    make: Any, changes: dict[str, Any], why: str
):
    assert reaches_further(agreed(make), agreed(make, **changes)) == why


@given(
    st.fixed_dictionaries(
        {},
        optional={
            "budget": st.integers(1, 52_000).map(lambda m: Money(minor=m, currency="USD")),
            "origins": st.sampled_from([("NYC",), ("BOS",), ("BOS", "NYC")]),
            "destinations": st.sampled_from([("LIS",), ("OPO", "LIS")]),
            "departure_from": st.integers(0, 5).map(lambda d: FIRST + timedelta(days=d)),
            "departure_until": st.integers(6, 30).map(lambda d: FIRST + timedelta(days=d)),
            "nights_min": st.integers(5, 7),
            "nights_max": st.integers(7, 9),
            "max_connections": st.integers(0, 1),
            "airlines_wanted": st.sampled_from([("TP",), ("B6", "TP")]),
            "airlines_excluded": st.sampled_from([("AA",), ("AA", "UA")]),
            "checked_bags": st.integers(1, 3),
        },
    )
)
def test_a_part_of_what_was_agreed_to_needs_no_new_consent(make: Any, changes: dict[str, Any]):
    assert reaches_further(agreed(make), agreed(make, **changes)) is None


def test_a_wish_that_only_told_needs_consent_before_it_books(make: Any):
    told = agreed(make, mode=BookingMode.NOTIFY)
    assert reaches_further(told, agreed(make)) == "the wish may be booked from now on"
    assert reaches_further(agreed(make), told) is None
