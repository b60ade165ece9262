"""The pages of cards: which are saved, which one is charged, adding and removing one."""

from typing import Annotated
from uuid import UUID, uuid4

from fastapi import APIRouter, Depends
from starlette.responses import Response

from api import cards
from api.errors import ApiProblem, not_found
from api.web.forms import FormDep, Problems
from api.web.pages import LeadsTo, redirect, render
from api.web.step_up import SteppedUpDep, step_up_then
from api.web.views.cards import CardView, card_view, card_views, cards_sentence
from api.web.visits import SignedInDep, Visit
from db.errors import InUse
from db.queries.payment_methods import (
    card_in_place_of,
    get_payment_method,
    list_payment_methods,
    make_default,
    wishes_by_card,
)
from domain.cards import card_name
from domain.ids import derive
from providers.errors import ProviderError

router = APIRouter(prefix="/payment-methods", tags=["pages"], include_in_schema=False)
PATH = "/payment-methods"
# A card decides where money comes from: whoever changes that shows a second factor first.
ChangesCardsDep = Annotated[Visit, Depends(step_up_then(PATH))]
RemovesCardDep = Annotated[Visit, Depends(step_up_then(PATH + "/{method_id}/remove"))]


@router.get("")
async def show_cards(visit: SignedInDep) -> Response:
    """List the cards, the default first."""
    async with visit.transaction() as session:
        rows = await list_payment_methods(session, visit.user_id)
        wishes = await wishes_by_card(session, visit.user_id)
    days = visit.services.settings.money.card_warning_days
    shown = card_views(rows, wishes, visit.now.date(), days)
    most = visit.services.settings.policy.payment_methods_max_per_user
    return render(
        visit,
        "cards/list.html",
        cards=shown,
        sentence=cards_sentence(shown),
        room=most is None or len(shown) < most,
    )


@router.get("/add")
async def show_add(visit: SteppedUpDep) -> Response:
    """Say where the card is typed, before leading there."""
    return _add_page(visit)


@router.post("/add")
async def submit_add(visit: SteppedUpDep, form: FormDep) -> Response:
    """Lead to the provider's page; sending the form twice leads to the same visit."""
    key = form.text("key") or str(uuid4())
    try:
        url = await cards.start_setup(
            visit.services, visit.user_id, derive("card-setup", visit.user_id, key)
        )
    except ProviderError:
        return _add_page(
            visit,
            "The card page does not answer at the moment. Nothing was saved or charged; try again"
            " in a minute.",
            status=503,
        )
    except ApiProblem as problem:
        return _add_page(visit, problem.detail, status=problem.status)
    if url is None:
        return redirect(PATH, say="This visit to the card page has ended. Begin again.")
    return redirect(url)


@router.post("/{method_id}/default")
async def submit_default(visit: ChangesCardsDep, method_id: UUID, form: FormDep) -> Response:
    """Let wishes be paid with this card unless they name another."""
    del form
    async with visit.transaction() as session:
        row = await make_default(session, visit.user_id, method_id, visit.now)
    if row is None:
        raise not_found("card")
    name = card_name(row.brand, row.last4)
    return redirect(PATH, say=f"Wishes are now paid with {name}, unless they name another.")


@router.get("/{method_id}/remove")
async def show_remove(visit: SignedInDep, method_id: UUID) -> Response:
    """Say which wishes a card pays for, and which card takes its place."""
    return await _remove_page(visit, method_id)


@router.post("/{method_id}/remove")
async def submit_remove(visit: RemovesCardDep, method_id: UUID, form: FormDep) -> Response:
    """Remove a card, here and at the provider."""
    del form
    try:
        removed = await cards.remove_card(visit.services, visit.user_id, method_id)
    except InUse:
        return await _remove_page(visit, method_id, refused=True)
    except ProviderError:
        # It is gone here already; what the provider keeps is of no use to anybody.
        removed = True
    if not removed:
        raise not_found("card")
    return redirect(PATH, say="The card is removed. Nothing is charged to it any more.")


def _add_page(visit: Visit, note: str | None = None, *, status: int = 200) -> Response:
    problems = Problems(general=[note] if note else [])
    return render(
        visit,
        "cards/add.html",
        status=status,
        leads_to=LeadsTo.CARD_PAGE,
        problems=problems,
        key=str(uuid4()),
        merchant=visit.services.settings.money.merchant_name,
    )


async def _remove_page(visit: Visit, method_id: UUID, *, refused: bool = False) -> Response:
    card, heir = await _card_and_heir(visit, method_id)
    problems = Problems()
    if refused:
        problems.general.append(
            "This card is being charged at this moment, or is the only one for a wish that still"
            " runs. Nothing was changed."
        )
    return render(
        visit,
        "cards/remove.html",
        status=409 if refused else 200,
        card=card,
        heir=heir,
        problems=problems,
    )


async def _card_and_heir(visit: Visit, method_id: UUID) -> tuple[CardView, CardView | None]:
    async with visit.transaction() as session:
        row = await get_payment_method(session, method_id)
        if row is None or row.user_id != visit.user_id or row.status == "detached":
            raise not_found("card")
        heir = await card_in_place_of(session, row)
        wishes = await wishes_by_card(session, visit.user_id)
    days, today = visit.services.settings.money.card_warning_days, visit.now.date()
    return (
        card_view(row, wishes, today, days),
        card_view(heir, wishes, today, days) if heir else None,
    )
