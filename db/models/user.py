from uuid import UUID

from sqlmodel import Field, SQLModel

from db.models.columns import Instant


class UserRow(SQLModel, table=True):
    """A person with an account. The address is found again by its HMAC only."""

    __tablename__ = "users"

    id: UUID = Field(primary_key=True)
    email_encrypted: str
    email_hmac: str = Field(unique=True)
    created_at: Instant
