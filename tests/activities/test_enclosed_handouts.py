"""Letters about a booking as they arrive: what they enclose, and what the calendar does with it."""

import email
from dataclasses import replace
from email import policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest
import vobject
from activity_desk import Desk
from booked import Booked, give_booking
from house import TESTS
from tagged import assert_tagged, text_of

from db.models.booking import BookingRow
from db.queries.bookings import booking_notice
from db.queries.notices import add_notices
from db.queries.transitions import change_state
from domain.handouts import ENCLOSED
from domain.ids import UserId
from domain.orders import BookingState
from domain.telling import KIND_OF
from runtime.clock import system_now
from worker import Activities


@pytest.fixture
def enclosing(desk: Desk) -> Desk:
    """Return a desk whose letters enclose PDFs."""
    house = desk.house
    notices = house.settings.notices.model_copy(update={"enclose_pdfs": True})
    settings = house.settings.model_copy(update={"notices": notices})
    return Desk(house, Activities(settings, house.database, house.providers))


async def _told(desk: Desk, booked: Booked, event: str, **data: Any) -> EmailMessage:
    """Write a notice of the booking, have it sent, and return the mail as it arrived."""
    house, now = desk.house, system_now()
    async with house.database.transaction(TESTS) as session:
        row = await session.get(BookingRow, booked.booking_id)
        if event == "booking_cancelled":
            await change_state(
                session, row, BookingState.CANCELLED, now=now, event="booking.cancelled"
            )
        notice = replace(booking_notice(event, row, **data), subject_id=UUID(int=len(event)))
        await add_notices(session, [notice], now)
    assert await desk.take(desk.all.notices.send_booking_notices, booked.booking_id) == 1
    return _newest(f"{house.sandbox.url}/mail/api/messages")


def _newest(inbox: str) -> EmailMessage:
    number = httpx.get(inbox).json()["messages"][0]["id"]
    raw = httpx.get(f"{inbox}/{number}").json()["raw"]
    found = email.message_from_string(raw, policy=policy.default)
    assert isinstance(found, EmailMessage)
    return found


def _files(mail: EmailMessage) -> dict[str, EmailMessage]:
    return {str(one.get_filename()): one for one in mail.iter_attachments()}  # type: ignore[misc]


def _calendar(mail: EmailMessage) -> Any:
    part = _files(mail)["flights-RZPNX8.ics"]
    assert part.get_content_type() == "text/calendar"
    found = vobject.readOne(part.get_content())
    assert part.get_param("method") == found.method.value
    return found


async def _someone_booked(desk: Desk) -> Booked:
    owner: UserId = await desk.house.user()
    return await give_booking(desk.house.database, desk.house.vault, owner, system_now())


async def test_who_is_booked_gets_itinerary_receipt_and_calendar_and_a_cancellation_takes_it_out(
    enclosing: Desk, tmp_path: Path
) -> None:
    booked = await _someone_booked(enclosing)
    mail = await _told(enclosing, booked, "booked", charged_minor=23_245)
    number = f"PF-{booked.payment_id.hex[:4].upper()}-{booked.payment_id.hex[4:8].upper()}"
    files = _files(mail)
    assert list(files) == ["itinerary-RZPNX8.pdf", f"receipt-{number}.pdf", "flights-RZPNX8.ics"]
    said = mail.get_body(("plain",)).get_content()  # type: ignore[union-attr]
    assert f"Enclosed: {', '.join(files)}." in said
    assert f"/bookings/{booked.booking_id}" in said
    itinerary, receipt = (one.get_content() for one in list(files.values())[:2])
    assert_tagged(itinerary, "Itinerary RZPNX8 · Parker Flight", tmp_path)
    assert "Ada Example" in text_of(itinerary)
    assert_tagged(receipt, f"Receipt {number} · Parker Flight", tmp_path)
    assert "232.45 USD was charged, once." in text_of(receipt)
    taken_in = _calendar(mail)
    assert taken_in.method.value == "PUBLISH"
    assert taken_in.vevent.organizer.value == "mailto:travel@parker.example"

    mail = await _told(enclosing, booked, "booking_cancelled", cancelled_by="airline")
    assert list(_files(mail)) == ["flights-RZPNX8.ics"]
    taken_out = _calendar(mail)
    assert taken_out.method.value == "CANCEL"
    assert taken_out.vevent.status.value == "CANCELLED"
    assert taken_out.vevent.uid.value == taken_in.vevent.uid.value
    assert int(taken_out.vevent.sequence.value) > int(taken_in.vevent.sequence.value)


async def test_a_letter_goes_out_although_its_pdfs_cannot_be_made(desk: Desk) -> None:
    booked = await _someone_booked(desk)
    mail = await _told(desk, booked, "schedule_changed", changes=1)
    assert list(_files(mail)) == ["flights-RZPNX8.ics"]
    assert _calendar(mail).method.value == "PUBLISH"


def test_only_events_that_are_told_enclose_something() -> None:
    assert set(ENCLOSED) <= set(KIND_OF)
