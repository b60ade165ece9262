"""Cards: saved on the payment provider's page, so that no number ever reaches us."""

from uuid import UUID, uuid4

from fastapi import APIRouter, status

from api import cards
from api.auth import CurrentUser
from api.dependencies import ServicesDep
from api.errors import conflict, not_found
from api.rest.schemas.common import OptionalKey, Page, problems
from api.rest.schemas.payment_methods import (
    CompletedSetupResponse,
    PaymentMethodResponse,
    SetupResponse,
)
from db.errors import InUse
from db.queries.payment_methods import (
    get_payment_method,
    list_payment_methods,
    make_default,
)
from domain.ids import derive

router = APIRouter(prefix="/api/autobooking/payment-methods", tags=["payment methods"])


@router.get("", operation_id="list_payment_methods", responses=problems())
async def list_all(user: CurrentUser, services: ServicesDep) -> Page[PaymentMethodResponse]:
    """List your cards, the default first."""
    async with services.database.transaction(user.user_id) as session:
        rows = await list_payment_methods(session, user.user_id)
    return Page(items=[PaymentMethodResponse.of(row) for row in rows])


@router.post(
    "",
    operation_id="start_payment_method_setup",
    status_code=status.HTTP_201_CREATED,
    responses=problems(409, 502, 503),
)
async def start(user: CurrentUser, services: ServicesDep, key: OptionalKey = None) -> SetupResponse:
    """Begin saving a card: open `url` in a browser, then complete the setup."""
    setup_id = derive("card-setup", user.user_id, key) if key else uuid4()
    url = await cards.start_setup(services, user.user_id, setup_id)
    return SetupResponse(setup_id=setup_id, url=url)


@router.post(
    "/setups/{setup_id}/complete",
    operation_id="complete_payment_method_setup",
    responses=problems(404, 409, 502, 503),
)
async def complete(
    setup_id: UUID, user: CurrentUser, services: ServicesDep
) -> CompletedSetupResponse:
    """Ask the provider how the visit ended and keep the card. Harmless to repeat."""
    outcome = await cards.complete_setup(services, user.user_id, setup_id)
    if outcome is None:
        raise not_found("setup")
    method = outcome.method
    return CompletedSetupResponse(
        setup_id=setup_id,
        status=outcome.status,
        payment_method=PaymentMethodResponse.of(method) if method else None,
    )


@router.get("/{method_id}", operation_id="get_payment_method", responses=problems(404))
async def get(method_id: UUID, user: CurrentUser, services: ServicesDep) -> PaymentMethodResponse:
    """Read one card."""
    async with services.database.transaction(user.user_id) as session:
        row = await get_payment_method(session, method_id)
    if row is None or row.user_id != user.user_id or row.status == "detached":
        raise not_found("payment method")
    return PaymentMethodResponse.of(row)


@router.put(
    "/{method_id}/default", operation_id="make_default_payment_method", responses=problems(404)
)
async def set_default(
    method_id: UUID, user: CurrentUser, services: ServicesDep
) -> PaymentMethodResponse:
    """Make a card the one that new campaigns use unless they name another."""
    async with services.database.transaction(user.user_id) as session:
        row = await make_default(session, user.user_id, method_id, services.clock())
    if row is None:
        raise not_found("payment method")
    return PaymentMethodResponse.of(row)


@router.delete(
    "/{method_id}",
    operation_id="delete_payment_method",
    status_code=status.HTTP_204_NO_CONTENT,
    responses=problems(404, 409, 502, 503),
)
async def delete(method_id: UUID, user: CurrentUser, services: ServicesDep) -> None:
    """Remove a card, here and at the provider."""
    try:
        removed = await cards.remove_card(services, user.user_id, method_id)
    except InUse as error:
        raise conflict(
            "in_use",
            "A campaign that is still running would charge this card, and you have no other."
            " Add another card first, or cancel the campaign.",
            campaigns=[str(one) for one in error.campaign_ids],
        ) from error
    if not removed:
        raise not_found("payment method")
