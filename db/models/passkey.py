from uuid import UUID

from sqlalchemy import BigInteger
from sqlmodel import Field, SQLModel

from db.models.columns import Instant, JsonList, OptionalInstant


class PasskeyRow(SQLModel, table=True):
    """A passkey of a person's: the public half only, and how often it says it was used."""

    __tablename__ = "passkeys"

    id: UUID = Field(primary_key=True)
    user_id: UUID = Field(foreign_key="users.id", index=True)
    credential_id: bytes = Field(unique=True)
    public_key: bytes
    sign_count: int = Field(default=0, sa_type=BigInteger)
    transports: JsonList
    backed_up: bool
    """Kept by a service on several devices: losing one does not lose it."""
    name_encrypted: str
    created_at: Instant
    last_used_at: OptionalInstant = None


class PasskeyChallengeRow(SQLModel, table=True):
    """A question to a passkey that was not answered yet; known by its hash, good for one answer.

    Nobody's: `bound_to` is a keyed hash of what it was asked for and of whom.
    """

    __tablename__ = "passkey_challenges"

    challenge_hash: str = Field(primary_key=True)
    bound_to: str
    expires_at: Instant = Field(index=True)
