"""The fare process: pure, plausible, smooth."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from sandboxes.duffel.fares import (
    FareQuestion,
    adult_fare,
    on_sale,
    share,
)
from sandboxes.duffel.places import airports, distance_km, resolve, suggest
from sandboxes.duffel.schedule import itineraries

START = datetime(2026, 11, 20, tzinfo=UTC)
DEPARTURE = date(2027, 5, 4)

questions = st.builds(
    FareQuestion,
    seed=st.integers(0, 10**6),
    route=st.sampled_from(["JFK-LHR", "SFO-HND", "MXP-FCO"]),
    departure_date=st.dates(date(2027, 1, 1), date(2027, 11, 1)),
    carrier=st.sampled_from(["ZZ", "BA", "FR"]),
    slot=st.integers(0, 3),
    distance_km=st.floats(100, 15000),
    level=st.floats(0.5, 1.2),
    connections=st.integers(0, 2),
    cabin=st.just("economy"),
)
instants = st.datetimes(datetime(2026, 6, 1), datetime(2026, 12, 30)).map(  # noqa: DTZ001
    lambda naive: naive.replace(tzinfo=UTC)
)


@given(question=questions, now=instants)
def test_the_same_question_has_the_same_answer_all_hour(question: FareQuestion, now: datetime):
    hour = now.replace(minute=0, second=0, microsecond=0)
    last = hour + timedelta(minutes=59, seconds=59)
    assert adult_fare(question, hour) == adult_fare(question, now) == adult_fare(question, last)


@given(question=questions, now=instants)
def test_moves_little_from_hour_to_hour(question: FareQuestion, now: datetime):
    one, other = adult_fare(question, now), adult_fare(question, now + timedelta(hours=1))
    assert abs(one - other) <= one * Decimal("0.02") + Decimal("0.01")


@given(question=questions, now=instants)
def test_is_a_price_in_whole_cents(question: FareQuestion, now: datetime):
    price = adult_fare(question, now)
    assert Decimal(9) <= price <= Decimal(3500)
    assert price == price.quantize(Decimal("0.01"))


def question(**changes: object) -> FareQuestion:
    facts: dict[str, object] = {
        "seed": 1,
        "route": "JFK-LHR",
        "departure_date": DEPARTURE,
        "carrier": "BA",
        "slot": 0,
        "distance_km": 5540.0,
        "level": 1.0,
        "connections": 0,
        "cabin": "economy",
    }
    return FareQuestion(**(facts | changes))  # type: ignore[arg-type]


def test_drifts_over_days_and_is_on_sale_now_and_then():
    prices = [adult_fare(question(), START + timedelta(days=n)) for n in range(120)]
    assert len(set(prices)) > 100
    ordered = sorted(prices)
    assert ordered[0] < ordered[60] * Decimal("0.92")
    assert ordered[-1] < ordered[0] * 2


def test_the_last_days_are_dear():
    def week(left: int) -> Decimal:
        first = datetime(2027, 5, 4, tzinfo=UTC) - timedelta(days=left)
        looks = [adult_fare(question(slot=slot), first) for slot in range(8)]
        return sum(looks, Decimal(0))

    assert week(1) > week(45) * Decimal("1.3")
    assert week(1) > week(10) > week(60) * Decimal("1.02")


def test_season_cabin_and_distance_matter():
    summer = adult_fare(question(departure_date=date(2027, 7, 24)), START)
    winter = adult_fare(question(departure_date=date(2027, 2, 6)), START)
    assert summer > winter
    assert adult_fare(question(cabin="business"), START) > 3 * adult_fare(question(), START)
    assert adult_fare(question(distance_km=350.0), START) < adult_fare(question(), START) / 2


def test_children_and_infants_pay_less():
    assert share(Decimal("100.01"), "adult") == Decimal("100.01")
    assert share(Decimal("100.01"), "child") == Decimal("75.01")
    assert share(Decimal("100.05"), "infant_without_seat") == Decimal("10.01")


def test_the_sales_window_is_one_to_360_days():
    days = [0, 1, 360, 361, -1]
    sold = [on_sale(START.date() + timedelta(days=n), START) for n in days]
    assert sold == [False, True, True, False, False]


@given(
    ends=st.lists(
        st.sampled_from(["JFK", "LON", "TYO", "MIL", "ROM", "GRU", "SYD", "DEL", "BTS", "ANU"]),
        min_size=2,
        max_size=2,
        unique=True,
    ),
    day=st.dates(date(2027, 1, 1), date(2027, 12, 1)),
    most=st.integers(0, 2),
)
def test_flights_connect_in_place_and_time(ends: list[str], day: date, most: int):
    found = itineraries(1, ends[0], ends[1], day, max_connections=most)
    assert len(found) >= 4
    for itinerary in found:
        legs = itinerary.legs
        assert 1 <= len(legs) <= most + 1
        assert legs[0].departing_at.date() == day
        assert legs[0].origin in {a.code for a in resolve(ends[0])}
        assert legs[-1].destination in {a.code for a in resolve(ends[1])}
        for one, other in pairwise(legs):
            assert one.destination == other.origin
            assert timedelta(hours=1) < other.departing_at - one.arriving_at < timedelta(hours=5)
        for leg in legs:
            takes_off = airports()[leg.origin].instant(leg.departing_at)
            lands = airports()[leg.destination].instant(leg.arriving_at)
            hours = (lands - takes_off) / timedelta(hours=1)
            assert abs(hours * 60 - leg.minutes) <= 61  # local times skip or repeat an hour in DST
            assert leg.km / max(hours, 0.1) < 1000


def test_city_codes_stand_for_airports():
    assert resolve("LON")[0].code == "LHR"
    assert resolve("NYC")[0].code == "JFK"
    assert {a.code for a in resolve("MIL")} == {"MXP", "LIN", "BGY"}
    assert {a.code for a in resolve("TYO")} == {"HND", "NRT"}
    assert resolve("QQQ") == ()
    assert 5500 < distance_km(airports()["JFK"], airports()["LHR"]) < 5600


def test_suggests_places_by_code_and_name():
    assert suggest("lon")[0]["iata_code"] == "LON"
    assert suggest("JFK")[0]["iata_code"] == "JFK"
    assert suggest("jfk")[0]["country_name"] == "United States"
    assert "HND" in {place["iata_code"] for place in suggest("tokyo")}
    assert suggest("") == []
    assert suggest("zzzzzz") == []
