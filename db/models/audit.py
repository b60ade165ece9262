"""The audit log, which only grows, and the chain that is made of its rows afterwards."""

from typing import Annotated
from uuid import UUID

from sqlalchemy import BigInteger, Index
from sqlmodel import Field, SQLModel

from db.models.columns import Instant, Json, text_enum
from db.own_words import OwnWords
from domain.audit import Action, ActorKind, Channel


class AuditRow(SQLModel, table=True):
    """Something that was done, written with it in one transaction. Nobody changes or removes it.

    Points at no other row: it outlives them.
    """

    __tablename__ = "audit_log"
    __table_args__ = (
        Index("audit_log_by_user", "user_id", "id"),
        Index("audit_log_by_object", "object_id", "id"),
    )

    id: Annotated[int | None, Field(primary_key=True, sa_type=BigInteger)] = None
    at: Instant
    actor_kind: Annotated[ActorKind, Field(sa_type=text_enum(ActorKind))]
    actor: str
    role: str
    channel: Annotated[Channel, Field(sa_type=text_enum(Channel))]
    network: str | None = None
    action: Annotated[Action, Field(sa_type=text_enum(Action))]
    object_kind: str
    object_id: str
    user_id: UUID | None = None
    before: Json
    after: Json
    reason: Annotated[str | None, Field(sa_type=OwnWords("audit_log.reason"))] = None


class AuditLinkRow(SQLModel, table=True):
    """One link of the chain: a row's digest, and the hash of it and of all before it."""

    __tablename__ = "audit_chain"

    position: Annotated[int, Field(primary_key=True, sa_type=BigInteger)]
    row_id: Annotated[int, Field(sa_type=BigInteger, unique=True)]
    digest: str
    hash: str
    chained_at: Instant
