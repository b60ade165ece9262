"""Your own servers that are called when something happens, as Standard Webhooks says."""

from uuid import UUID, uuid4

from fastapi import APIRouter, status
from sqlalchemy.ext.asyncio import AsyncSession

from api import travellers_hooks as hooks
from api.auth import Caller, CurrentUser
from api.dependencies import ServicesDep
from api.errors import not_found
from api.rest.schemas.common import Cursor, Limit, OptionalKey, Page, body_problems, problems
from api.rest.schemas.webhooks import (
    AddWebhookRequest,
    DeliveryResponse,
    ResentResponse,
    WebhookResponse,
    WebhookSecretResponse,
)
from api.telling import tell
from db.models.webhook import WebhookEndpointRow
from db.queries.webhooks import (
    get_delivery,
    get_endpoint,
    list_deliveries,
    send_again,
    send_failed_again,
    tries_of,
)
from domain.ids import derive

router = APIRouter(prefix="/api/v1/webhooks", tags=["webhooks"])
_ONE = "/{webhook_id}"


@router.get("", operation_id="list_webhooks", responses=problems())
async def list_all(user: CurrentUser, services: ServicesDep) -> Page[WebhookResponse]:
    """List your webhooks."""
    async with services.database.transaction(user.user_id) as session:
        found = await hooks.endpoints_of(session, services, user.user_id)
    return Page(items=[WebhookResponse.of(each) for each in found])


@router.post(
    "",
    operation_id="add_webhook",
    status_code=status.HTTP_201_CREATED,
    responses=body_problems(409),
)
async def add(
    body: AddWebhookRequest, user: CurrentUser, services: ServicesDep, key: OptionalKey = None
) -> WebhookSecretResponse:
    """Add a server of yours. The secret is in this answer and nowhere else."""
    webhook_id = derive("webhook", user.user_id, key) if key else uuid4()
    async with services.database.transaction(user.user_id) as session:
        row, secret = await hooks.add_endpoint(
            session, services, user.user_id, webhook_id, body.url
        )
        shown = await hooks.endpoint_of(session, services, row)
    return WebhookSecretResponse.with_secret(shown, secret)


@router.get(_ONE, operation_id="get_webhook", responses=problems(404))
async def get(webhook_id: UUID, user: CurrentUser, services: ServicesDep) -> WebhookResponse:
    """Read one webhook."""
    async with services.database.transaction(user.user_id) as session:
        row = await _mine(session, user, webhook_id)
        return WebhookResponse.of(await hooks.endpoint_of(session, services, row))


@router.delete(
    _ONE,
    operation_id="remove_webhook",
    status_code=status.HTTP_204_NO_CONTENT,
    responses=problems(404),
)
async def remove(webhook_id: UUID, user: CurrentUser, services: ServicesDep) -> None:
    """Have it called no more."""
    async with services.database.transaction(user.user_id) as session:
        await hooks.remove(session, services, await _mine(session, user, webhook_id))


@router.post(f"{_ONE}/secret", operation_id="rotate_webhook_secret", responses=problems(404))
async def rotate(
    webhook_id: UUID, user: CurrentUser, services: ServicesDep
) -> WebhookSecretResponse:
    """Replace the secret. The one before signs along for 24 hours."""
    async with services.database.transaction(user.user_id) as session:
        row = await _mine(session, user, webhook_id)
        secret = await hooks.replace_secret(session, services, row)
        shown = await hooks.endpoint_of(session, services, row)
    return WebhookSecretResponse.with_secret(shown, secret)


@router.post(
    f"{_ONE}/test",
    operation_id="test_webhook",
    status_code=status.HTTP_202_ACCEPTED,
    responses=problems(404, 409),
)
async def test(webhook_id: UUID, user: CurrentUser, services: ServicesDep) -> WebhookResponse:
    """Have an event of type `test` delivered; its log says what came of it."""
    async with services.database.transaction(user.user_id) as session:
        row = await _mine(session, user, webhook_id)
        await hooks.send_test(session, services, row, uuid4())
        shown = await hooks.endpoint_of(session, services, row)
    await tell(services, user.user_id)
    return WebhookResponse.of(shown)


@router.post(f"{_ONE}/enable", operation_id="enable_webhook", responses=problems(404))
async def enable(webhook_id: UUID, user: CurrentUser, services: ServicesDep) -> WebhookResponse:
    """Have it called again after it was switched off."""
    async with services.database.transaction(user.user_id) as session:
        row = await _mine(session, user, webhook_id)
        await hooks.switch_on(session, services, row)
        return WebhookResponse.of(await hooks.endpoint_of(session, services, row))


@router.get(f"{_ONE}/deliveries", operation_id="list_deliveries", responses=problems(404))
async def deliveries(
    webhook_id: UUID,
    user: CurrentUser,
    services: ServicesDep,
    cursor: Cursor = None,
    limit: Limit = 20,
) -> Page[DeliveryResponse]:
    """Read what was sent and what came back, newest first."""
    async with services.database.transaction(user.user_id) as session:
        await _mine(session, user, webhook_id)
        page = await list_deliveries(session, webhook_id, cursor=cursor, limit=limit)
        tries = await tries_of(session, [row.id for row in page.rows])
    items = [DeliveryResponse.of(row, tries[row.id]) for row in page.rows]
    return Page(items=items, next_cursor=page.next_cursor)


@router.post(
    f"{_ONE}/deliveries/resend", operation_id="resend_failed_deliveries", responses=problems(404)
)
async def resend_failed(
    webhook_id: UUID, user: CurrentUser, services: ServicesDep
) -> ResentResponse:
    """Send everything again that was given up."""
    async with services.database.transaction(user.user_id) as session:
        row = await _mine(session, user, webhook_id)
        count = await send_failed_again(session, row.id, services.clock())
    await tell(services, user.user_id)
    return ResentResponse(resent=count)


@router.post(
    f"{_ONE}/deliveries/{{delivery_id}}/resend",
    operation_id="resend_delivery",
    responses=problems(404),
)
async def resend(
    webhook_id: UUID, delivery_id: UUID, user: CurrentUser, services: ServicesDep
) -> DeliveryResponse:
    """Send one again, under the same id: a receiver that has it already knows."""
    async with services.database.transaction(user.user_id) as session:
        await _mine(session, user, webhook_id)
        row = await get_delivery(session, webhook_id, delivery_id)
        if row is None:
            raise not_found("delivery")
        await send_again(session, row, services.clock())
        tries = await tries_of(session, [row.id])
    await tell(services, user.user_id)
    return DeliveryResponse.of(row, tries[row.id])


async def _mine(session: AsyncSession, user: Caller, webhook_id: UUID) -> WebhookEndpointRow:
    row = await get_endpoint(session, user.user_id, webhook_id, lock=True)
    if row is None:
        raise not_found("webhook")
    return row
