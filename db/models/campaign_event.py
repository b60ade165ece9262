from uuid import UUID

from sqlmodel import Field, SQLModel

from db.models.columns import Instant, Json


class CampaignEventRow(SQLModel, table=True):
    """Something that happened to a campaign, numbered without gaps under its row's lock."""

    __tablename__ = "campaign_events"

    campaign_id: UUID = Field(primary_key=True, foreign_key="autobooking_campaigns.id")
    seq: int = Field(primary_key=True)
    user_id: UUID
    kind: str
    data: Json
    at: Instant
