from typing import Annotated
from uuid import UUID

from sqlalchemy import UniqueConstraint
from sqlmodel import Field, SQLModel

from db.models.columns import Currency, Instant, Minor, OptionalInstant, text_enum
from domain.payments import DeclineClass, PaymentState


class PaymentRow(SQLModel, table=True):
    """One authorisation and what became of it; `round` counts those of an attempt."""

    __tablename__ = "payments"
    __table_args__ = (UniqueConstraint("attempt_id", "round"),)

    id: UUID = Field(primary_key=True)
    attempt_id: UUID | None = Field(default=None, foreign_key="booking_attempts.id")
    booking_id: UUID | None = Field(default=None, foreign_key="bookings.id", index=True)
    campaign_id: UUID | None = Field(
        default=None, foreign_key="autobooking_campaigns.id", index=True
    )
    user_id: UUID = Field(foreign_key="users.id", index=True)
    round: int = 1
    rail: str
    payment_method_id: UUID = Field(foreign_key="payment_methods.id", index=True)
    state: Annotated[PaymentState, Field(sa_type=text_enum(PaymentState))] = PaymentState.CREATED
    amount_minor: Minor
    currency: Currency
    authorised_minor: Minor = 0
    captured_minor: Minor = 0
    refunded_minor: Minor = 0
    intent_ref: str | None = Field(default=None, index=True)
    redirect_url_encrypted: str | None = None
    capture_before: OptionalInstant = None
    decline_kind: Annotated[DeclineClass | None, Field(sa_type=text_enum(DeclineClass))] = None
    decline_code: str | None = None
    created_at: Instant
    updated_at: Instant
