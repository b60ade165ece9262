"""The page from which a traveller goes to the bank, and comes back from it."""

from dataclasses import dataclass
from uuid import UUID

from fastapi import APIRouter, status
from fastapi.responses import HTMLResponse, RedirectResponse

from api.errors import ApiProblem
from api.processes import ProcessEnded, begin_authentication, signal_authentication_returned
from api.web.pages import LeadsTo, render
from api.web.visits import Visit, VisitDep
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
class _Payment:
    """What a good link leads to."""

    attempt: AttemptRow
    amount: Money | None


@router.get("/{token}")
async def show_payment(token: str, visit: VisitDep) -> HTMLResponse:
    """Show what is to be confirmed, with one button."""
    found = await _payment(visit, token)
    if isinstance(found, HTMLResponse):
        return found
    if found.attempt.state is not AttemptState.AWAITING_AUTHENTICATION or found.amount is None:
        return _nothing_to_do(visit)
    return render(
        visit,
        "pay/confirm.html",
        amount=found.amount,
        merchant=MERCHANT,
        action=f"/pay/{token}",
        leads_to=LeadsTo.BANK,
    )


@router.post("/{token}", response_model=None)
async def submit_payment(token: str, visit: VisitDep) -> HTMLResponse | RedirectResponse:
    """Lead the traveller to the bank."""
    found = await _payment(visit, token)
    if isinstance(found, HTMLResponse):
        return found
    back = f"{visit.services.settings.base_url}/pay/{token}/return"
    try:
        start = await begin_authentication(visit.services.temporal, found.attempt.id, back)
    except ProcessEnded:
        return _nothing_to_do(visit)
    except ApiProblem as problem:
        return _later(visit, problem)
    if start.redirect_url is None:
        return _nothing_to_do(visit)
    return RedirectResponse(start.redirect_url, status_code=status.HTTP_303_SEE_OTHER)


@router.get("/{token}/return")
async def show_return(token: str, visit: VisitDep) -> HTMLResponse:
    """Thank the traveller and let the attempt ask the bank what came of it."""
    found = await _payment(visit, token)
    if isinstance(found, HTMLResponse):
        return found
    try:
        await signal_authentication_returned(visit.services.temporal, found.attempt.id)
    except ProcessEnded:
        return _nothing_to_do(visit)
    except ApiProblem as problem:
        return _later(visit, problem)
    return render(
        visit,
        "message.html",
        title="Thank you",
        sentence="We are asking your bank for its answer now.",
        more=(
            "If it agrees, we check the fare once more and book your seats; the money is only held"
            " until they are yours. If it does not, nothing is charged. Either way we write to"
            " you. You can close this page."
        ),
    )


async def _payment(visit: Visit, token: str) -> _Payment | HTMLResponse:
    """Return what the link leads to, or the page that says why it leads nowhere."""
    secret = visit.services.settings.hmac_secret.get_secret_value()
    try:
        link = read_token(secret, PAY_PURPOSE, token, visit.services.clock())
    except ExpiredToken:
        return render(
            visit,
            "message.html",
            status=status.HTTP_410_GONE,
            title="This link has run out",
            sentence="Nothing was charged and no seat is held.",
            more="Resume the wish if you still want these flights; we then look again.",
        )
    except BadToken:
        return _no_such_page(visit)
    return await _find(visit, UserId(link.owner), link.subject)


async def _find(visit: Visit, owner: UserId, attempt_id: UUID) -> _Payment | HTMLResponse:
    async with visit.services.database.transaction(owner) as session:
        attempt = await get_attempt(session, attempt_id)
        if attempt is None or attempt.user_id != owner:
            return _no_such_page(visit)
        payment = await payment_to_confirm(session, attempt_id)
    if payment is None:
        return _Payment(attempt, None)
    return _Payment(attempt, Money(minor=payment.amount_minor, currency=payment.currency))


def _no_such_page(visit: Visit) -> HTMLResponse:
    return render(
        visit,
        "message.html",
        status=status.HTTP_404_NOT_FOUND,
        title="There is no such page",
        sentence="The link is not complete or was changed.",
        more="Open it again from our message.",
    )


def _nothing_to_do(visit: Visit) -> HTMLResponse:
    return render(
        visit,
        "message.html",
        title="There is nothing to confirm any more",
        sentence="Your bank needs nothing further from you for this payment.",
        more="The status of your wish says where it stands.",
    )


def _later(visit: Visit, problem: ApiProblem) -> HTMLResponse:
    return render(
        visit,
        "message.html",
        status=problem.status,
        title="Please try again in a moment",
        sentence="We could not reach our own engine. Nothing was charged.",
        more="Reload this page in a few seconds; confirming twice does no harm.",
    )
