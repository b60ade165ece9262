from datetime import date, datetime, timedelta
from typing import Any

from domain.itineraries import Itinerary
from domain.offers import Cabin, DatePair, Party


def test_the_same_flights_have_the_same_key_whatever_else_differs(make: Any):
    plain = make.round_trip()
    with_terminal = make.round_trip(origin_terminal="1", operating_carrier="XX")
    assert plain.key == with_terminal.key == "TP204@2027-05-12T18:05|TP203@2027-05-20T18:05"


def test_another_time_or_fare_brand_is_another_itinerary(make: Any):
    plain = make.round_trip()
    later = make.round_trip(departs=make.out + timedelta(minutes=5))
    flex = Itinerary(
        slices=(plain.slices[0].model_copy(update={"fare_brand": "Flex"}), plain.slices[1])
    )
    assert len({plain.key, later.key, flex.key}) == 3


def test_counts_connections_technical_stops_and_time(make: Any):
    via = make.leg(
        make.segment("JFK", "MAD", make.out),
        make.segment("MAD", "LIS", make.out + timedelta(hours=14), technical_stops=1),
        minutes=1500,
    )
    itinerary = Itinerary(slices=(via, make.leg(make.segment("LIS", "JFK"))))
    assert via.connections == 2
    assert via.departing_at == make.out
    assert via.arriving_at == make.out + timedelta(hours=26)
    assert itinerary.connections == 2
    assert itinerary.duration_minutes == 1920


def test_dates_are_those_of_the_departures(make: Any):
    assert make.round_trip(8).departs_on == date(2027, 5, 12)
    assert make.round_trip(8).returns_on == date(2027, 5, 20)
    one_way = Itinerary(slices=(make.leg(make.segment(departs=datetime(2027, 5, 12, 23, 59))),))  # noqa: DTZ001
    assert one_way.returns_on is None


def test_a_date_pair_names_all_that_a_look_depends_on():
    day = date(2027, 5, 1)
    pairs = [
        DatePair(origin="NYC", destination="LIS", departs_on=day),
        DatePair(origin="JFK", destination="LIS", departs_on=day),
        DatePair(origin="NYC", destination="LIS", departs_on=day + timedelta(days=1)),
        DatePair(origin="NYC", destination="LIS", departs_on=day, returns_on=date(2027, 5, 8)),
        DatePair(origin="NYC", destination="LIS", departs_on=day, cabin=Cabin.BUSINESS),
        DatePair(origin="NYC", destination="LIS", departs_on=day, party=Party(adults=2)),
    ]
    assert len({pair.key for pair in pairs}) == len(pairs)
    assert pairs[0].key == "NYC-LIS:2027-05-01:oneway:economy:1a0c0i"
    assert pairs[0].market == "NYC-LIS"
