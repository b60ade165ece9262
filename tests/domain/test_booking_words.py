"""What a booking page says: hours, zones, stopovers, conditions, merchants, airlines."""

from datetime import UTC, datetime, timedelta

import pytest

from domain.airlines import airline
from domain.fare_rules import bag_words, change_rule, refund_rule, same_everywhere, service_words
from domain.itineraries import Itinerary, Segment, Slice
from domain.journeys import be_there_at, check_in_opens, duration_words, legs_of, moment
from domain.merchants import House, merchant_of
from domain.money import Money
from domain.order_details import Bags, ExtraService, FareCondition


def at(day: int, hour: int, minute: int = 0) -> datetime:
    return datetime(2027, 5, day, hour, minute)  # noqa: DTZ001 - local times, as published


def flight(
    origin: str, destination: str, departs: datetime, arrives: datetime, minutes: int
) -> Segment:
    return Segment(
        origin=origin,
        destination=destination,
        departing_at=departs,
        arriving_at=arrives,
        duration_minutes=minutes,
        marketing_carrier="TP",
        flight_number="204",
        operating_carrier="TP",
    )


def usd(minor: int) -> Money:
    return Money(minor=minor, currency="USD")


def test_a_journey_is_told_in_local_times_with_their_zones():
    outbound = Slice(
        origin="JFK",
        destination="FNC",
        duration_minutes=740,
        segments=(
            flight("JFK", "LIS", at(12, 18, 5), at(13, 6, 0), 415),
            flight("LIS", "FNC", at(13, 7, 20), at(13, 9, 5), 105),
        ),
    )
    (leg,) = legs_of(Itinerary(slices=(outbound,)))

    first, second = leg.flights
    assert (first.departs.city, first.departs.clock, first.departs.offset) == (
        "New York",
        "18:05",
        "UTC\N{MINUS SIGN}4",
    )
    assert first.departs.instant == datetime(2027, 5, 12, 22, 5, tzinfo=UTC)
    assert (first.days_later, second.days_later, leg.days_later) == (1, 0, 1)
    (wait,) = leg.stopovers
    assert (wait.city, wait.minutes, wait.overnight, wait.other_airport) == (
        "Lisbon",
        80,
        False,
        None,
    )
    assert check_in_opens(leg) == datetime(2027, 5, 11, 22, 5, tzinfo=UTC)
    assert leg.departs.instant - be_there_at(leg) == timedelta(hours=3)


def test_a_change_of_airport_and_a_night_are_said():
    leg = Slice(
        origin="EDI",
        destination="JFK",
        duration_minutes=1500,
        segments=(
            flight("EDI", "LHR", at(12, 19), at(12, 20, 25), 85),
            flight("LGW", "JFK", at(13, 9), at(13, 12), 480),
        ),
    )
    (told,) = legs_of(Itinerary(slices=(leg,)))
    (wait,) = told.stopovers
    assert wait.overnight
    assert wait.other_airport is not None
    assert "Gatwick" in wait.other_airport
    assert wait.minutes == 755


def test_the_date_line_and_unknown_airports_are_borne():
    leg = Slice(
        origin="AKL",
        destination="HNL",
        duration_minutes=540,
        segments=(flight("AKL", "HNL", at(13, 23), at(13, 9), 540),),
    )
    (told,) = legs_of(Itinerary(slices=(leg,)))
    assert told.flights[0].days_later == 0
    assert told.flights[0].arrives.instant > told.flights[0].departs.instant
    assert moment("QQQ", at(1, 1)).offset == "UTC"
    assert moment("KTM", at(1, 1)).offset == "UTC+5:45"


@pytest.mark.parametrize(
    ("minutes", "words"),
    [(0, "0 min"), (50, "50 min"), (478, "7 h 58 min"), (120, "2 h"), (3060, "2 days 3 h")],
)
def test_durations_are_read_at_a_glance(minutes: int, words: str):
    assert duration_words(minutes) == words


def test_conditions_are_said_in_plain_words():
    said = {
        "free": change_rule(FareCondition(allowed=True, penalty=usd(0))).sentence,
        "fee": change_rule(FareCondition(allowed=True, penalty=usd(4000))).sentence,
        "untold": change_rule(FareCondition(allowed=True)).sentence,
        "no": refund_rule(FareCondition(allowed=False)).sentence,
        "part": refund_rule(FareCondition(allowed=True, penalty=usd(7500))).sentence,
        "all": refund_rule(FareCondition(allowed=True, penalty=usd(0))).sentence,
        "unknown": refund_rule(None).sentence,
    }
    assert said["free"].startswith("Free of charge until departure")
    assert said["fee"].startswith("For 40.00 USD until departure")
    assert "does not tell" in said["untold"]
    assert "no money back" in said["no"]
    assert said["part"].startswith("The airline keeps 75.00 USD until departure")
    assert said["all"] == "All of the money back until departure."
    assert "does not say" in said["unknown"]
    assert refund_rule(None).good is None


def test_bags_and_extras_are_counted_in_words():
    assert bag_words(Bags(checked=2, carry_on=1)) == "2 checked bags and 1 cabin bag"
    assert bag_words(Bags(checked=0, carry_on=0)) == "no bag but a personal item"
    assert bag_words(Bags()) == "the airline does not say"
    one, two = Bags(checked=1, carry_on=1), Bags(checked=2, carry_on=1)
    assert same_everywhere((one, one)) == one
    assert same_everywhere((one, two)) is None
    assert same_everywhere(()) is None
    extra = ExtraService(kind="baggage", quantity=2, price=usd(4000), weight_kg=23)
    assert service_words(extra) == "2 extra bags of up to 23 kg"


def test_who_charges_follows_from_the_rail():
    house = House(name="Parker Flight", statement_descriptor="PARKER FLIGHT")
    ours = merchant_of("stripe", house)
    assert ours.ours
    assert '"PARKER FLIGHT"' in ours.sentence
    assert "through Stripe" in ours.sentence
    theirs = merchant_of("airline", house, "TAP Air Portugal")
    assert not theirs.ours
    assert theirs.descriptor is None
    assert theirs.sentence.startswith("TAP Air Portugal charges your card.")


def test_an_airline_without_a_known_address_gets_no_link():
    tap = airline("TP")
    assert (tap.name, tap.site) == ("TAP Air Portugal", "flytap.com")
    assert airline("ZZ").manage_url is None
    unknown = airline("Q9", "Nimbus Air")
    assert (unknown.name, unknown.manage_url, unknown.site) == ("Nimbus Air", None, None)
