"""The first page: what this is, for a stranger; what to do first, for somebody new."""

from dataclasses import replace
from uuid import uuid4

from fastapi import APIRouter
from starlette.responses import Response

from api.errors import not_found
from api.web.dashboard import PATH as DASHBOARD
from api.web.forms import FormDep
from api.web.pages import redirect, render
from api.web.views.first_steps import Known, example_of, samples_of, tasks_of
from api.web.visits import SignedInDep, Visit, VisitDep
from api.web.wizard_answers import Step, typed_of
from api.web.wizard_desk import Draft, cards_of, draft_id_for, keep, people_of
from db.queries.campaigns import list_campaigns
from db.queries.factors import factors_of
from db.queries.payment_methods import list_payment_methods
from db.queries.travelers import list_travelers
from db.queries.users import anybody_here
from db.session import SystemActor
from domain.samples import sample_wish
from runtime.settings import ProviderMode

router = APIRouter(tags=["pages"], include_in_schema=False)
SAMPLES = "/auto-booking/samples/{name}"
_ACTOR = SystemActor("first page")
_WHAT = {
    "duffel": ("Flights", "come from a stand-in for Duffel; nobody flies."),
    "stripe": ("Cards", "are charged at a stand-in for Stripe; no real money moves."),
    "smtp": ("Mail", "stays in a mailbox on this machine."),
}


@router.get("/")
async def show_start(visit: VisitDep) -> Response:
    """Lead people with wishes to them; tell all others what to do first."""
    if visit.visitor is None:
        async with visit.services.database.transaction(_ACTOR) as session:
            first = not await anybody_here(session)
        return render(
            visit,
            "home/landing.html",
            first=first,
            simulated=simulated(visit),
            example=example_of(visit.now.date()),
        )
    known = await known_of(visit)
    if known.wishes:
        return redirect(DASHBOARD)
    return render(
        visit,
        "home/first_run.html",
        nav="wishes",
        tasks=tasks_of(known),
        samples=_samples(visit),
        simulated=simulated(visit),
        key=str(uuid4()),
    )


@router.post(SAMPLES)
async def submit_sample(name: str, visit: SignedInDep, form: FormDep) -> Response:
    """Write a sample wish down for the visitor; they still check it and consent."""
    criteria = sample_wish(name, visit.now.date())
    if criteria is None or not _samples(visit):
        raise not_found("sample")
    people, cards = await people_of(visit), await cards_of(visit)
    answers = typed_of(
        criteria,
        traveler_ids=[str(one.id) for one in people[:1]],
        mode=["auto"],
        name=[f"Sample: {name}"],
    )
    draft = Draft(draft_id_for(visit, form.text("key") or str(uuid4())), answers)
    draft = await keep(visit, replace(draft, step=Step.CHECK), Step.CHECK)
    missing = Step.WHO if not people else Step.BUDGET if not cards else Step.CHECK
    return redirect(draft.at(missing))


async def known_of(visit: Visit) -> Known:
    """Return how far the visitor's account has come."""
    async with visit.transaction() as session:
        return Known(
            confirmed=visit.me.email_confirmed,
            second_factor=(await factors_of(session, visit.user_id)).any,
            travellers=len(await list_travelers(session, visit.user_id)),
            cards=len(await list_payment_methods(session, visit.user_id)),
            wishes=len((await list_campaigns(session, visit.user_id, limit=1)).rows),
        )


def simulated(visit: Visit) -> list[tuple[str, str]]:
    """Say of each provider that is a sandbox what that means."""
    settings = visit.services.settings
    return [
        words
        for name, words in _WHAT.items()
        if settings.provider_mode(name) is ProviderMode.SANDBOX  # type: ignore[arg-type]
    ]


def _samples(visit: Visit) -> object:
    """Samples are for where nothing is real."""
    settings = visit.services.settings
    if settings.provider_mode("duffel") is not ProviderMode.SANDBOX:
        return ()
    return samples_of(visit.now.date(), settings.policy.seller_currencies)
