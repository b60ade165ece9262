from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.criteria import ScoreWeights, Worth
from domain.errors import CurrencyMismatch
from domain.itineraries import Itinerary
from domain.matching import total_with_bags
from domain.money import Money
from domain.offers import BagService, Offer, Party
from domain.scoring import MarketFacts, felt_price, rank, score, seats

WEIGHTS = st.builds(
    ScoreWeights,
    **dict.fromkeys(("price", "stops", "duration", "airline", "times"), st.floats(0, 10)),
)


def facts(cheapest: int = 30_000, fastest: int = 800) -> MarketFacts:
    return MarketFacts(cheapest=Money(minor=cheapest, currency="USD"), fastest_minutes=fastest)


def with_stops(make: Any, stops: int, minutes: int = 420) -> Itinerary:
    out = make.segment(technical_stops=stops)
    back = make.segment("LIS", "JFK", make.out + timedelta(days=8), flight_number="203")
    return Itinerary(slices=(make.leg(out, minutes=minutes), make.leg(back, minutes=minutes)))


def priced(offer: Offer, minor: int):
    return offer.model_copy(update={"total": Money(minor=minor, currency="USD")})


@given(WEIGHTS, st.integers(1, 10**7), st.integers(1, 10**7), st.integers(1, 10**7))
def test_cheaper_never_scores_lower(
    make: Any, weights: ScoreWeights, left: int, right: int, cheapest: int
):
    low, high = sorted((left, right))
    wish, reference = make.wish(weights=weights), facts(cheapest)
    better = score(priced(make.offer(), low), wish, reference)
    worse = score(priced(make.offer(), high), wish, reference)
    assert better.total >= worse.total


@given(WEIGHTS, st.integers(0, 4), st.integers(0, 4))
def test_fewer_stops_never_score_lower(make: Any, weights: ScoreWeights, left: int, right: int):
    few, many = sorted((left, right))
    wish = make.wish(weights=weights)
    better = score(make.offer(with_stops(make, few)), wish, facts())
    worse = score(make.offer(with_stops(make, many)), wish, facts())
    assert better.total >= worse.total


@given(WEIGHTS, st.integers(1, 10**7), st.integers(0, 3), st.integers(60, 5000))
def test_scores_and_parts_stay_between_zero_and_one(
    make: Any, weights: ScoreWeights, minor: int, stops: int, minutes: int
):
    offer = priced(make.offer(with_stops(make, stops, minutes)), minor)
    found = score(offer, make.wish(weights=weights), facts())
    assert 0 <= found.total <= 1
    assert [p.name for p in found.parts] == ["price", "stops", "duration", "airline", "times"]
    assert all(0 <= p.value <= 1 and p.words for p in found.parts)
    assert sum(p.weight for p in found.parts) == pytest.approx(1)


@given(st.permutations(range(6)))
def test_the_order_of_the_offers_does_not_matter(make: Any, order: list[int]):
    offers = [
        priced(make.offer(with_stops(make, n % 2), offer_id=f"off_{n}"), 40_000 + 1000 * (n % 3))
        for n in range(6)
    ]
    expected = [o.offer_id for o, _ in rank(offers, make.wish())]
    assert [o.offer_id for o, _ in rank([offers[i] for i in order], make.wish())] == expected


def test_the_best_comes_first_and_says_why(make: Any):
    near = make.offer(with_stops(make, 0), total="490.00", offer_id="near")
    cheap = make.offer(with_stops(make, 2, 900), total="470.00", offer_id="cheap")
    best, worst = rank([cheap, near], make.wish())
    assert (best[0].offer_id, worst[0].offer_id) == ("near", "cheap")
    words = {p.name: p.words for p in best[1].parts}
    assert words["price"] == "490.00 USD, 20.00 USD above the lowest fare"
    assert words["stops"] == "non-stop"
    assert words["duration"] == "14 h 00 min under way"


def test_without_any_weight_only_the_price_counts(make: Any):
    nothing = ScoreWeights(price=0, stops=0, duration=0, airline=0, times=0)
    cheap = make.offer(with_stops(make, 3), total="400.00", offer_id="cheap")
    ranked = rank([make.offer(), cheap], make.wish(weights=nothing))
    assert ranked[0][0] is cheap
    assert ranked[0][1].total == 1


def test_the_airline_named_first_is_preferred(make: Any):
    wish = make.wish(airlines_wanted=("B6", "TP"))
    values = {
        code: score(make.offer(airline=code), wish, facts()).parts[3].value
        for code in ("B6", "TP", "IB")
    }
    assert values == {"B6": 1.0, "TP": 0.5, "IB": 0.0}


def test_take_offs_and_landings_at_night_cost(make: Any):
    night = make.round_trip(departs=make.out.replace(hour=3))
    parts = {p.name: p for p in score(make.offer(night), make.wish(), facts()).parts}
    assert parts["times"].value == 0.75
    assert parts["times"].words == "at night: 03:05"


def test_bags_are_in_the_price_where_the_party_is_known(make: Any):
    service = BagService(
        service_id="s", price=make.usd("90.00"), maximum_quantity=1, passenger_ref="pas_1"
    )
    bare = make.offer(total="400.00", bag_services=(service,), offer_id="bare")
    full = make.offer(total="450.00", checked_bags=1, offer_id="full")
    wish = make.wish(checked_bags=1)
    assert total_with_bags(bare, 1, Party()) == make.usd("490.00")
    assert rank([bare, full], wish, party=Party())[0][0] is full
    assert rank([bare, full], wish)[0][0] is bare


def test_nothing_to_rank_and_nothing_to_compare(make: Any):
    assert rank([], make.wish()) == []
    euros = make.offer().model_copy(update={"total": Money(minor=1, currency="EUR")})
    with pytest.raises(CurrencyMismatch):
        rank([make.offer(), euros], make.wish())


MONEY = st.one_of(st.none(), st.integers(0, 10**6).map(lambda m: Money(minor=m, currency="USD")))
WORTH = st.builds(Worth, nonstop=MONEY, hour_shorter=MONEY, by_day=MONEY, refundable=MONEY)
PARTIES = st.builds(Party, adults=st.integers(1, 4), children=st.integers(0, 3))


def usd_cents(minor: int) -> Money:
    return Money(minor=minor, currency="USD")


@given(st.integers(1, 50_000), st.integers(0, 400_000), PARTIES)
def test_a_non_stop_is_taken_up_to_what_it_is_worth_to_each_and_not_a_cent_more(
    make: Any, each: int, dearer: int, party: Party
):
    wish = make.wish(worth=Worth(nonstop=usd_cents(each)))
    nonstop = priced(make.offer(with_stops(make, 0), offer_id="nonstop"), 40_000 + dearer)
    stops = priced(make.offer(with_stops(make, 1), offer_id="stops"), 40_000)
    best = rank([stops, nonstop], wish, party=party)[0][0]
    assert (best.offer_id == "nonstop") is (dearer <= each * seats(party))


@given(st.integers(60, 50_000), st.integers(0, 100_000), st.integers(1, 600), PARTIES)
def test_each_hour_less_under_way_is_worth_what_was_said(
    make: Any, each: int, dearer: int, minutes: int, party: Party
):
    wish = make.wish(worth=Worth(hour_shorter=usd_cents(each)))
    fast = priced(make.offer(with_stops(make, 1, 420), offer_id="fast"), 40_000 + dearer)
    slow = priced(make.offer(with_stops(make, 1, 420 + minutes), offer_id="slow"), 40_000)
    saved = each * seats(party) * 2 * minutes // 60  # so much longer, both ways
    best = rank([slow, fast], wish, party=party)[0][0]
    assert (best.offer_id == "fast") is (dearer <= saved)


@given(WORTH, PARTIES, st.lists(st.tuples(st.integers(1, 10**6), st.integers(0, 3)), min_size=2))
def test_in_money_cheaper_and_fewer_stops_never_rank_lower_and_parts_add_up(
    make: Any, worth: Worth, party: Party, kinds: list[tuple[int, int]]
):
    wish = make.wish(worth=worth)
    offers = [
        priced(make.offer(with_stops(make, stops), offer_id=f"off_{n}"), minor)
        for n, (minor, stops) in enumerate(kinds)
    ]
    ranked = rank(offers, wish, party=party)
    places = {offer.offer_id: place for place, (offer, _) in enumerate(ranked)}
    for left in offers:
        for right in offers:
            cheaper = left.total.minor < right.total.minor
            if worth.said and cheaper and left.itinerary.connections <= right.itinerary.connections:
                assert places[left.offer_id] < places[right.offer_id]
    for _, found in ranked:
        assert 0 <= found.total <= 1
        assert sum(p.weight for p in found.parts) == pytest.approx(1)
        assert sum(p.weight * p.value for p in found.parts) == pytest.approx(found.total)
    if worth.said:
        felt = [felt_price(found).minor for _, found in ranked]
        assert felt == sorted(felt)


def test_comfort_is_priced_by_day_and_by_refund_too(make: Any):
    wish = make.wish(worth=Worth(by_day=make.usd("30.00"), refundable=make.usd("50.00")))
    night = make.offer(make.round_trip(departs=make.out.replace(hour=3)), refundable=True)
    reference = MarketFacts(cheapest=make.usd("400.00"), fastest_minutes=840)
    found = score(night, wish, reference, party=Party(adults=2, infants=1))
    assert felt_price(found) == make.usd("540.00"), "480, and 30 for each of two at night"
    assert [(p.name, p.words) for p in found.parts[1:]] == [
        ("times", "at night: 03:05"),
        ("refund", "gives money back"),
    ]
    plain = score(make.offer(), make.wish(), reference)
    with pytest.raises(ValueError, match="weights"):
        felt_price(plain)
