"""Allowing flights once that are just over the budget: what is shown, ticked and confirmed."""

from typing import Annotated
from urllib.parse import urlencode
from uuid import UUID

from fastapi import APIRouter, Query
from fastapi.responses import HTMLResponse
from starlette.responses import Response

from api.allowances import allow_once, draft_for_allowance
from api.auth import Caller
from api.errors import ApiProblem, conflict
from api.rest.campaign_answers import answered
from api.web.forms import FormDep, Problems
from api.web.pages import redirect, render
from api.web.step_up import is_stepped_up, require_step_up
from api.web.views.wish_answer import OfferView, offer_view
from api.web.views.wish_card import wish_path
from api.web.views.wish_page import WishPage, wish_page
from api.web.visits import ConfirmedDep, SignedInDep, Visit, back_to
from api.web.wishes import load_wish
from api.web.wizard_consent import Consenting, consent_shown, consent_to_flights
from api.wish_reading import WishRead, read_offer
from domain.explanations import rounded_up
from domain.matching import total_with_bags
from domain.money import Money
from domain.offers import Offer

router = APIRouter(prefix="/auto-booking/wishes/{campaign_id}/allow-once", tags=["pages"])
_NOTHING = UUID(int=0)
OfferQuery = Annotated[str, Query(max_length=200)]


@router.get("", include_in_schema=False)
async def show_allowance(
    campaign_id: UUID, visit: SignedInDep, look: UUID = _NOTHING, offer: OfferQuery = ""
) -> HTMLResponse:
    """Show the flights, the most that would be charged, to which card, and for how long."""
    read = await load_wish(visit, campaign_id)
    return await _show(visit, read, look, offer, Problems())


@router.post("", include_in_schema=False)
async def submit_allowance(campaign_id: UUID, visit: ConfirmedDep, form: FormDep) -> Response:
    """Take the yes to these flights alone; they are searched afresh before anything is held."""
    read = await load_wish(visit, campaign_id)
    offer = form.text("offer")
    try:
        look = UUID(form.text("look"))
    except ValueError:
        look = _NOTHING
    require_step_up(visit, _path(campaign_id, look, offer))
    problems = Problems()
    if not form.flag("consent"):
        problems.add("consent", "Tick the box if you agree. Without that nothing is booked.")
        return await _show(visit, read, look, offer, problems, status=422)
    try:
        seen = await _offer(visit, read, look, offer)
        given = await consent_shown(visit, form)
        most, key = rounded_up(_total(read, seen)), form.text("key") or None
        answer = await allow_once(visit.services, read.row, look, offer, most, key, shown=given)
        await answered(visit.services, Caller(visit.user_id), campaign_id, answer, "allow_once")
    except ApiProblem as refusal:
        problems = Problems.of(refusal)
        return await _show(visit, read, look, offer, problems, status=refusal.status)
    return redirect(
        wish_path(campaign_id),
        say="We search these flights once more and book them within what you allowed. The budget of"
        " your wish stays as it is.",
    )


def _path(campaign_id: UUID, look: UUID, offer: str) -> str:
    return wish_path(campaign_id, f"/allow-once?{urlencode({'look': look, 'offer': offer})}")


async def _show(
    visit: Visit, read: WishRead, look: UUID, offer: str, problems: Problems, *, status: int = 200
) -> HTMLResponse:
    seen = await _offer(visit, read, look, offer)
    total = _total(read, seen)
    consenting = await _consenting(visit, read, look, seen, problems)
    view: WishPage = wish_page(read, visit.now, visit.me.time_zone)
    shown: OfferView = offer_view(seen, total, read.row.budget)
    return render(
        visit,
        "wishes/allow_once.html",
        status=status,
        view=view,
        offer=shown,
        maximum=rounded_up(total),
        look=look,
        consenting=consenting,
        problems=problems,
        minutes=visit.services.settings.policy.allow_once_minutes,
        stepped_up=is_stepped_up(visit),
        step_up_path=back_to("/step-up", _path(read.row.id, look, offer)),
    )


async def _consenting(
    visit: Visit, read: WishRead, look: UUID, seen: Offer, problems: Problems
) -> Consenting | None:
    """Return the consent to be given; None, with the reason, where none can be."""
    most = rounded_up(_total(read, seen))
    try:
        allowance = await draft_for_allowance(visit.services, read.row, look, seen.offer_id, most)
        return await consent_to_flights(visit, allowance)
    except ApiProblem as refusal:
        if refusal.detail not in problems.general:
            problems.general.append(refusal.detail)
        return None


async def _offer(visit: Visit, read: WishRead, look: UUID, offer: str) -> Offer:
    found = await read_offer(visit.services, visit.user_id, read.row.id, look, offer)
    if found is None:
        raise conflict(
            "offer_gone",
            "These flights are not on offer any more. Nothing was booked or charged.",
        )
    return found


def _total(read: WishRead, offer: Offer) -> Money:
    """Return what it costs with the bags asked for."""
    bags = read.brief.wish.checked_bags
    return total_with_bags(offer, bags, read.row.travelling) or offer.total
