"""Calendar entries, and the clocks they go by: each instant is found again by a foreign parser."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
import vobject
from hypothesis import given
from hypothesis import strategies as st

from api.handouts.calendars import Method, write
from domain.calendar_entries import Told, entries_of
from domain.itineraries import Itinerary, Segment, Slice
from domain.time_zones import observances

NOW = datetime(2026, 11, 26, tzinfo=UTC)
BOOKING = UUID(int=7)
BEGIN = datetime(2025, 1, 1, tzinfo=UTC)


def leg(*flights: str) -> Slice:
    """Make a leg of `JFK 2027-03-13T22:15 LIS 2027-03-14T10:05`."""
    segments = []
    for flight in flights:
        origin, departs, destination, arrives = flight.split()
        segments.append(
            Segment(
                origin=origin,
                destination=destination,
                departing_at=datetime.fromisoformat(departs),
                arriving_at=datetime.fromisoformat(arrives),
                duration_minutes=60,
                marketing_carrier="BA",
                flight_number="117",
                operating_carrier="BA",
                origin_terminal="2",
            )
        )
    return Slice(
        origin=segments[0].origin,
        destination=segments[-1].destination,
        duration_minutes=60,
        segments=tuple(segments),
    )


@pytest.mark.parametrize(
    "flight",
    [
        # The night in which America's clocks go on, two weeks before Europe's.
        "JFK 2027-03-13T22:15 LIS 2027-03-14T10:05",
        # Half an hour after Europe's went on, and the hour that there was twice in America.
        "LIS 2027-03-28T02:30 JFK 2027-03-28T05:00",
        "JFK 2027-11-07T00:30 LAX 2027-11-07T03:10",
        # Over the date line, both ways.
        "AKL 2027-03-10T10:00 HNL 2027-03-09T18:00",
        "HNL 2027-03-09T23:00 AKL 2027-03-11T07:00",
        # Odd offsets, and places whose law has winter as the exception.
        "KTM 2027-06-01T10:00 DEL 2027-06-01T11:30",
        "DUB 2027-10-31T00:30 CMN 2027-10-31T03:30",
        # An airport that nobody knows goes by UTC.
        "XQX 2027-06-01T10:00 LHR 2027-06-01T11:30",
    ],
)
def test_instants_come_back_from_a_parser_that_did_not_write_them(flight: str) -> None:
    (entry,) = entries_of(BOOKING, Itinerary(slices=(leg(flight),)), sequence=3, cancelled=False)
    read = vobject.readOne(write([entry], NOW).decode()).vevent
    assert read.dtstart.value.astimezone(UTC) == entry.departs.instant
    assert read.dtend.value.astimezone(UTC) == entry.arrives.instant
    assert read.dtstart.value.replace(tzinfo=None) == entry.departs.local
    assert read.dtend.value.replace(tzinfo=None) == entry.arrives.local


@given(
    st.sampled_from(["America/New_York", "Europe/Dublin", "Africa/Casablanca", "Asia/Kathmandu",
                     "Australia/Lord_Howe", "Pacific/Apia"]),
    st.integers(1, 5 * 365 * 24 * 60).map(lambda minutes: BEGIN + timedelta(minutes=minutes)),
)  # fmt: skip
def test_what_is_said_of_a_zone_is_what_its_clocks_do(zone: str, instant: datetime) -> None:
    """The last change before an instant tells how the clocks are set then."""
    known = [
        one
        for one in observances(zone, 2025, 2029)
        if (one.onset - one.before).replace(tzinfo=UTC) <= instant
    ]
    assert instant.astimezone(ZoneInfo(zone)).utcoffset() == known[-1].after
    assert all(later.before == earlier.after for earlier, later in pairwise(known))


def test_a_change_moves_entries_and_takes_out_flights_that_are_no_more() -> None:
    two = Itinerary(
        slices=(leg("JFK 2027-05-01T10:00 BOS 2027-05-01T11:00",
                    "BOS 2027-05-01T12:00 LIS 2027-05-01T23:00"),)
    )  # fmt: skip
    one = Itinerary(slices=(leg("JFK 2027-05-01T18:00 LIS 2027-05-02T06:00"),))
    first = entries_of(BOOKING, two, sequence=1, cancelled=False)
    assert [entry.cancelled for entry in first] == [False, False]
    moved = entries_of(BOOKING, one, sequence=2, cancelled=False, before=[two])
    assert [entry.uid for entry in moved] == [entry.uid for entry in first]
    assert [entry.cancelled for entry in moved] == [False, True]
    assert moved[0].departs.clock == "18:00"
    off = entries_of(BOOKING, one, sequence=3, cancelled=True, before=[two])
    assert all(entry.cancelled for entry in off)
    assert entries_of(UUID(int=8), one, sequence=1, cancelled=False)[0].uid != first[0].uid


def test_an_entry_says_what_its_reader_may_know_and_no_more() -> None:
    flights = Itinerary(slices=(leg("LHR 2027-05-01T10:00 JFK 2027-05-01T13:00"),))
    plain = entries_of(BOOKING, flights, sequence=1, cancelled=False)
    said = write(plain, NOW, method=Method.CANCEL, organizer="travel@parker.example").decode()
    assert "Heathrow Airport (LHR)\\, terminal 2" in said
    assert "METHOD:CANCEL" in said
    assert "STATUS:CANCELLED" in said
    assert "ORGANIZER:mailto:travel@parker.example" in said
    told = Told(reference="RZPNX8", people=('Ada, the "first"\nBEGIN:VEVENT',))
    full = entries_of(BOOKING, flights, sequence=1, cancelled=False, told=told)
    read = vobject.readOne(write(full, NOW, address="https://x.example/b").decode())
    assert len(read.vevent_list) == 1, "what people are called must not become a line of its own"
    assert 'Travellers: Ada, the "first"\nBEGIN:VEVENT' in read.vevent.description.value
    assert read.vevent.url.value == "https://x.example/b"
    assert timedelta() < read.vevent.dtend.value - read.vevent.dtstart.value
