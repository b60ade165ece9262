"""The wizard's pages as they are shown, for a new wish and for a change of one alike."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from fastapi.responses import HTMLResponse

from api.errors import ApiProblem
from api.web.forms import Problems
from api.web.pages import render
from api.web.step_up import is_stepped_up
from api.web.views import wizard as views
from api.web.visits import Visit, back_to
from api.web.wizard_answers import FIELDS, NAMES, Reading, Step
from api.web.wizard_consent import Consenting, consent_to_show
from api.web.wizard_desk import (
    Draft,
    Person,
    cards_of,
    closed,
    last_flight,
    party_for,
    party_problem,
    past_of,
    people_of,
    understand,
)
from db.models.payment_method import PaymentMethodRow
from domain.errors import FieldProblem
from domain.place_map import place_map
from domain.wishes import warnings


@dataclass(frozen=True)
class Scene:
    """A draft, what it means, and everybody and everything that it names."""

    draft: Draft
    reading: Reading
    people: Sequence[Person]
    cards: Sequence[PaymentMethodRow]

    def problems(self, step: Step) -> Problems:
        return self.reading.of_step(step)


async def scene_of(visit: Visit, draft: Draft) -> Scene:
    """Read a draft, with its problems of every kind."""
    reading = understand(visit, draft)
    people, cards = await people_of(visit), await cards_of(visit)
    known = {one.id for one in people}
    reading.traveler_ids = [one for one in reading.traveler_ids if one in known]
    if draft.answers.all("traveler_ids") and not reading.traveler_ids:
        reading.problems.add("traveler_ids", "Choose who travels.")
    found = party_problem(reading, list(people))
    if isinstance(found, FieldProblem):
        reading.problems.take([found], NAMES)
    if reading.payment_method_id not in {None, *(card.id for card in cards)}:
        reading.payment_method_id = None
    if not cards and reading.mode.books:
        reading.problems.add("payment_method_id", "Add a card; it is charged only by a booking.")
    return Scene(draft, reading, people, cards)


async def show_step(
    visit: Visit,
    scene: Scene,
    step: Step,
    *,
    problems: Problems | None = None,
    then: str = "",
    status: int = 200,
) -> HTMLResponse:
    """Render one step with what was typed; `problems` where it was sent and did not hold."""
    reading, today = scene.reading, visit.now.date()
    people = [(one.id, one.label, one.details) for one in scene.people]
    card = card_named(scene)
    values: dict[str, Any] = {
        "nav": "wishes",
        "draft": scene.draft,
        "step": step,
        "title": views.TITLES[step],
        "steps": views.steps_view(step, scene.draft.step),
        "order": FIELDS[step],
        "reading": reading,
        "answers": reading.answers,
        "problems": problems,
        "then": then,
        "today": today,
        "views": views,
        "currencies": visit.currencies,
        "closed": await closed(visit),
    }
    match step:
        case Step.ROUTE:
            values |= {
                "origins": views.chips(reading.answers.all("origins")),
                "destinations": views.chips(reading.answers.all("destinations")),
                "drawn": map_of(reading),
                "opens": _opens(visit, reading),
            }
        case Step.WHO:
            values["people"] = views.people_choices(people, reading, today)
            values["last_flight"] = last_flight(reading.criteria) if reading.criteria else None
        case Step.BUDGET:
            values |= {
                "cards": views.card_choices(scene.cards, reading, today),
                "past": await past_of(visit, reading, list(scene.people)),
                "includes": _includes(scene),
            }
        case Step.CHECK:
            values["problems"] = problems = problems or Problems()
            values |= {
                "sections": views.sections(reading, people, card),
                "drawn": map_of(reading),
                "past": await past_of(visit, reading, list(scene.people)),
                "includes": _includes(scene),
                "maximum": views.maximum_of(reading),
                "warnings": _warnings(visit, scene),
                "stepped_up": is_stepped_up(visit),
                "step_up_path": back_to("/step-up", scene.draft.at(Step.CHECK)),
                "consenting": await _consenting(visit, scene, card, problems),
            }
    changes = scene.draft.campaign is not None and step is Step.CHECK
    if changes:
        values["title"] = "Change this wish"
    template = "wizard/change.html" if changes else f"wizard/{step}.html"
    return render(visit, template, status=status, **values)


def map_of(reading: Reading) -> object:
    answers = reading.answers
    return place_map(
        [chip.code for chip in views.chips(answers.all("origins"))],
        [chip.code for chip in views.chips(answers.all("destinations"))],
    )


async def _consenting(
    visit: Visit, scene: Scene, card: str, problems: Problems
) -> Consenting | None:
    """Return what is agreed to, once everything else holds; else note what is in the way."""
    if scene.problems(Step.CHECK) or not visit.me.email_confirmed:
        return None
    try:
        return await consent_to_show(visit, scene.draft, scene.reading, card)
    except ApiProblem as refusal:
        problems.take(refusal.errors, NAMES)
        if not refusal.errors:
            problems.general.append(refusal.detail)
        return None


def card_named(scene: Scene) -> str:
    """Name the card that would be charged."""
    wanted = scene.reading.payment_method_id
    for card in scene.cards:
        if card.id == wanted if wanted else card.is_default:
            return views.card_words(card)
    return "none yet"


def _includes(scene: Scene) -> tuple[str, ...]:
    wish = scene.reading.criteria
    return views.includes(wish, party_for(scene.reading, list(scene.people))) if wish else ()


def _opens(visit: Visit, reading: Reading) -> list[str]:
    """Say that the dates are not on sale yet, as soon as they are given."""
    if reading.criteria is None:
        return []
    horizon = visit.services.settings.policy.horizon_days
    found = warnings(reading.criteria, today=visit.now.date(), horizon_days=horizon)
    return views.warnings_view(found)


def _warnings(visit: Visit, scene: Scene) -> list[str]:
    """Return what is true and not in the way: asleep, a card or a passport that runs out."""
    wish = scene.reading.criteria
    if wish is None:
        return []
    chosen = set(scene.reading.traveler_ids)
    passports = [
        document.expires_on
        for one in scene.people
        if one.id in chosen
        for document in one.details.documents
        if document.kind == "passport" and document.expires_on
    ]
    found = warnings(
        wish,
        today=visit.now.date(),
        horizon_days=visit.services.settings.policy.horizon_days,
        card_expires_on=_card_ends(scene),
        passports_expire_on=tuple(passports),
    )
    return views.warnings_view(found)


def _card_ends(scene: Scene) -> date | None:
    wanted: UUID | None = scene.reading.payment_method_id
    for card in scene.cards:
        if card.id == wanted if wanted else card.is_default:
            return views.card_ends(card)
    return None
