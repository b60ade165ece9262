from uuid import UUID

from sqlmodel import Field, SQLModel

from db.models.columns import Instant, OptionalInstant


class WebSessionRow(SQLModel, table=True):
    """A signed-in browser. The cookie's text is known by its hash only.

    It ends at `expires_at` whatever happens, after a time without a visit, or when it is revoked.
    """

    __tablename__ = "web_sessions"

    id: UUID = Field(primary_key=True)
    user_id: UUID = Field(foreign_key="users.id", index=True)
    token_hash: str = Field(unique=True)
    device: str
    created_at: Instant
    last_seen_at: Instant
    expires_at: Instant = Field(index=True)
    stepped_up_at: OptionalInstant = None
    factors_open_until: OptionalInstant = None
    """A recovery code was used here: factors may be changed until then; no money moves by it."""
    revoked_at: OptionalInstant = None
