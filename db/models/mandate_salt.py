from uuid import UUID

from sqlmodel import Field, SQLModel

from db.models.columns import Instant


class MandateSaltRow(SQLModel, table=True):
    """The salt of a traveller's digest in a mandate. Without it the digest names nobody."""

    __tablename__ = "mandate_salts"

    mandate_id: UUID = Field(primary_key=True, foreign_key="mandates.id")
    traveler_id: UUID = Field(primary_key=True)
    user_id: UUID = Field(foreign_key="users.id", index=True)
    salt_encrypted: str
    created_at: Instant
