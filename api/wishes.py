"""From a request to a wish that can be watched: everything that is checked before it starts."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from pydantic import ValidationError
from sqlalchemy.ext.asyncio import AsyncSession

from api.errors import field_problem, refused
from api.rest.schemas.campaigns import ConsentBody
from api.services import Services
from db.models.payment_method import PaymentMethodRow, PaymentMethodStatus
from db.models.traveler import TravelerRow
from db.own_words import OwnedWords
from db.queries.payment_methods import list_payment_methods
from domain.criteria import Criteria, ScoreWeights
from domain.errors import FieldProblem, UnknownPlace
from domain.ids import TravelerId, UserId
from domain.mandates import CURRENT_CONSENT, CURRENT_CONSENTS
from domain.money import Money
from domain.offers import Party
from domain.places import place, time_zone
from domain.travelers import (
    TravelerDetails,
    add_months,
    check_traveler,
    document_warning,
    party_of,
)
from domain.wishes import check_criteria, last_bookable, opens_on, warnings


@dataclass(frozen=True)
class Checked:
    """A wish that holds, with what follows from it."""

    criteria: Criteria
    party: Party
    traveler_ids: tuple[TravelerId, ...]
    expires_at: datetime
    ends_at: datetime
    opens_at: datetime | None
    warnings: tuple[str, ...]


async def check_wish(
    session: AsyncSession,
    services: Services,
    *,
    owner: UserId,
    criteria: Criteria,
    traveler_ids: list[UUID],
    payment_method_id: UUID | None,
    expires_at: datetime,
    now: datetime,
    books: bool = True,
) -> Checked:
    """Check every field; refuse with all that is wrong at once. Only what `books` needs a card."""
    policy = services.settings.policy
    problems = list(possible(criteria, services, now, expires_on=expires_at.date()))
    people, missing = await _people(session, services, traveler_ids, now.date())
    problems += missing
    card = await _card(session, owner, payment_method_id, now.date())
    party: Party | None = None
    if isinstance(card, FieldProblem):
        problems += [card] if books or payment_method_id else []
    if not missing:
        counted = party_of([one.born_on for one in people], _last_flight(criteria))
        if isinstance(counted, FieldProblem):
            problems.append(counted)
        else:
            party = counted
    if problems or party is None:
        raise refused(problems)
    return Checked(
        criteria=criteria,
        party=party,
        traveler_ids=tuple(TravelerId(one) for one in traveler_ids),
        expires_at=expires_at,
        ends_at=min(expires_at, _last_moment(criteria, policy.minimum_notice_days)),
        opens_at=_opening(criteria, policy.horizon_days, now),
        warnings=_warnings(
            criteria,
            people,
            None if isinstance(card, FieldProblem) else card,
            policy.horizon_days,
            now.date(),
        ),
    )


def possible(
    criteria: Criteria, services: Services, now: datetime, *, expires_on: date | None = None
) -> tuple[FieldProblem, ...]:
    """Return what about the wish can never come true, whoever travels and whatever pays."""
    policy = services.settings.policy
    found = check_criteria(
        criteria,
        today=now.date(),
        expires_on=expires_on or expiry(now, policy.campaign_months).date(),
        seller_currencies=frozenset(policy.seller_currencies),
        horizon_days=policy.horizon_days,
        minimum_notice_days=policy.minimum_notice_days,
    )
    return tuple(_under(problem, "criteria") for problem in found)


def expiry(now: datetime, months: int) -> datetime:
    """Return when a campaign made now gives up."""
    return datetime.combine(add_months(now.date(), months), now.timetz())


def cap_of(body: ConsentBody, budget: Money) -> Money:
    """Return what a consent allows; refuse one to other words, or to less than the budget."""
    problems = []
    cap = body.cap.money() if body.cap else budget
    if body.text_version not in CURRENT_CONSENTS:
        problems.append(
            FieldProblem(
                field="consent.text_version",
                reason="it is not the version of the text that holds now",
                remedy=f"Show the text of version {CURRENT_CONSENT} and send that version.",
            )
        )
    if cap.currency != budget.currency:
        problems.append(
            FieldProblem(
                field="consent.cap.currency",
                reason=f"the budget is in {budget.currency}",
                remedy="Use one currency for both.",
            )
        )
    elif cap < budget:
        problems.append(
            FieldProblem(
                field="consent.cap",
                reason=f"you allow charges up to {cap}, but the budget is {budget}",
                remedy="Raise the cap or lower the budget.",
            )
        )
    if problems:
        raise refused(problems)
    return cap


def own_name(services: Services, owner: UserId, name: str, *, now: str | None = None) -> str:
    """Seal somebody's own words for a wish: they travel through Temporal as the tables hold them.

    Words that stand `now` keep their sealed text, so that the same wish again is the same.
    """
    if isinstance(now, OwnedWords) and now == name and now.token:
        return now.token
    return services.vault.words().seal(owner, owner, "autobooking_campaigns.name", name)


def house_weights(services: Services) -> ScoreWeights:
    """Return how offers are compared where a wish does not say."""
    policy = services.settings.policy
    return ScoreWeights(
        price=policy.weight_price,
        stops=policy.weight_stops,
        duration=policy.weight_duration,
        airline=policy.weight_airline,
        times=policy.weight_times,
    )


def default_name(criteria: Criteria) -> str:
    """Name a wish by its route."""

    def city(code: str) -> str:
        try:
            return place(code).city
        except UnknownPlace:
            return code

    start, goal = (" or ".join(city(code) for code in codes) for codes in _ends(criteria))
    return f"{start} to {goal}"[:255]


def validation_problems(error: ValidationError, under: str) -> list[FieldProblem]:
    """Turn a model's complaints into ours, without echoing what was sent."""
    return [
        field_problem({**item, "loc": (under, *item["loc"])})
        for item in error.errors(include_url=False, include_input=False)
    ]


def _ends(criteria: Criteria) -> tuple[tuple[str, ...], tuple[str, ...]]:
    return criteria.origins, criteria.destinations


def _under(problem: FieldProblem, prefix: str) -> FieldProblem:
    return problem.model_copy(update={"field": f"{prefix}.{problem.field}"})


async def _people(
    session: AsyncSession, services: Services, traveler_ids: list[UUID], today: date
) -> tuple[list[TravelerDetails], list[FieldProblem]]:
    people: list[TravelerDetails] = []
    problems: list[FieldProblem] = []
    for number, traveler_id in enumerate(traveler_ids):
        field = f"traveler_ids.{number}"
        row = await session.get(TravelerRow, traveler_id)
        if row is None or row.deleted_at is not None:
            remedy = "Use an id of GET /api/autobooking/traveler."
            problems.append(
                FieldProblem(field=field, reason="there is no such traveller", remedy=remedy)
            )
            continue
        if traveler_id in traveler_ids[:number]:
            problems.append(
                FieldProblem(
                    field=field,
                    reason="the same traveller is named twice",
                    remedy="Name them once.",
                )
            )
        details = await services.vault.open_traveler(session, TravelerId(traveler_id))
        # Checked when it was stored; documents run out and rules change meanwhile.
        problems += [_under(problem, field) for problem in check_traveler(details, today=today)]
        people.append(details)
    return people, problems


async def _card(
    session: AsyncSession, owner: UserId, wanted: UUID | None, today: date
) -> PaymentMethodRow | FieldProblem:
    cards = [
        row
        for row in await list_payment_methods(session, owner)
        if (row.id == wanted if wanted else row.is_default)
    ]
    card = cards[0] if cards else None
    reason = None
    if card is None:
        reason = "there is no such card" if wanted else "you have no card to pay with"
    elif card.status is not PaymentMethodStatus.USABLE:
        reason = "the card needs your attention before it can be used"
    elif _card_expiry(card) < today:
        reason = f"the card expired in {card.exp_month:02d}/{card.exp_year}"
    if reason is None and card is not None:
        return card
    return FieldProblem(
        field="payment_method_id",
        reason=reason or "there is no such card",
        remedy="Save a card with POST /api/autobooking/payment-methods.",
    )


def _card_expiry(card: PaymentMethodRow) -> date:
    first_after = add_months(date(card.exp_year, card.exp_month, 1), 1)
    return first_after - timedelta(days=1)


def _last_flight(criteria: Criteria) -> date:
    return criteria.departure_until + timedelta(days=criteria.nights_max or 0)


def _last_moment(criteria: Criteria, notice_days: int) -> datetime:
    """Return when the last departure can no longer be booked, on the clock of its airport."""
    day = last_bookable(criteria) + timedelta(days=1 - notice_days)
    zone = ZoneInfo(time_zone(criteria.origins[0]))
    return datetime.combine(day, time(), zone).astimezone(UTC)


def _opening(criteria: Criteria, horizon_days: int, now: datetime) -> datetime | None:
    opens = datetime.combine(opens_on(criteria, horizon_days), time(), UTC)
    return opens if opens > now else None


def _warnings(
    criteria: Criteria,
    people: list[TravelerDetails],
    card: PaymentMethodRow | None,
    horizon_days: int,
    today: date,
) -> tuple[str, ...]:
    found = list(
        warnings(
            criteria,
            today=today,
            horizon_days=horizon_days,
            card_expires_on=_card_expiry(card) if card else None,
        )
    )
    passports = (document_warning(one.documents, _last_flight(criteria)) for one in people)
    found += [warning for warning in passports if warning]
    return tuple(f"{problem.reason}. {problem.remedy}" for problem in found)
