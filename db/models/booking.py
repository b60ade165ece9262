from enum import StrEnum
from typing import Annotated
from uuid import UUID

from sqlalchemy import Index, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from db.models.columns import (
    Currency,
    Instant,
    Json,
    JsonList,
    Minor,
    OptionalInstant,
    OptionalJson,
    native_enum,
    text_enum,
)
from domain.orders import BookingState


class BookingKind(StrEnum):
    CAMPAIGN_FLIGHT = "campaign_flight"
    MANUAL_FLIGHT = "manual_flight"
    TRIP_COMPONENT = "trip_component"
    CHARTER = "charter"


class BookingProvider(StrEnum):
    AMADEUS = "amadeus"
    DUFFEL = "duffel"
    DUFFEL_STAYS = "duffel_stays"
    BOOKING_COM = "booking_com"
    VIATOR = "viator"
    AVINODE = "avinode"
    SIMULATOR = "simulator"
    STRIPE = "stripe"


class BookingStatus(StrEnum):
    """The published word for a booking's state; see `PUBLISHED_BOOKING_STATUS`."""

    PENDING = "pending"
    CONFIRMED = "confirmed"
    TICKETED = "ticketed"
    CANCELLED = "cancelled"
    REFUNDED = "refunded"
    FAILED = "failed"


# An order whose cancellation is under way is still the traveller's; "refunded" follows
# "cancelled" once the money is back, "failed" is a booking that an attempt had to undo.
PUBLISHED_BOOKING_STATUS = {
    BookingState.ORDERED: BookingStatus.PENDING,
    BookingState.TICKETING: BookingStatus.CONFIRMED,
    BookingState.TICKETED: BookingStatus.TICKETED,
    BookingState.CANCELLING: BookingStatus.CONFIRMED,
    BookingState.CANCELLED: BookingStatus.CANCELLED,
    BookingState.FLOWN: BookingStatus.TICKETED,
}


class BookingRow(SQLModel, table=True):
    """What the traveller has. The raw order is encrypted; no name stands in clear."""

    __tablename__ = "bookings"
    __table_args__ = (
        UniqueConstraint("provider", "duffel_order_id"),
        Index(
            "bookings_one_live",
            "campaign_id",
            unique=True,
            postgresql_where=text("campaign_id IS NOT NULL AND state <> 'cancelled'"),
        ),
        Index("bookings_by_user", "user_id", "created_at", "id"),
    )

    id: UUID = Field(primary_key=True)
    kind: Annotated[BookingKind, Field(sa_type=text_enum(BookingKind))]
    user_id: UUID = Field(foreign_key="users.id")
    campaign_id: UUID | None = Field(
        default=None, foreign_key="autobooking_campaigns.id", index=True
    )
    attempt_id: UUID | None = Field(default=None, foreign_key="booking_attempts.id", index=True)
    provider: Annotated[
        BookingProvider, Field(sa_type=native_enum(BookingProvider, "booking_provider"))
    ]
    state: Annotated[BookingState, Field(sa_type=text_enum(BookingState))] = BookingState.ORDERED
    status: Annotated[
        BookingStatus, Field(sa_type=native_enum(BookingStatus, "booking_status"))
    ] = BookingStatus.PENDING
    duffel_order_id: str | None = None
    duffel_offer_id: str | None = None
    booking_reference: str | None = None
    ticket_numbers: JsonList
    duffel_order_status: str | None = None
    raw_order_encrypted: str | None = None
    itinerary: Json
    departs_at: Instant
    arrives_at: Instant
    price_minor: Minor
    currency: Currency
    penalty_minor: Minor = 0
    quote: OptionalJson = None
    cancelled_by: str | None = None
    ticketing_deadline: Instant
    checked_at: OptionalInstant = None
    schedule_changes: int = 0
    row_version: int = 1
    created_at: Instant
    updated_at: Instant
