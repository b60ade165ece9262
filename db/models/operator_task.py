from enum import StrEnum
from typing import Annotated
from uuid import UUID

from sqlalchemy import Index, text
from sqlmodel import Field, SQLModel

from db.models.columns import Instant, OptionalInstant, text_enum


class TaskState(StrEnum):
    OPEN = "open"
    DONE = "done"


class OperatorTaskRow(SQLModel, table=True):
    """Something only a person can decide, with what is needed to decide it."""

    __tablename__ = "operator_tasks"
    __table_args__ = (
        Index("operator_tasks_open", "created_at", postgresql_where=text("state = 'open'")),
    )

    id: UUID = Field(primary_key=True)
    key: str = Field(unique=True)
    kind: str
    user_id: UUID | None = Field(default=None, foreign_key="users.id", index=True)
    campaign_id: UUID | None = Field(
        default=None, foreign_key="autobooking_campaigns.id", index=True
    )
    attempt_id: UUID | None = Field(default=None, foreign_key="booking_attempts.id", index=True)
    booking_id: UUID | None = Field(default=None, foreign_key="bookings.id", index=True)
    detail: str
    state: Annotated[TaskState, Field(sa_type=text_enum(TaskState))] = TaskState.OPEN
    created_at: Instant
    closed_at: OptionalInstant = None
