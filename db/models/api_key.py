from typing import Annotated
from uuid import UUID

from sqlmodel import Field, SQLModel

from db.models.columns import (
    Currency,
    Instant,
    Minor,
    OptionalCurrency,
    OptionalInstant,
    OptionalMinor,
    Words,
)
from db.own_words import OwnWords
from domain.api_keys import KeyGrant, Scope, SpendingLimits
from domain.money import Money


class ApiKeyRow(SQLModel, table=True):
    """A key of a person's; only its hash is kept, and a prefix to tell keys apart."""

    __tablename__ = "api_keys"

    id: UUID = Field(primary_key=True)
    user_id: UUID = Field(foreign_key="users.id", index=True)
    key_hash: str = Field(unique=True)
    prefix: str
    name: Annotated[str, Field(sa_type=OwnWords("api_keys.name"))]
    scopes: Words
    limit_each_minor: OptionalMinor = None
    limit_total_minor: OptionalMinor = None
    limit_currency: OptionalCurrency = None
    created_at: Instant
    expires_at: OptionalInstant = None
    last_used_at: OptionalInstant = None
    revoked_at: OptionalInstant = None

    @property
    def grant(self) -> KeyGrant:
        """What the key may do."""
        return KeyGrant(
            scopes=frozenset(Scope(scope) for scope in self.scopes),
            limits=self._limits,
            expires_at=self.expires_at,
        )

    @property
    def _limits(self) -> SpendingLimits | None:
        if self.limit_currency is None:
            return None
        # The schema has all three or none.
        each, total = self.limit_each_minor or 0, self.limit_total_minor or 0
        return SpendingLimits(
            each=Money(minor=each, currency=self.limit_currency),
            total=Money(minor=total, currency=self.limit_currency),
        )


class ApiKeyCommitmentRow(SQLModel, table=True):
    """What a key consented to for a wish. Written before the wish is: it may come to nothing."""

    __tablename__ = "api_key_commitments"

    campaign_id: UUID = Field(primary_key=True)
    api_key_id: UUID = Field(foreign_key="api_keys.id", index=True)
    user_id: UUID = Field(foreign_key="users.id", index=True)
    amount_minor: Minor
    currency: Currency
    updated_at: Instant
