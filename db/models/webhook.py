"""A traveller's own servers that are called when something happens, and what came of each call."""

from enum import StrEnum
from typing import Annotated
from uuid import UUID

from sqlalchemy import Index, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from db.models.columns import Instant, OptionalInstant, text_enum


class EndpointState(StrEnum):
    ACTIVE = "active"
    DISABLED = "disabled"
    REMOVED = "removed"


class DeliveryState(StrEnum):
    PENDING = "pending"
    DELIVERED = "delivered"
    FAILED = "failed"


class WebhookEndpointRow(SQLModel, table=True):
    """An address to call. Address and secrets are sealed: either may open other people's doors."""

    __tablename__ = "webhook_endpoints"

    id: UUID = Field(primary_key=True)
    user_id: UUID = Field(foreign_key="users.id", index=True)
    url_encrypted: str
    secret_encrypted: str
    old_secret_encrypted: str | None = None
    old_secret_until: OptionalInstant = None
    """The secret before signs along until then."""
    state: Annotated[EndpointState, Field(sa_type=text_enum(EndpointState))] = EndpointState.ACTIVE
    state_reason: str | None = None
    failures: int = 0
    """Calls that failed in a row, of whichever message."""
    failing_since: OptionalInstant = None
    created_at: Instant
    updated_at: Instant


class WebhookDeliveryRow(SQLModel, table=True):
    """One message to one endpoint, under one id however often it is called.

    A test belongs to no notice.
    """

    __tablename__ = "webhook_deliveries"
    __table_args__ = (
        UniqueConstraint("endpoint_id", "message_id"),
        Index(
            "webhook_deliveries_due",
            "next_try_at",
            "user_id",
            postgresql_where=text("state = 'pending'"),
        ),
        Index(
            "webhook_deliveries_of_endpoint",
            "endpoint_id",
            text("created_at DESC"),
            text("id DESC"),
        ),
    )

    id: UUID = Field(primary_key=True)
    user_id: UUID = Field(foreign_key="users.id", index=True)
    endpoint_id: UUID = Field(foreign_key="webhook_endpoints.id")
    notice_id: UUID | None = Field(default=None, foreign_key="notices.id")
    type: str
    message_id: str
    state: Annotated[DeliveryState, Field(sa_type=text_enum(DeliveryState))] = DeliveryState.PENDING
    tries: int = 0
    next_try_at: OptionalInstant = None
    created_at: Instant
    finished_at: OptionalInstant = None


class WebhookTryRow(SQLModel, table=True):
    """One call: when, what came back, how long it took. No body of either side is kept."""

    __tablename__ = "webhook_tries"
    __table_args__ = (Index("webhook_tries_of_delivery", "delivery_id", "at"),)

    id: UUID = Field(primary_key=True)
    user_id: UUID = Field(foreign_key="users.id", index=True)
    delivery_id: UUID = Field(foreign_key="webhook_deliveries.id")
    at: Instant
    status: int | None = None
    code: str
    milliseconds: int
