from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.backtest import Seen, backtest
from domain.criteria import Hours
from domain.money import Money
from domain.offers import Party

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)
TODAY = NOW.date()


def seen(days_ago: int, minor: int, **changes: Any) -> Seen:
    facts: dict[str, Any] = {
        "day": TODAY - timedelta(days=days_ago),
        "fits": True,
        "departs_on": date(2027, 5, 12),
        "returns_on": date(2027, 5, 20),
        "stops": 0,
        "airline": "TP",
        "refundable": False,
        "party": Party(),
        "total": Money(minor=minor, currency="USD"),
    }
    return Seen(**(facts | changes))


def test_the_first_day_within_the_budget_would_have_been_the_booking(make: Any):
    history = [seen(40, 60_000), seen(23, 49_800), seen(23, 51_000, airline="B6"), seen(5, 45_000)]
    found = backtest(make.wish(checked_bags=1), history, party=Party(), now=NOW)
    assert found.would is not None
    assert (found.would.day, found.would.price) == (date(2026, 11, 3), make.usd("498.00"))
    assert found.sentence == (
        "With the prices seen so far you would have been booked on 3 November 2026 for "
        "498.00 USD: out on 12 May 2027, back on 20 May 2027."
    )
    assert found.caveats == (
        "seen on 3 of 90 days, within your budget on 2",
        "bags not known",
        "may not have been bookable",
    )
    assert (found.lowest, found.lowest_on) == (make.usd("450.00"), date(2026, 11, 21))


def test_what_nobody_looked_at_is_said_plainly(make: Any):
    nothing = backtest(make.wish(), [], party=Party(), now=NOW)
    assert not nothing.known
    assert nothing.sentence == "No history yet: nobody has looked at this route before."
    assert nothing.caveats == ()

    others = [seen(3, 38_000, fits=False), seen(9, 61_000, fits=False)]
    route = backtest(make.wish(), others, party=Party(), now=NOW)
    assert not route.known
    assert "between 380.00 USD and 610.00 USD" in route.sentence
    assert route.caveats[0] == "seen on 2 of 90 days"

    dear = backtest(make.wish(), [seen(3, 53_800)], party=Party(), now=NOW)
    assert dear.would is None
    assert "538.00 USD on 23 November 2026, 18.00 USD above your budget" in dear.sentence


@pytest.mark.parametrize(
    ("wish", "fare"),
    [
        ({"max_connections": 0}, {"stops": 1}),
        ({"airlines_wanted": ("B6",)}, {}),
        ({"airlines_excluded": ("TP",)}, {}),
        ({"refundable_only": True}, {"refundable": None}),
        ({}, {"fits": False}),
        ({}, {"day": TODAY - timedelta(days=90)}),
        ({}, {"day": TODAY + timedelta(days=1)}),
        ({}, {"total": Money(minor=100, currency="EUR")}),
        ({}, {"departs_on": TODAY - timedelta(days=1)}),
    ],
)
def test_a_fare_that_the_wish_or_the_clock_does_not_allow_books_nothing(
    make: Any, wish: dict[str, Any], fare: dict[str, Any]
):
    found = backtest(make.wish(**wish), [seen(1, 30_000, **fare)], party=Party(), now=NOW)
    assert found.would is None
    assert found.days_seen == 0


def test_fares_of_other_parties_are_reckoned_for_this_one_and_that_is_said(make: Any):
    two = Party(adults=2)
    single = [seen(4, 20_000)]
    found = backtest(make.wish(departure_hours=Hours(earliest=time(8))), single, party=two, now=NOW)
    assert found.lowest == make.usd("400.00")
    assert found.caveats[1:3] == ("hours not known", "seen for others and reckoned for 2")
    own = backtest(make.wish(), [*single, seen(4, 43_000, party=two)], party=two, now=NOW)
    assert own.lowest == make.usd("430.00"), "their own fares are better known"
    lap = Party(adults=2, infants=1)
    assert not backtest(make.wish(), single, party=lap, now=NOW).known, "a lap has a price too"


FARES = st.lists(
    st.builds(
        seen,
        st.integers(0, 120),
        st.integers(1, 100_000),
        stops=st.integers(0, 2),
        fits=st.booleans(),
        party=st.builds(Party, adults=st.integers(1, 3)),
    ),
    max_size=12,
)


@given(FARES, st.integers(1, 3), st.integers(1, 100_000), st.integers(0, 100_000))
def test_a_higher_budget_never_books_later_and_no_booking_is_above_the_budget(
    make: Any, fares: list[Seen], adults: int, minor: int, more: int
):
    party = Party(adults=adults)
    low, high = (
        backtest(make.wish(budget=Money(minor=amount, currency="USD")), fares, party=party, now=NOW)
        for amount in (minor, minor + more)
    )
    assert low.days_within <= high.days_within <= high.days_seen == low.days_seen <= 90
    for found, budget in ((low, minor), (high, minor + more)):
        if found.would is not None:
            assert found.would.price.minor <= budget
            assert found.lowest is not None
            assert found.lowest <= found.would.price
        assert (found.would is None) is (found.days_within == 0)
    if low.would is not None:
        assert high.would is not None
        assert high.would.day <= low.would.day
