from datetime import time, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.criteria import Criteria, Hours
from domain.errors import CurrencyMismatch
from domain.itineraries import Itinerary
from domain.matching import Reason, bag_choice, judge, refusals, total_with_bags
from domain.money import Money
from domain.offers import BagService, Cabin, Offer, OfferPassenger, Party

TWO = Party(adults=1, children=1, infants=1)
FAMILY = (
    OfferPassenger(ref="a", kind="adult", age=34),
    OfferPassenger(ref="c", kind="child", age=5),
    OfferPassenger(ref="i", kind="infant_without_seat", age=1),
)


def bag(ref: str, amount: str, most: int = 1, name: str | None = None, currency: str = "USD"):
    return BagService(
        service_id=name or f"ase_{ref}_{amount}",
        price=Money.parse(amount, currency),
        maximum_quantity=most,
        passenger_ref=ref,
    )


def reason(offer: Offer, criteria: Criteria, **options: Any) -> Reason:
    verdict = judge(offer, criteria, **({"party": Party()} | options))
    assert verdict.matches == (verdict.reason is Reason.MATCHES)
    assert verdict.detail
    return verdict.reason


def test_takes_an_offer_that_satisfies_the_wish(make: Any):
    verdict = judge(make.offer(), make.wish(), party=Party())
    assert verdict.matches
    assert verdict.total == make.usd("480.00")


def test_says_by_how_much_an_offer_is_too_dear(make: Any):
    verdict = judge(make.offer(total="612.40"), make.wish(), party=Party())
    assert verdict.reason is Reason.OVER_BUDGET
    assert verdict.detail == "612.40 USD is 92.40 USD above the budget"


def test_the_limit_is_the_lower_of_budget_and_mandate(make: Any):
    offer, wish = make.offer(total="500.00"), make.wish()
    assert reason(offer, wish, price_limit=make.usd("500.00")) is Reason.MATCHES
    assert reason(offer, wish, price_limit=make.usd("499.99")) is Reason.OVER_BUDGET
    assert (
        reason(make.offer(total="520.01"), wish, price_limit=make.usd("900")) is Reason.OVER_BUDGET
    )


def test_any_airport_of_the_city_will_do_also_on_the_way_back(make: Any):
    out, back = make.segment("EWR", "LIS"), make.segment("LIS", "LGA", make.out + timedelta(days=8))
    itinerary = Itinerary(slices=(make.leg(out), make.leg(back)))
    assert reason(make.offer(itinerary), make.wish()) is Reason.MATCHES
    assert reason(make.offer(itinerary), make.wish(origins=("EWR",))) is Reason.ROUTE


def test_the_way_back_must_join_the_same_two_cities(make: Any):
    out, back = make.segment("JFK", "LIS"), make.segment("OPO", "JFK", make.out + timedelta(days=8))
    itinerary = Itinerary(slices=(make.leg(out), make.leg(back)))
    wish = make.wish(destinations=("LIS", "OPO"))
    assert reason(make.offer(itinerary), wish) is Reason.ROUTE


def test_a_place_that_the_table_lacks_still_matches_itself(make: Any):
    itinerary = make.round_trip()
    new = Itinerary(
        slices=(
            itinerary.slices[0].model_copy(update={"destination": "QQZ"}),
            itinerary.slices[1].model_copy(update={"origin": "QQZ"}),
        )
    )
    assert reason(make.offer(new), make.wish(destinations=("QQZ",))) is Reason.MATCHES


def test_one_way_and_return_are_not_mixed_up(make: Any):
    one_way = Itinerary(slices=(make.leg(make.segment()),))
    assert reason(make.offer(one_way), make.wish()) is Reason.ROUTE
    single = make.wish(nights_min=None, nights_max=None)
    assert reason(make.offer(one_way), single) is Reason.MATCHES
    assert reason(make.offer(), single) is Reason.ROUTE


@pytest.mark.parametrize(
    ("nights", "expected"), [(5, "nights"), (6, "matches"), (10, "matches"), (11, "nights")]
)
def test_nights_are_within_the_range_both_ends_included(make: Any, nights: int, expected: str):
    assert reason(make.offer(make.round_trip(nights)), make.wish()) == expected


def test_departure_is_within_the_window_both_ends_included(make: Any):
    day = make.out.date()
    exact = make.wish(departure_from=day, departure_until=day)
    assert reason(make.offer(), exact) is Reason.MATCHES
    later = make.wish(departure_from=day + timedelta(days=1))
    assert reason(make.offer(), later) is Reason.DATES


def test_the_offer_must_be_priced_in_the_budgets_currency(make: Any):
    euros = make.wish(budget=Money.parse("900", "EUR"))
    assert reason(make.offer(), euros) is Reason.CURRENCY
    with pytest.raises(CurrencyMismatch):
        judge(make.offer(), make.wish(), party=Party(), price_limit=Money.parse("900", "EUR"))


def test_what_is_priced_in_another_currency_is_not_held_against_the_budget(make: Any):
    dear = make.offer(total="900.00").model_copy(update={"total": Money.parse("900", "EUR")})
    against = [why for why, _ in refusals(dear, make.wish(), party=Party())]
    assert against == [Reason.CURRENCY]


@pytest.mark.parametrize(
    ("cabin", "flown", "expected"),
    [
        (Cabin.ECONOMY, "economy", "matches"),
        (Cabin.ECONOMY, "business", "matches"),
        (Cabin.ECONOMY, None, "matches"),
        (Cabin.ECONOMY, "suite", "matches"),
        (Cabin.BUSINESS, "first", "matches"),
        (Cabin.BUSINESS, "business", "matches"),
        (Cabin.BUSINESS, "premium_economy", "cabin"),
        (Cabin.PREMIUM_ECONOMY, "suite", "cabin"),
    ],
)
def test_every_segment_is_in_the_wanted_cabin_or_better(
    make: Any, cabin: Any, flown: Any, expected: str
):
    back = make.leg(make.segment("LIS", "JFK", make.out + timedelta(days=8), cabin="first"))
    itinerary = Itinerary(slices=(make.leg(make.segment(cabin=flown)), back))
    assert reason(make.offer(itinerary), make.wish(cabin=cabin)) == expected


def test_a_mixed_cabin_fails_and_an_untold_one_is_the_offers(make: Any):
    mixed = make.round_trip(cabin="business")  # back in economy
    verdict = judge(make.offer(mixed), make.wish(cabin=Cabin.BUSINESS), party=Party())
    assert verdict.reason is Reason.CABIN
    assert verdict.detail == "LIS to JFK is in economy, not in business"
    untold = make.round_trip(cabin=None)
    wish = make.wish(cabin=Cabin.PREMIUM_ECONOMY)
    assert "JFK to LIS is in economy" in judge(make.offer(untold), wish, party=Party()).detail
    assert "unknown" in judge(make.offer(untold, cabin=None), wish, party=Party()).detail


@pytest.mark.parametrize(
    ("allowed", "expected"), [(None, "matches"), (1, "matches"), (0, "connections")]
)
def test_connections(make: Any, allowed: Any, expected: str):
    via = make.leg(
        make.segment("JFK", "MAD"), make.segment("MAD", "LIS", make.out + timedelta(hours=14))
    )
    itinerary = Itinerary(slices=(via, make.round_trip().slices[1]))
    assert reason(make.offer(itinerary), make.wish(max_connections=allowed)) == expected


def test_a_technical_stop_is_a_stop(make: Any):
    itinerary = make.round_trip(technical_stops=1)
    assert reason(make.offer(itinerary), make.wish(max_connections=0)) is Reason.CONNECTIONS


def test_every_marketing_carrier_is_among_the_wanted(make: Any):
    mixed = make.offer(make.round_trip(marketing_carrier="B6"))
    assert reason(mixed, make.wish(airlines_wanted=("TP",))) is Reason.AIRLINE_NOT_WANTED
    assert reason(mixed, make.wish(airlines_wanted=("TP", "B6"))) is Reason.MATCHES


def test_an_excluded_airline_may_neither_sell_nor_fly(make: Any):
    flown = make.offer(make.round_trip(operating_carrier="NK"))
    verdict = judge(flown, make.wish(airlines_excluded=("NK",)), party=Party())
    assert verdict.reason is Reason.AIRLINE_EXCLUDED
    assert verdict.detail == "TP 204 is flown by NK"
    sold = make.offer(make.round_trip(marketing_carrier="NK"))
    assert reason(sold, make.wish(airlines_excluded=("NK",))) is Reason.AIRLINE_EXCLUDED


@pytest.mark.parametrize(
    ("earliest", "latest", "expected"),
    [
        (time(18, 5), time(18, 5), "matches"),
        (time(18, 6), time(23, 59), "departure_hours"),
        (time(0), time(18, 4), "departure_hours"),
    ],
)
def test_hours_hold_for_each_way_both_ends_included(
    make: Any, earliest: Any, latest: Any, expected: str
):
    wish = make.wish(departure_hours=Hours(earliest=earliest, latest=latest))
    assert reason(make.offer(), wish) == expected
    arrival = make.wish(arrival_hours=Hours(earliest=time(6, 6)))
    assert reason(make.offer(), arrival) is Reason.ARRIVAL_HOURS


def test_a_refundable_wish_takes_no_maybe(make: Any):
    wish = make.wish(refundable_only=True)
    assert reason(make.offer(refundable=True), wish) is Reason.MATCHES
    assert reason(make.offer(refundable=None), wish) is Reason.NOT_REFUNDABLE
    assert reason(make.offer(refundable=False), wish) is Reason.NOT_REFUNDABLE


def test_documents_are_needed_only_where_the_airline_asks(make: Any):
    offer = make.offer(documents_required=True)
    assert reason(offer, make.wish()) is Reason.MATCHES
    assert reason(offer, make.wish(), traveller_documents=False) is Reason.DOCUMENTS
    assert reason(make.offer(), make.wish(), traveller_documents=False) is Reason.MATCHES


def test_an_ignored_itinerary_is_left_out(make: Any):
    offer = make.offer()
    assert reason(offer, make.wish(), ignored={offer.itinerary.key}) is Reason.IGNORED


def test_the_first_reason_is_told_when_several_hold(make: Any):
    offer = make.offer(make.round_trip(2, cabin=None), total="900.00", documents_required=True)
    wish = make.wish(refundable_only=True, checked_bags=1)
    assert reason(offer, wish, traveller_documents=False) is Reason.NIGHTS


# Bags


def test_bags_count_for_each_adult_and_child_at_the_cheapest_price(make: Any):
    offer = make.offer(
        total="400.00",
        passengers=FAMILY,
        bag_services=(
            bag("a", "60.00"),
            bag("a", "30.00"),
            bag("c", "30.00", most=2),
            bag("i", "1.00", most=5),
        ),
    )
    choice = bag_choice(offer, 2, TWO)
    assert choice is not None
    assert choice.total == make.usd("550.00")
    assert choice.services == (("ase_a_30.00", 1), ("ase_a_60.00", 1), ("ase_c_30.00", 2))
    assert total_with_bags(offer, 1, TWO) == make.usd("460.00")
    verdict = judge(offer, make.wish(checked_bags=2), party=TWO)
    assert verdict.reason is Reason.OVER_BUDGET
    assert verdict.detail == "550.00 USD is 30.00 USD above the budget"
    assert judge(offer, make.wish(checked_bags=1), party=TWO).matches


def test_included_bags_cost_nothing_more(make: Any):
    offer = make.offer(checked_bags=1)
    assert total_with_bags(offer, 1, Party()) == offer.total
    assert reason(offer, make.wish(checked_bags=1)) is Reason.MATCHES


def test_bags_that_are_not_sold_fail(make: Any):
    wish = make.wish(checked_bags=2)
    for services in (
        (bag("pas_1", "30.00"),),
        (bag("pas_1", "30.00", most=2, currency="EUR"),),
        (bag("somebody", "30.00", most=2),),
        (bag("pas_1", "30.00", most=0),),
    ):
        assert reason(make.offer(bag_services=services), wish) is Reason.BAGS


def test_unpriced_bags_are_the_last_thing_to_ask_for(make: Any):
    wish = make.wish(checked_bags=1)
    assert reason(make.offer(), wish) is Reason.BAGS_NOT_PRICED
    assert reason(make.offer(total="900.00"), wish) is Reason.OVER_BUDGET
    assert reason(make.offer(make.round_trip(2)), wish) is Reason.NIGHTS


def test_without_passengers_the_bags_name_them(make: Any):
    offer = make.offer(passengers=(), bag_services=(bag("a", "30.00"), bag("b", "40.00")))
    assert total_with_bags(offer, 1, Party(adults=2)) == make.usd("550.00")
    assert total_with_bags(offer, 1, Party(adults=3)) is None


@given(
    total=st.integers(1, 100_000),
    budget=st.integers(1, 100_000),
    cap=st.none() | st.integers(1, 100_000),
    bags=st.integers(0, 3),
    included=st.integers(0, 2),
    price=st.integers(0, 10_000),
)
def test_what_matches_never_exceeds_budget_or_mandate(
    make: Any, total: int, budget: int, cap: int | None, bags: int, included: int, price: int
):
    offer = make.offer(
        checked_bags=included,
        bag_services=(bag("pas_1", str(price), most=3),),
    ).model_copy(update={"total": Money(minor=total, currency="USD")})
    limit = None if cap is None else Money(minor=cap, currency="USD")
    wish = make.wish(budget=Money(minor=budget, currency="USD"), checked_bags=bags)
    verdict = judge(offer, wish, party=Party(), price_limit=limit)
    full = total + max(0, bags - included) * price * 100
    assert verdict.total == Money(minor=full, currency="USD")
    assert verdict.matches == (full <= min(budget, cap if cap is not None else budget))


@given(cheaper=st.integers(1, 60_000), dearer=st.integers(0, 60_000))
def test_a_cheaper_offer_matches_whenever_a_dearer_one_does(make: Any, cheaper: int, dearer: int):
    low = make.offer().model_copy(update={"total": Money(minor=cheaper, currency="USD")})
    high = low.model_copy(update={"total": Money(minor=cheaper + dearer, currency="USD")})
    if judge(high, make.wish(), party=Party()).matches:
        assert judge(low, make.wish(), party=Party()).matches
