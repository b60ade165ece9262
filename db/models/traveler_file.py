from uuid import UUID

from sqlmodel import Field, SQLModel

from db.models.columns import Instant, OptionalInstant


class TravelerFileRow(SQLModel, table=True):
    """A scan that a traveller keeps with us: what it is, how it was checked, and it itself, sealed.

    `media_type` is what the content was found to be, never what was claimed.
    """

    __tablename__ = "traveler_files"

    id: UUID = Field(primary_key=True)
    traveler_id: UUID = Field(foreign_key="travelers.id", index=True)
    user_id: UUID = Field(foreign_key="users.id", index=True)
    name_encrypted: str
    content_encrypted: bytes
    media_type: str
    size: int
    scanned_by: str | None = None
    scanned_at: OptionalInstant = None
    created_at: Instant
