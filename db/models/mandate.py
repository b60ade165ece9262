from uuid import UUID

from sqlalchemy import Index, text
from sqlmodel import Field, SQLModel

from db.models.columns import Currency, Instant, Minor, OptionalInstant


class MandateRow(SQLModel, table=True):
    """A consent to be booked and charged, for one version of a wish. Kept for ever."""

    __tablename__ = "mandates"
    __table_args__ = (
        Index(
            "mandates_one_live",
            "campaign_id",
            unique=True,
            postgresql_where=text("revoked_at IS NULL"),
        ),
    )

    id: UUID = Field(primary_key=True)
    campaign_id: UUID = Field(foreign_key="autobooking_campaigns.id", index=True)
    user_id: UUID = Field(foreign_key="users.id")
    criteria_version: int
    text_version: str
    cap_minor: Minor
    currency: Currency
    consented_at: Instant
    expires_at: Instant
    revoked_at: OptionalInstant = None
