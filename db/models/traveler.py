from typing import Annotated
from uuid import UUID

from sqlmodel import Field, SQLModel

from db.models.columns import Instant, OptionalInstant
from db.own_words import OwnWords


class TravelerRow(SQLModel, table=True):
    """Somebody who travels. Everything that they are is encrypted."""

    __tablename__ = "travelers"

    id: UUID = Field(primary_key=True)
    user_id: UUID = Field(foreign_key="users.id", index=True)
    label: Annotated[str, Field(sa_type=OwnWords("travelers.label", subject="id"))]
    given_name_encrypted: str
    family_name_encrypted: str
    born_on_encrypted: str
    gender_encrypted: str
    title_encrypted: str
    email_encrypted: str
    phone_encrypted: str
    loyalty_encrypted: str | None = None
    created_at: Instant
    updated_at: Instant
    deleted_at: OptionalInstant = None
