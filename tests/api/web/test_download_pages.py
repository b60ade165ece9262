"""What is taken along: PDFs that can be read aloud, and calendar files that follow the booking."""

import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx2
import pytest
import vobject
from booked import give_booking, recorded_order
from browsing import Site
from tagged import assert_tagged, text_of

from api.app import create_app
from api.handouts.press import NoPress, NotPrinted, Press
from api.web import cookies
from db.models.booking import BookingRow
from db.vault import vault_of
from domain.orders import BookingState
from runtime.clock import system_now

_PAGE = "<!doctype html><html lang=en><title>x</title><h1>Hello</h1>"


@pytest.fixture
def give(database: Any, settings: Any, ana: Any) -> Any:
    """Return a way to give Ana a booking."""

    async def made(**parts: Any) -> Any:
        return await give_booking(database, vault_of(settings), ana.user_id, system_now(), **parts)

    return made


async def test_itinerary_and_receipt_are_tagged_pdfs_that_say_what_their_pages_say(
    pages: Site, other_pages: Site, give: Any, tmp_path: Path
) -> None:
    def named(row: BookingRow, order: dict[str, Any]) -> None:
        del row
        order["passengers"][0]["given_name"] = "<b>Ángela</b>"

    booked = await give(change=named)
    itinerary = f"/bookings/{booked.booking_id}/itinerary.pdf"
    receipt = f"/billing/{booked.payment_id}/receipt.pdf"
    page = await pages.get(f"/bookings/{booked.booking_id}")
    links = {str(one["href"]) for one in page.soup.select("main a[href]")}
    assert {itinerary, receipt} <= links
    assert page.soup.find("a", string="Add to calendar")

    printed = await pages.get(itinerary)
    assert printed.status == 200
    assert printed.headers["content-type"] == "application/pdf"
    assert printed.headers["content-disposition"] == 'attachment; filename="itinerary-RZPNX8.pdf"'
    tags = assert_tagged(printed.content, "Itinerary RZPNX8 · Parker Flight", tmp_path)
    assert tags["H1"] == 1
    assert tags["H2"] >= 3
    assert tags["L"] >= 2
    said = text_of(printed.content)
    for words in (
        "London → New York",
        "Ticketed",
        "RZPNX8",
        "10:15",
        "Heathrow Airport (LHR), terminal 2",
        "13:13",
        "<b>Ángela</b> Example",
        "Ticket 1",
        "1 checked bag and 1 cabin bag",
        "For 40.00 USD until departure",
        "SANDBOX. These flights are simulated",
    ):
        assert words in said, (words, said)
    for money in ("232.45", "4242"):
        assert money not in said, "an itinerary is shown around; what it cost is nobody's business"

    paid = await pages.get(receipt)
    tags = assert_tagged(paid.content, f"Receipt {_number(booked)} · Parker Flight", tmp_path)
    assert (tags["Table"], tags["TH"]) == (1, 3)
    said = text_of(paid.content)
    for words in ("232.45 USD was charged, once.", "Visa ending 4242", "Fare 180.04 USD",
                  "Taxes and fees 32.41 USD", "this is no proof of payment"):  # fmt: skip
        assert words in said, (words, said)
    for path in (itinerary, receipt):
        assert (await other_pages.get(path)).status == 404


def _number(booked: Any) -> str:
    return f"PF-{booked.payment_id.hex[:4].upper()}-{booked.payment_id.hex[4:8].upper()}"


async def test_a_calendar_file_moves_what_the_airline_moved_and_takes_out_what_is_gone(
    pages: Site, give: Any, ana: Any
) -> None:
    plain = await give()
    shown = await pages.get(f"/bookings/{plain.booking_id}/calendar.ics")
    assert shown.headers["content-type"] == "text/calendar; charset=utf-8"
    assert shown.headers["content-disposition"] == 'attachment; filename="flights-RZPNX8.ics"'
    (entry,) = vobject.readOne(shown.html).vevent_list
    assert entry.summary.value == "ZZ 4021 London → New York"
    assert "Booking reference RZPNX8" in entry.description.value
    assert "Example" not in shown.html
    assert "DTSTART;TZID=Europe/London:" in shown.html
    assert "DTEND;TZID=America/New_York:" in shown.html
    assert (entry.dtstart.value.hour, entry.dtend.value.hour) == (10, 13)
    assert (entry.dtend.value - entry.dtstart.value).total_seconds() == (7 * 60 + 58) * 60
    assert entry.status.value == "CONFIRMED"

    def moved(row: BookingRow, order: dict[str, Any]) -> None:
        """Two flights before, now one at another hour."""
        before = recorded_order()["slices"]
        before[0]["segments"].append(before[0]["segments"][0])
        order["airline_initiated_changes"] = [
            {"id": "aic_1", "created_at": "2026-11-21T10:00:00Z", "removed": before,
             "added": order["slices"]}
        ]  # fmt: skip
        row.schedule_changes = 1

    changed = await give(change=moved)
    shown = await pages.get(f"/bookings/{changed.booking_id}/calendar.ics")
    kept, gone = vobject.readOne(shown.html).vevent_list
    assert [one.status.value for one in (kept, gone)] == ["CONFIRMED", "CANCELLED"]
    assert len({one.uid.value for one in (kept, gone, entry)}) == 3
    assert {one.sequence.value for one in (kept, gone)} == {"2"}
    assert entry.sequence.value == "1"

    by_key = await ana.http.get(f"/api/bookings/{plain.booking_id}/calendar.ics")
    assert by_key.headers["content-type"] == "text/calendar; charset=utf-8"
    assert vobject.readOne(by_key.text).vevent.uid.value == entry.uid.value
    by_key = await ana.http.get(f"/api/bookings/{plain.booking_id}/itinerary.pdf")
    assert by_key.content.startswith(b"%PDF-1.7")

    cancelled = await give(state=BookingState.CANCELLED)
    shown = await pages.get(f"/bookings/{cancelled.booking_id}/calendar.ics")
    assert vobject.readOne(shown.html).vevent.status.value == "CANCELLED"


async def test_without_the_systems_libraries_the_link_says_so_and_all_else_works(
    pages: Site, give: Any, settings: Any
) -> None:
    booked = await give()
    app = create_app(settings)
    async with app.router.lifespan_context(app):
        press = Press([sys.executable, "-c", "raise SystemExit(3)"])
        app.state.services = replace(app.state.services, press=press)
        async with httpx2.AsyncClient(
            transport=httpx2.ASGITransport(app), base_url="http://localhost"
        ) as http:
            cookie = f"{cookies.SESSION}={pages.jar[cookies.SESSION]}"
            sent = {"Cookie": cookie, "Accept": "text/html"}
            said = await http.get(f"/bookings/{booked.booking_id}/itinerary.pdf", headers=sent)
            page = await http.get(f"/bookings/{booked.booking_id}", headers=sent)
    assert said.status_code == 503
    assert "PDFs cannot be made on this machine" in said.text
    assert "apt-get install libpango-1.0-0" in said.text
    assert page.status_code == 200


def _runs(program: str) -> Press:
    return Press([sys.executable, "-c", program], seconds=20)


@pytest.mark.parametrize(
    ("press", "page", "refusal", "why"),
    [
        (Press, f"{_PAGE}<img alt=x src='http://127.0.0.1:1/x.png'>", NotPrinted, "ended with 1"),
        (Press, f"{_PAGE}<link rel=stylesheet href='file:///etc/hosts'>", NotPrinted, "ended with"),
        (Press, _PAGE + "x" * 600_000, NotPrinted, "too long"),
        (lambda: _runs("print('%PDX')"), _PAGE, NotPrinted, "ended with 0"),
        (lambda: _runs("raise SystemExit(3)"), _PAGE, NoPress, "apt-get install libpango"),
        (
            lambda: Press(
                [sys.executable, "-c", "input()\nimport threading\nthreading.Event().wait()"],
                seconds=1,
            ),
            _PAGE + "\n",
            NotPrinted,
            "too slow",
        ),
    ],
)
async def test_a_document_that_cannot_be_printed_is_refused_by_its_name(
    press: Callable[[], Press], page: str, refusal: type[Exception], why: str
) -> None:
    with pytest.raises(refusal, match=why):
        await press().put_on_paper(page)


async def test_what_is_printed_knows_nothing_of_our_secrets(monkeypatch: Any) -> None:
    monkeypatch.setenv("PARKER_MASTER_KEYS", "k1:secret")
    program = "import os\nprint('%PDF-', *os.environ)"
    names = (await _runs(program).put_on_paper(_PAGE)).decode()
    assert "PATH" in names
    assert "PARKER" not in names
