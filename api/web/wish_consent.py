"""Consenting to a wish as it stands: one that waits for it, or whose consent no longer holds."""

from typing import Any
from uuid import UUID

from fastapi import APIRouter
from fastapi.responses import HTMLResponse
from starlette.responses import Response

from api.auth import Caller
from api.errors import ApiProblem, conflict
from api.rest.campaign_answers import answered
from api.web.forms import FormDep, Problems
from api.web.pages import redirect, render
from api.web.step_up import is_stepped_up, require_step_up
from api.web.views import wizard as views
from api.web.visits import Elsewhere, SignedInDep, Visit, back_to
from api.web.wizard_answers import NAMES, Step
from api.web.wizard_consent import Consenting, consent_shown, consent_to_wish
from api.web.wizard_desk import Draft, answers_of, own_wish
from api.web.wizard_pages import Scene, card_named, map_of, scene_of
from api.wish_consenting import give_consent
from db.models.campaign import CampaignRow
from domain.campaigns import ENDED, CampaignState

router = APIRouter(
    prefix="/auto-booking/wishes/{campaign_id}/consent", tags=["pages"], include_in_schema=False
)


@router.get("")
async def show_consent(campaign_id: UUID, visit: SignedInDep) -> HTMLResponse:
    """Show the wish, and what would be allowed for it."""
    return await _show(visit, await _wish(visit, campaign_id), Problems())


@router.post("")
async def submit_consent(campaign_id: UUID, visit: SignedInDep, form: FormDep) -> Response:
    """Take the consent in; from then on the wish is watched and may be booked."""
    row, here = await _wish(visit, campaign_id), visit.request.url.path
    if not visit.me.email_confirmed:
        raise Elsewhere(back_to("/account/confirm", here))
    require_step_up(visit, here)
    problems = Problems()
    if not form.flag("consent"):
        problems.add("consent", "Tick the box if you agree. Without that nothing is booked.")
        return await _show(visit, row, problems, status=422)
    try:
        shown = await consent_shown(visit, form)
        answer = await give_consent(
            visit.services, row, row.budget, key=form.text("key") or None, shown=shown
        )
        await answered(visit.services, Caller(visit.user_id), row.id, answer, "consent")
    except ApiProblem as refusal:
        return await _show(visit, row, Problems.of(refusal, NAMES), status=refusal.status)
    return redirect(
        f"/auto-booking/wishes/{row.id}", say="You have consented. We look for flights."
    )


async def _wish(visit: Visit, campaign_id: UUID) -> CampaignRow:
    row = await own_wish(visit, campaign_id)
    if row.status in ENDED or row.status is CampaignState.BOOKING or not row.mode.books:
        raise conflict(
            "not_now", "Nothing is to be consented to for this wish: it is over, or being booked."
        )
    return row


async def _show(
    visit: Visit, row: CampaignRow, problems: Problems, *, status: int = 200
) -> HTMLResponse:
    scene = await scene_of(visit, Draft(row.id, answers_of(row), Step.CHECK, row))
    people = [(one.id, one.label, one.details) for one in scene.people]
    values: dict[str, Any] = {
        "nav": "wishes",
        "row": row,
        "draft": scene.draft,
        "sections": views.sections(scene.reading, people, card_named(scene)),
        "drawn": map_of(scene.reading),
        "consenting": await _consenting(visit, row, scene, problems),
        "problems": problems,
        "stepped_up": is_stepped_up(visit),
        "step_up_path": back_to("/step-up", visit.request.url.path),
    }
    return render(visit, "wizard/consent.html", status=status, **values)


async def _consenting(
    visit: Visit, row: CampaignRow, scene: Scene, problems: Problems
) -> Consenting | None:
    try:
        return await consent_to_wish(visit, row, card_named(scene))
    except ApiProblem as refusal:
        problems.general.append(refusal.detail)
        return None
