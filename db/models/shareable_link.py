from enum import StrEnum
from typing import Annotated
from uuid import UUID

from sqlalchemy import Index
from sqlmodel import Field, SQLModel

from db.models.columns import Instant, OptionalInstant, text_enum


class LinkKind(StrEnum):
    ITINERARY = "itinerary"  # one booking's flights, as a page for others
    CALENDAR = "calendar"  # all flights of its owner, as a calendar to follow


class ShareableLinkRow(SQLModel, table=True):
    """An address that shows something of its owner's to whoever holds it.

    Only a hash of its secret is kept: who has lost the address makes another one.
    """

    __tablename__ = "shareable_links"
    __table_args__ = (Index("shareable_links_by_user", "user_id", "kind", "created_at"),)

    id: UUID = Field(primary_key=True)
    user_id: UUID = Field(foreign_key="users.id")
    kind: Annotated[LinkKind, Field(sa_type=text_enum(LinkKind))]
    booking_id: UUID | None = Field(default=None, foreign_key="bookings.id", index=True)
    token_hash: str = Field(unique=True)
    shows_reference: bool = False
    shows_people: bool = False
    created_at: Instant
    expires_at: Instant
    revoked_at: OptionalInstant = None
    seen_at: OptionalInstant = None
    views: int = 0
