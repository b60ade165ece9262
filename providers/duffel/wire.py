"""Duffel's objects as they come over the wire: only the fields we use, and what they must be.

Amounts are decimal strings and never numbers; instants carry a zone, airports' local times do not.
What the API documents as nullable may be null or absent; everything else is required.
"""

from datetime import timedelta
from typing import Annotated

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, NaiveDatetime, StringConstraints

from domain.money import CurrencyCode

Amount = Annotated[str, StringConstraints(pattern=r"^-?\d{1,12}(\.\d{1,6})?$")]
Identifier = Annotated[str, StringConstraints(min_length=1, max_length=200)]
Code = Annotated[str, StringConstraints(min_length=1, max_length=8)]
# Longer than any journey; keeps a garbled duration from becoming an absurd number.
Duration = Annotated[timedelta, Field(ge=timedelta(0), le=timedelta(days=14))]


class Wire(BaseModel):
    """Frozen; fields that we do not know are Duffel's business."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class WirePlace(Wire):
    iata_code: Code


class WireAirline(Wire):
    iata_code: Code | None = None


class WireBaggage(Wire):
    type: str
    quantity: int = Field(ge=0, le=50)


class WireSegmentPassenger(Wire):
    passenger_id: Identifier
    cabin_class: str | None = None
    baggages: tuple[WireBaggage, ...] | None = None


class WireStop(Wire):
    id: str | None = None


class WireSegment(Wire):
    id: Identifier
    origin: WirePlace
    destination: WirePlace
    origin_terminal: str | None = None
    destination_terminal: str | None = None
    departing_at: NaiveDatetime
    arriving_at: NaiveDatetime
    duration: Duration
    marketing_carrier: WireAirline
    marketing_carrier_flight_number: str
    operating_carrier: WireAirline | None = None
    stops: tuple[WireStop, ...] | None = None
    passengers: tuple[WireSegmentPassenger, ...] | None = None


class WireSlice(Wire):
    origin: WirePlace
    destination: WirePlace
    duration: Duration
    fare_brand_name: str | None = None
    segments: tuple[WireSegment, ...] = Field(min_length=1)


class WireCondition(Wire):
    allowed: bool
    penalty_amount: Amount | None = None
    penalty_currency: CurrencyCode | None = None


class WireConditions(Wire):
    change_before_departure: WireCondition | None = None
    refund_before_departure: WireCondition | None = None


class WirePassenger(Wire):
    id: Identifier
    type: str | None = None
    age: int | None = None


class WireServiceMetadata(Wire):
    type: str | None = None


class WireService(Wire):
    id: Identifier
    type: str
    total_amount: Amount
    total_currency: CurrencyCode
    maximum_quantity: int = Field(ge=0)
    passenger_ids: tuple[str, ...]
    segment_ids: tuple[str, ...]
    metadata: WireServiceMetadata | None = None


class WireOffer(Wire):
    id: Identifier
    owner: WireAirline
    total_amount: Amount
    total_currency: CurrencyCode
    expires_at: AwareDatetime
    partial: bool | None = None
    slices: tuple[WireSlice, ...] = Field(min_length=1)
    passengers: tuple[WirePassenger, ...] = Field(min_length=1)
    conditions: WireConditions | None = None
    passenger_identity_documents_required: bool
    total_emissions_kg: str | None = None
    available_services: tuple[WireService, ...] | None = None


class WireOfferRequest(Wire):
    """A search's answer. Offers are read one by one, so that a bad one spoils only itself."""

    id: Identifier
    offers: list[object]


class WireDocument(Wire):
    type: str
    unique_identifier: Identifier
    passenger_ids: tuple[str, ...] | None = None


class WireCancellation(Wire):
    id: Identifier
    order_id: Identifier
    expires_at: AwareDatetime | None = None
    confirmed_at: AwareDatetime | None = None
    refund_amount: Amount | None = None
    refund_currency: CurrencyCode | None = None
    refund_to: str


class WireAirlineChange(Wire):
    created_at: AwareDatetime
    added: tuple[object, ...] | None = None
    removed: tuple[object, ...] | None = None


class WireOrder(Wire):
    id: Identifier
    offer_id: str | None = None
    booking_reference: Identifier
    total_amount: Amount
    total_currency: CurrencyCode
    created_at: AwareDatetime
    cancelled_at: AwareDatetime | None = None
    cancellation: WireCancellation | None = None
    available_actions: tuple[str, ...]
    slices: tuple[WireSlice, ...] = Field(min_length=1)
    documents: tuple[WireDocument, ...] | None = None
    airline_initiated_changes: tuple[WireAirlineChange, ...] | None = None
    metadata: dict[str, object] | None = None


class WirePageMeta(Wire):
    after: str | None = None


class WireOrderReference(Wire):
    """What tells whose order a row is. `metadata` may be null, but it must be there."""

    metadata: dict[str, object] | None


class WireOrderPage(Wire):
    data: list[dict[str, object]]
    meta: WirePageMeta | None = None
