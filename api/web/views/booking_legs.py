"""The flights of a booking as a vertical line, and what an airline's change does to them."""

from collections.abc import Sequence
from dataclasses import dataclass

from api.web.views.booking_parts import MomentView, cabin_name, city, day_mark, instant_at
from domain.airlines import airline
from domain.itineraries import Itinerary, Segment
from domain.journeys import Flight, Leg, Stopover, duration_words, legs_of
from domain.order_details import AirlineChange, FlightFacts, OrderDetails
from domain.schedule_changes import ChangeTerms, change_terms


@dataclass(frozen=True)
class FlightView:
    departs: MomentView
    arrives: MomentView
    number: str
    airline: str
    operated_by: str | None
    aircraft: str | None
    cabin: str | None
    duration: str
    day_mark: str
    stops: str | None
    stopover: str | None  # the wait after this flight
    stopover_short: bool


@dataclass(frozen=True)
class LegView:
    title: str
    duration: str
    day_mark: str
    fare_brand: str | None
    flights: tuple[FlightView, ...]


@dataclass(frozen=True)
class ChangedFlight:
    """One flight before and after: what differs is said in words."""

    flight: str
    before: str
    after: str


@dataclass(frozen=True)
class ChangeView:
    id: str
    at_iso: str
    at: str
    sentence: str
    flights: tuple[ChangedFlight, ...]
    terms: ChangeTerms
    answer_by: MomentView | None
    offers: bool  # other flights in place of the old ones
    asked: bool  # a person of ours looks for others already


def leg_views(itinerary: Itinerary, details: OrderDetails) -> tuple[LegView, ...]:
    legs = legs_of(itinerary)
    return tuple(
        _leg(leg, _facts(details, number, len(leg.flights)), number, len(legs))
        for number, leg in enumerate(legs)
    )


def _facts(details: OrderDetails, leg: int, count: int) -> Sequence[FlightFacts]:
    """Return what is known of a leg's flights; nothing where the order has other flights."""
    known = details.flights[leg] if leg < len(details.flights) else ()
    return known if len(known) == count else [FlightFacts()] * count


def _leg(leg: Leg, facts: Sequence[FlightFacts], number: int, count: int) -> LegView:
    where = f"{leg.departs.city} \N{RIGHTWARDS ARROW} {leg.arrives.city}"
    way = {0: "Out", 1: "Back"}.get(number) if count == 2 else None
    waits: list[Stopover | None] = [*leg.stopovers, None]
    return LegView(
        title=f"{way}: {where}" if way else where,
        duration=duration_words(leg.minutes),
        day_mark=day_mark(leg.days_later),
        fare_brand=leg.fare_brand,
        flights=tuple(
            _flight(flight, fact, wait)
            for flight, fact, wait in zip(leg.flights, facts, waits, strict=True)
        ),
    )


def _flight(flight: Flight, facts: FlightFacts, wait: Stopover | None) -> FlightView:
    sold_by = airline(flight.airline)
    flown_by = facts.operated_by or airline(flight.operating_airline).name
    return FlightView(
        departs=MomentView.of(flight.departs, flight.origin_terminal),
        arrives=MomentView.of(flight.arrives, flight.destination_terminal),
        number=flight.number,
        airline=sold_by.name,
        operated_by=flown_by if flight.operating_airline != flight.airline else None,
        aircraft=facts.aircraft,
        cabin=facts.cabin or cabin_name(flight.cabin),
        duration=duration_words(flight.minutes),
        day_mark=day_mark(flight.days_later),
        stops=_stops(flight, facts),
        stopover=_stopover(wait) if wait else None,
        stopover_short=bool(wait and wait.short),
    )


def _stops(flight: Flight, facts: FlightFacts) -> str | None:
    if facts.stops:
        return f"lands in {' and '.join(city(code) for code in facts.stops)} on the way"
    if flight.technical_stops:
        count = flight.technical_stops
        return f"lands {count} time{'' if count == 1 else 's'} on the way"
    return None


def _stopover(wait: Stopover) -> str:
    words = f"{duration_words(wait.minutes)} in {wait.city}"
    if wait.overnight:
        words += ", overnight"
    if wait.other_airport:
        words += f". Change of airport: go on from {wait.other_airport}"
    return words


def change_view(change: AirlineChange, *, asked: bool = False) -> ChangeView:
    before, after = change.before, change.after
    terms = change_terms(change)
    known = before or after
    first = legs_of(known)[0].departs if known else None
    return ChangeView(
        id=change.change_id,
        at_iso=change.at.isoformat(timespec="minutes"),
        at=f"{change.at:%d %B %Y}",
        sentence="The airline has moved your flights."
        if after
        else "The airline has taken these flights away and offers no others.",
        flights=_diff(before, after),
        terms=terms,
        answer_by=instant_at(terms.answer_by, first) if terms.answer_by and first else None,
        offers=after is not None,
        asked=asked,
    )


def _diff(before: Itinerary | None, after: Itinerary | None) -> tuple[ChangedFlight, ...]:
    old = _lines(before)
    new = _lines(after)
    rows = []
    for position in range(max(len(old), len(new))):
        was = old[position] if position < len(old) else None
        now = new[position] if position < len(new) else None
        rows.append(
            ChangedFlight(
                flight=(now or was or ("", ""))[0],
                before=was[1] if was else "no flight",
                after=now[1] if now else "not flown",
            )
        )
    return tuple(rows)


def _lines(itinerary: Itinerary | None) -> list[tuple[str, str]]:
    if itinerary is None:
        return []
    return [_line(segment) for leg in itinerary.slices for segment in leg.segments]


def _line(segment: Segment) -> tuple[str, str]:
    leaves = f"{segment.departing_at:%a %d %b, %H:%M} {segment.origin}"
    lands = f"{segment.arriving_at:%H:%M} {segment.destination}"
    number = f"{segment.marketing_carrier} {segment.flight_number}"
    return number, f"{leaves} \N{RIGHTWARDS ARROW} {lands}"
