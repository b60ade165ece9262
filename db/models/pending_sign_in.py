from uuid import UUID

from sqlmodel import Field, SQLModel

from db.models.columns import Instant, OptionalInstant


class PendingSignInRow(SQLModel, table=True):
    """A browser whose user gave the right password and still owes a second factor. No session."""

    __tablename__ = "pending_sign_ins"

    id: UUID = Field(primary_key=True)
    user_id: UUID = Field(foreign_key="users.id", index=True)
    token_hash: str = Field(unique=True)
    leads_to: str
    created_at: Instant
    expires_at: Instant = Field(index=True)
    ended_at: OptionalInstant = None
