"""Calendar files (RFC 5545, RFC 5546) of entries, with all that their time zones need."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from icalendar import Calendar, Event, Timezone, TimezoneDaylight, TimezoneStandard
from icalendar.prop import vUri

from db.models.booking import BookingRow
from domain.calendar_entries import CalendarEntry, Told, entries_of
from domain.itineraries import Itinerary
from domain.journeys import Moment
from domain.order_details import OrderDetails
from domain.orders import BookingState
from domain.time_zones import Observance, observances

MEDIA_TYPE = "text/calendar; charset=utf-8"
# How often a calendar that follows us may ask: airlines move flights by the day, not by the minute.
_EVERY = timedelta(hours=6)


class Method(StrEnum):
    """What a file in a mail asks its reader's calendar to do."""

    PUBLISH = "PUBLISH"
    CANCEL = "CANCEL"


def entries(
    row: BookingRow, details: OrderDetails, *, reference: bool = False, people: bool = False
) -> tuple[CalendarEntry, ...]:
    """Return a booking's flights as calendar entries, with what else their reader may know."""
    former = sorted(details.changes, key=lambda change: change.at)
    told = Told(
        reference=row.booking_reference if reference else None,
        people=tuple(one.name for one in details.people) if people else (),
    )
    return entries_of(
        row.id,
        Itinerary.model_validate(row.itinerary),
        # Both only ever rise: the one with each state, the other with each change of the flights.
        sequence=row.row_version + row.schedule_changes,
        cancelled=row.state is BookingState.CANCELLED,
        before=[change.before for change in former if change.before is not None],
        told=told,
    )


def write(
    shown: Sequence[CalendarEntry],
    now: datetime,
    *,
    method: Method | None = None,
    organizer: str | None = None,
    address: str | None = None,
    followed: bool = False,
) -> bytes:
    """Write a calendar file.

    With a `method` it is a message to a calendar, from an `organizer`; `followed` is asked for
    again and again. `address` is a page that its reader may open.
    """
    made = Calendar()
    made.add("version", "2.0")
    made.add("prodid", "-//Parker Flight//Flights//EN")
    made.add("calscale", "GREGORIAN")
    if method is not None:
        made.add("method", method.value)
    if followed:
        made.add("name", "Flights")
        made.add("x-wr-calname", "Flights")
        made.add("refresh-interval", _EVERY, parameters={"VALUE": "DURATION"})
        made.add("x-published-ttl", "PT6H")
    for zone in _zones(shown):
        made.add_component(zone)
    for entry in shown:
        made.add_component(_event(entry, now, method, organizer, address))
    written: bytes = made.to_ical()
    return written


def _event(
    entry: CalendarEntry,
    now: datetime,
    method: Method | None,
    organizer: str | None,
    address: str | None,
) -> Event:
    gone = entry.cancelled or method is Method.CANCEL
    made = Event()
    made.add("uid", entry.uid)
    made.add("sequence", entry.sequence)
    made.add("dtstamp", now)
    made.add("dtstart", _at(entry.departs))
    made.add("dtend", _at(entry.arrives))
    made.add("summary", entry.summary)
    made.add("location", entry.place)
    made.add("description", "\n".join(entry.lines))
    made.add("status", "CANCELLED" if gone else "CONFIRMED")
    made.add("transp", "TRANSPARENT" if gone else "OPAQUE")
    made.add("class", "PRIVATE")
    if address is not None:
        made.add("url", vUri(address))
    if organizer is not None:
        made.add("organizer", f"mailto:{organizer}")
    return made


def _at(moment: Moment) -> datetime:
    return moment.local.replace(tzinfo=ZoneInfo(moment.zone))


def _zones(shown: Iterable[CalendarEntry]) -> list[Timezone]:
    """Describe every zone that is named, from the year before its first flight to the one after."""
    years: dict[str, set[int]] = {}
    for entry in shown:
        for moment in (entry.departs, entry.arrives):
            years.setdefault(moment.zone, set()).add(moment.local.year)
    # UTC needs no description: such times are written with a Z.
    return [
        _zone(name, observances(name, min(known) - 1, max(known) + 1))
        for name, known in sorted(years.items())
        if name != "UTC"
    ]


def _zone(name: str, known: Sequence[Observance]) -> Timezone:
    made = Timezone()
    made.add("tzid", name)
    for one in known:
        part = TimezoneDaylight() if one.summer else TimezoneStandard()
        part.add("dtstart", one.onset)
        part.add("tzoffsetfrom", one.before)
        part.add("tzoffsetto", one.after)
        part.add("tzname", one.name)
        made.add_component(part)
    return made
