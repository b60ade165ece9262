from typing import Annotated
from uuid import UUID

from sqlalchemy import Index, text
from sqlmodel import Field, SQLModel

from db.models.columns import Instant, Json, OptionalInstant, text_enum
from domain.provider_events import EventState, Signature, Teller


class ProviderEventRow(SQLModel, table=True):
    """Something that a provider told us, once however often it comes. Nobody's: ids and kinds.

    Of what was not signed as it must be there is a row for each hour and reason, which counts: so
    nobody can fill the table, and nothing of theirs is kept.
    """

    __tablename__ = "provider_events"
    __table_args__ = (
        Index("provider_events_due", "next_try_at", postgresql_where=text("state = 'pending'")),
        Index("provider_events_newest", text("received_at DESC"), text("id DESC")),
    )

    id: UUID = Field(primary_key=True)
    provider: Annotated[Teller, Field(sa_type=text_enum(Teller))]
    signature: Annotated[Signature, Field(sa_type=text_enum(Signature))]
    event_ref: str | None = None
    kind: str
    object_ref: str | None = Field(default=None, index=True)
    facts: Json
    state: Annotated[EventState, Field(sa_type=text_enum(EventState))]
    times: int = 1
    """How often it came."""
    tries: int = 0
    next_try_at: OptionalInstant = None
    outcome: str = ""
    """Who was made to look, or what kept us from it."""
    happened_at: OptionalInstant = None
    received_at: Instant
    last_at: Instant
    finished_at: OptionalInstant = None
