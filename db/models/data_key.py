from uuid import UUID

from sqlmodel import Field, SQLModel

from db.models.columns import Instant, OptionalInstant


class DataKeyRow(SQLModel, table=True):
    """The key that encrypts one person's fields, itself wrapped by a master key."""

    __tablename__ = "data_keys"

    user_id: UUID = Field(primary_key=True, foreign_key="users.id")
    wrapped_key: str
    master_key_id: str = Field(index=True)
    created_at: Instant
    rotated_at: OptionalInstant = None
