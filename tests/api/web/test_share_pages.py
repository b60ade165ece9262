"""What is given away: who holds the address sees what its owner chose, until it is taken back."""

import re
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
import vobject
from booked import give_booking, recorded_order
from browsing import Shown, Site
from sqlalchemy import text

from db.models.booking import BookingRow
from db.vault import vault_of
from domain.orders import BookingState
from runtime.clock import system_now

CALENDAR = "/account/calendar"


@pytest.fixture
def give(database: Any, settings: Any, ana: Any) -> Any:
    """Return a way to give Ana a booking."""

    async def made(**parts: Any) -> Any:
        return await give_booking(database, vault_of(settings), ana.user_id, system_now(), **parts)

    return made


def _address(made: Shown) -> str:
    """Return the path of the address that a page shows this once."""
    found = re.search(r"http://[^/]+(/[\w./-]+)", made.text)
    assert found, made.text
    return found.group(1)


async def _shift(database: Any, **columns: timedelta) -> None:
    async with database.transaction(UUID(int=0)) as session:
        for name, span in columns.items():
            await session.execute(
                text(f"UPDATE shareable_links SET {name} = :at"), {"at": system_now() + span}
            )


async def test_a_link_shows_the_flights_and_nothing_that_was_not_chosen(
    pages: Site, stranger: Site, other_pages: Site, give: Any, database: Any
) -> None:
    booked = await give()
    path = f"/bookings/{booked.booking_id}/share"
    assert "Nobody but you sees these flights." in (await pages.get(path)).text
    form = await pages.get(path)
    made = await pages.submit(form, {"days": "7"}, action=path)
    address = _address(made)
    assert address.startswith("/i/")
    # The very same form makes no second one, and the address is never shown again.
    again = await pages.submit(form, {"days": "7"}, action=path)
    assert "made already" in again.html
    assert address not in again.html

    for looker in (stranger, other_pages):
        shown = await looker.get(address)
        assert shown.status == 200
        assert "noindex" in shown.headers["x-robots-tag"]
        assert shown.headers["referrer-policy"] == "no-referrer"
        assert shown.headers["cache-control"] == "no-store"
        robots = shown.soup.find("meta", {"name": "robots"})
        assert robots["content"] == "noindex"  # type: ignore[index]
        for words in ("London → New York", "Heathrow Airport (LHR)", "10:15", "Ticketed"):
            assert words in shown.text, words
        for hidden in ("RZPNX8", "Example", "232.45", "4242", "Ticket 1", "Ada"):
            assert hidden not in shown.html, hidden
    assert "Opened 2 times" in (await pages.get(path)).text

    more = await pages.submit(
        path, {"days": "90", "people": "yes", "reference": "yes"}, action=path
    )
    chosen = await stranger.get(_address(more))
    assert "Ada Example" in chosen.text
    assert "RZPNX8" in chosen.text
    assert "232.45" not in chosen.html

    assert (await pages.submit(path, {"days": "9999"}, action=path)).problems() == [
        "Choose for how long the link works."
    ]
    for where in (path, f"{path}/{UUID(int=1)}/revoke"):
        answer = await other_pages.post(where, {"form_token": "-"})
        assert answer.status in {403, 404}
    assert (await other_pages.get(path)).status == 404
    async with database.transaction(UUID(int=0)) as session:
        kept = str((await session.execute(text("SELECT * FROM shareable_links"))).all())
    assert address.removeprefix("/i/") not in kept


async def test_what_was_taken_back_or_has_run_out_is_gone_and_what_never_was_is_not_there(
    pages: Site, stranger: Site, give: Any, database: Any
) -> None:
    booked = await give()
    path = f"/bookings/{booked.booking_id}/share"
    first = _address(await pages.submit(path, {"days": "7"}, action=path))
    listed = await pages.get(path)
    revoke = listed.soup.find("form", action=re.compile("/revoke$"))
    await pages.submit(listed, action=str(revoke["action"]))  # type: ignore[index]
    second = _address(await pages.submit(path, {"days": "7"}, action=path))
    feed = _address(await pages.submit(CALENDAR, action=CALENDAR))
    assert (await stranger.get(second)).status == 200
    # A calendar's secret opens no page, and a page's no calendar.
    swapped = feed.removeprefix("/calendar/").removesuffix(".ics")
    await _shift(database, expires_at=timedelta(seconds=-1))
    for address, status, words in (
        (first, 410, "has run out, or whoever gave it to you has taken it back"),
        (second, 410, "has run out"),
        (feed, 410, "has run out"),
        (f"/i/{swapped}", 404, "nothing at this address"),
        ("/i/nonsense", 404, "nothing at this address"),
        ("/calendar/nonsense.ics", 404, "nothing at this address"),
    ):
        shown = await stranger.get(address)
        assert (address, shown.status) == (address, status)
        assert words in shown.text
        assert "noindex" in shown.headers["x-robots-tag"]
        assert "London" not in shown.html


async def test_a_calendar_follows_all_flights_until_its_address_is_replaced(
    pages: Site, stranger: Site, give: Any
) -> None:
    def over_the_date_line(row: BookingRow, order: dict[str, Any]) -> None:
        del row
        segment = order["slices"][0]["segments"][0]
        for end, code, at in (
            ("origin", "AKL", "2027-03-10T10:00:00"),
            ("destination", "HNL", "2027-03-09T18:00:00"),
        ):
            name = "departing_at" if end == "origin" else "arriving_at"
            segment[name], segment[end]["iata_code"] = at, code

    def changed(row: BookingRow, order: dict[str, Any]) -> None:
        row.schedule_changes = 1
        order["airline_initiated_changes"] = [
            {"id": "aic_1", "created_at": "2026-11-21T10:00:00Z",
             "removed": recorded_order()["slices"], "added": order["slices"]}
        ]  # fmt: skip

    await give(departs_in=20, change=changed)
    await give(departs_in=40, state=BookingState.CANCELLED)
    await give(departs_in=100, change=over_the_date_line)
    await give(departs_in=-60)
    address = _address(await pages.submit(CALENDAR, action=CALENDAR))
    feed = await stranger.get(address)
    assert feed.headers["content-type"] == "text/calendar; charset=utf-8"
    assert "noindex" in feed.headers["x-robots-tag"]
    for hidden in ("RZPNX8", "Example", "232.45", "METHOD"):
        assert hidden not in feed.html, hidden
    assert "REFRESH-INTERVAL;VALUE=DURATION:PT6H" in feed.html
    soon, gone, over = vobject.readOne(feed.html).vevent_list
    assert [one.status.value for one in (soon, gone, over)] == [
        "CONFIRMED",
        "CANCELLED",
        "CONFIRMED",
    ]
    assert [one.sequence.value for one in (soon, gone, over)] == ["2", "1", "1"]
    # It lands on the day before it leaves, seven hours later.
    assert (over.dtstart.value.day, over.dtend.value.day) == (10, 9)
    assert over.dtend.value - over.dtstart.value == timedelta(hours=7)
    again = vobject.readOne((await stranger.get(address)).html)
    assert [one.uid.value for one in again.vevent_list] == [
        one.uid.value for one in (soon, gone, over)
    ]

    wanted = {"people": "yes", "reference": "yes"}
    fresh = _address(await pages.submit(CALENDAR, wanted, action=CALENDAR))
    assert (await stranger.get(address)).status == 410
    told = (await stranger.get(fresh)).html.replace("\r\n ", "")
    assert "Booking reference RZPNX8" in told
    assert "Travellers: Ada Example" in told
    page = await pages.get(CALENDAR)
    assert "Last asked for" in page.text
    await pages.submit(page, action=f"{CALENDAR}/off")
    assert (await stranger.get(fresh)).status == 410
    assert "in no calendar yet" in (await pages.get(CALENDAR)).text
