"""What somebody typed into the wizard, and what it means.

Answers are kept as they were typed, whether they hold or not, so that nothing is lost on the way
back or by a session that ended. Reading them gives a wish as far as it goes, and what is wrong.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, time
from enum import StrEnum
from typing import Any, Self
from uuid import UUID

from pydantic import ValidationError

from api.web.forms import Form, Problems
from domain.airline_search import resolve_airline
from domain.airlines import Airline, airline
from domain.campaigns import BookingMode
from domain.criteria import Criteria, Hours, ScoreWeights, Worth
from domain.errors import MoneyFormat
from domain.money import Money
from domain.offers import Cabin
from domain.places import Place, resolve_place


class Step(StrEnum):
    ROUTE = "route"
    WHO = "who"
    PREFERENCES = "preferences"
    BUDGET = "budget"
    CHECK = "check"


ORDER = tuple(Step)
FIELDS: Mapping[Step, tuple[str, ...]] = {
    Step.ROUTE: (
        "origins",
        "origins_text",
        "destinations",
        "destinations_text",
        "departure_from",
        "departure_until",
        "trip",
        "nights_min",
        "nights_max",
    ),
    Step.WHO: ("traveler_ids",),
    Step.PREFERENCES: (
        "cabin",
        "max_connections",
        "checked_bags",
        "refundable_only",
        "airlines_wanted",
        "airlines_excluded",
        "depart_earliest",
        "depart_latest",
        "arrive_earliest",
        "arrive_latest",
        "worth_nonstop",
        "worth_hour_shorter",
        "worth_by_day",
        "worth_refundable",
    ),
    Step.BUDGET: ("mode", "budget", "currency", "payment_method_id"),
    Step.CHECK: ("name", "consent"),
}
# Where the form shows what the rules say about a field of the wish.
NAMES = {
    "criteria.origins": "origins_text",
    "criteria.destinations": "destinations_text",
    "criteria.departure_from": "departure_from",
    "criteria.departure_until": "departure_until",
    "criteria.nights_min": "nights_min",
    "criteria.nights_max": "nights_max",
    "criteria.airlines_wanted": "airlines_wanted",
    "criteria.airlines_excluded": "airlines_excluded",
    "criteria.departure_hours": "depart_earliest",
    "criteria.arrival_hours": "arrive_earliest",
    "criteria.checked_bags": "checked_bags",
    "criteria.worth.nonstop": "worth_nonstop",
    "criteria.worth.hour_shorter": "worth_hour_shorter",
    "criteria.worth.by_day": "worth_by_day",
    "criteria.worth.refundable": "worth_refundable",
    "criteria.weights": "worth_nonstop",
    "criteria.budget": "budget",
    "traveler_ids": "traveler_ids",
    "payment_method_id": "payment_method_id",
    "consent": "consent",
    "name": "name",
}
_STEP_OF = {name: step for step, names in FIELDS.items() for name in names}
_MOST_PLACES, _MOST_AIRLINES = 5, 20
_LONGEST = 300
WORTH = ("nonstop", "hour_shorter", "by_day", "refundable")


def step_of(name: str) -> Step:
    """Return the step that asks for a field."""
    return _STEP_OF.get(name, Step.CHECK)


@dataclass(frozen=True)
class Answers:
    """What was typed, by the field's name."""

    raw: Mapping[str, Sequence[str]] = field(default_factory=dict)

    def text(self, name: str) -> str:
        values = self.raw.get(name) or [""]
        return values[-1]

    def all(self, name: str) -> list[str]:
        return list(self.raw.get(name, ()))

    def flag(self, name: str) -> bool:
        return bool(self.text(name))

    def typed(self, step: Step, form: Form) -> Self:
        """Return the answers with those of one step as the form has them."""
        new = {name: [v[:_LONGEST] for v in form.all(name)[:_LONGEST]] for name in FIELDS[step]}
        for name in ("origins", "destinations"):
            if name in new:  # what was picked of several that a text may mean
                new[name] = _once([*new[name], *form.all(f"{name}_pick")])
        return self.but(**new)

    def but(self, **changes: Sequence[str]) -> Self:
        return replace(self, raw={**self.raw, **{k: list(v) for k, v in changes.items()}})

    def stored(self) -> dict[str, list[str]]:
        return {name: list(values) for name, values in self.raw.items() if any(values)}


@dataclass
class Reading:
    """What the answers mean. `criteria` is there once places and dates are."""

    answers: Answers
    problems: Problems
    criteria: Criteria | None = None
    budget_given: bool = False
    mode: BookingMode = BookingMode.AUTO
    traveler_ids: list[UUID] = field(default_factory=list)
    payment_method_id: UUID | None = None
    choices: dict[str, list[Place]] = field(default_factory=dict)
    airline_choices: dict[str, list[Airline]] = field(default_factory=dict)

    def of_step(self, step: Step) -> Problems:
        """Return what is wrong with one step's fields; all of it where answers are checked."""
        found, everything = self.problems, step is Step.CHECK
        fields = {k: v for k, v in found.fields.items() if everything or step_of(k) is step}
        return Problems(fields=fields, general=list(found.general) if everything else [])


def read(answers: Answers, *, currencies: Sequence[str], weights: ScoreWeights) -> Reading:
    """Say what the answers mean, field by field."""
    reader = _Reader(answers, currencies)
    values = reader.route() | reader.preferences() | {"weights": weights}
    found = reader.found
    money = reader.budget()
    found.budget_given = money is not None
    # The other rules can be asked before there is a budget.
    values["budget"] = money or Money(minor=1, currency=reader.currency)
    if values["origins"] and values["destinations"] and values.get("departure_from"):
        try:
            found.criteria = Criteria(**values)
        except ValidationError as error:
            found.problems.validation(error, {k.partition(".")[2]: v for k, v in NAMES.items()})
    reader.who()
    found.answers = reader.answers
    return found


def typed_of(criteria: Criteria, **more: Sequence[str]) -> Answers:
    """Return the answers that make this wish."""
    hours = {"depart": criteria.departure_hours, "arrive": criteria.arrival_hours}
    raw: dict[str, Sequence[str]] = {
        "origins": criteria.origins,
        "destinations": criteria.destinations,
        "departure_from": [criteria.departure_from.isoformat()],
        "departure_until": [criteria.departure_until.isoformat()],
        "trip": ["return" if criteria.is_return else "oneway"],
        "nights_min": _shown(criteria.nights_min),
        "nights_max": _shown(criteria.nights_max),
        "cabin": [criteria.cabin.value],
        "max_connections": _shown(criteria.max_connections),
        "checked_bags": [str(criteria.checked_bags)],
        "refundable_only": ["yes"] if criteria.refundable_only else [],
        "airlines_wanted": ["; ".join(label_of_airline(c) for c in criteria.airlines_wanted)],
        "airlines_excluded": ["; ".join(label_of_airline(c) for c in criteria.airlines_excluded)],
        "budget": [criteria.budget.amount()],
        "currency": [criteria.budget.currency],
    }
    for name, limits in hours.items():
        raw[f"{name}_earliest"] = [f"{limits.earliest:%H:%M}"] if limits else []
        raw[f"{name}_latest"] = [f"{limits.latest:%H:%M}"] if limits else []
    for name, money in criteria.worth.said:
        raw[f"worth_{name}"] = [money.amount()]
    return Answers(raw).but(**more)


def label_of_airline(code: str) -> str:
    name = airline(code).name
    return code if name == code else f"{name} ({code})"


def _shown(number: int | None) -> list[str]:
    return [] if number is None else [str(number)]


class _Reader:
    def __init__(self, answers: Answers, currencies: Sequence[str]) -> None:
        self.answers = answers
        self.found = Reading(answers, Problems())
        chosen = answers.text("currency")
        self.currency = chosen if chosen in currencies else currencies[0]

    def route(self) -> dict[str, Any]:
        values: dict[str, Any] = {
            "origins": self._places("origins", "Say where the trip begins."),
            "destinations": self._places("destinations", "Say where it goes."),
        }
        first = self._day("departure_from", "Give the first day on which you could leave.")
        last = self._day("departure_until", None) or first
        if first and last:
            values |= {"departure_from": first, "departure_until": last}
        if self.answers.text("trip") != "oneway":
            least = self._number("nights_min", "Give the least number of nights, or one way.")
            most = self._number("nights_max", None)
            values |= {"nights_min": least, "nights_max": least if most is None else most}
        return values

    def preferences(self) -> dict[str, Any]:
        text = self.answers.text
        stops, bags = text("max_connections"), text("checked_bags")
        return {
            "cabin": Cabin(text("cabin")) if text("cabin") in set(Cabin) else Cabin.ECONOMY,
            "max_connections": int(stops) if stops in {"0", "1", "2"} else None,
            "checked_bags": int(bags) if bags in {"1", "2", "3"} else 0,
            "refundable_only": self.answers.flag("refundable_only"),
            "airlines_wanted": self._airlines("airlines_wanted"),
            "airlines_excluded": self._airlines("airlines_excluded"),
            "departure_hours": self._hours("depart"),
            "arrival_hours": self._hours("arrive"),
            "worth": Worth(**{name: self._worth(f"worth_{name}") for name in WORTH}),
        }

    def budget(self) -> Money | None:
        text = self.answers.text("mode")
        self.found.mode = BookingMode(text) if text in set(BookingMode) else BookingMode.AUTO
        card = self.answers.text("payment_method_id")
        self.found.payment_method_id = _uuid(card) if card else None
        if not self.answers.text("budget"):
            self._wrong("budget", "Give the most that you would pay for everybody, bags included.")
            return None
        return self._amount("budget", self.answers.text("budget"))

    def who(self) -> None:
        ids = [one for text in self.answers.all("traveler_ids") if (one := _uuid(text))]
        self.found.traveler_ids = list(dict.fromkeys(ids))
        if not ids:
            self._wrong("traveler_ids", "Choose who travels.")

    # Places and airlines

    def _places(self, name: str, missing: str) -> tuple[str, ...]:
        codes = [code for code in self.answers.all(name) if isinstance(resolve_place(code), str)]
        unclear: list[str] = []
        for text in _parts(self.answers.text(f"{name}_text")):
            meant = resolve_place(text)
            if isinstance(meant, str):
                codes.append(meant)
                continue
            unclear.append(text)
            self.found.choices.setdefault(name, []).extend(meant)
            self._wrong(f"{name}_text", _unclear(text, meant, "place"))
        codes = _once(codes)
        # What was picked settles what was meant by the text beside it.
        if unclear and set(codes) & {p.code for p in self.found.choices.get(name, ())}:
            unclear = []
            self.found.choices.pop(name, None)
            self.found.problems.fields.pop(f"{name}_text", None)
        self.answers = self.answers.but(**{name: codes, f"{name}_text": ["; ".join(unclear)]})
        if not codes and not unclear:
            self._wrong(f"{name}_text", missing)
        if len(codes) > _MOST_PLACES:
            self._wrong(f"{name}_text", f"Name at most {_MOST_PLACES} places; take some off.")
            return ()
        return tuple(codes)

    def _airlines(self, name: str) -> tuple[str, ...]:
        codes, shown = [], []
        for text in _parts(self.answers.text(name)):
            meant = resolve_airline(text)
            if isinstance(meant, str):
                codes.append(meant)
                shown.append(label_of_airline(meant))
                continue
            shown.append(text)
            self.found.airline_choices.setdefault(name, []).extend(meant)
            self._wrong(name, _unclear(text, meant, "airline"))
        self.answers = self.answers.but(**{name: ["; ".join(shown)]})
        if len(codes) > _MOST_AIRLINES:
            self._wrong(name, f"Name at most {_MOST_AIRLINES} airlines.")
            return ()
        return tuple(_once(codes))

    # Small things

    def _day(self, name: str, missing: str | None) -> date | None:
        text = self.answers.text(name)
        if not text:
            if missing:
                self._wrong(name, missing)
            return None
        found: date | None = self._parsed(
            name, text, date.fromisoformat, "Write the day as 2027-05-12."
        )
        return found

    def _number(self, name: str, missing: str | None) -> int | None:
        text = self.answers.text(name)
        if not text:
            if missing:
                self._wrong(name, missing)
            return None
        if not re.fullmatch(r"\d{1,3}", text) or int(text) > 360:
            self._wrong(name, "Give a number of nights from 0 to 360.")
            return None
        return int(text)

    def _hours(self, name: str) -> Hours | None:
        told = {"earliest": f"{name}_earliest", "latest": f"{name}_latest"}
        given = {key: self.answers.text(one) for key, one in told.items()}
        clocks = {
            key: clock
            for key, text in given.items()
            if text
            and (clock := self._parsed(told[key], text, time.fromisoformat, "Write it as 08:30."))
        }
        return Hours(**clocks) if clocks else None

    def _worth(self, name: str) -> Money | None:
        text = self.answers.text(name)
        return self._amount(name, text) if text else None

    def _amount(self, name: str, text: str) -> Money | None:
        try:
            money = Money.parse(_plain_number(text), self.currency)
        except MoneyFormat:
            self._wrong(name, f"Write an amount of {self.currency}, such as 520 or 520.50.")
            return None
        if not 0 <= money.minor < 10**12:
            self._wrong(name, "Give an amount above zero.")
            return None
        return money

    def _parsed(self, name: str, text: str, parse: Callable[[str], Any], else_say: str) -> Any:
        try:
            return parse(text)
        except ValueError:
            self._wrong(name, else_say)
            return None

    def _wrong(self, name: str, sentence: str) -> None:
        self.found.problems.add(name, sentence)


def _parts(text: str) -> list[str]:
    """Take apart what was written in one line; a label may have a comma before its code."""
    ends = r";|\n|(?<=\))\s*," if "(" in text else r"[;,\n]|\bor\b"
    parts = re.split(ends, text)
    return [part.strip() for part in parts if part.strip()]


def _unclear(text: str, meant: Sequence[object], what: str) -> str:
    if meant:
        return f"“{text}” can mean more than one {what}. Choose below which one you mean."
    return f"We know no {what} called “{text}”. Try its name in English, or its code."


def _plain_number(text: str) -> str:
    """Read 1,040.50 and 1 040,50 alike; whatever else is no amount."""
    bare = re.sub(r"[\s\u00a0\u202f]", "", text)
    if re.fullmatch(r"\d{1,3}(,\d{3})+(\.\d+)?", bare):
        return bare.replace(",", "")
    if re.fullmatch(r"\d+,\d{1,2}", bare):
        return bare.replace(",", ".")
    return bare if re.fullmatch(r"\d+(\.\d+)?", bare) else "nothing"


def _once(values: Sequence[str]) -> list[str]:
    return list(dict.fromkeys(values))


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
