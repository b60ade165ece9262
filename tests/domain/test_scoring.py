from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.criteria import ScoreWeights
from domain.errors import CurrencyMismatch
from domain.itineraries import Itinerary
from domain.matching import total_with_bags
from domain.money import Money
from domain.offers import BagService, Offer, Party
from domain.scoring import MarketFacts, rank, score

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
