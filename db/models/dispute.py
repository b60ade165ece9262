from typing import Annotated
from uuid import UUID

from sqlalchemy import Index, text
from sqlmodel import Field, SQLModel

from db.models.columns import Currency, Instant, Minor, OptionalInstant, text_enum
from domain.disputes import DisputeStatus


class DisputeRow(SQLModel, table=True):
    """A dispute over what was charged for a booking, where it stands at the processor."""

    __tablename__ = "disputes"
    __table_args__ = (
        Index(
            "disputes_open",
            "opened_at",
            postgresql_where=text("status NOT IN ('warning_closed', 'prevented', 'won', 'lost')"),
        ),
    )

    id: UUID = Field(primary_key=True)
    dispute_ref: str = Field(unique=True)
    payment_id: UUID = Field(foreign_key="payments.id", index=True)
    booking_id: UUID | None = Field(default=None, foreign_key="bookings.id", index=True)
    campaign_id: UUID | None = Field(
        default=None, foreign_key="autobooking_campaigns.id", index=True
    )
    user_id: UUID = Field(foreign_key="users.id", index=True)
    # The processor's word, which we only follow.
    status: Annotated[DisputeStatus, Field(sa_type=text_enum(DisputeStatus))]
    reason: str
    amount_minor: Minor
    currency: Currency
    withdrawn_minor: Minor = 0
    answer_by: OptionalInstant = None
    opened_at: Instant
    updated_at: Instant
