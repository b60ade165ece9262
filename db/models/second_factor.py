from uuid import UUID

from sqlalchemy import BigInteger
from sqlmodel import Field, SQLModel

from db.models.columns import Instant, OptionalInstant


class TotpFactorRow(SQLModel, table=True):
    """An authenticator app of a person's; it counts once a first code of it was typed in."""

    __tablename__ = "totp_factors"

    user_id: UUID = Field(primary_key=True, foreign_key="users.id")
    secret_encrypted: str
    last_step: int | None = Field(default=None, sa_type=BigInteger)
    """The time step of the last code that was used: each counts once."""
    created_at: Instant
    confirmed_at: OptionalInstant = None


class RecoveryCodeRow(SQLModel, table=True):
    """A code to use once, where the authenticator app or the passkey is lost; its hash only."""

    __tablename__ = "recovery_codes"

    id: UUID = Field(primary_key=True)
    user_id: UUID = Field(foreign_key="users.id", index=True)
    code_hash: str = Field(unique=True)
    created_at: Instant
    used_at: OptionalInstant = None


class CodeFailureRow(SQLModel, table=True):
    """How often wrong codes were typed in one after the other, at one place of a person's."""

    __tablename__ = "code_failures"

    user_id: UUID = Field(primary_key=True, foreign_key="users.id")
    place: str = Field(primary_key=True)
    failures: int
    last_failed_at: Instant
