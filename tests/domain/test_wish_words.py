from datetime import date, datetime, time
from typing import Any

import pytest

from domain.campaigns import BookingMode
from domain.criteria import Hours, Worth
from domain.offers import Cabin, Party
from domain.wish_words import (
    dates_words,
    flights_words,
    party_words,
    route_words,
    shape_words,
    wanted_words,
    window_words,
)

TODAY = date(2026, 11, 26)


def test_a_wish_reads_as_its_traveller_would_say_it(make: Any):
    wish = make.wish(checked_bags=1, worth=Worth(nonstop=make.usd("60")))
    assert route_words(wish) == "New York → Lisbon"
    assert window_words(wish, TODAY) == "in May or June 2027"
    assert shape_words(wish, Party(adults=2)) == "6 to 10 nights, 2 adults, economy"
    assert wanted_words(wish, BookingMode.AUTO) == (
        "1 checked bag each included.",
        "A non-stop may cost up to 60 USD more each.",
        "Books by itself.",
    )


@pytest.mark.parametrize(
    ("first", "last", "words"),
    [
        ((2026, 12, 12), (2026, 12, 12), "on 12 December"),
        ((2027, 5, 12), (2027, 5, 20), "between 12 and 20 May 2027"),
        ((2026, 12, 20), (2027, 1, 5), "between 20 December 2026 and 5 January 2027"),
        ((2027, 2, 1), (2027, 2, 28), "in February 2027"),
        ((2027, 5, 1), (2027, 9, 30), "from May to September 2027"),
        ((2026, 12, 1), (2027, 1, 31), "from December 2026 to January 2027"),
    ],
)
def test_the_time_is_said_as_short_as_it_can_be(make: Any, first: Any, last: Any, words: str):
    wish = make.wish(departure_from=date(*first), departure_until=date(*last))
    assert window_words(wish, TODAY) == words


def test_everything_asked_for_is_said(make: Any):
    wish = make.wish(
        origins=("NYC", "BOS", "JFK"),
        destinations=("ZZZ",),
        nights_min=None,
        nights_max=None,
        cabin=Cabin.PREMIUM_ECONOMY,
        max_connections=1,
        airlines_wanted=("TP", "IB"),
        airlines_excluded=("FR",),
        departure_hours=Hours(earliest=time(7), latest=time(22)),
        refundable_only=True,
        worth=Worth(by_day=make.usd("20"), refundable=make.usd("30"), hour_shorter=make.usd("5")),
    )
    assert route_words(wish) == "New York or Boston → ZZZ"
    assert shape_words(wish, Party(adults=1)) == "one way, 1 adult, premium economy"
    said = " ".join(wanted_words(wish, BookingMode.ASK_ME_FIRST))
    for words in ("At most 1 stop.", "Iberia", "Not with Ryanair", "07:00 and 22:00", "30 USD"):
        assert words in said
    assert said.endswith("Asks you before it books.")
    direct = make.wish(max_connections=0, nights_min=7, nights_max=7)
    assert wanted_words(direct, "notify") == ("Non-stop only.", "Tells you and books nothing.")
    assert shape_words(direct, Party(adults=1, children=2, infants=1)).startswith(
        "7 nights, 1 adult, 2 children, 1 infant"
    )
    assert party_words(Party()) == "1 adult"


def test_flights_are_named_by_airline_numbers_and_stops(make: Any):
    assert flights_words(make.round_trip()) == "TAP Air Portugal 204 / 203, non-stop"
    over = make.leg(
        make.segment("JFK", "MAD", flight_number="6252", marketing_carrier="IB"),
        make.segment("MAD", "LIS", datetime(2027, 5, 13, 9), flight_number="1019"),  # noqa: DTZ001
    )
    itinerary = make.round_trip().model_copy(update={"slices": (over,)})
    assert flights_words(itinerary) == "Iberia 6252, TP 1019, via Madrid"
    assert flights_words(make.round_trip(technical_stops=1)).endswith(", 1 stop")
    assert dates_words(date(2027, 5, 12), date(2027, 5, 20)) == "12 to 20 May"
    assert dates_words(date(2027, 5, 28), date(2027, 6, 3)) == "28 May to 3 June"
    assert dates_words(date(2027, 5, 28), None) == "28 May"
