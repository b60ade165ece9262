"""The flights of a booking as entries of a calendar, which change and go away with it.

An entry keeps its name for good: calendars that have it already move it, or take it out. The
booking's version is counted, so that an older file never undoes a newer one.
"""

from collections.abc import Sequence
from uuid import UUID

from domain.airlines import airline
from domain.ids import derive
from domain.itineraries import Itinerary
from domain.journeys import Flight, Moment, duration_words, legs_of
from domain.values import Value


class CalendarEntry(Value):
    uid: str
    sequence: int
    summary: str
    place: str
    departs: Moment
    arrives: Moment
    lines: tuple[str, ...] = ()
    cancelled: bool = False


class Told(Value):
    """What else an entry may say, as far as its reader may know it."""

    reference: str | None = None
    people: tuple[str, ...] = ()


def entries_of(
    booking_id: UUID,
    itinerary: Itinerary,
    *,
    sequence: int,
    cancelled: bool,
    before: Sequence[Itinerary] = (),
    told: Told | None = None,
) -> tuple[CalendarEntry, ...]:
    """Return an entry for each flight, and one that takes it out for each that is flown no more.

    `before` are the flights that the booking had earlier, the oldest first.
    """
    known: dict[tuple[int, int], tuple[Flight, bool]] = {}
    for former in before:
        known |= {where: (flight, True) for where, flight in _flights(former)}
    known |= {where: (flight, cancelled) for where, flight in _flights(itinerary)}
    return tuple(
        _entry(booking_id, where, flight, sequence, gone=gone, told=told or Told())
        for where, (flight, gone) in sorted(known.items())
    )


def _flights(itinerary: Itinerary) -> list[tuple[tuple[int, int], Flight]]:
    """Return each flight with its place in the trip: that place is what is moved by a change."""
    return [
        ((number, position), flight)
        for number, leg in enumerate(legs_of(itinerary))
        for position, flight in enumerate(leg.flights)
    ]


def _entry(
    booking_id: UUID,
    where: tuple[int, int],
    flight: Flight,
    sequence: int,
    *,
    gone: bool,
    told: Told,
) -> CalendarEntry:
    departs, arrives = flight.departs, flight.arrives
    lands = f"{arrives.clock} ({arrives.offset}), {arrives.local:%d %b %Y}"
    lines = [
        f"{airline(flight.airline).name} {flight.number}, {duration_words(flight.minutes)}",
        f"Leaves {_spot(departs, flight.origin_terminal)} at {departs.clock} ({departs.offset})",
        f"Lands {_spot(arrives, flight.destination_terminal)} at {lands}",
    ]
    if told.reference:
        lines.append(f"Booking reference {told.reference}")
    if told.people:
        lines.append(f"Travellers: {', '.join(told.people)}")
    return CalendarEntry(
        uid=f"{derive('calendar entry', booking_id, *where)}@parkerflight",
        sequence=sequence,
        summary=f"{flight.number} {departs.city} \N{RIGHTWARDS ARROW} {arrives.city}",
        place=_spot(departs, flight.origin_terminal),
        departs=departs,
        arrives=arrives,
        lines=tuple(lines),
        cancelled=gone,
    )


def _spot(at: Moment, terminal: str | None) -> str:
    return f"{at.name} ({at.airport})" + (f", terminal {terminal}" if terminal else "")
