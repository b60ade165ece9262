from enum import StrEnum
from typing import Annotated, Any
from uuid import UUID

from sqlalchemy import BigInteger, Index, Numeric, UniqueConstraint
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

from db.models.columns import Currency, Instant, Minor, text_enum


class DecisionVerdict(StrEnum):
    BOOKED = "booked"
    PROPOSED = "proposed"
    MATCHED = "matched"
    REJECTED = "rejected"
    IGNORED = "ignored"


class OfferDecisionRow(SQLModel, table=True):
    """Why an offer was, or was not, taken for a campaign."""

    __tablename__ = "offer_decisions"
    __table_args__ = (
        UniqueConstraint("campaign_id", "look_id", "offer_id"),
        Index("offer_decisions_by_campaign", "campaign_id", "at", "id"),
    )

    id: Annotated[int | None, Field(primary_key=True, sa_type=BigInteger)] = None
    campaign_id: UUID = Field(foreign_key="autobooking_campaigns.id")
    user_id: UUID
    look_id: UUID = Field(foreign_key="looks.id", index=True)
    criteria_version: int
    offer_id: str
    itinerary_key: str
    summary: str
    total_minor: Minor
    currency: Currency
    verdict: Annotated[DecisionVerdict, Field(sa_type=text_enum(DecisionVerdict))]
    reason: str
    detail: str
    score: Annotated[float | None, Field(sa_type=Numeric(8, 6, asdecimal=False))] = None
    score_parts: Annotated[list[dict[str, Any]] | None, Field(sa_type=JSONB(none_as_null=True))] = (
        None
    )
    at: Instant
