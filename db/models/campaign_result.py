from typing import Annotated
from uuid import UUID

from sqlmodel import Field, SQLModel

from db.models.booking import BookingStatus
from db.models.columns import Instant, native_enum


class CampaignResultRow(SQLModel, table=True):
    """What came of an attempt, for the campaign's list of results."""

    __tablename__ = "autobooking_results"

    id: UUID = Field(primary_key=True)
    campaign_id: UUID = Field(foreign_key="autobooking_campaigns.id", index=True)
    attempt_id: UUID | None = Field(default=None, foreign_key="booking_attempts.id", unique=True)
    user_id: UUID = Field(foreign_key="users.id")
    duffel_offer_id: str | None = Field(default=None, max_length=255)
    booking_reference: str | None = Field(default=None, max_length=10)
    status: Annotated[BookingStatus, Field(sa_type=native_enum(BookingStatus, "booking_status"))]
    created_at: Instant
