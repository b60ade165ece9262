from datetime import date, time, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.criteria import Criteria, Hours, ScoreWeights, Worth
from domain.money import Money
from domain.offers import Party
from domain.wishes import check_criteria, date_pairs, last_bookable, opens_on, warnings

TODAY = date(2026, 11, 21)
NOTHING = ScoreWeights(price=0, stops=0, duration=0, airline=0, times=0)


def check(criteria: Criteria, **changes: Any):
    rules = {
        "today": TODAY,
        "expires_on": TODAY + timedelta(days=365),
        "seller_currencies": frozenset({"USD"}),
        "horizon_days": 331,
    }
    return check_criteria(criteria, **(rules | changes))


def test_a_good_wish_has_no_problem(make: Any):
    assert check(make.wish()) == ()


@pytest.mark.parametrize(
    ("changes", "field", "words"),
    [
        ({"origins": ("Lisbn",)}, "origins.0", "Did you mean LIS (Lisbon"),
        ({"destinations": ("LIS", "QQZ")}, "destinations.1", ""),
        ({"destinations": ("lis",)}, "destinations.0", "Write LIS."),
        ({"destinations": ("LIS", "LIS")}, "destinations", "Name each place once."),
        ({"destinations": ("NYC",)}, "destinations", "Choose a destination elsewhere."),
        ({"destinations": ("JFK",)}, "destinations", "Choose a destination elsewhere."),
        ({"departure_until": date(2027, 4, 30)}, "departure_until", "Swap the two dates."),
        (
            {"departure_from": date(2026, 5, 1), "departure_until": date(2026, 5, 9)},
            "departure_until",
            "Choose dates from 22 November 2026 on.",
        ),
        (
            {"departure_from": TODAY, "departure_until": TODAY},
            "departure_until",
            "Choose dates from 22 November 2026 on.",
        ),
        ({"departure_until": date(2029, 5, 1)}, "departure_until", "Keep it within 366 days."),
        (
            {"departure_from": date(2027, 12, 1), "departure_until": date(2027, 12, 9)},
            "departure_from",
            "Choose an earlier window, or make the wish later.",
        ),
        ({"nights_max": None}, "nights_max", "Give both"),
        ({"nights_min": None}, "nights_min", "Give both"),
        ({"nights_min": 9, "nights_max": 3}, "nights_max", "Swap the two numbers."),
        ({"airlines_wanted": ("TAP",)}, "airlines_wanted.0", "two characters"),
        ({"airlines_excluded": ("12",)}, "airlines_excluded.0", "two characters"),
        (
            {"airlines_wanted": ("TP", "B6"), "airlines_excluded": ("TP",)},
            "airlines_excluded",
            "one of the two lists",
        ),
        (
            {"departure_hours": Hours(earliest=time(22), latest=time(6))},
            "departure_hours",
            "a range cannot pass midnight",
        ),
        (
            {"arrival_hours": Hours(earliest=time.fromisoformat("08:00Z"), latest=time(9))},
            "arrival_hours",
            "local to each airport",
        ),
        (
            {"worth": Worth(nonstop=Money(minor=6000, currency="EUR"))},
            "worth.nonstop",
            "Give it in USD.",
        ),
        (
            {"worth": Worth(hour_shorter=Money(minor=-1, currency="USD"))},
            "worth.hour_shorter",
            "above zero",
        ),
        ({"weights": NOTHING}, "weights", "at least one weight"),
    ],
)
def test_says_what_cannot_be_and_what_to_do(make: Any, changes: Any, field: Any, words: str):
    problems = check(make.wish(**changes))
    assert [p.field for p in problems] == [field]
    assert words in problems[0].remedy
    assert problems[0].reason


@pytest.mark.parametrize("amount", ["0.00", "-5.00"])
def test_a_budget_must_buy_something(make: Any, amount: str):
    assert [p.field for p in check(make.wish(budget=make.usd(amount)))] == ["budget"]


def test_the_seller_must_price_in_the_budgets_currency(make: Any):
    problem = check(make.wish(), seller_currencies=frozenset({"EUR", "GBP"}))[0]
    assert problem.field == "budget.currency"
    assert "EUR, GBP" in problem.remedy


def test_dates_that_open_only_after_the_end_are_refused(make: Any):
    wish = make.wish(departure_from=date(2027, 11, 15), departure_until=date(2027, 11, 20))
    assert check(wish, horizon_days=10, expires_on=date(2027, 11, 18)) == ()
    problems = check(wish, horizon_days=0, expires_on=date(2027, 11, 18))
    assert "after the wish ends" in problems[0].reason


def test_several_problems_are_told_at_once(make: Any):
    wish = make.wish(origins=("QQZ",), nights_min=9, nights_max=3, budget=make.usd("0"))
    assert len(check(wish)) == 3


def test_warns_of_a_window_that_is_not_on_sale_yet(make: Any):
    wish = make.wish(departure_from=date(2027, 11, 1), departure_until=date(2027, 11, 20))
    (warning,) = warnings(wish, today=TODAY, horizon_days=331)
    assert opens_on(wish, 331) == date(2027, 11, 7) - timedelta(days=331)
    assert "11 December 2026" in warning.reason


def test_warns_of_cards_and_passports_that_expire_before_the_trip(make: Any):
    found = warnings(
        make.wish(),
        today=TODAY,
        horizon_days=331,
        card_expires_on=date(2027, 6, 29),
        passports_expire_on=(date(2030, 1, 1), date(2027, 7, 9)),
    )
    assert [w.field for w in found] == ["payment_method_id", "traveler_ids"]
    fine = warnings(
        make.wish(),
        today=TODAY,
        horizon_days=331,
        card_expires_on=date(2027, 6, 30),
        passports_expire_on=(date(2027, 7, 10),),
    )
    assert fine == ()


def test_lists_every_market_and_date_that_is_on_sale(make: Any):
    wish = make.wish(
        origins=("NYC", "BOS"),
        destinations=("LIS", "OPO"),
        departure_from=date(2027, 5, 1),
        departure_until=date(2027, 5, 3),
        nights_min=6,
        nights_max=7,
    )
    pairs = list(date_pairs(wish, Party(adults=2), today=TODAY, horizon_days=331))
    assert len(pairs) == len({p.key for p in pairs}) == 2 * 2 * 3 * 2
    assert {p.market for p in pairs} == {"NYC-LIS", "NYC-OPO", "BOS-LIS", "BOS-OPO"}
    assert all(p.party == Party(adults=2) for p in pairs)


def test_a_city_is_searched_by_its_own_code_and_never_against_itself(make: Any):
    wish = make.wish(origins=("LON", "NYC"), destinations=("NYC", "LIS"))
    markets = {p.market for p in date_pairs(wish, Party(), today=TODAY, horizon_days=331)}
    assert markets == {"LON-NYC", "LON-LIS", "NYC-LIS"}


@given(
    start=st.dates(date(2026, 6, 1), date(2027, 12, 31)),
    days=st.integers(0, 30),
    nights=st.none() | st.tuples(st.integers(0, 9), st.integers(0, 5)),
    horizon=st.integers(0, 400),
)
def test_only_dates_in_the_window_in_the_future_and_on_sale(
    make: Any, start: date, days: int, nights: Any, horizon: int
):
    least, most = (nights[0], sum(nights)) if nights else (None, None)
    wish = make.wish(
        departure_from=start,
        departure_until=start + timedelta(days=days),
        nights_min=least,
        nights_max=most,
    )
    on_sale = TODAY + timedelta(days=horizon)
    pairs = list(date_pairs(wish, Party(), today=TODAY, horizon_days=horizon))
    for pair in pairs:
        assert TODAY < pair.departs_on <= on_sale
        assert wish.departure_from <= pair.departs_on <= last_bookable(wish)
        assert (pair.returns_on is None) == (nights is None)
        assert (pair.returns_on or pair.departs_on) <= on_sale
    if opens_on(wish, horizon) > TODAY:
        assert not pairs
    elif start > TODAY:
        assert pairs
