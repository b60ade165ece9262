"""The page from which a traveller goes to the bank, and comes back from it."""

from dataclasses import dataclass
from uuid import UUID

from fastapi import APIRouter, status
from fastapi.responses import HTMLResponse, RedirectResponse

from api.dependencies import ServicesDep
from api.errors import ApiProblem
from api.processes import ProcessEnded, begin_authentication, signal_authentication_returned
from api.services import Services
from api.web.pages import page
from db.models.attempt import AttemptRow
from db.queries.attempts import get_attempt
from db.queries.display import payment_to_confirm
from domain.attempts import AttemptState
from domain.ids import UserId
from domain.money import Money
from runtime.tokens import PAY_PURPOSE, BadToken, ExpiredToken, read_token

router = APIRouter(prefix="/pay", tags=["pages"], include_in_schema=False)
MERCHANT = "Parker Flight"


@dataclass(frozen=True)
class _Visit:
    """What a good link leads to."""

    attempt: AttemptRow
    amount: Money | None


@router.get("/{token}")
async def show_payment(token: str, services: ServicesDep) -> HTMLResponse:
    """Show what is to be confirmed, with one button."""
    visit = await _visit(services, token)
    if isinstance(visit, HTMLResponse):
        return visit
    if visit.attempt.state is not AttemptState.AWAITING_AUTHENTICATION or visit.amount is None:
        return _nothing_to_do(services)
    return page(
        services.settings,
        "pay/confirm.html",
        amount=visit.amount,
        merchant=MERCHANT,
        action=f"/pay/{token}",
    )


@router.post("/{token}", response_model=None)
async def submit_payment(token: str, services: ServicesDep) -> HTMLResponse | RedirectResponse:
    """Lead the traveller to the bank."""
    visit = await _visit(services, token)
    if isinstance(visit, HTMLResponse):
        return visit
    back = f"{services.settings.base_url}/pay/{token}/return"
    try:
        start = await begin_authentication(services.temporal, visit.attempt.id, back)
    except ProcessEnded:
        return _nothing_to_do(services)
    except ApiProblem as problem:
        return _later(services, problem)
    if start.redirect_url is None:
        return _nothing_to_do(services)
    return RedirectResponse(start.redirect_url, status_code=status.HTTP_303_SEE_OTHER)


@router.get("/{token}/return")
async def show_return(token: str, services: ServicesDep) -> HTMLResponse:
    """Thank the traveller and let the attempt ask the bank what came of it."""
    visit = await _visit(services, token)
    if isinstance(visit, HTMLResponse):
        return visit
    try:
        await signal_authentication_returned(services.temporal, visit.attempt.id)
    except ProcessEnded:
        return _nothing_to_do(services)
    except ApiProblem as problem:
        return _later(services, problem)
    return page(
        services.settings,
        "message.html",
        title="Thank you",
        sentence="We are asking your bank for its answer now.",
        more=(
            "If it agrees, we check the fare once more and book your seats; the money is only held"
            " until they are yours. If it does not, nothing is charged. Either way we write to"
            " you. You can close this page."
        ),
    )


async def _visit(services: Services, token: str) -> _Visit | HTMLResponse:
    """Return what the link leads to, or the page that says why it leads nowhere."""
    secret = services.settings.hmac_secret.get_secret_value()
    try:
        link = read_token(secret, PAY_PURPOSE, token, services.clock())
    except ExpiredToken:
        return page(
            services.settings,
            "message.html",
            status=status.HTTP_410_GONE,
            title="This link has run out",
            sentence="Nothing was charged and no seat is held.",
            more="Resume the wish if you still want these flights; we then look again.",
        )
    except BadToken:
        return _no_such_page(services)
    return await _find(services, UserId(link.owner), link.subject)


async def _find(services: Services, owner: UserId, attempt_id: UUID) -> _Visit | HTMLResponse:
    async with services.database.transaction(owner) as session:
        attempt = await get_attempt(session, attempt_id)
        if attempt is None or attempt.user_id != owner:
            return _no_such_page(services)
        payment = await payment_to_confirm(session, attempt_id)
    if payment is None:
        return _Visit(attempt, None)
    return _Visit(attempt, Money(minor=payment.amount_minor, currency=payment.currency))


def _no_such_page(services: Services) -> HTMLResponse:
    return page(
        services.settings,
        "message.html",
        status=status.HTTP_404_NOT_FOUND,
        title="There is no such page",
        sentence="The link is not complete or was changed.",
        more="Open it again from our message.",
    )


def _nothing_to_do(services: Services) -> HTMLResponse:
    return page(
        services.settings,
        "message.html",
        title="There is nothing to confirm any more",
        sentence="Your bank needs nothing further from you for this payment.",
        more="The status of your wish says where it stands.",
    )


def _later(services: Services, problem: ApiProblem) -> HTMLResponse:
    return page(
        services.settings,
        "message.html",
        status=problem.status,
        title="Please try again in a moment",
        sentence="We could not reach our own engine. Nothing was charged.",
        more="Reload this page in a few seconds; confirming twice does no harm.",
    )
