from enum import StrEnum
from typing import Annotated
from uuid import UUID

from sqlalchemy import Index, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from db.models.columns import Instant, Json, OptionalInstant, text_enum


class NoticeState(StrEnum):
    PENDING = "pending"
    SENT = "sent"
    FAILED = "failed"


class NoticeRow(SQLModel, table=True):
    """One message for one event on one channel; sent at least once under one Message-ID.

    The inbox has it as soon as it is written; a letter is pending until it is sent.
    `subject_id` is the very thing that the event happened to (an attempt, a booking, …).
    """

    __tablename__ = "notices"
    __table_args__ = (
        UniqueConstraint("subject_id", "event", "channel"),
        Index("notices_pending", "created_at", postgresql_where=text("state = 'pending'")),
        Index(
            "notices_inbox",
            "user_id",
            text("created_at DESC"),
            text("id DESC"),
            postgresql_where=text("channel = 'inbox'"),
        ),
        Index(
            "notices_unread",
            "user_id",
            postgresql_where=text("channel = 'inbox' AND read_at IS NULL"),
        ),
        Index("notices_due", "due_at", "user_id", postgresql_where=text("state = 'pending'")),
    )

    id: UUID = Field(primary_key=True)
    user_id: UUID = Field(foreign_key="users.id", index=True)
    subject_id: UUID
    campaign_id: UUID | None = Field(
        default=None, foreign_key="autobooking_campaigns.id", index=True
    )
    booking_id: UUID | None = Field(default=None, foreign_key="bookings.id", index=True)
    event: str
    channel: str
    message_id: str = Field(unique=True)
    state: Annotated[NoticeState, Field(sa_type=text_enum(NoticeState))] = NoticeState.PENDING
    data: Json
    to_encrypted: str | None = None
    """Where it goes if not to the account's address: sealed as table `notices`, column `to`."""
    tries: int = 0
    created_at: Instant
    due_at: Instant
    """Not sent before this instant."""
    sent_at: OptionalInstant = None
    read_at: OptionalInstant = None
    """When its owner saw it; of the inbox only."""
