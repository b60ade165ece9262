from datetime import date
from uuid import UUID

from sqlmodel import Field, SQLModel

from db.models.columns import Currency, Instant, OptionalInstant, OptionalMinor


class CampaignFareRow(SQLModel, table=True):
    """What a day's looks found for one version of a wish: how much was searched, the best fare.

    Pages draw a year from some hundred of these rows, where the decisions would be millions.
    """

    __tablename__ = "campaign_fares"

    campaign_id: UUID = Field(primary_key=True, foreign_key="autobooking_campaigns.id")
    criteria_version: int = Field(primary_key=True)
    day: date = Field(primary_key=True)
    user_id: UUID
    looks: int
    offers: int
    last_at: Instant
    currency: Currency
    best_minor: OptionalMinor = None
    best_at: OptionalInstant = None
    best_look_id: UUID | None = None
    best_offer_id: str | None = None
