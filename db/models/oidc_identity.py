from uuid import UUID

from sqlmodel import Field, SQLModel

from db.models.columns import Instant, OptionalInstant


class OidcIdentityRow(SQLModel, table=True):
    """Somebody at an identity provider who opens an account here, found by a keyed hash.

    The hash is of issuer and subject together, which is all that an identity is. What the provider
    calls the person is kept for the owner to read and opens nothing.
    """

    __tablename__ = "oidc_identities"

    id: UUID = Field(primary_key=True)
    user_id: UUID = Field(foreign_key="users.id", index=True)
    identity_hash: str = Field(unique=True)
    issuer: str
    label_encrypted: str
    created_at: Instant
    last_used_at: OptionalInstant = None
