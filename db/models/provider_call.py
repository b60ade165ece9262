from enum import StrEnum
from typing import Annotated
from uuid import UUID

from sqlalchemy import Index, text
from sqlmodel import Field, SQLModel

from db.models.columns import Instant, Json, OptionalInstant, OptionalJson, text_enum


class CallState(StrEnum):
    SENT = "sent"
    ANSWERED = "answered"
    UNKNOWN = "unknown"
    REFUSED = "refused"  # a definite no
    UNAVAILABLE = "unavailable"  # nothing happened; may be sent again
    ABSENT = "absent"  # so late that it can no longer come to be


class ProviderCallRow(SQLModel, table=True):
    """A call that moves money or seats, written down before it is made.

    `facts` and `answer` hold ids and amounts only. Finding `sent` means: ask what became of it.
    """

    __tablename__ = "provider_calls"
    __table_args__ = (
        Index(
            "provider_calls_unanswered",
            "sent_at",
            postgresql_where=text("state IN ('sent', 'unknown')"),
        ),
        # Each order sums up those of its day, for the installation's spending cap.
        Index("provider_calls_by_kind", "kind", "sent_at"),
    )

    id: UUID = Field(primary_key=True)
    key: str = Field(unique=True)
    kind: str
    provider: str
    attempt_id: UUID | None = Field(default=None, foreign_key="booking_attempts.id", index=True)
    booking_id: UUID | None = Field(default=None, index=True)
    user_id: UUID = Field(foreign_key="users.id", index=True)
    state: Annotated[CallState, Field(sa_type=text_enum(CallState))] = CallState.SENT
    facts: Json
    answer: OptionalJson = None
    sent_at: Instant
    answered_at: OptionalInstant = None
