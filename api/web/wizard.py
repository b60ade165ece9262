"""Making a wish step by step: each is checked by itself, kept, and can be gone back to."""

from dataclasses import replace
from typing import Annotated
from uuid import UUID, uuid4

from fastapi import APIRouter, Query
from fastapi.responses import HTMLResponse
from starlette.responses import Response

from api.errors import ApiProblem, not_found
from api.web.forms import Form, FormDep, Problems
from api.web.pages import redirect, render, render_part
from api.web.step_up import require_step_up
from api.web.views import wizard as views
from api.web.visits import Elsewhere, SignedInDep, Visit, back_to
from api.web.wizard_answers import FIELDS, NAMES, ORDER, Step
from api.web.wizard_consent import consent_shown, creation_of
from api.web.wizard_desk import (
    NEW,
    Draft,
    closed,
    draft_id_for,
    forget,
    keep,
    load_draft,
    past_of,
    seeded,
    understand,
    wish_of_draft,
)
from api.web.wizard_pages import Scene, scene_of, show_step
from api.wish_making import make_wish
from db.queries.drafts import add_trip_request, list_drafts, list_trip_requests
from domain.errors import UnknownPlace
from domain.place_map import place_map

router = APIRouter(prefix=NEW, tags=["pages"], include_in_schema=False)
WISHES = "/auto-booking/wishes"
DASHBOARD = "/auto-booking/dashboard"
Then = Annotated[str, Query(pattern="^check$|^$")]


@router.get("")
async def show_start(
    visit: SignedInDep, seed: Annotated[str, Query(max_length=60)] = ""
) -> HTMLResponse:
    """Begin with where and when, or go on with what was begun before."""
    answers, trip = await seeded(visit, seed)
    draft = Draft(uuid4(), answers, trip_request_id=trip)
    return await _begin(visit, draft, seed=seed, key=str(draft.id))


@router.post("")
async def submit_start(visit: SignedInDep, form: FormDep) -> Response:
    """Take the first step in; the same form sent twice makes one draft."""
    draft_id, seed = draft_id_for(visit, form.text("key")), form.text("seed")
    try:
        draft = await load_draft(visit, draft_id)
    except ApiProblem:
        answers, trip = await seeded(visit, seed)
        draft = Draft(draft_id, answers, trip_request_id=trip)
    return await _take(visit, draft, Step.ROUTE, form)


@router.get("/map")
async def show_map(
    visit: SignedInDep,
    origins: Annotated[list[str], Query(max_length=5)] = [],  # noqa: B006 - read only
    destinations: Annotated[list[str], Query(max_length=5)] = [],  # noqa: B006 - read only
) -> HTMLResponse:
    """Draw the chosen places, for a page that has just been changed."""
    try:
        drawn = place_map(origins, destinations)
    except UnknownPlace:
        raise not_found("place") from None
    return HTMLResponse(render_part(visit, "wizard/_map.html", drawn=drawn))


@router.get("/{draft_id}")
async def show_draft(draft_id: UUID, visit: SignedInDep) -> Response:
    """Go on where it was left."""
    draft = await _draft(visit, draft_id)
    return draft if isinstance(draft, Response) else redirect(draft.at(draft.step))


@router.post("/{draft_id}/discard")
async def submit_discard(draft_id: UUID, visit: SignedInDep, form: FormDep) -> Response:
    """Throw a draft away."""
    del form
    await forget(visit, await load_draft(visit, draft_id))
    return redirect(NEW, say="The draft is thrown away.")


@router.post("/{draft_id}/past")
async def submit_past(draft_id: UUID, visit: SignedInDep, form: FormDep) -> HTMLResponse:
    """Say what the past tells of the budget that is being typed; nothing is kept."""
    draft = await load_draft(visit, draft_id)
    answers = draft.answers.typed(Step.BUDGET, form)
    scene = await scene_of(visit, replace(draft, answers=answers))
    past = await past_of(visit, scene.reading, list(scene.people))
    return HTMLResponse(render_part(visit, "wizard/_past.html", past=past))


@router.get("/{draft_id}/{step}")
async def show(draft_id: UUID, step: Step, visit: SignedInDep, then: Then = "") -> Response:
    """Show one step with what was typed before."""
    draft = await _draft(visit, draft_id)
    if isinstance(draft, Response):
        return draft
    scene = await scene_of(visit, draft)
    problems = scene.problems(step) if step is Step.CHECK else None
    return await show_step(visit, scene, step, problems=problems, then=then)


@router.post("/{draft_id}/check")
async def submit_order(draft_id: UUID, visit: SignedInDep, form: FormDep) -> Response:
    """Order what was checked, or keep it in mind."""
    draft = await _draft(visit, draft_id)
    if isinstance(draft, Response):
        return draft
    if form.text("go") != "order":
        return await _take(visit, draft, Step.CHECK, form)
    named = draft.answers.but(name=form.all("name")[:1])
    draft = await keep(visit, replace(draft, answers=named), Step.CHECK)
    if not visit.me.email_confirmed:
        raise Elsewhere(back_to("/account/confirm", draft.at(Step.CHECK)))
    if understand(visit, draft).mode.books:
        require_step_up(visit, draft.at(Step.CHECK))
    return await _order(visit, draft, form)


@router.post("/{draft_id}/{step}")
async def submit(draft_id: UUID, step: Step, visit: SignedInDep, form: FormDep) -> Response:
    """Keep what was typed, and go where the button says."""
    draft = await _draft(visit, draft_id)
    return draft if isinstance(draft, Response) else await _take(visit, draft, step, form)


async def _begin(visit: Visit, draft: Draft, *, seed: str, key: str) -> HTMLResponse:
    scene = await scene_of(visit, draft)
    async with visit.transaction() as session:
        drafts = await list_drafts(session, visit.user_id, visit.now)
        trips = await list_trip_requests(session, visit.user_id, limit=10)
    return render(
        visit,
        "wizard/start.html",
        nav="wishes",
        draft=draft,
        step=Step.ROUTE,
        title=views.TITLES[Step.ROUTE],
        steps=views.steps_view(Step.ROUTE, Step.ROUTE),
        order=FIELDS[Step.ROUTE],
        views=views,
        reading=scene.reading,
        answers=scene.reading.answers,
        origins=views.chips(scene.reading.answers.all("origins")),
        destinations=views.chips(scene.reading.answers.all("destinations")),
        drawn=None,
        opens=[],
        problems=None,
        then="",
        today=visit.now.date(),
        closed=await closed(visit),
        drafts=[views.draft_card(row) for row in drafts],
        trips=trips.rows,
        seed=seed,
        key=key,
    )


async def _draft(visit: Visit, draft_id: UUID) -> Draft | Response:
    """Return the draft; where it has become a wish, lead there."""
    try:
        return await load_draft(visit, draft_id)
    except ApiProblem:
        wish = await wish_of_draft(visit, draft_id)
        if wish is None:
            raise
        return redirect(f"{WISHES}/{wish.id}", say="This wish is made already, once.")


async def _take(visit: Visit, draft: Draft, step: Step, form: Form) -> Response:
    """Keep a step's answers; go back, on, or say what is wrong with them."""
    typed = replace(draft, answers=draft.answers.typed(step, form))
    scene = await scene_of(visit, typed)
    problems, go = scene.problems(step), form.text("go")
    # Going on is what makes the next step the furthest one.
    onward = following(step) if go not in {"back", "save", "look", "keep"} else step
    kept = replace(typed, answers=scene.reading.answers)
    draft = await keep(visit, kept, step if problems else onward)
    scene = replace(scene, draft=draft)
    match go:
        case "back":
            return redirect(draft.at(preceding(step)))
        case "save":
            return redirect(DASHBOARD, say="Your draft is kept for 30 days.")
        case "keep":
            return await _keep_in_mind(visit, scene)
        case "look":
            return await show_step(
                visit, scene, step, problems=unclear(problems), then=form.text("then")
            )
    if problems:
        then = form.text("then")
        return await show_step(visit, scene, step, problems=problems, then=then, status=422)
    return redirect(draft.at(Step.CHECK if form.text("then") == "check" else onward))


async def _order(visit: Visit, draft: Draft, form: Form) -> Response:
    scene = await scene_of(visit, draft)
    problems = scene.problems(Step.CHECK)
    books = scene.reading.mode.books
    if await closed(visit):
        problems.general.append("No new wishes are taken at the moment. Your draft is kept.")
    if books and not form.flag("consent"):
        problems.add("consent", "Tick the box if you agree. Without that nothing is booked.")
    if problems:
        return await show_step(visit, scene, Step.CHECK, problems=problems, status=422)
    try:
        shown = await consent_shown(visit, form) if books else None
        body = creation_of(draft, scene.reading)
        made = await make_wish(visit.services, visit.user_id, body, draft.key, shown=shown)
    except ApiProblem as refusal:
        found = Problems.of(refusal, NAMES)
        return await show_step(visit, scene, Step.CHECK, problems=found, status=refusal.status)
    await forget(visit, draft)
    return redirect(
        f"{WISHES}/{made.row.id}",
        say="Your wish is made. This page shows what becomes of it.",
    )


async def _keep_in_mind(visit: Visit, scene: Scene) -> Response:
    """Make a saved trip of the draft: nothing is watched or booked for it."""
    wish = scene.reading.criteria
    problems = Problems(
        fields={
            name: sentence
            for name, sentence in scene.reading.problems.fields.items()
            if name not in {"traveler_ids", "payment_method_id"}
        }
    )
    if wish is None or problems:
        return await show_step(visit, scene, Step.CHECK, problems=problems, status=422)
    row = views.trip_request_of(visit.user_id, scene.draft.id, scene.reading, wish, visit.now)
    async with visit.transaction() as session:
        await add_trip_request(session, row)
    await forget(visit, scene.draft)
    return redirect(
        f"/auto-booking/trips/{row.id}",
        say="We keep this trip in mind.",
    )


def unclear(problems: Problems) -> Problems | None:
    """Return what is wrong with what was looked up; what is still missing is not wrong yet."""
    asked = {"origins_text", "destinations_text"} & problems.fields.keys()
    found = {name: problems.fields[name] for name in asked if "“" in problems.fields[name]}
    return Problems(fields=found) if found else None


def following(step: Step) -> Step:
    return ORDER[min(ORDER.index(step) + 1, len(ORDER) - 1)]


def preceding(step: Step) -> Step:
    return ORDER[max(ORDER.index(step) - 1, 0)]
