"""An order's parts that are only read to people: everything may be missing and nothing fails."""

from pydantic import AwareDatetime

from providers.duffel.wire import Wire


class ReadPlace(Wire):
    iata_code: str | None = None


class ReadAirline(Wire):
    iata_code: str | None = None
    name: str | None = None
    conditions_of_carriage_url: str | None = None


class ReadNamed(Wire):
    name: str | None = None


class ReadBaggage(Wire):
    type: str | None = None
    quantity: int | None = None


class ReadSeat(Wire):
    designator: str | None = None


class ReadSegmentPassenger(Wire):
    passenger_id: str | None = None
    cabin_class_marketing_name: str | None = None
    baggages: tuple[ReadBaggage, ...] | None = None
    seat: ReadSeat | None = None


class ReadStop(Wire):
    airport: ReadPlace | None = None


class ReadSegment(Wire):
    aircraft: ReadNamed | None = None
    operating_carrier: ReadAirline | None = None
    stops: tuple[ReadStop, ...] | None = None
    passengers: tuple[ReadSegmentPassenger, ...] | None = None


class ReadSlice(Wire):
    segments: tuple[ReadSegment, ...] | None = None


class ReadCondition(Wire):
    allowed: bool | None = None
    penalty_amount: str | None = None
    penalty_currency: str | None = None


class ReadConditions(Wire):
    change_before_departure: ReadCondition | None = None
    refund_before_departure: ReadCondition | None = None


class ReadPassenger(Wire):
    id: str
    type: str | None = None
    given_name: str | None = None
    family_name: str | None = None


class ReadServiceMetadata(Wire):
    maximum_weight_kg: int | None = None


class ReadService(Wire):
    type: str | None = None
    quantity: int | None = None
    total_amount: str | None = None
    total_currency: str | None = None
    passenger_ids: tuple[str, ...] | None = None
    metadata: ReadServiceMetadata | None = None


class ReadReference(Wire):
    booking_reference: str | None = None
    carrier: ReadAirline | None = None


class ReadChange(Wire):
    id: str
    created_at: AwareDatetime
    added: tuple[dict[str, object], ...] | None = None
    removed: tuple[dict[str, object], ...] | None = None
    action_taken: str | None = None
    action_taken_at: AwareDatetime | None = None


class ReadPaymentStatus(Wire):
    paid_at: AwareDatetime | None = None


class ReadOrder(Wire):
    owner: ReadAirline | None = None
    passengers: tuple[ReadPassenger, ...] | None = None
    slices: tuple[ReadSlice, ...] | None = None
    conditions: ReadConditions | None = None
    base_amount: str | None = None
    base_currency: str | None = None
    tax_amount: str | None = None
    tax_currency: str | None = None
    services: tuple[ReadService, ...] | None = None
    booking_references: tuple[ReadReference, ...] | None = None
    airline_initiated_changes: tuple[ReadChange, ...] | None = None
    available_actions: tuple[str, ...] | None = None
    payment_status: ReadPaymentStatus | None = None
    synced_at: AwareDatetime | None = None
    void_window_ends_at: AwareDatetime | None = None
