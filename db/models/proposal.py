from enum import StrEnum
from typing import Annotated
from uuid import UUID

from sqlalchemy import Index, text
from sqlmodel import Field, SQLModel

from db.models.columns import Currency, Instant, Json, Minor, OptionalInstant, text_enum


class ProposalStatus(StrEnum):
    OPEN = "open"
    APPROVED = "approved"
    REJECTED = "rejected"
    VOID = "void"  # the wish was edited, paused, cancelled or expired meanwhile
    LAPSED = "lapsed"


class ProposalRow(SQLModel, table=True):
    """Flights that wait for the traveller's yes. No seat and no money is held for them."""

    __tablename__ = "proposals"
    __table_args__ = (
        Index(
            "proposals_one_open",
            "campaign_id",
            unique=True,
            postgresql_where=text("status = 'open'"),
        ),
    )

    id: UUID = Field(primary_key=True)
    campaign_id: UUID = Field(foreign_key="autobooking_campaigns.id", index=True)
    user_id: UUID = Field(foreign_key="users.id")
    criteria_version: int
    look_id: UUID
    seller: str
    pair: Json
    itinerary_key: str
    itinerary: Json
    price_minor: Minor
    currency: Currency
    status: Annotated[ProposalStatus, Field(sa_type=text_enum(ProposalStatus))] = (
        ProposalStatus.OPEN
    )
    expires_at: Instant
    opening_key: str = Field(unique=True)
    created_at: Instant
    closed_at: OptionalInstant = None
