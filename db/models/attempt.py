from typing import Annotated
from uuid import UUID

from sqlalchemy import Index, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from db.models.columns import Currency, Instant, Json, Minor, OptionalInstant, text_enum
from domain.attempts import AttemptState, FailureReason


class AttemptRow(SQLModel, table=True):
    """One try to book. The partial index is what keeps a second one from starting."""

    __tablename__ = "booking_attempts"
    __table_args__ = (
        UniqueConstraint("campaign_id", "number"),
        Index(
            "booking_attempts_one_live",
            "campaign_id",
            unique=True,
            postgresql_where=text("state NOT IN ('captured', 'failed')"),
        ),
        Index(
            "booking_attempts_ignoring",
            "campaign_id",
            "ignore_until",
            postgresql_where=text("ignore_until IS NOT NULL"),
        ),
        Index("booking_attempts_by_card", "payment_method_id", "started_at"),
    )

    id: UUID = Field(primary_key=True)
    campaign_id: UUID = Field(foreign_key="autobooking_campaigns.id")
    user_id: UUID = Field(foreign_key="users.id", index=True)
    number: int
    state: Annotated[AttemptState, Field(sa_type=text_enum(AttemptState))] = AttemptState.VALIDATING
    seller: str
    pair: Json
    itinerary_key: str
    matched_minor: Minor
    limit_minor: Minor
    currency: Currency
    criteria_version: int
    payment_method_id: UUID = Field(foreign_key="payment_methods.id")
    opening_key: str = Field(unique=True)
    proposal_id: UUID | None = Field(default=None, foreign_key="proposals.id")
    mandate_id: UUID | None = Field(default=None, foreign_key="mandates.id")
    offer_id: str | None = None
    offer_request_id: str | None = None
    failure_reason: Annotated[FailureReason | None, Field(sa_type=text_enum(FailureReason))] = None
    failure_detail: str | None = None
    look_again: bool = False
    ignore_until: OptionalInstant = None
    order_sent_at: OptionalInstant = None
    offer_expires_at: OptionalInstant = None
    started_at: Instant
    finished_at: OptionalInstant = None
    row_version: int = 1
    updated_at: Instant
