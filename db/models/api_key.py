from uuid import UUID

from sqlmodel import Field, SQLModel

from db.models.columns import Instant, OptionalInstant


class ApiKeyRow(SQLModel, table=True):
    """A key of a person's; only its hash is kept, and a prefix to tell keys apart."""

    __tablename__ = "api_keys"

    id: UUID = Field(primary_key=True)
    user_id: UUID = Field(foreign_key="users.id", index=True)
    key_hash: str = Field(unique=True)
    prefix: str
    name: str
    created_at: Instant
    last_used_at: OptionalInstant = None
    revoked_at: OptionalInstant = None
