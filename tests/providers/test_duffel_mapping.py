"""Duffel's recorded shapes in our words. The JSON is that of the wire contract."""

import copy
import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from domain.money import Money
from domain.offers import Cabin, DatePair, Party
from providers.duffel import mapping
from providers.duffel.mapping import Unreadable
from providers.ports import (
    OrderPassenger,
    OrderRequest,
    PassengerDocument,
    SearchPassenger,
    SearchRequest,
)

RECORDED = Path(__file__).parents[1] / "contracts" / "duffel"


def recorded(name: str):
    return json.loads((RECORDED / f"{name}.json").read_text())


@pytest.fixture
def offer():
    return recorded("offer_request")["data"]["offers"][0]


@pytest.fixture
def order():
    return recorded("order")["data"]


def read(offer: Any):
    return mapping.offer(offer, offer_request_id="orq_1")


def usd(minor: Any):
    return Money(minor=minor, currency="USD")


def test_reads_the_recorded_offer(offer: Any):
    found = read(offer)

    assert found.seller == "duffel"
    assert found.offer_id == "off_0000B2wTestOfferAAAA01"
    assert found.offer_request_id == "orq_1"
    assert found.total == usd(21245)
    assert found.airline == "ZZ"
    assert found.cabin is Cabin.ECONOMY
    assert (found.refundable, found.refund_penalty, found.changeable) == (False, None, True)
    assert (found.checked_bags, found.carry_on_bags) == (1, 1)
    assert found.expires_at == datetime(2026, 11, 20, 10, 17, 12, tzinfo=UTC)
    assert [(p.ref, p.kind, p.age) for p in found.passengers] == [
        ("pas_0000B2wTestAdultAAAA01", "adult", None)
    ]
    assert (found.documents_required, found.bag_services, found.emissions_kg) == (False, (), 457)
    segment = found.itinerary.slices[0].segments[0]
    assert segment.departing_at == datetime(2026, 12, 10, 10, 15)  # noqa: DTZ001
    assert (segment.duration_minutes, segment.origin_terminal, segment.cabin) == (
        478,
        "2",
        "economy",
    )
    assert found.itinerary.key == "ZZ4021@2026-12-10T10:15#Basic"


def test_every_field_that_is_documented_as_nullable_may_be_null_or_absent(offer: Any):
    for name in ("conditions", "total_emissions_kg", "available_services", "partial"):
        offer[name] = None
    leg = offer["slices"][0]
    leg["fare_brand_name"] = None
    segment = leg["segments"][0]
    for name in ("aircraft", "operating_carrier", "origin_terminal", "destination_terminal"):
        segment[name] = None
    for name in ("stops", "distance", "passengers"):
        del segment[name]
    offer["passengers"][0]["type"] = None

    found = read(offer)

    assert (found.refundable, found.changeable, found.emissions_kg) == (None, None, None)
    assert (found.cabin, found.checked_bags, found.carry_on_bags) == (None, 0, 0)
    assert found.itinerary.slices[0].segments[0].operating_carrier == "ZZ"


@pytest.mark.parametrize(
    ("condition", "refundable", "penalty"),
    [
        (None, None, None),
        ({"allowed": False, "penalty_amount": None, "penalty_currency": None}, False, None),
        ({"allowed": True, "penalty_amount": None, "penalty_currency": None}, True, None),
        ({"allowed": True, "penalty_amount": "40.00", "penalty_currency": "USD"}, True, usd(4000)),
    ],
)
def test_reads_refund_conditions(offer: Any, condition: Any, refundable: Any, penalty: Any):
    offer["conditions"]["refund_before_departure"] = condition
    found = read(offer)
    assert (found.refundable, found.refund_penalty) == (refundable, penalty)


def with_second_segment(offer: Any, **passenger: Any):
    segments = offer["slices"][0]["segments"]
    second = copy.deepcopy(segments[0]) | {"id": "seg_2"}
    second["passengers"][0].update(passenger)
    segments.append(second)


def test_counts_the_bags_that_are_allowed_on_every_flight(offer: Any):
    with_second_segment(offer, baggages=[{"type": "checked", "quantity": 0}])
    found = read(offer)
    assert (found.checked_bags, found.carry_on_bags) == (0, 0)


def test_counts_the_bags_that_every_seated_passenger_has(offer: Any):
    offer["passengers"] += [
        {"id": "pas_2", "type": None, "age": 9},
        {"id": "pas_3", "type": "infant_without_seat", "age": None},
        {"id": "pas_4", "type": None, "age": 1},
    ]
    cabin = {"cabin_class": "economy", "baggages": [{"type": "checked", "quantity": 2}]}
    passengers = offer["slices"][0]["segments"][0]["passengers"]
    passengers.append(cabin | {"passenger_id": "pas_2"})
    assert (read(offer).checked_bags, read(offer).carry_on_bags) == (1, 0)
    passengers.pop()
    assert read(offer).checked_bags == 0


@pytest.mark.parametrize(
    ("second", "cabin"),
    [
        ("first", Cabin.ECONOMY),
        ("premium_economy", Cabin.ECONOMY),
        ("steerage", None),
        (None, None),
    ],
)
def test_the_cabin_is_the_lowest_of_the_journey(offer: Any, second: Any, cabin: Any):
    with_second_segment(offer, cabin_class=second)
    assert read(offer).cabin is cabin


def test_counts_technical_stops_as_connections(offer: Any):
    offer["slices"][0]["segments"][0]["stops"] = [{"id": "sto_1"}]
    assert read(offer).itinerary.connections == 1


def test_reads_durations_with_days(offer: Any):
    offer["slices"][0]["duration"] = "P1DT22H30M"
    assert read(offer).itinerary.duration_minutes == 46 * 60 + 30


def test_lists_checked_bags_that_are_sold_for_the_whole_journey(offer: Any):
    services = recorded("available_services")["available_services"]
    bag = services[0]
    part = bag | {"id": "ase_part", "segment_ids": []}
    shared = bag | {"id": "ase_shared", "passenger_ids": ["pas_1", "pas_2"]}
    cabin_bag = bag | {"id": "ase_cabin", "metadata": {"type": "carry_on"}}
    offer["available_services"] = [*services, part, shared, cabin_bag]

    (found,) = read(offer).bag_services

    assert found.service_id == bag["id"]
    assert (found.price, found.maximum_quantity) == (usd(2000), 1)
    assert found.passenger_ref == "pas_0000B2wTestAdultAAAA01"


@pytest.mark.parametrize(
    "spoiled",
    [
        {"total_amount": 212.45},
        {"total_amount": "212.456"},
        {"total_amount": "1e9"},
        {"total_amount": "NaN"},
        {"total_amount": "0.00"},
        {"total_amount": "-1.00"},
        {"total_amount": None},
        {"total_currency": "usd"},
        {"total_currency": "US"},
        {"expires_at": "2026-11-20T10:17:12"},
        {"expires_at": "soon"},
        {"slices": []},
        {"slices": None},
        {"passengers": []},
        {"owner": "ZZ"},
        {"id": ""},
        {"id": 7},
        {"partial": True},
        {"passenger_identity_documents_required": None},
    ],
)
def test_refuses_an_offer_that_cannot_be_trusted(offer: Any, spoiled: Any):
    with pytest.raises(Unreadable):
        read(offer | spoiled)


@pytest.mark.parametrize(
    "spoiled",
    [
        {"departing_at": "2026-12-10T10:15:00Z"},
        {"arriving_at": None},
        {"duration": "eight hours"},
        {"duration": "P400D"},
        {"origin": {"iata_code": None}},
        {"marketing_carrier_flight_number": None},
    ],
)
def test_refuses_a_segment_that_cannot_be_trusted(offer: Any, spoiled: Any):
    offer["slices"][0]["segments"][0].update(spoiled)
    with pytest.raises(Unreadable):
        read(offer)


@pytest.mark.parametrize("data", [None, [], "offer", 7, {}])
def test_refuses_what_is_no_offer_at_all(data: Any):
    with pytest.raises(Unreadable):
        read(data)


def test_a_refusal_names_the_field_and_not_its_content(order: Any):
    order["total_amount"] = "Ada Example"
    with pytest.raises(Unreadable) as caught:
        mapping.provider_order(order)
    assert str(caught.value) == "total_amount"
    assert caught.value.__cause__ is None


def test_reads_the_recorded_order(order: Any):
    order["metadata"] = {"attempt_id": "a-1", "campaign_id": "c-1"}

    found = mapping.provider_order(order)

    assert found.order_id == "ord_0000B2wTestOrderAAAA01"
    assert found.offer_id == "off_0000B2wTestOfferAAAA01"
    assert found.booking_reference == "RZPNX8"
    assert found.total == usd(23245)
    (ticket,) = found.tickets
    assert (ticket.number, ticket.kind) == ("1", "electronic_ticket")
    assert ticket.passenger_refs == ("pas_0000B2wTestAdultAAAA01",)
    assert (found.cancelled_at, found.cancelled_by_airline) == (None, False)
    assert (found.cancellable, found.changeable) == (True, True)
    assert found.attempt_reference == "a-1"
    assert found.schedule_changes == 0
    assert json.loads(found.raw) == order


def test_an_order_waiting_for_its_tickets_has_none(order: Any):
    for nothing in ([], None):
        assert mapping.provider_order(order | {"documents": nothing}).tickets == ()


@pytest.mark.parametrize("metadata", [None, {}, {"attempt_id": 7}, {"other": "x"}])
def test_an_order_of_somebody_else_has_no_reference_of_ours(order: Any, metadata: Any):
    assert mapping.provider_order(order | {"metadata": metadata}).attempt_reference is None


def test_tells_the_airlines_cancellation_from_ours(order: Any):
    gone = order | {"cancelled_at": "2026-11-21T10:00:00Z", "available_actions": ["update"]}
    by_airline = mapping.provider_order(gone)
    by_us = mapping.provider_order(gone | {"cancellation": recorded("order_cancellation")["data"]})
    assert (by_airline.cancelled_by_airline, by_us.cancelled_by_airline) == (True, False)
    assert not by_airline.cancellable


def a_change(day: int, added: Any, removed: Any):
    return {
        "id": "aic_1",
        "created_at": f"2026-11-{day}T10:00:00Z",
        "added": added,
        "removed": removed,
    }


def test_counts_the_airlines_changes(order: Any):
    moved = a_change(21, [{"id": "sli_2"}], [{"id": "sli_1"}])
    found = mapping.provider_order(order | {"airline_initiated_changes": [moved, moved]})
    assert (found.schedule_changes, found.cancelled_by_airline) == (2, False)


def test_flights_that_are_taken_away_are_cancelled_by_the_airline(order: Any):
    gone = a_change(22, [], [{"id": "sli_1"}])
    earlier, later = (a_change(day, [{"id": "sli_2"}], [{"id": "sli_1"}]) for day in (21, 23))
    for changes, cancelled in (([gone], True), ([gone, earlier], True), ([gone, later], False)):
        found = mapping.provider_order(order | {"airline_initiated_changes": changes})
        assert (found.cancelled_at, found.cancelled_by_airline) == (None, cancelled)


def test_reads_the_recorded_cancellation():
    found = mapping.cancellation_quote(recorded("order_cancellation")["data"])
    assert found.quote_id == "ore_0000B2wTestCanclAAAA01"
    assert found.order_id == "ord_0000B2wTestOrderAAAA01"
    assert (found.refund, found.refund_to) == (usd(23245), "balance")
    assert found.expires_at == datetime(2026, 11, 20, 11, 2, tzinfo=UTC)
    assert found.confirmed_at is None


def test_a_refund_may_be_unknown():
    data = recorded("order_cancellation")["data"] | {"refund_amount": None, "refund_currency": None}
    assert mapping.cancellation_quote(data).refund is None


def pair(**changes: Any):
    base = {"origin": "LHR", "destination": "JFK", "departs_on": date(2026, 12, 10)}
    return DatePair(**(base | changes))


def test_searches_one_way_by_kinds_of_fare():
    asked = mapping.offer_request(
        SearchRequest(pair=pair(party=Party(adults=2, children=1, infants=1)), max_connections=0)
    )
    assert asked == {
        "slices": [{"origin": "LHR", "destination": "JFK", "departure_date": "2026-12-10"}],
        "passengers": [
            {"type": "adult"},
            {"type": "adult"},
            {"type": "child"},
            {"type": "infant_without_seat"},
        ],
        "cabin_class": "economy",
        "max_connections": 0,
    }


def test_searches_a_return_by_exact_ages_with_loyalty():
    passengers = (
        SearchPassenger(age=34, given_name="Ada", family_name="Example", loyalty=(("ZZ", "123"),)),
        SearchPassenger(age=0),
        SearchPassenger(kind="child"),
        SearchPassenger(age=40, loyalty=(("ZZ", "nameless"),)),
    )
    asked = mapping.offer_request(
        SearchRequest(pair=pair(returns_on=date(2026, 12, 17)), passengers=passengers)
    )
    assert asked["slices"][1] == {
        "origin": "JFK",
        "destination": "LHR",
        "departure_date": "2026-12-17",
    }
    assert asked["passengers"] == [
        {
            "age": 34,
            "given_name": "Ada",
            "family_name": "Example",
            "loyalty_programme_accounts": [{"airline_iata_code": "ZZ", "account_number": "123"}],
        },
        {"age": 0},
        {"type": "child"},
        {"age": 40},
    ]
    assert asked["max_connections"] == 2


def test_writes_an_order_as_recorded():
    expected = recorded("order_body")["data"]
    expected["metadata"] = {"attempt_id": "a-1", "campaign_id": "c-1"}
    person = expected["passengers"][0]
    document = person["identity_documents"][0]
    request = OrderRequest(
        attempt_reference="a-1",
        campaign_reference="c-1",
        offer_id=expected["selected_offers"][0],
        total=usd(23245),
        passengers=(
            OrderPassenger(
                ref=person["id"],
                title=person["title"],
                given_name=person["given_name"],
                family_name=person["family_name"],
                gender=person["gender"],
                born_on=date.fromisoformat(person["born_on"]),
                email=person["email"],
                phone=person["phone_number"],
                documents=(
                    PassengerDocument(
                        kind="passport",
                        number=document["unique_identifier"],
                        issuing_country="GB",
                        expires_on=date.fromisoformat(document["expires_on"]),
                    ),
                ),
            ),
        ),
        services=(("ase_0000B2wTestBaggeAAAA01", 1),),
    )
    assert mapping.order_request(request) == expected
    person["infant_passenger_id"] = "pas_infant"
    person["loyalty_programme_accounts"] = [{"airline_iata_code": "ZZ", "account_number": "1"}]
    parent = request.passengers[0].model_copy(
        update={"infant_ref": "pas_infant", "loyalty": (("ZZ", "1"),)}
    )
    changed = request.model_copy(update={"passengers": (parent,), "services": ()})
    del expected["services"]
    assert mapping.order_request(changed) == expected
