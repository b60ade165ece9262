"""A wish in a traveller's words: its route, its time, and what it asks for.

`New York → Lisbon`, `in May or June 2027`, `6 to 10 nights, 2 adults, economy`.
"""

from calendar import monthrange
from collections.abc import Sequence
from datetime import date, timedelta

from babel.dates import format_date

from domain.airlines import airline
from domain.campaigns import BookingMode
from domain.criteria import Criteria, Hours
from domain.errors import UnknownPlace
from domain.itineraries import Itinerary, Slice
from domain.offers import Party
from domain.places import place

_MODES = {
    BookingMode.AUTO.value: "Books by itself.",
    BookingMode.ASK_ME_FIRST.value: "Asks you before it books.",
    BookingMode.NOTIFY.value: "Tells you, and books nothing.",
    "notify": "Tells you and books nothing.",
}
_WORTH = {
    "nonstop": "A non-stop may cost up to {} more each.",
    "hour_shorter": "Each hour less under way may cost up to {} more each.",
    "by_day": "Flying by day may cost up to {} more each.",
    "refundable": "A fare that gives money back may cost up to {} more each.",
}


def city(code: str) -> str:
    """Return the city of an airport or city; the code itself where nobody knows it."""
    try:
        return place(code).city
    except UnknownPlace:
        return code


def route_words(criteria: Criteria) -> str:
    """Return `New York → Lisbon`; several places are joined by `or`."""
    start, goal = (
        either(list(dict.fromkeys(city(code) for code in codes)))
        for codes in (criteria.origins, criteria.destinations)
    )
    return f"{start} → {goal}"


def window_words(criteria: Criteria, today: date) -> str:
    """Return when to leave: `in May or June`, `on 12 May`, `between 12 and 20 May`.

    The year is said where it is not this year's.
    """
    first, last = criteria.departure_from, criteria.departure_until
    year = "" if last.year == today.year else f" {last.year}"
    if first == last:
        return f"on {_day(first)}{year}"
    if first.day == 1 and last.day == monthrange(last.year, last.month)[1]:
        months = _months(first, last)
        if len(months) <= 3 and first.year == last.year:
            return f"in {either(months)}{year}"
        begin = f" {first.year}" if first.year != last.year else ""
        return f"from {_month(first)}{begin} to {_month(last)}{year}"
    if (first.year, first.month) == (last.year, last.month):
        return f"between {first.day} and {_day(last)}{year}"
    begin = f" {first.year}" if first.year != last.year else ""
    return f"between {_day(first)}{begin} and {_day(last)}{year}"


def shape_words(criteria: Criteria, party: Party) -> str:
    """Return `6 to 10 nights, 2 adults, economy`."""
    cabin = criteria.cabin.value.replace("_", " ")
    return f"{nights_words(criteria)}, {party_words(party)}, {cabin}"


def nights_words(criteria: Criteria) -> str:
    least, most = criteria.nights_min, criteria.nights_max
    if least is None or most is None:
        return "one way"
    if least == most:
        return counted(least, "night")
    return f"{least} to {counted(most, 'night')}"


def party_words(party: Party) -> str:
    """Return `2 adults, 1 child`."""
    parts = [counted(party.adults, "adult")]
    if party.children:
        parts.append(counted(party.children, "child", "children"))
    if party.infants:
        parts.append(counted(party.infants, "infant"))
    return ", ".join(parts)


def wanted_words(criteria: Criteria, mode: str) -> tuple[str, ...]:
    """Return what else the wish asks for, a sentence each; last how it books."""
    found = []
    if criteria.checked_bags:
        found.append(f"{counted(criteria.checked_bags, 'checked bag')} each included.")
    if criteria.max_connections is not None:
        most = criteria.max_connections
        found.append("Non-stop only." if most == 0 else f"At most {counted(most, 'stop')}.")
    if criteria.airlines_wanted:
        found.append(f"Only with {either(_airlines(criteria.airlines_wanted))}.")
    if criteria.airlines_excluded:
        found.append(f"Not with {either(_airlines(criteria.airlines_excluded))}.")
    for what, hours in (
        ("Leaving", criteria.departure_hours),
        ("Arriving", criteria.arrival_hours),
    ):
        if hours is not None:
            found.append(f"{what} {_hours(hours)}.")
    if criteria.refundable_only:
        found.append("Only fares that give money back.")
    found += [_WORTH[name].format(worth.short()) for name, worth in criteria.worth.said]
    return (*found, _MODES[mode])


def flights_words(itinerary: Itinerary) -> str:
    """Return `TAP Air Portugal 204 / 203, non-stop`, or `..., via Madrid`."""
    if not itinerary.slices:
        return "flights that are no longer known"
    return f"{numbers_words(itinerary)}, {stops_words(itinerary)}"


def numbers_words(itinerary: Itinerary) -> str:
    """Return `TAP Air Portugal 204 / 203`."""
    ways = " / ".join(_numbers(leg) for leg in itinerary.slices)
    return f"{airline(_carrier(itinerary.slices[0])).name} {ways}"


def stops_words(itinerary: Itinerary) -> str:
    """Return where the flights stop, on the way that stops more."""
    if itinerary.connections == 0:
        return "non-stop"
    over = dict.fromkeys(
        city(segment.destination) for leg in itinerary.slices for segment in leg.segments[:-1]
    )
    return f"via {' and '.join(over)}" if over else counted(itinerary.connections, "stop")


def travel_words(itinerary: Itinerary) -> str:
    """Return when the flights go: `12 to 20 May`; nothing where none are known."""
    if not itinerary.slices:
        return ""
    return dates_words(itinerary.departs_on, itinerary.returns_on)


def dates_words(departs_on: date, returns_on: date | None) -> str:
    """Return `12 to 20 May`, `28 May to 3 June`, or `12 May` one way."""
    if returns_on is None:
        return _day(departs_on)
    if (departs_on.year, departs_on.month) == (returns_on.year, returns_on.month):
        return f"{departs_on.day} to {_day(returns_on)}"
    return f"{_day(departs_on)} to {_day(returns_on)}"


def counted(number: int, one: str, many: str | None = None) -> str:
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def either(words: Sequence[str]) -> str:
    """Join with commas and a last `or`."""
    return " or ".join((", ".join(words[:-1]), words[-1])) if len(words) > 1 else words[0]


def _airlines(codes: Sequence[str]) -> list[str]:
    return [airline(code).name for code in codes]


def _hours(hours: Hours) -> str:
    return f"between {hours.earliest:%H:%M} and {hours.latest:%H:%M}"


def _carrier(leg: Slice) -> str:
    return leg.segments[0].marketing_carrier


def _numbers(leg: Slice) -> str:
    first = _carrier(leg)
    return ", ".join(
        segment.flight_number
        if segment.marketing_carrier == first
        else f"{segment.marketing_carrier} {segment.flight_number}"
        for segment in leg.segments
    )


def _months(first: date, last: date) -> list[str]:
    found, day = [], first
    while day <= last:
        found.append(_month(day))
        day = (day.replace(day=28) + timedelta(days=4)).replace(day=1)
    return found


def _month(day: date) -> str:
    return format_date(day, "MMMM", locale="en")


def _day(day: date) -> str:
    return format_date(day, "d MMMM", locale="en")
