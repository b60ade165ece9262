from uuid import UUID

from sqlmodel import Field, SQLModel

from db.models.columns import Instant


class TravelerDocumentRow(SQLModel, table=True):
    """A passport or the like of a traveller's."""

    __tablename__ = "traveler_documents"

    id: UUID = Field(primary_key=True)
    traveler_id: UUID = Field(foreign_key="travelers.id", index=True)
    user_id: UUID = Field(foreign_key="users.id", index=True)
    kind: str
    number_encrypted: str
    issuing_country_encrypted: str
    expires_on_encrypted: str | None = None
    created_at: Instant
