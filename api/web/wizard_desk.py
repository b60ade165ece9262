"""The wizard's drafts, and what its pages need to know of people, cards and the past."""

from dataclasses import dataclass, replace
from datetime import date, timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from api.errors import not_found
from api.web.visits import Visit
from api.web.wizard_answers import NAMES, ORDER, Answers, Reading, Step, read, typed_of
from api.wishes import house_weights, possible
from db.models.campaign import CampaignRow
from db.models.campaign_draft import CampaignDraftRow
from db.models.payment_method import PaymentMethodRow
from db.queries.campaigns import get_campaign
from db.queries.drafts import (
    delete_draft,
    draft_answers,
    get_draft,
    get_trip_request,
    save_draft,
)
from db.queries.market_history import seen_for
from db.queries.payment_methods import list_payment_methods
from db.queries.switches import booking_stopped
from db.queries.travelers import list_travelers
from domain.backtest import Backtest, backtest
from domain.criteria import Criteria
from domain.errors import FieldProblem
from domain.ids import CampaignId, TravelerId, campaign_id_for, derive
from domain.offers import Party
from domain.samples import sample_wish
from domain.travelers import TravelerDetails, party_of

NEW = "/auto-booking/new"


@dataclass(frozen=True)
class Draft:
    """A wish in the making, or a change of one. `path` is where its steps are."""

    id: UUID
    answers: Answers
    step: Step = Step.ROUTE
    campaign: CampaignRow | None = None
    version: int | None = None
    trip_request_id: UUID | None = None

    @property
    def path(self) -> str:
        if self.campaign is not None:
            return f"/auto-booking/wishes/{self.campaign.id}/edit"
        return f"{NEW}/{self.id}"

    @property
    def key(self) -> str:
        """The idempotency key of the order: one draft makes one wish, however often it is sent."""
        return f"draft:{self.id}"

    def at(self, step: Step) -> str:
        # A change has its answers to check at its own address.
        if self.campaign is not None and step is Step.CHECK:
            return self.path
        return f"{self.path}/{step}"


@dataclass(frozen=True)
class Person:
    """Somebody who may travel, as the wizard shows them."""

    id: UUID
    label: str
    details: TravelerDetails


def draft_id_for(visit: Visit, key: str) -> UUID:
    """Return the draft that a form's key makes: the same one however often it is sent."""
    return derive("draft", visit.user_id, key)


async def load_draft(visit: Visit, draft_id: UUID) -> Draft:
    """Return one of the visitor's drafts of new wishes.

    Raises:
        ApiProblem: there is none, or it has run out.
    """
    async with visit.transaction() as session:
        row = await get_draft(session, draft_id, visit.now)
    if row is None or row.campaign_id is not None:
        raise not_found("draft")
    return _draft_of(row)


async def wish_of_draft(visit: Visit, draft_id: UUID) -> CampaignRow | None:
    """Return the wish that this draft has become."""
    async with visit.transaction() as session:
        return await get_campaign(
            session, campaign_id_for(visit.user_id, Draft(draft_id, Answers()).key)
        )


async def draft_of_change(visit: Visit, campaign: CampaignRow) -> Draft:
    """Return the change of a wish that was begun, else one that begins with the wish itself."""
    version = campaign.criteria_version
    draft_id = derive("draft-of-change", visit.user_id, campaign.id, version)
    async with visit.transaction() as session:
        row = await get_draft(session, draft_id, visit.now)
    if row is not None:
        return replace(_draft_of(row), campaign=campaign)
    return Draft(draft_id, answers_of(campaign), Step.CHECK, campaign, version)


def answers_of(campaign: CampaignRow) -> Answers:
    card = campaign.payment_method_id
    return typed_of(
        campaign.wish,
        traveler_ids=[str(one) for one in campaign.traveler_ids],
        mode=[campaign.mode.value],
        payment_method_id=[str(card)] if card else [],
        name=[campaign.name],
    )


async def seeded(visit: Visit, query: str) -> tuple[Answers, UUID | None]:
    """Return the answers to begin with: of an earlier wish, a saved trip or a sample.

    `query` is `like:{campaign}`, `trip:{trip request}` or `sample:{name}`; what is none of the
    visitor's begins empty.
    """
    kind, _, name = query.partition(":")
    if kind == "sample":
        criteria = sample_wish(name, visit.now.date())
        return (typed_of(criteria), None) if criteria else (Answers(), None)
    try:
        wanted = UUID(name)
    except ValueError:
        return Answers(), None
    async with visit.transaction() as session:
        if kind == "like":
            row = await get_campaign(session, wanted)
            return (answers_of(row).but(name=[]), None) if row else (Answers(), None)
        trip = await get_trip_request(session, wanted) if kind == "trip" else None
    if trip is None:
        return Answers(), None
    people = [str(one) for one in trip.traveler_ids]
    return typed_of(trip.wish, traveler_ids=people, name=[trip.name]), trip.id


async def keep(visit: Visit, draft: Draft, step: Step) -> Draft:
    """Save a draft as it is now; it remembers the furthest step that was come to."""
    furthest = max(step, draft.step, key=ORDER.index)
    row = CampaignDraftRow(
        id=draft.id,
        user_id=visit.user_id,
        campaign_id=draft.campaign.id if draft.campaign else None,
        criteria_version=draft.version,
        trip_request_id=draft.trip_request_id,
        answers=draft.answers.stored(),
        step=furthest.value,
        created_at=visit.now,
        updated_at=visit.now,
        expires_at=visit.now,
    )
    async with visit.transaction() as session:
        await save_draft(session, row)
    return replace(draft, step=furthest)


async def forget(visit: Visit, draft: Draft) -> None:
    async with visit.transaction() as session:
        await delete_draft(session, draft.id)


def understand(visit: Visit, draft: Draft) -> Reading:
    """Read the answers and hold what they say against the rules."""
    # A change keeps the weights that the wish was made with.
    weights = draft.campaign.wish.weights if draft.campaign else house_weights(visit.services)
    reading = read(draft.answers, currencies=visit.currencies, weights=weights)
    if reading.criteria is not None:
        expires_on = draft.campaign.expires_at.date() if draft.campaign else None
        found = possible(reading.criteria, visit.services, visit.now, expires_on=expires_on)
        given = [p for p in found if reading.budget_given or p.field != "criteria.budget"]
        reading.problems.take(given, NAMES)
    return reading


async def people_of(visit: Visit) -> list[Person]:
    async with visit.transaction() as session:
        return [
            Person(row.id, row.label, await _opened(session, visit, row.id))
            for row in await list_travelers(session, visit.user_id)
        ]


async def cards_of(visit: Visit) -> list[PaymentMethodRow]:
    async with visit.transaction() as session:
        return await list_payment_methods(session, visit.user_id)


async def closed(visit: Visit) -> bool:
    """Say whether no new wishes are taken: an operator has stopped booking."""
    async with visit.transaction() as session:
        return await booking_stopped(session)


async def past_of(visit: Visit, reading: Reading, people: list[Person]) -> Backtest | None:
    """Say what would have come of the wish; None while it is not known what is wished for."""
    in_the_way = reading.problems.fields.keys() - {"traveler_ids", "payment_method_id"}
    if reading.criteria is None or not reading.budget_given or in_the_way:
        return None
    party = party_for(reading, people) or Party(adults=max(1, len(reading.traveler_ids)))
    async with visit.transaction() as session:
        seen = await seen_for(session, reading.criteria, visit.now)
    return backtest(reading.criteria, seen, party=party, now=visit.now)


def party_for(reading: Reading, people: list[Person]) -> Party | None:
    """Count those chosen by kind of fare on the day of the last flight."""
    found = party_problem(reading, people)
    return found if isinstance(found, Party) else None


def party_problem(reading: Reading, people: list[Person]) -> Party | FieldProblem | None:
    chosen = [one.details.born_on for one in people if one.id in set(reading.traveler_ids)]
    if not chosen or reading.criteria is None:
        return None
    return party_of(chosen, last_flight(reading.criteria))


def last_flight(criteria: Criteria) -> date:
    return criteria.departure_until + timedelta(days=criteria.nights_max or 0)


def _draft_of(row: CampaignDraftRow) -> Draft:
    step = Step(row.step) if row.step in set(Step) else Step.ROUTE
    return Draft(
        id=row.id,
        answers=Answers(draft_answers(row)),
        step=step,
        version=row.criteria_version,
        trip_request_id=row.trip_request_id,
    )


async def _opened(session: AsyncSession, visit: Visit, traveler_id: UUID) -> TravelerDetails:
    return await visit.services.vault.open_traveler(session, TravelerId(traveler_id))


async def own_wish(visit: Visit, campaign_id: UUID) -> CampaignRow:
    """Return one of the visitor's wishes.

    Raises:
        ApiProblem: there is none such.
    """
    async with visit.transaction() as session:
        row = await get_campaign(session, CampaignId(campaign_id))
    if row is None or row.user_id != visit.user_id:
        raise not_found("wish")
    return row
