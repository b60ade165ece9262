"""How complete a traveller's profile is, and what their age means for the fare of a trip."""

from datetime import date
from enum import StrEnum

from domain.errors import FieldProblem
from domain.travelers import (
    PassengerKind,
    TravelerDetails,
    TravelerDocument,
    age_on,
    check_traveler,
    passenger_kind,
)
from domain.values import Value


class ProfileStep(StrEnum):
    """In the order in which they are asked."""

    NAME = "name"
    CONTACT = "contact"
    DOCUMENT = "document"
    LOYALTY = "loyalty"


# What each part counts; a frequent-flyer number is nice to have and counts nothing.
_WEIGHTS = {ProfileStep.NAME: 50, ProfileStep.CONTACT: 25, ProfileStep.DOCUMENT: 25}
_FIELDS = {
    ProfileStep.NAME: ("given_name", "family_name", "born_on", "gender", "title"),
    ProfileStep.CONTACT: ("email", "phone"),
    ProfileStep.LOYALTY: ("loyalty",),
}


class StepState(Value):
    step: ProfileStep
    done: bool
    optional: bool = False
    problems: tuple[FieldProblem, ...] = ()


class Completion(Value):
    """`bookable`: an airline would take this person within their own country."""

    percent: int
    steps: tuple[StepState, ...]
    next: ProfileStep | None
    bookable: bool


def completion(details: TravelerDetails, *, today: date) -> Completion:
    found = check_traveler(details, today=today)
    steps = tuple(_step(step, details, found, today) for step in ProfileStep)
    done = {one.step for one in steps if one.done}
    return Completion(
        percent=sum(weight for step, weight in _WEIGHTS.items() if step in done),
        steps=steps,
        next=next((one.step for one in steps if not one.done and not one.optional), None),
        bookable={ProfileStep.NAME, ProfileStep.CONTACT} <= done,
    )


def problems_of_step(
    step: ProfileStep, details: TravelerDetails, *, today: date
) -> tuple[FieldProblem, ...]:
    """Return what an airline would not accept of one part of the profile."""
    return _of_step(step, check_traveler(details, today=today))


def valid_passport(details: TravelerDetails, today: date) -> TravelerDocument | None:
    """Return the passport that is good for longest, if one is good today."""
    good = [
        one
        for one in details.documents
        if one.kind == "passport" and one.expires_on is not None and one.expires_on >= today
    ]
    return max(good, key=lambda one: one.expires_on or date.min, default=None)


def masked(number: str) -> str:
    """Hide all but the last three characters of a document's number."""
    shown = number[-3:] if len(number) > 5 else ""
    return "\N{BULLET}" * max(len(number) - len(shown), 3) + shown


class FareAge(Value):
    """Somebody's age on the days of a trip, and the fare that airlines make of it."""

    youngest: int
    oldest: int
    kinds: tuple[PassengerKind, ...]

    @property
    def words(self) -> str:
        ages = str(self.oldest)
        if self.youngest != self.oldest:
            ages = f"{self.youngest} or {self.oldest}"
        fares = " or ".join(_FARES[kind] for kind in self.kinds)
        hangs = ", depending on the date" if len(self.kinds) > 1 else ""
        return f"{ages} years old: {fares}{hangs}"


_FARES = {
    PassengerKind.ADULT: "adult's fare",
    PassengerKind.CHILD: "child's fare",
    PassengerKind.INFANT: "on a lap",
}


def fare_age(born_on: date, first_day: date, last_day: date) -> FareAge:
    """Return the age between two days; airlines count the age on the day of the last flight."""
    youngest, oldest = age_on(born_on, first_day), age_on(born_on, last_day)
    kinds = [passenger_kind(youngest), passenger_kind(oldest)]
    return FareAge(youngest=youngest, oldest=oldest, kinds=tuple(dict.fromkeys(kinds)))


def _step(
    step: ProfileStep, details: TravelerDetails, found: tuple[FieldProblem, ...], today: date
) -> StepState:
    problems = _of_step(step, found)
    match step:
        case ProfileStep.DOCUMENT:
            done = valid_passport(details, today) is not None
            return StepState(step=step, done=done, problems=problems)
        case ProfileStep.LOYALTY:
            done = bool(details.loyalty) and not problems
            return StepState(step=step, done=done, optional=True, problems=problems)
        case _:
            return StepState(step=step, done=not problems, problems=problems)


def _of_step(step: ProfileStep, found: tuple[FieldProblem, ...]) -> tuple[FieldProblem, ...]:
    prefixes = _FIELDS.get(step, ("documents",))
    return tuple(one for one in found if one.field.partition(".")[0] in prefixes)
