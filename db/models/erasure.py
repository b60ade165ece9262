from typing import Annotated
from uuid import UUID

from sqlalchemy import Index, text
from sqlmodel import Field, SQLModel

from db.models.columns import Instant, JsonList, OptionalInstant, text_enum
from domain.erasures import ErasureState


class ErasureRow(SQLModel, table=True):
    """Somebody's wish to be forgotten, or to have one of their travellers forgotten.

    Kept after it is done, to show that it was, and to do it again where an older backup comes back.
    """

    __tablename__ = "erasures"
    __table_args__ = (
        Index(
            "erasures_one_open",
            "user_id",
            text("coalesce(traveler_id, user_id)"),
            unique=True,
            postgresql_where=text("state IN ('asked', 'begun')"),
        ),
        Index("erasures_open", "due_at", postgresql_where=text("state IN ('asked', 'begun')")),
    )

    id: UUID = Field(primary_key=True)
    user_id: UUID = Field(foreign_key="users.id", index=True)
    traveler_id: UUID | None = None
    """None: the whole account."""
    state: Annotated[ErasureState, Field(sa_type=text_enum(ErasureState))] = ErasureState.ASKED
    waits_for: JsonList
    """What was in the way when it was last looked at."""
    asked_at: Instant
    due_at: Instant
    ended_at: OptionalInstant = None
    row_version: int = 1
    updated_at: Instant
