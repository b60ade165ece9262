"""An itinerary as a person travels it: local times with their zones, stopovers, +1 marks.

Segments carry local times without a zone, as airlines publish them; the airport gives the zone.
"""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from domain.errors import UnknownPlace
from domain.itineraries import Itinerary, Segment, Slice
from domain.places import place
from domain.values import Value

CHECK_IN_OPENS = timedelta(hours=24)  # what most airlines do; a few open earlier
AT_AIRPORT = timedelta(hours=2)
AT_AIRPORT_ABROAD = timedelta(hours=3)
SHORT_STOPOVER = timedelta(minutes=60)
LONG_STOPOVER = timedelta(hours=6)


class Moment(Value):
    """A time on the clock of an airport."""

    airport: str
    city: str
    name: str
    country: str
    local: datetime  # without a zone, as published
    instant: datetime  # UTC
    offset: str  # UTC-4, of that place on that day
    zone: str  # America/New_York

    @property
    def clock(self) -> str:
        return f"{self.local:%H:%M}"


class Flight(Value):
    """One segment between two moments. `days_later` is the +1 mark of its arrival."""

    departs: Moment
    arrives: Moment
    number: str
    airline: str
    operating_airline: str
    minutes: int
    days_later: int
    cabin: str | None = None
    origin_terminal: str | None = None
    destination_terminal: str | None = None
    technical_stops: int = 0


class Stopover(Value):
    """The wait between two flights; `other_airport` where one has to get to by oneself."""

    city: str
    minutes: int
    overnight: bool
    other_airport: str | None = None

    @property
    def short(self) -> bool:
        return self.minutes < SHORT_STOPOVER.total_seconds() // 60


class Leg(Value):
    """A journey one way. `stopovers[i]` follows `flights[i]`."""

    flights: tuple[Flight, ...]
    stopovers: tuple[Stopover, ...]
    minutes: int
    days_later: int
    fare_brand: str | None = None

    @property
    def departs(self) -> Moment:
        return self.flights[0].departs

    @property
    def arrives(self) -> Moment:
        return self.flights[-1].arrives

    @property
    def abroad(self) -> bool:
        return self.departs.country != self.arrives.country


def legs_of(itinerary: Itinerary) -> tuple[Leg, ...]:
    return tuple(leg_of(one) for one in itinerary.slices)


def leg_of(journey: Slice) -> Leg:
    flights = tuple(_flight(segment) for segment in journey.segments)
    return Leg(
        flights=flights,
        stopovers=tuple(_stopover(before, after) for before, after in pairwise(flights)),
        minutes=journey.duration_minutes,
        days_later=_days(flights[0].departs.local, flights[-1].arrives.local),
        fare_brand=journey.fare_brand,
    )


def moment(airport: str, local: datetime) -> Moment:
    """Place a published local time; an airport that nobody knows counts as UTC."""
    try:
        known = place(airport)
        city, name, country, zone = known.city, known.name, known.country, known.time_zone
    except UnknownPlace:
        city, name, country, zone = airport, airport, "", "UTC"
    placed = local.replace(tzinfo=ZoneInfo(zone))
    return Moment(
        airport=airport,
        city=city,
        name=name,
        country=country,
        local=local,
        instant=placed.astimezone(UTC),
        offset=offset_words(placed),
        zone=zone,
    )


def offset_words(placed: datetime) -> str:
    """Return `UTC−4`, `UTC+5:30`, or `UTC`."""
    minutes = int((placed.utcoffset() or timedelta()).total_seconds() // 60)
    if not minutes:
        return "UTC"
    hours, rest = divmod(abs(minutes), 60)
    sign = "+" if minutes > 0 else "\N{MINUS SIGN}"
    return f"UTC{sign}{hours}" + (f":{rest:02d}" if rest else "")


def duration_words(minutes: int) -> str:
    """Return `7 h 58 min`, `50 min`, `2 days 3 h`."""
    days, rest = divmod(max(minutes, 0), 1440)
    hours, left = divmod(rest, 60)
    if days:
        word = "day" if days == 1 else "days"
        return f"{days} {word}" + (f" {hours} h" if hours else "")
    if not hours:
        return f"{left} min"
    return f"{hours} h" + (f" {left} min" if left else "")


def check_in_opens(leg: Leg) -> datetime:
    return leg.departs.instant - CHECK_IN_OPENS


def be_there_at(leg: Leg) -> datetime:
    """Return when to be at the airport: three hours before a flight abroad, else two."""
    return leg.departs.instant - (AT_AIRPORT_ABROAD if leg.abroad else AT_AIRPORT)


def _flight(segment: Segment) -> Flight:
    return Flight(
        departs=moment(segment.origin, segment.departing_at),
        arrives=moment(segment.destination, segment.arriving_at),
        number=f"{segment.marketing_carrier} {segment.flight_number}",
        airline=segment.marketing_carrier,
        operating_airline=segment.operating_carrier,
        minutes=segment.duration_minutes,
        days_later=_days(segment.departing_at, segment.arriving_at),
        cabin=segment.cabin,
        origin_terminal=segment.origin_terminal,
        destination_terminal=segment.destination_terminal,
        technical_stops=segment.technical_stops,
    )


def _stopover(before: Flight, after: Flight) -> Stopover:
    wait = after.departs.instant - before.arrives.instant
    moved = before.arrives.airport != after.departs.airport
    return Stopover(
        city=before.arrives.city,
        minutes=int(wait.total_seconds() // 60),
        overnight=before.arrives.local.date() != after.departs.local.date(),
        other_airport=after.departs.name if moved else None,
    )


def _days(departs: datetime, arrives: datetime) -> int:
    """Count calendar days between local dates; negative over the date line."""
    return (arrives.date() - departs.date()).days
