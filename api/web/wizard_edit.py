"""Changing a wish: the same steps, begun with the wish as it is, saved as a whole."""

from dataclasses import replace
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from starlette.responses import Response

from api.auth import Caller
from api.errors import ApiProblem, conflict
from api.rest.campaign_answers import answered
from api.web.forms import Form, FormDep, Problems
from api.web.pages import redirect
from api.web.step_up import require_step_up
from api.web.visits import SignedInDep, Visit
from api.web.wizard import unclear
from api.web.wizard_answers import NAMES, Step
from api.web.wizard_consent import change_of, consent_shown, why_anew
from api.web.wizard_desk import draft_of_change, forget, keep, own_wish
from api.web.wizard_pages import Scene, scene_of, show_step
from api.wish_changing import change_wish
from db.models.campaign import CampaignRow
from domain.campaigns import ENDED, CampaignState

router = APIRouter(
    prefix="/auto-booking/wishes/{campaign_id}/edit", tags=["pages"], include_in_schema=False
)
Then = Annotated[str, Query(pattern="^check$|^$")]


@router.get("")
async def show_change(campaign_id: UUID, visit: SignedInDep) -> Response:
    """Show the wish with what was changed so far; nothing holds before it is saved."""
    scene = await _scene(visit, campaign_id)
    return await show_step(visit, scene, Step.CHECK, problems=scene.problems(Step.CHECK) or None)


@router.post("")
async def submit_change(campaign_id: UUID, visit: SignedInDep, form: FormDep) -> Response:
    """Save the whole change, with a new consent where the old one does not reach."""
    scene = await _scene(visit, campaign_id)
    draft, row = scene.draft, _wish(scene)
    answers = draft.answers.but(name=form.all("name")[:1])
    draft = await keep(visit, replace(draft, answers=answers), Step.CHECK)
    scene = await scene_of(visit, draft)
    problems, wish = scene.problems(Step.CHECK), scene.reading.criteria
    if form.text("version") != str(row.criteria_version):
        problems.general.append(
            "The wish was changed meanwhile. Here it is as it is now; change it again and save."
        )
    if problems or wish is None:
        return await show_step(visit, scene, Step.CHECK, problems=problems, status=422)
    if why_anew(row, scene.reading) is not None:
        require_step_up(visit, draft.path)
        if not form.flag("consent"):
            problems.add("consent", "Tick the box if you agree. Without that nothing is changed.")
            return await show_step(visit, scene, Step.CHECK, problems=problems, status=422)
    return await _save(visit, scene, form)


@router.post("/discard")
async def submit_discard_change(campaign_id: UUID, visit: SignedInDep, form: FormDep) -> Response:
    """Leave the wish as it is."""
    del form
    draft = await draft_of_change(visit, await own_wish(visit, campaign_id))
    await forget(visit, draft)
    return redirect(f"/auto-booking/wishes/{campaign_id}", say="The wish stays as it is.")


@router.get("/{step}")
async def show(campaign_id: UUID, step: Step, visit: SignedInDep, then: Then = "") -> Response:
    """Show one step as it is now, or as it was typed."""
    scene = await _scene(visit, campaign_id)
    return await show_step(visit, scene, step, then=then)


@router.post("/{step}")
async def submit(campaign_id: UUID, step: Step, visit: SignedInDep, form: FormDep) -> Response:
    """Keep what was typed, and go back to the answers."""
    draft = (await _scene(visit, campaign_id)).draft
    typed = replace(draft, answers=draft.answers.typed(step, form))
    scene = await scene_of(visit, typed)
    draft = await keep(visit, replace(typed, answers=scene.reading.answers), Step.CHECK)
    scene, problems = replace(scene, draft=draft), scene.problems(step)
    if form.text("go") == "look":
        return await show_step(visit, scene, step, problems=unclear(problems))
    if problems:
        return await show_step(visit, scene, step, problems=problems, status=422)
    return redirect(draft.path)


async def _scene(visit: Visit, campaign_id: UUID) -> Scene:
    """Return a wish that can still be changed.

    Raises:
        ApiProblem: it is none of the visitor's, is being booked, or has ended.
    """
    row = await own_wish(visit, campaign_id)
    if row.status is CampaignState.BOOKING:
        raise conflict(
            "being_booked",
            "This wish is being booked at this moment, as it stands, and cannot be changed"
            " meanwhile. If it does not work out, we go on watching and you can change it then.",
        )
    if row.status in ENDED:
        raise conflict(
            "ended", "This wish is over and cannot be changed. You can make one like it."
        )
    return await scene_of(visit, await draft_of_change(visit, row))


async def _save(visit: Visit, scene: Scene, form: Form) -> Response:
    row, key = _wish(scene), f"draft:{scene.draft.id}"
    anew = why_anew(row, scene.reading) is not None
    try:
        shown = await consent_shown(visit, form) if anew else None
        answer = await change_wish(
            visit.services,
            row,
            change_of(scene.reading, consented=anew),
            row.criteria_version,
            key,
            shown=shown,
        )
        await answered(visit.services, Caller(visit.user_id), row.id, answer, "edit")
    except ApiProblem as refusal:
        found = Problems.of(refusal, NAMES)
        return await show_step(visit, scene, Step.CHECK, problems=found, status=refusal.status)
    await forget(visit, scene.draft)
    return redirect(
        f"/auto-booking/wishes/{row.id}", say="The wish is changed. We look for it as it is now."
    )


def _wish(scene: Scene) -> CampaignRow:
    assert scene.draft.campaign is not None  # a change is of a wish
    return scene.draft.campaign
