from typing import Annotated
from uuid import UUID

from sqlmodel import Field, SQLModel

from db.models.columns import Instant, OptionalInstant, text_enum
from domain.accounts import LinkPurpose


class AccountLinkRow(SQLModel, table=True):
    """A link in a mail that works once. Its token is made from the id; only a hash is kept."""

    __tablename__ = "account_links"

    id: UUID = Field(primary_key=True)
    user_id: UUID = Field(foreign_key="users.id", index=True)
    purpose: Annotated[LinkPurpose, Field(sa_type=text_enum(LinkPurpose))]
    token_hash: str = Field(unique=True)
    email_encrypted: str | None = None
    """The address that the link confirms or brings back, if not the account's own."""
    created_at: Instant
    expires_at: Instant
    used_at: OptionalInstant = None
