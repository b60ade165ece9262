"""Reads a kept order for people: what the engine does not need, but travellers do.

Kept orders may be years old. What cannot be read is left out, so that a page never fails for it.
"""

import json
from collections.abc import Iterable

from pydantic import TypeAdapter, ValidationError

from domain.errors import DomainError
from domain.itineraries import Itinerary
from domain.money import Money
from domain.order_details import (
    AirlineChange,
    Bags,
    ExtraService,
    FareCondition,
    FlightFacts,
    OrderDetails,
    OrderPerson,
)
from providers.duffel.mapping import itinerary_of
from providers.duffel.order_wire import (
    ReadChange,
    ReadCondition,
    ReadOrder,
    ReadSegment,
    ReadSegmentPassenger,
    ReadService,
)
from providers.duffel.wire import WireSlice

_SLICES = TypeAdapter(tuple[WireSlice, ...])


def read_order_details(raw: str) -> OrderDetails:
    """Return what the order tells; an unreadable one tells nothing."""
    try:
        order = ReadOrder.model_validate_json(raw)
    except ValidationError:
        return _piecewise(raw)
    owner = order.owner
    conditions = order.conditions
    return OrderDetails(
        airline_code=owner.iata_code if owner else None,
        airline_name=owner.name if owner else None,
        conditions_of_carriage_url=owner.conditions_of_carriage_url if owner else None,
        people=tuple(
            OrderPerson(
                ref=one.id,
                given_name=one.given_name or "",
                family_name=one.family_name or "",
                kind=one.type,
            )
            for one in order.passengers or ()
        ),
        flights=tuple(
            tuple(_flight(segment) for segment in leg.segments or ()) for leg in order.slices or ()
        ),
        change=_condition(conditions.change_before_departure if conditions else None),
        refund=_condition(conditions.refund_before_departure if conditions else None),
        base=_money(order.base_amount, order.base_currency),
        taxes=_money(order.tax_amount, order.tax_currency),
        services=tuple(_services(order.services or ())),
        references=tuple(
            (one.carrier.name or one.carrier.iata_code or "", one.booking_reference)
            for one in order.booking_references or ()
            if one.carrier and one.booking_reference
        ),
        changes=tuple(_change(one) for one in order.airline_initiated_changes or ()),
        actions=order.available_actions or (),
        paid_at=order.payment_status.paid_at if order.payment_status else None,
        synced_at=order.synced_at,
        free_cancel_until=order.void_window_ends_at,
    )


def _piecewise(raw: str) -> OrderDetails:
    """Read what can be read when one part is not as expected."""
    try:
        whole = json.loads(raw)
    except ValueError:
        return OrderDetails()
    if not isinstance(whole, dict):
        return OrderDetails()
    good = {}
    for name, value in whole.items():
        try:
            ReadOrder.model_validate_json(json.dumps({name: value}))
        except ValidationError:
            continue
        good[name] = value
    return read_order_details(json.dumps(good))


def _flight(segment: ReadSegment) -> FlightFacts:
    passengers = [one for one in segment.passengers or () if one.passenger_id]
    carrier = segment.operating_carrier
    return FlightFacts(
        aircraft=segment.aircraft.name if segment.aircraft else None,
        operated_by=carrier.name if carrier else None,
        cabin=next((p.cabin_class_marketing_name for p in passengers), None),
        stops=tuple(
            stop.airport.iata_code
            for stop in segment.stops or ()
            if stop.airport and stop.airport.iata_code
        ),
        bags=tuple((str(one.passenger_id), _bags(one)) for one in passengers),
        seats=tuple(
            (str(one.passenger_id), one.seat.designator)
            for one in passengers
            if one.seat and one.seat.designator
        ),
    )


def _bags(passenger: ReadSegmentPassenger) -> Bags:
    if passenger.baggages is None:
        return Bags()
    counted = {
        kind: sum(bag.quantity or 0 for bag in passenger.baggages if bag.type == kind)
        for kind in ("checked", "carry_on")
    }
    return Bags(checked=counted["checked"], carry_on=counted["carry_on"])


def _condition(wire: ReadCondition | None) -> FareCondition | None:
    if wire is None or wire.allowed is None:
        return None
    return FareCondition(
        allowed=wire.allowed, penalty=_money(wire.penalty_amount, wire.penalty_currency)
    )


def _services(wires: Iterable[ReadService]) -> Iterable[ExtraService]:
    for wire in wires:
        price = _money(wire.total_amount, wire.total_currency)
        if wire.type and price is not None:
            yield ExtraService(
                kind=wire.type,
                quantity=wire.quantity or 1,
                price=price,
                weight_kg=wire.metadata.maximum_weight_kg if wire.metadata else None,
                refs=wire.passenger_ids or (),
            )


def _change(wire: ReadChange) -> AirlineChange:
    return AirlineChange(
        change_id=wire.id,
        at=wire.created_at,
        before=_itinerary(wire.removed),
        after=_itinerary(wire.added),
        answer=wire.action_taken,
        answered_at=wire.action_taken_at,
    )


def _itinerary(slices: tuple[dict[str, object], ...] | None) -> Itinerary | None:
    if not slices:
        return None
    try:
        return itinerary_of(_SLICES.validate_json(json.dumps(slices)))
    except (ValidationError, DomainError):
        return None


def _money(amount: str | None, currency: str | None) -> Money | None:
    if amount is None or currency is None:
        return None
    try:
        return Money.parse(amount, currency)
    except (DomainError, ValidationError):
        return None
