"""What a traveller with a booking does next: nothing, check in, or be at the airport by a time."""

from datetime import datetime
from enum import StrEnum
from typing import assert_never

from domain.airlines import Airline
from domain.journeys import Leg, Moment, be_there_at, check_in_opens
from domain.orders import BookingState
from domain.values import Value


class StepKind(StrEnum):
    WAIT = "wait"  # nothing to do
    ANSWER = "answer"  # the airline has changed the flights
    CHECK_IN_LATER = "check_in_later"
    CHECK_IN = "check_in"
    AIRPORT = "airport"
    IN_THE_AIR = "in_the_air"
    OVER = "over"


class NextStep(Value):
    """One step; `at` is the instant that it names, told on the clock of `place`."""

    kind: StepKind
    title: str
    sentence: str
    at: datetime | None = None
    place: Moment | None = None


def next_step(
    state: BookingState,
    legs: tuple[Leg, ...],
    airline: Airline,
    now: datetime,
    *,
    change_open: bool = False,
) -> NextStep:
    match state:
        case BookingState.ORDERED:
            return _wait("Your seats are yours; we are charging your card. Tickets follow.")
        case BookingState.TICKETING:
            return _wait("The airline is issuing your tickets. We tell you when they are there.")
        case BookingState.TICKETED:
            if change_open:
                return NextStep(
                    kind=StepKind.ANSWER,
                    title="Look at what the airline changed",
                    sentence="Your booking stands, at other times. What was and what is new is"
                    " shown below.",
                )
            return _travelling(legs, airline, now)
        case BookingState.CANCELLING:
            return _wait("We are telling the airline. The booking stands until it has confirmed.")
        case BookingState.CANCELLED:
            return NextStep(
                kind=StepKind.OVER,
                title="Nothing to do",
                sentence="This booking is cancelled. Where your money is, is shown below.",
            )
        case BookingState.FLOWN:
            return NextStep(
                kind=StepKind.OVER, title="Welcome back", sentence="This trip has been flown."
            )
    assert_never(state)


def _travelling(legs: tuple[Leg, ...], airline: Airline, now: datetime) -> NextStep:
    leg = next((one for one in legs if one.arrives.instant > now), None)
    if leg is None:
        return NextStep(
            kind=StepKind.OVER, title="Welcome back", sentence="All flights have landed."
        )
    where = f" at {airline.site}" if airline.site else " with the airline"
    opens, there = check_in_opens(leg), be_there_at(leg)
    if now < opens:
        return NextStep(
            kind=StepKind.CHECK_IN_LATER,
            title="Check-in opens",
            sentence=f"Most airlines open it 24 hours before departure. Check in{where}, with the"
            " booking reference.",
            at=opens,
            place=leg.departs,
        )
    airport = f"{leg.departs.name} ({leg.departs.airport}){_terminal(leg)}"
    if now < there:
        return NextStep(
            kind=StepKind.CHECK_IN,
            title="Check in, and be at the airport by",
            sentence=f"Check in{where}, with the booking reference. You leave from {airport}.",
            at=there,
            place=leg.departs,
        )
    if now < leg.departs.instant:
        return NextStep(
            kind=StepKind.AIRPORT,
            title="Be at the airport: your flight leaves",
            sentence=f"From {airport}. Gates close before departure.",
            at=leg.departs.instant,
            place=leg.departs,
        )
    return NextStep(
        kind=StepKind.IN_THE_AIR,
        title="On your way: you arrive",
        sentence=f"At {leg.arrives.name} ({leg.arrives.airport}).",
        at=leg.arrives.instant,
        place=leg.arrives,
    )


def _terminal(leg: Leg) -> str:
    terminal = leg.flights[0].origin_terminal
    return f", terminal {terminal}" if terminal else ""


def _wait(sentence: str) -> NextStep:
    return NextStep(kind=StepKind.WAIT, title="Nothing to do", sentence=sentence)
