"""A kept order read for people: what is there is told, what is missing spoils nothing."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from domain.money import Money
from domain.order_details import Bags, OrderDetails
from providers.registry import read_order

RECORDED = Path(__file__).parents[1] / "contracts" / "duffel" / "order.json"


def recorded() -> dict[str, Any]:
    order: dict[str, Any] = json.loads(RECORDED.read_text())["data"]
    return order


def read(order: object) -> OrderDetails:
    return read_order("duffel", json.dumps(order))


def test_reads_people_bags_aircraft_and_conditions():
    found = read(recorded())
    assert (found.airline_code, found.airline_name) == ("ZZ", "Duffel Airways")
    assert [one.name for one in found.people] == ["Ada Example"]
    ((flight,),) = found.flights
    assert (flight.aircraft, flight.cabin) == ("Boeing 777-300ER", "Economy")
    assert dict(flight.bags) == {found.people[0].ref: Bags(checked=1, carry_on=1)}
    assert found.change is not None
    assert (found.change.allowed, str(found.change.penalty)) == (True, "40.00 USD")
    assert found.refund is not None
    assert (found.refund.allowed, found.refund.penalty) == (False, None)
    (extra,) = found.services
    assert (extra.kind, extra.weight_kg, str(extra.price)) == ("baggage", 23, "20.00 USD")
    assert found.taxes == Money(minor=3241, currency="USD")
    assert found.references == (("Duffel Airways", "RZPNX8"),)
    assert found.open_change is None


def test_an_airlines_change_has_a_before_and_an_after():
    order = recorded()
    moved = json.loads(json.dumps(order["slices"]))
    moved[0]["segments"][0]["departing_at"] = "2026-12-10T12:15:00"
    order["airline_initiated_changes"] = [
        {"id": "aic_1", "created_at": "2026-11-21T10:00:00Z", "removed": order["slices"],
         "added": moved, "action_taken": None},
        {"id": "aic_0", "created_at": "2026-11-20T10:00:00Z", "removed": order["slices"],
         "added": [], "action_taken": "accepted", "action_taken_at": "2026-11-20T11:00:00Z"},
    ]  # fmt: skip
    found = read(order)
    change = found.open_change
    assert change is not None
    assert (change.change_id, change.at) == ("aic_1", datetime(2026, 11, 21, 10, tzinfo=UTC))
    assert change.before is not None
    assert change.after is not None
    hours = [one.slices[0].departing_at.hour for one in (change.before, change.after)]
    assert hours == [10, 12]
    assert found.changes[1].after is None


def test_what_cannot_be_read_is_left_out():
    assert read_order("duffel", "no json") == OrderDetails()
    assert read_order("duffel", "[1]") == OrderDetails()
    assert read_order("nobody", json.dumps(recorded())) == OrderDetails()
    odd = recorded() | {"conditions": "ask the airline", "tax_amount": "much"}
    found = read(odd)
    assert (found.change, found.taxes) == (None, None)
    assert found.people


_json = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=4,
)


@given(st.sampled_from(sorted(recorded())), _json)
def test_any_part_may_be_anything(name: str, value: object):
    found = read(recorded() | {name: value})
    assert isinstance(found, OrderDetails)
