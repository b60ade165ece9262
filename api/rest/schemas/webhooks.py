"""Your own servers that are called, as JSON."""

from datetime import datetime
from typing import Annotated, Self
from uuid import UUID

from pydantic import Field, StringConstraints

from api.rest.schemas.common import Request, Response
from api.travellers_hooks import Endpoint
from db.models.webhook import (
    DeliveryState,
    EndpointState,
    WebhookDeliveryRow,
    WebhookTryRow,
)
from domain.webhooks import LONGEST_URL


class AddWebhookRequest(Request):
    url: Annotated[str, StringConstraints(min_length=1, max_length=LONGEST_URL)] = Field(
        examples=["https://hooks.example.org/parker"]
    )


class WebhookResponse(Response):
    id: UUID
    url: str
    state: EndpointState
    reason: str | None = Field(description="Why it is switched off.")
    failing_since: datetime | None
    old_secret_until: datetime | None = Field(
        description="The secret before signs along until then."
    )
    created_at: datetime

    @classmethod
    def of(cls, endpoint: Endpoint) -> Self:
        return cls(
            id=endpoint.id,
            url=endpoint.url,
            state=endpoint.state,
            reason=endpoint.reason,
            failing_since=endpoint.failing_since,
            old_secret_until=endpoint.old_secret_until,
            created_at=endpoint.created_at,
        )


class WebhookSecretResponse(WebhookResponse):
    secret: str | None = Field(
        description="Shown this once; null where the request was repeated. It verifies"
        " `webhook-signature` as Standard Webhooks says."
    )

    @classmethod
    def with_secret(cls, endpoint: Endpoint, secret: str | None) -> Self:
        return cls(**WebhookResponse.of(endpoint).model_dump(), secret=secret)


class TryResponse(Response):
    at: datetime
    status: int | None
    code: str
    milliseconds: int

    @classmethod
    def of(cls, row: WebhookTryRow) -> Self:
        return cls(at=row.at, status=row.status, code=row.code, milliseconds=row.milliseconds)


class DeliveryResponse(Response):
    id: UUID
    message_id: str
    type: str
    state: DeliveryState
    next_try_at: datetime | None
    created_at: datetime
    tries: list[TryResponse] = Field(description="The last one first.")

    @classmethod
    def of(cls, row: WebhookDeliveryRow, tries: list[WebhookTryRow]) -> Self:
        return cls(
            id=row.id,
            message_id=row.message_id,
            type=row.type,
            state=row.state,
            next_try_at=row.next_try_at,
            created_at=row.created_at,
            tries=[TryResponse.of(each) for each in tries],
        )


class ResentResponse(Response):
    resent: int
