"""Trips that are kept in mind: looked at, turned into a wish that books itself, or forgotten."""

from uuid import UUID, uuid4

from fastapi import APIRouter
from fastapi.responses import HTMLResponse
from starlette.responses import Response

from api.errors import conflict, not_found
from api.web.forms import FormDep, Problems
from api.web.pages import redirect, render
from api.web.views import wizard as views
from api.web.visits import SignedInDep, Visit
from api.web.wizard_answers import Step, typed_of
from api.web.wizard_desk import NEW, Draft, closed, draft_id_for, keep
from api.web.wizard_pages import map_of, scene_of
from db.models.campaign import CampaignRow
from db.models.trip_request import TripRequestRow
from db.queries.drafts import campaigns_of_request, delete_trip_request, get_trip_request

router = APIRouter(
    prefix="/auto-booking/trips/{trip_request_id}", tags=["pages"], include_in_schema=False
)


@router.get("")
async def show_trip(trip_request_id: UUID, visit: SignedInDep) -> HTMLResponse:
    """Show a trip, and the way to have it booked."""
    row, made = await _trip(visit, trip_request_id)
    return await _show(visit, row, made)


@router.post("/auto-booking")
async def submit_auto_booking(trip_request_id: UUID, visit: SignedInDep, form: FormDep) -> Response:
    """Begin a wish with the trip and the budget given; it is checked and consented to next."""
    row, made = await _trip(visit, trip_request_id)
    if await closed(visit):
        raise conflict("closed", "No new wishes are taken at the moment. Your trip is kept.")
    budget = form.text("currentBudget")
    draft = _draft(visit, row, form.text("key") or str(uuid4()), budget, form.text("currency"))
    scene = await scene_of(visit, draft)
    wrong = scene.reading.problems.fields.get("budget")
    if wrong:
        problems = Problems(fields={"currentBudget": wrong})
        return await _show(visit, row, made, problems, budget)
    draft = await keep(visit, draft, Step.CHECK)
    asked = next((one for one in Step if scene.problems(one)), Step.CHECK)
    return redirect(draft.at(asked))


@router.post("/forget")
async def submit_forget(trip_request_id: UUID, visit: SignedInDep, form: FormDep) -> Response:
    """Forget a trip that nothing was made of."""
    del form
    await _trip(visit, trip_request_id)
    async with visit.transaction() as session:
        if not await delete_trip_request(session, trip_request_id):
            raise conflict("in_use", "A wish was made of this trip; it stays with that.")
    return redirect(NEW, say="The trip is forgotten.")


async def _show(
    visit: Visit,
    row: TripRequestRow,
    made: list[CampaignRow],
    problems: Problems | None = None,
    budget: str | None = None,
) -> HTMLResponse:
    draft = _draft(visit, row, str(row.id), row.wish.budget.amount(), row.wish.budget.currency)
    scene = await scene_of(visit, draft)
    people = [(one.id, one.label, one.details) for one in scene.people]
    shown = views.sections(scene.reading, people, "")
    return render(
        visit,
        "trips/detail.html",
        status=422 if problems else 200,
        nav="wishes",
        row=row,
        made=made,
        sections=[one for one in shown if one.step is not Step.BUDGET],
        drawn=map_of(scene.reading),
        budget=budget if budget is not None else row.wish.budget.amount(),
        problems=problems,
        closed=await closed(visit),
        key=str(uuid4()),
    )


async def _trip(visit: Visit, request_id: UUID) -> tuple[TripRequestRow, list[CampaignRow]]:
    async with visit.transaction() as session:
        row = await get_trip_request(session, request_id)
        if row is None or row.user_id != visit.user_id:
            raise not_found("trip")
        return row, await campaigns_of_request(session, request_id)


def _draft(visit: Visit, row: TripRequestRow, key: str, budget: str, currency: str) -> Draft:
    answers = typed_of(
        row.wish,
        traveler_ids=[str(one) for one in row.traveler_ids],
        name=[row.name],
        mode=["auto"],
        budget=[budget],
        currency=[currency],
    )
    return Draft(draft_id_for(visit, key), answers, trip_request_id=row.id)
