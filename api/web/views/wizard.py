"""What the wizard's pages show: plain values made of answers, people, cards and the past."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

from api.web.forms import Problems, sentence_of
from api.web.wizard_answers import ORDER, Answers, Reading, Step, label_of_airline
from api.web.words import day, plural
from db.models.campaign_draft import CampaignDraftRow
from db.models.payment_method import PaymentMethodRow, PaymentMethodStatus
from db.models.trip_request import TripRequestRow
from db.queries.drafts import draft_answers
from domain.campaigns import BookingMode
from domain.criteria import Criteria, Hours
from domain.errors import FieldProblem, UnknownPlace
from domain.ids import UserId, derive
from domain.money import Money
from domain.offers import Party
from domain.places import Place, country_name, label_of, place
from domain.travelers import (
    PassengerKind,
    TravelerDetails,
    add_months,
    age_on,
    check_traveler,
    document_warning,
    passenger_kind,
)
from domain.wish_words import city, nights_words, party_words, route_words

TITLES = {
    Step.ROUTE: "Where and when",
    Step.WHO: "Who travels",
    Step.PREFERENCES: "What matters to you",
    Step.BUDGET: "Budget, and who decides",
    Step.CHECK: "Check your answers",
}
_KINDS = {
    PassengerKind.ADULT: "an adult's fare",
    PassengerKind.CHILD: "a child's fare",
    PassengerKind.INFANT: "on a lap",
}
MODES = (
    (
        BookingMode.AUTO.value,
        "Book it for me",
        "As soon as flights fit, we book and charge them, at most your budget. You hear at once.",
    ),
    (
        BookingMode.ASK_ME_FIRST.value,
        "Ask me first",
        "We show you the flights and wait. Nothing is held or charged until you say yes.",
    ),
    (
        BookingMode.NOTIFY.value,
        "Only tell me",
        "We write to you when a fare fits. Nothing is booked, and no card is needed.",
    ),
)
CABINS = (
    ("economy", "Economy", None),
    ("premium_economy", "Premium economy", None),
    ("business", "Business", None),
    ("first", "First", None),
)
STOPS = (
    ("", "Any number of stops", None),
    ("2", "At most 2 stops", None),
    ("1", "At most 1 stop", None),
    ("0", "Non-stop only", None),
)
BAGS = (("0", "None"), ("1", "1 bag each"), ("2", "2 bags each"), ("3", "3 bags each"))


@dataclass(frozen=True)
class PlaceChip:
    """A chosen place: `label` names it, `covers` says what its code stands for."""

    code: str
    label: str
    covers: str


@dataclass(frozen=True)
class PersonChoice:
    id: UUID
    label: str
    words: str
    problem: str | None
    warning: str | None
    chosen: bool


@dataclass(frozen=True)
class CardChoice:
    value: str
    label: str
    hint: str | None
    chosen: bool
    usable: bool


@dataclass(frozen=True)
class Section:
    """A part of the answers to check, with the step that changes it."""

    title: str
    step: Step
    rows: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class DraftCard:
    """A draft in a list: where it goes, and how far it has come."""

    id: UUID
    title: str
    step: str
    path: str
    updated_at: datetime
    expires_at: datetime


def draft_card(row: CampaignDraftRow) -> DraftCard:
    answers = Answers(draft_answers(row))
    ends = [
        " or ".join(dict.fromkeys(city(code) for code in answers.all(name))) or "somewhere"
        for name in ("origins", "destinations")
    ]
    step = Step(row.step) if row.step in set(Step) else Step.ROUTE
    return DraftCard(
        id=row.id,
        title=answers.text("name") or f"{ends[0]} → {ends[1]}",
        step=TITLES[step],
        path=f"/auto-booking/new/{row.id}",
        updated_at=row.updated_at,
        expires_at=row.expires_at,
    )


def trip_request_of(
    owner: UserId, draft_id: UUID, reading: Reading, wish: Criteria, now: datetime
) -> TripRequestRow:
    """Make a saved trip of a draft; the same draft makes the same trip."""
    return TripRequestRow(
        id=derive("trip-of-draft", owner, draft_id),
        user_id=owner,
        name=reading.answers.text("name") or route_words(wish),
        criteria=wish.model_dump(mode="json"),
        traveler_ids=list(reading.traveler_ids),
        created_at=now,
        updated_at=now,
    )


def chips(codes: Sequence[str]) -> list[PlaceChip]:
    found = []
    for code in codes:
        try:
            one = place(code)
        except UnknownPlace:
            continue
        found.append(PlaceChip(code, label_of(one), covers(one)))
    return found


def people_choices(
    people: Sequence[tuple[UUID, str, TravelerDetails]], reading: Reading, today: date
) -> list[PersonChoice]:
    """Show everybody with their age on the day of the last flight, and what is in the way."""
    last = _last_flight(reading.criteria) if reading.criteria else None
    return [_person(one, reading, last, today) for one in people]


def _person(
    one: tuple[UUID, str, TravelerDetails], reading: Reading, last: date | None, today: date
) -> PersonChoice:
    person_id, label, details = one
    age = age_on(details.born_on, last or today)
    kind = _KINDS[passenger_kind(age)]
    on = f" on {day(last)}" if last else " today"
    years = plural(age, "year") if age else "under 1 year"
    problems = check_traveler(details, today=today)
    warning = document_warning(details.documents, last) if last else None
    return PersonChoice(
        id=person_id,
        label=label or f"{details.given_name} {details.family_name}",
        words=f"{details.given_name} {details.family_name}, {years}{on}: {kind}",
        problem=sentence_of(problems[0]) if problems else None,
        warning=sentence_of(warning) if warning else None,
        chosen=person_id in reading.traveler_ids,
    )


def card_choices(
    cards: Sequence[PaymentMethodRow], reading: Reading, today: date
) -> list[CardChoice]:
    """Offer the default of the moment first, then each card."""
    chosen, found = reading.payment_method_id, []
    default = next((card for card in cards if card.is_default), None)
    if default is not None:
        found.append(
            CardChoice(
                value="",
                label=f"My default card, now {card_words(default)}",
                hint="If you make another card the default, that one is charged.",
                chosen=chosen is None,
                usable=_usable(default, today),
            )
        )
    found += [
        CardChoice(
            value=str(card.id),
            label=f"Always {card_words(card)}",
            hint=card_hint(card, reading, today),
            chosen=card.id == chosen,
            usable=_usable(card, today),
        )
        for card in cards
    ]
    return found


def card_words(card: PaymentMethodRow) -> str:
    return f"{card.brand.title()} ending {card.last4}"


def card_ends(card: PaymentMethodRow) -> date:
    return add_months(date(card.exp_year, card.exp_month, 1), 1) - timedelta(days=1)


def card_hint(card: PaymentMethodRow, reading: Reading, today: date) -> str | None:
    ends = card_ends(card)
    if card.status is not PaymentMethodStatus.USABLE:
        return "This card needs your attention before it can be used."
    if ends < today:
        return f"It expired on {day(ends)}."
    if reading.criteria is not None and ends < reading.criteria.departure_until:
        return f"It expires on {day(ends)}, before your last date. Until then it can be charged."
    return f"Valid until {day(ends)}."


def _usable(card: PaymentMethodRow, today: date) -> bool:
    return card.status is PaymentMethodStatus.USABLE and card_ends(card) >= today


def includes(criteria: Criteria, party: Party | None) -> tuple[str, ...]:
    """Say what the budget is for, so that nothing comes on top of it."""
    people = party_words(party) if party else "everybody who travels"
    bags = (
        f"{plural(criteria.checked_bags, 'checked bag')} each, where the airline sells them."
        if criteria.checked_bags
        else "No checked bags: you asked for none."
    )
    way = "both ways" if criteria.is_return else "one way"
    return (
        f"The flights of {people}, {way}, with all taxes and the airline's fees.",
        bags,
        "No fee of ours.",
    )


def sections(
    reading: Reading, people: Sequence[tuple[UUID, str, TravelerDetails]], card: str
) -> tuple[Section, ...]:
    """Write every answer down, a section a step."""
    wish, answers = reading.criteria, reading.answers
    named = {one[0]: f"{one[2].given_name} {one[2].family_name}" for one in people}
    who = [named[one] for one in reading.traveler_ids if one in named]
    budget = wish.budget.short() if wish and reading.budget_given else "not given yet"
    mode = {value: words for value, words, _ in MODES}.get(reading.mode.value, "")
    return (
        Section(TITLES[Step.ROUTE], Step.ROUTE, tuple(_route_rows(answers, wish))),
        Section(
            TITLES[Step.WHO], Step.WHO, (("Travelling", ", ".join(who) or "nobody chosen yet"),)
        ),
        Section(TITLES[Step.PREFERENCES], Step.PREFERENCES, tuple(_preference_rows(wish))),
        Section(
            TITLES[Step.BUDGET],
            Step.BUDGET,
            (("At most, for everybody", budget), ("Who decides", mode), ("Card", card)),
        ),
    )


def steps_view(now: Step, furthest: Step) -> list[tuple[str, str, Step]]:
    """Return each step with its state: done, now or next."""
    reached = ORDER.index(furthest)
    found = []
    for number, step in enumerate(ORDER):
        state = "now" if step is now else "done" if number <= reached else "next"
        found.append((TITLES[step], state, step))
    return found


def warnings_view(warnings: Sequence[FieldProblem]) -> list[str]:
    return [sentence_of(one) for one in warnings]


def _route_rows(answers: Answers, wish: Criteria | None) -> list[tuple[str, str]]:
    def named(name: str) -> str:
        return "; ".join(chip.label for chip in chips(answers.all(name))) or "not given yet"

    rows = [("From", named("origins")), ("To", named("destinations"))]
    if wish is None:
        return [*rows, ("Leaving", "not given yet")]
    first, last = wish.departure_from, wish.departure_until
    leaving = day(first) if first == last else f"{day(first)} to {day(last)}"
    return [*rows, ("Leaving", leaving), ("Staying", nights_words(wish).capitalize())]


def _preference_rows(wish: Criteria | None) -> list[tuple[str, str]]:
    if wish is None:
        return []
    stops = {None: "Any number", 0: "Non-stop only"}.get(
        wish.max_connections, f"At most {wish.max_connections}"
    )
    rows = [
        ("Cabin", wish.cabin.replace("_", " ").capitalize()),
        ("Stops", stops),
        ("Checked bags", f"{wish.checked_bags} each" if wish.checked_bags else "None"),
        ("Airlines", _airlines(wish)),
        ("Leaving each airport", _hours(wish.departure_hours)),
        ("Arriving", _hours(wish.arrival_hours)),
        ("Refund", "Only fares that give money back" if wish.refundable_only else "Any fare"),
    ]
    worth = dict(wish.worth.said)
    for name, words in WORTH_WORDS.items():
        if name in worth:
            rows.append((words, f"Worth up to {worth[name].short()} more each"))
    return rows


WORTH_WORDS = {
    "nonstop": "A non-stop",
    "hour_shorter": "Each hour less under way",
    "by_day": "Flying by day only",
    "refundable": "A fare that gives money back",
}


def _airlines(wish: Criteria) -> str:
    parts = []
    if wish.airlines_wanted:
        parts.append("Only " + ", ".join(map(label_of_airline, wish.airlines_wanted)))
    if wish.airlines_excluded:
        parts.append("Not " + ", ".join(map(label_of_airline, wish.airlines_excluded)))
    return "; ".join(parts) or "Any"


def _hours(hours: Hours | None) -> str:
    return f"From {hours.earliest:%H:%M} to {hours.latest:%H:%M}" if hours else "At any hour"


def _last_flight(criteria: Criteria) -> date:
    return criteria.departure_until + timedelta(days=criteria.nights_max or 0)


def maximum_of(reading: Reading) -> Money | None:
    return reading.criteria.budget if reading.criteria and reading.budget_given else None


def named(one: Place) -> str:
    return label_of(one)


def covers(one: Place) -> str:
    return ", ".join(one.airports) if one.kind == "city" else country_name(one.country)


def worth_fields() -> tuple[tuple[str, str, str | None], ...]:
    """Return each kind of comfort as a sentence that an amount completes."""
    return (
        ("nonstop", "A non-stop is worth up to", "over flights with stops"),
        ("hour_shorter", "Each hour less under way is worth up to", "there and back together"),
        ("by_day", "Not flying at night is worth up to", "no take-off or landing from 23 to 6"),
        ("refundable", "A fare that gives money back is worth up to", None),
    )


def asks_more(answers: Answers, problems: Problems | None) -> bool:
    """Say whether the rarer questions should be open: they were answered, or wrongly."""
    names = (
        *("airlines_wanted", "airlines_excluded", "depart_earliest", "depart_latest"),
        *("arrive_earliest", "arrive_latest", "refundable_only"),
    )
    return any(answers.text(name) or (problems and name in problems.fields) for name in names)
