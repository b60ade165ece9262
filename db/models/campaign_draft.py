from typing import Annotated, Any
from uuid import UUID

from sqlalchemy import Index
from sqlmodel import Field, SQLModel

from db.models.columns import Instant
from db.own_words import OwnAnswers


class CampaignDraftRow(SQLModel, table=True):
    """A wish that is being written down: answers as they were typed, whether they hold or not.

    With `campaign_id` it is a change of a wish that exists, begun at `criteria_version` of it.
    """

    __tablename__ = "campaign_drafts"
    __table_args__ = (Index("campaign_drafts_by_user", "user_id", "updated_at"),)

    id: UUID = Field(primary_key=True)
    user_id: UUID = Field(foreign_key="users.id")
    campaign_id: UUID | None = Field(
        default=None, foreign_key="autobooking_campaigns.id", index=True
    )
    criteria_version: int | None = None
    trip_request_id: UUID | None = Field(default=None, foreign_key="trip_requests.id", index=True)
    answers: Annotated[dict[str, Any], Field(sa_type=OwnAnswers("campaign_drafts.answers"))]
    step: str
    created_at: Instant
    updated_at: Instant
    expires_at: Instant
