"""Where the payment provider's page sends the traveller back to."""

from typing import Annotated

from fastapi import APIRouter, Query, status
from fastapi.responses import HTMLResponse
from starlette.responses import Response

from api.cards import SETUP_PURPOSE, SetupOutcome, complete_setup
from api.web.pages import redirect, render
from api.web.visits import Visit, VisitDep
from domain.cards import card_name
from domain.ids import UserId
from providers.errors import ProviderError
from runtime.tokens import BadToken, read_token

router = APIRouter(
    prefix="/api/autobooking/payment-methods/setups", tags=["pages"], include_in_schema=False
)


@router.get("/return")
async def show_setup_return(
    token: Annotated[str, Query(max_length=200)], visit: VisitDep
) -> Response:
    """Keep the card and say so; whoever came from our page of cards is led back to it."""
    services = visit.services
    secret = services.settings.hmac_secret.get_secret_value()
    try:
        link = read_token(secret, SETUP_PURPOSE, token, services.clock())
        outcome = await complete_setup(services, UserId(link.owner), link.subject)
    except BadToken:
        outcome = None
    except ProviderError:
        return _say(
            visit,
            "Please reload this page in a moment",
            "The payment provider does not answer at the moment. Nothing is lost.",
            code=status.HTTP_503_SERVICE_UNAVAILABLE,
        )
    if outcome is None:
        return _say(
            visit,
            "There is no such page",
            "The link is not complete or was changed.",
            code=status.HTTP_404_NOT_FOUND,
        )
    if visit.visitor is not None and visit.user_id == link.owner:
        return redirect("/payment-methods", say=_told(outcome))
    if outcome.method is None:
        return _say(
            visit, "No card was saved", "The visit ended before a card was given. Start again."
        )
    return _say(
        visit,
        "Your card is saved",
        f"{outcome.method.brand.title()} ending in {outcome.method.last4}. Nothing was charged.",
    )


def _told(outcome: SetupOutcome) -> str:
    if outcome.method is None:
        return "No card was saved: the visit ended before a card was given. Nothing was charged."
    name = card_name(outcome.method.brand, outcome.method.last4)
    return f"{name} is saved. Nothing was charged."


def _say(visit: Visit, title: str, sentence: str, *, code: int = 200) -> HTMLResponse:
    return render(
        visit,
        "message.html",
        status=code,
        title=title,
        sentence=sentence,
        more="You can close this page.",
    )
