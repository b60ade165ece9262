"""From Duffel's words to ours, and back.

Reading raises `Unreadable` for an answer that does not have the documented shape. The cause is
dropped on purpose: pydantic's errors quote the input, and an order's input is personal data.
"""

import json
from collections.abc import Iterable, Mapping
from datetime import timedelta
from decimal import Decimal, InvalidOperation
from typing import Final

from pydantic import ValidationError

from domain.errors import DomainError
from domain.itineraries import Itinerary, Segment, Slice
from domain.money import Money
from domain.offers import BagService, Cabin, DatePair, Offer, OfferPassenger
from providers.duffel.wire import (
    WireCancellation,
    WireCondition,
    WireOffer,
    WireOrder,
    WireSegment,
    WireSlice,
)
from providers.ports import (
    CancellationQuote,
    OrderPassenger,
    OrderRequest,
    ProviderOrder,
    SearchPassenger,
    SearchRequest,
    Ticket,
)

SELLER: Final = "duffel"
# The keys of an order's metadata by which it is found again.
ATTEMPT_KEY: Final = "attempt_id"
CAMPAIGN_KEY: Final = "campaign_id"

_KINDS = {"adult": "adult", "child": "child", "infant": "infant_without_seat"}
_CABINS = {cabin.value: cabin for cabin in Cabin}  # asked for each segment of each offer
_FROM_LOWEST = (Cabin.ECONOMY, Cabin.PREMIUM_ECONOMY, Cabin.BUSINESS, Cabin.FIRST)
# Duffel takes 0 to 2 and assumes 1 when told nothing; no limit of ours means its highest.
_MOST_CONNECTIONS = 2
_INFANT_UNTIL_AGE = 2


class Unreadable(Exception):
    """An object without the documented shape. Says which fields, never their content."""


# Asking


def offer_request(request: SearchRequest) -> dict[str, object]:
    """Write a search: exact ages where they are known, kinds of fare otherwise."""
    pair = request.pair
    slices = [_asked_slice(pair.origin, pair.destination, pair.departs_on.isoformat())]
    if pair.returns_on:
        slices.append(_asked_slice(pair.destination, pair.origin, pair.returns_on.isoformat()))
    asked = _MOST_CONNECTIONS if request.max_connections is None else request.max_connections
    return {
        "slices": slices,
        "passengers": [_asked_passenger(p) for p in request.passengers] or _party(pair),
        "cabin_class": pair.cabin.value,
        "max_connections": min(asked, _MOST_CONNECTIONS),
    }


def _asked_slice(origin: str, destination: str, day: str) -> dict[str, object]:
    return {"origin": origin, "destination": destination, "departure_date": day}


def _party(pair: DatePair) -> list[dict[str, object]]:
    counts = (
        ("adult", pair.party.adults),
        ("child", pair.party.children),
        ("infant", pair.party.infants),
    )
    return [{"type": _KINDS[kind]} for kind, count in counts for _ in range(count)]


def _asked_passenger(passenger: SearchPassenger) -> dict[str, object]:
    asked: dict[str, object] = (
        {"age": passenger.age}
        if passenger.age is not None
        else {"type": _KINDS[passenger.kind or "adult"]}
    )
    # Airlines price a loyalty account only together with the name that it belongs to.
    if passenger.loyalty and passenger.given_name and passenger.family_name:
        asked["given_name"] = passenger.given_name
        asked["family_name"] = passenger.family_name
        asked["loyalty_programme_accounts"] = _loyalty(passenger.loyalty)
    return asked


def _loyalty(accounts: Iterable[tuple[str, str]]) -> list[dict[str, str]]:
    return [
        {"airline_iata_code": airline, "account_number": number} for airline, number in accounts
    ]


def order_request(request: OrderRequest) -> dict[str, object]:
    """Write an order that is paid at once from the balance."""
    written: dict[str, object] = {
        "type": "instant",
        "selected_offers": [request.offer_id],
        "passengers": [_order_passenger(p) for p in request.passengers],
        "payments": [
            {
                "type": "balance",
                "amount": request.total.amount(),
                "currency": request.total.currency,
            }
        ],
        "metadata": {
            ATTEMPT_KEY: request.attempt_reference,
            CAMPAIGN_KEY: request.campaign_reference,
        },
    }
    if request.services:
        written["services"] = [{"id": id_, "quantity": n} for id_, n in request.services]
    return written


def _order_passenger(passenger: OrderPassenger) -> dict[str, object]:
    written: dict[str, object] = {
        "id": passenger.ref,
        "title": passenger.title,
        "given_name": passenger.given_name,
        "family_name": passenger.family_name,
        "gender": passenger.gender,
        "born_on": passenger.born_on.isoformat(),
        "email": passenger.email,
        "phone_number": passenger.phone,
    }
    if passenger.infant_ref:
        written["infant_passenger_id"] = passenger.infant_ref
    if passenger.documents:
        written["identity_documents"] = [
            {
                "type": document.kind,
                "unique_identifier": document.number,
                "issuing_country_code": document.issuing_country,
            }
            | ({"expires_on": document.expires_on.isoformat()} if document.expires_on else {})
            for document in passenger.documents
        ]
    if passenger.loyalty:
        written["loyalty_programme_accounts"] = _loyalty(passenger.loyalty)
    return written


# Reading


def offer(data: object, *, offer_request_id: str) -> Offer:
    """Read an offer; its total must be a price, not nothing."""
    try:
        wire = WireOffer.model_validate(data)
        if wire.partial:
            raise Unreadable("a partial offer cannot be booked")
        return _offer(wire, offer_request_id)
    except (ValidationError, DomainError) as error:
        raise _unreadable(error) from None


def _offer(wire: WireOffer, offer_request_id: str) -> Offer:
    total = Money.parse(wire.total_amount, wire.total_currency)
    if total.minor <= 0:
        raise Unreadable("total_amount")
    conditions = wire.conditions
    refund = conditions.refund_before_departure if conditions else None
    change = conditions.change_before_departure if conditions else None
    segments = [segment for leg in wire.slices for segment in leg.segments]
    seated = _seated(wire)
    return Offer(
        seller=SELLER,
        offer_id=wire.id,
        offer_request_id=offer_request_id,
        itinerary=itinerary_of(wire.slices),
        total=total,
        airline=wire.owner.iata_code or segments[0].marketing_carrier.iata_code or "",
        cabin=_lowest(cabin for segment in segments for cabin in _cabins(segment)),
        refundable=refund.allowed if refund else None,
        refund_penalty=_penalty(refund),
        changeable=change.allowed if change else None,
        checked_bags=_fewest_bags(segments, seated, "checked"),
        carry_on_bags=_fewest_bags(segments, seated, "carry_on"),
        expires_at=wire.expires_at,
        passengers=tuple(
            OfferPassenger(ref=p.id, kind=p.type or "", age=p.age) for p in wire.passengers
        ),
        documents_required=wire.passenger_identity_documents_required,
        bag_services=tuple(_bag_services(wire, segments)),
        emissions_kg=_whole_kilograms(wire.total_emissions_kg),
    )


def _seated(wire: WireOffer) -> frozenset[str]:
    """Name the passengers with a seat: airlines give infants on laps no bags of their own."""
    return frozenset(
        p.id
        for p in wire.passengers
        if p.type != "infant_without_seat" and (p.age is None or p.age >= _INFANT_UNTIL_AGE)
    )


def _fewest_bags(segments: Iterable[WireSegment], seated: frozenset[str], kind: str) -> int:
    """Count what every seated passenger may take on every flight; unknown counts as none."""
    return min(
        (_allowance(segment, passenger, kind) for segment in segments for passenger in seated),
        default=0,
    )


def _allowance(segment: WireSegment, passenger_id: str, kind: str) -> int:
    return sum(
        bag.quantity
        for passenger in segment.passengers or ()
        if passenger.passenger_id == passenger_id
        for bag in passenger.baggages or ()
        if bag.type == kind
    )


def _bag_services(wire: WireOffer, segments: Iterable[WireSegment]) -> Iterable[BagService]:
    """List the extra bags that one passenger can take on all flights of the offer.

    A service for a part of the journey, or shared between passengers, would be counted as a bag
    that somebody has to do without.
    """
    everywhere = {segment.id for segment in segments}
    for service in wire.available_services or ():
        checked = service.type == "baggage" and service.metadata is not None
        if not checked or service.metadata is None or service.metadata.type != "checked":
            continue
        if len(service.passenger_ids) != 1 or not everywhere <= set(service.segment_ids):
            continue
        yield BagService(
            service_id=service.id,
            price=Money.parse(service.total_amount, service.total_currency),
            maximum_quantity=service.maximum_quantity,
            passenger_ref=service.passenger_ids[0],
        )


def itinerary_of(slices: Iterable[WireSlice]) -> Itinerary:
    return Itinerary(
        slices=tuple(
            Slice(
                origin=leg.origin.iata_code,
                destination=leg.destination.iata_code,
                duration_minutes=_minutes(leg.duration),
                segments=tuple(_segment(segment) for segment in leg.segments),
                fare_brand=leg.fare_brand_name,
            )
            for leg in slices
        )
    )


def _segment(wire: WireSegment) -> Segment:
    marketing = wire.marketing_carrier.iata_code or ""
    operating = wire.operating_carrier.iata_code if wire.operating_carrier else None
    cabin = _lowest(_cabins(wire))
    return Segment(
        origin=wire.origin.iata_code,
        destination=wire.destination.iata_code,
        departing_at=wire.departing_at,
        arriving_at=wire.arriving_at,
        duration_minutes=_minutes(wire.duration),
        marketing_carrier=marketing,
        flight_number=wire.marketing_carrier_flight_number,
        operating_carrier=operating or marketing,
        cabin=cabin.value if cabin else None,
        technical_stops=len(wire.stops or ()),
        origin_terminal=wire.origin_terminal,
        destination_terminal=wire.destination_terminal,
    )


def _cabins(segment: WireSegment) -> list[str | None]:
    return [passenger.cabin_class for passenger in segment.passengers or ()] or [None]


def _lowest(cabins: Iterable[str | None]) -> Cabin | None:
    """Return the lowest cabin of all; None as soon as one is not known."""
    found = [_CABINS.get(cabin or "") for cabin in cabins]
    known = [cabin for cabin in found if cabin is not None]
    if not known or len(known) < len(found):
        return None
    return min(known, key=_FROM_LOWEST.index)


def _penalty(condition: WireCondition | None) -> Money | None:
    if condition is None or condition.penalty_amount is None or condition.penalty_currency is None:
        return None
    return Money.parse(condition.penalty_amount, condition.penalty_currency)


def _minutes(duration: timedelta) -> int:
    return int(duration.total_seconds() // 60)


def _whole_kilograms(text: str | None) -> int | None:
    try:
        amount = Decimal(text or "")
    except InvalidOperation:
        return None
    return round(amount) if amount.is_finite() and 0 <= amount < 10**9 else None


def provider_order(data: Mapping[str, object]) -> ProviderOrder:
    """Read an order and keep it whole in `raw`."""
    try:
        wire = WireOrder.model_validate(data)
        reference = (wire.metadata or {}).get(ATTEMPT_KEY)
        campaign = (wire.metadata or {}).get(CAMPAIGN_KEY)
        return ProviderOrder(
            order_id=wire.id,
            offer_id=wire.offer_id,
            booking_reference=wire.booking_reference,
            total=Money.parse(wire.total_amount, wire.total_currency),
            tickets=tuple(
                Ticket(
                    number=document.unique_identifier,
                    kind=document.type,
                    passenger_refs=document.passenger_ids or (),
                )
                for document in wire.documents or ()
            ),
            itinerary=itinerary_of(wire.slices),
            cancelled_at=wire.cancelled_at,
            cancelled_by_airline=_taken_away(wire),
            cancellable="cancel" in wire.available_actions,
            changeable="change" in wire.available_actions,
            attempt_reference=reference if isinstance(reference, str) else None,
            campaign_reference=campaign if isinstance(campaign, str) else None,
            schedule_changes=len(wire.airline_initiated_changes or ()),
            created_at=wire.created_at,
            raw=json.dumps(data, separators=(",", ":")),
        )
    except (ValidationError, DomainError) as error:
        raise _unreadable(error) from None


def _taken_away(wire: WireOrder) -> bool:
    """Tell whether the airline will not fly it: its last change takes all and gives nothing.

    An order that is cancelled without any quote of ours was cancelled by the airline as well.
    """
    last = max(wire.airline_initiated_changes or (), key=lambda c: c.created_at, default=None)
    if last is not None and not last.added and len(last.removed or ()) >= len(wire.slices):
        return True
    return wire.cancelled_at is not None and wire.cancellation is None


def cancellation_quote(data: object) -> CancellationQuote:
    try:
        wire = WireCancellation.model_validate(data)
        refund = (
            Money.parse(wire.refund_amount, wire.refund_currency)
            if wire.refund_amount is not None and wire.refund_currency is not None
            else None
        )
    except (ValidationError, DomainError) as error:
        raise _unreadable(error) from None
    return CancellationQuote(
        quote_id=wire.id,
        order_id=wire.order_id,
        refund=refund,
        refund_to=wire.refund_to,
        expires_at=wire.expires_at,
        confirmed_at=wire.confirmed_at,
    )


def _unreadable(error: ValidationError | DomainError) -> Unreadable:
    if isinstance(error, ValidationError):
        places = {".".join(str(part) for part in e["loc"]) for e in error.errors()}
        return Unreadable(", ".join(sorted(places)[:5]))
    return Unreadable(type(error).__name__)
