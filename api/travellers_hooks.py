"""A traveller's own webhooks: added, tried out, read, switched on again, removed."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from api.errors import conflict, refused
from api.services import Services
from db.models.webhook import EndpointState, WebhookEndpointRow
from db.queries.webhooks import (
    add_test,
    get_endpoint,
    give_up_pending,
    list_endpoints,
    lock_person,
)
from db.webhook_secrets import (
    new_secret,
    opened_url,
    rotate_secret,
    sealed_endpoint,
)
from domain.errors import FieldProblem
from domain.ids import UserId
from domain.webhooks import BadWebhookUrl, target_of


@dataclass(frozen=True)
class Endpoint:
    """An endpoint as its owner sees it. The secret is not among it."""

    id: UUID
    url: str
    state: EndpointState
    reason: str | None
    failing_since: datetime | None
    old_secret_until: datetime | None
    created_at: datetime


async def endpoints_of(
    session: AsyncSession, services: Services, user_id: UserId
) -> list[Endpoint]:
    return [
        await endpoint_of(session, services, row) for row in await list_endpoints(session, user_id)
    ]


async def endpoint_of(
    session: AsyncSession, services: Services, row: WebhookEndpointRow
) -> Endpoint:
    return Endpoint(
        id=row.id,
        url=await opened_url(session, services.vault, row),
        state=row.state,
        reason=row.state_reason,
        failing_since=row.failing_since,
        old_secret_until=row.old_secret_until,
        created_at=row.created_at,
    )


async def add_endpoint(
    session: AsyncSession, services: Services, user_id: UserId, endpoint_id: UUID, url: str
) -> tuple[WebhookEndpointRow, str | None]:
    """Add an endpoint; return it with its secret, this once.

    Under the same id again it is the one that was added, and its secret is not told again.

    Raises:
        ApiProblem: the address is none that we call, or there are enough.
    """
    settings, now = services.settings.notices, services.clock()
    try:
        target_of(url, loopback=settings.webhook_loopback)
    except BadWebhookUrl as error:
        problem = FieldProblem(field="url", reason=str(error).rstrip("."), remedy=_REMEDY)
        raise refused([problem]) from error
    await lock_person(session, user_id)
    known = await get_endpoint(session, user_id, endpoint_id)
    if known is not None:
        return known, None
    if len(await list_endpoints(session, user_id)) >= settings.webhooks_per_person:
        raise conflict(
            "too_many",
            f"There are {settings.webhooks_per_person} webhooks already, and more are not kept."
            " Remove one first.",
        )
    secret = new_secret()
    row = WebhookEndpointRow(
        id=endpoint_id,
        user_id=user_id,
        url_encrypted="",
        secret_encrypted="",
        created_at=now,
        updated_at=now,
    )
    session.add(await sealed_endpoint(session, services.vault, row, url=url, secret=secret))
    await session.flush()
    return row, secret


_REMEDY = "give an https address of a server of yours on the public internet"


async def replace_secret(session: AsyncSession, services: Services, row: WebhookEndpointRow) -> str:
    """Return a new secret, this once; the one before signs along for a day."""
    secret = await rotate_secret(session, services.vault, row, services.clock())
    await session.flush()
    return secret


async def send_test(
    session: AsyncSession, services: Services, row: WebhookEndpointRow, delivery_id: UUID
) -> None:
    """Have a test event delivered.

    Raises:
        ApiProblem: the endpoint is switched off.
    """
    if row.state is not EndpointState.ACTIVE:
        raise conflict("switched_off", "This webhook is switched off. Switch it on first.")
    await add_test(session, row, delivery_id, services.clock())


async def switch_on(session: AsyncSession, services: Services, row: WebhookEndpointRow) -> None:
    """Call an endpoint again that was given up."""
    row.state, row.state_reason = EndpointState.ACTIVE, None
    row.failures, row.failing_since, row.updated_at = 0, None, services.clock()
    await session.flush()


async def remove(session: AsyncSession, services: Services, row: WebhookEndpointRow) -> None:
    """Call an endpoint no more and forget where it was; the log of its calls stays."""
    now = services.clock()
    row.state, row.state_reason, row.updated_at = EndpointState.REMOVED, None, now
    row.url_encrypted = row.secret_encrypted = ""
    row.old_secret_encrypted, row.old_secret_until = None, None
    await session.flush()
    await give_up_pending(session, row.id, now)
