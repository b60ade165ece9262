"""The history of bookings and one booking's page: what they say in each state, and to whom."""

import csv
import io
import re
from typing import Any
from uuid import uuid4

import pytest
from booked import give_booking, recorded_order
from browsing import Site

from api.web.forms import TOKEN_FIELD
from db.models.booking import BookingRow
from db.queries.transitions import append_event
from db.vault import vault_of
from domain.orders import BookingState
from runtime.clock import system_now

HISTORY = "/auto-booking/history"


@pytest.fixture
def give(database: Any, settings: Any, ana: Any) -> Any:
    """Return a way to give Ana a booking."""
    vault = vault_of(settings)

    async def made(**parts: Any) -> Any:
        return await give_booking(database, vault, ana.user_id, system_now(), **parts)

    return made


async def test_a_history_without_bookings_says_what_to_do(pages: Site) -> None:
    shown = await pages.get(HISTORY)
    assert shown.status == 200
    assert "No bookings yet" in shown.text
    assert shown.soup.select_one('main a.btn.main[href="/auto-booking/new"]')
    assert "<table" not in shown.html


async def test_the_history_finds_sums_and_exports(
    pages: Site, other_pages: Site, give: Any, ana: Any, traveler_body: Any
) -> None:
    made = await ana.http.post("/api/autobooking/traveler", json=traveler_body | {"label": "Mum"})
    mum = made.json()["id"]
    await give(traveler_ids=(mum,), name="=SUM(A1)")

    def cancelled(row: BookingRow, _order: dict[str, Any]) -> None:
        row.booking_reference, row.cancelled_by, row.penalty_minor = "QWERTY", "traveller", 3_245

    gone = await give(state=BookingState.CANCELLED, change=cancelled, refund="succeeded")
    shown = await pages.get(HISTORY)
    # 232.45 stands; of the other 232.45 all but 32.45 came back: 264.90 in the end.
    assert "2 bookings cost you 264.90 USD, 27.55 USD less than you allowed." in shown.text
    assert "Cancelled and refunded" in shown.text
    assert {"RZPNX8", "QWERTY"} <= set(re.findall(r"[A-Z0-9]{6}", shown.text))
    assert "Duffel" in shown.text
    assert "Mum" in shown.text

    for query, found in (
        ("code=qwerty", ["QWERTY"]),
        ("state=upcoming", ["RZPNX8"]),
        (f"traveler={mum}", ["RZPNX8"]),
        ("provider=duffel&until=2020-01-01", []),
        ("state=nonsense&from=soon&traveler=x&provider=y", ["QWERTY", "RZPNX8"]),
    ):
        page = await pages.get(f"{HISTORY}?{query}")
        codes = [one.get_text() for one in page.soup.select("main td code")]
        assert (query, codes) == (query, found)
    kept = await pages.get(f"{HISTORY}?code=%3Cb%3E&state=flown")
    assert "Nothing fits" in kept.text
    assert kept.soup.find("input", {"name": "code"})["value"] == "<b>"  # type: ignore[index]

    exported = await pages.get(f"{HISTORY}.csv?state=upcoming")
    assert exported.headers["content-type"].startswith("text/csv")
    assert "attachment" in exported.headers["content-disposition"]
    (row,) = csv.DictReader(io.StringIO(exported.html))
    assert (row["booking_reference"], row["price"], row["saved_against_budget"]) == (
        "RZPNX8",
        "232.45",
        "27.55",
    )
    assert row["wish"] == "'=SUM(A1)", "a wish's name must not run as a formula"
    assert (row["travellers"], row["route"], row["ticket_numbers"]) == ("Mum", "LHR-JFK", "1")

    theirs = await other_pages.get(HISTORY)
    assert "No bookings yet" in theirs.text
    assert (await other_pages.get(f"/bookings/{gone.booking_id}")).status == 404


async def test_the_history_goes_on_page_by_page(pages: Site, give: Any) -> None:
    for _ in range(21):
        await give()
    first = await pages.get(HISTORY)
    assert len(first.soup.select("main tbody tr")) == 20
    older = first.soup.find("a", rel="next")
    second = await pages.get(str(older["href"]))  # type: ignore[index]
    assert len(second.soup.select("main tbody tr")) == 1
    assert second.soup.find("a", rel="next") is None
    assert second.soup.find("a", string="Back to the newest")


async def test_a_booking_says_everything_that_its_traveller_needs(
    pages: Site, give: Any, ana: Any
) -> None:
    booked = await give()
    shown = await pages.get(f"/bookings/{booked.booking_id}")
    assert shown.status == 200
    said = shown.text
    for words in (
        "Ticketed",
        "232.45 USD was charged to Visa ending 4242, once, 27.55 under your budget",
        "Check-in opens",
        "London time (UTC)",
        "10:15",
        "Heathrow Airport (LHR)",
        "terminal 2",
        "13:13",
        "Boeing 777-300ER",
        "7 h 58 min",
        "Ada Example",
        "Bags: 1 checked bag and 1 cabin bag",
        "1 extra bag of up to 23 kg",
        "For 40.00 USD until departure",
        "This fare gives no money back",
        'your statement shows "PARKER FLIGHT"',
        "Booked through Duffel",
        "Order state at Duffel confirmed",
        "Your tickets are issued.",
    ):
        assert words in said, words
    assert [one["data-copy"] for one in shown.soup.select("[data-copy]")][:2] == [
        "RZPNX8",
        "1",
    ] or ("RZPNX8" in shown.html)
    assert shown.soup.find("a", href=f"/billing/{booked.payment_id}")
    assert shown.soup.find("a", href=f"/bookings/{booked.booking_id}/cancel")
    assert shown.soup.find("a", href=f"/auto-booking/wishes/{booked.campaign_id}")
    assert (await pages.get(f"/bookings/{uuid4()}")).status == 404

    # Programs are told the same, in the same words.
    told = (await ana.http.get(f"/api/bookings/{booked.booking_id}")).json()
    (person,) = told["passengers"]
    assert (person["name"], person["tickets"]) == ("Ada Example", ["1"])
    assert f"Bags: {'; '.join(person['bags'])}" in said
    sentences = [
        told["sentence"],
        told["merchant"],
        *(one["sentence"] for one in told["conditions"]),
    ]
    assert [one for one in sentences if one not in said] == []
    assert (told["open_change"], told["refund_track"]) == (None, None)


async def test_an_airline_with_an_address_of_its_own_is_linked(pages: Site, give: Any) -> None:
    def of_british(_row: BookingRow, order: dict[str, Any]) -> None:
        order["owner"] |= {"iata_code": "BA", "name": "British Airways"}
        order["owner"]["conditions_of_carriage_url"] = "javascript:alert(1)"

    booked = await give(change=of_british)
    shown = await pages.get(f"/bookings/{booked.booking_id}")
    link = shown.soup.select_one("main a.btn.main")
    assert link is not None
    assert str(link["href"]).startswith("https://www.britishairways.com/")
    assert "javascript:" not in shown.html


async def test_a_change_of_the_airlines_is_shown_before_and_after(
    pages: Site, give: Any, database: Any, ana: Any
) -> None:
    def moved(_row: BookingRow, order: dict[str, Any]) -> None:
        later = recorded_order()["slices"]
        later[0]["segments"][0]["departing_at"] = "2026-12-10T12:45:00"
        order["airline_initiated_changes"] = [
            {
                "id": "aic_1",
                "created_at": "2026-11-21T10:00:00Z",
                "removed": recorded_order()["slices"],
                "added": later,
            }
        ]

    booked = await give(change=moved)
    shown = await pages.get(f"/bookings/{booked.booking_id}")
    assert "Look at what the airline changed" in shown.text
    assert "10:15 LHR" in shown.soup.select_one("del").get_text()  # type: ignore[union-attr]
    assert "12:45 LHR" in shown.soup.select_one("ins").get_text()  # type: ignore[union-attr]
    assert "usually refunds all of the money" in shown.text
    assert "Do it before Thu 10 Dec 2026, 10:15 (London time)" in shown.text
    main = [one.get_text() for one in shown.soup.select("main .btn.main")]
    assert main == ["Take the new flights"], "one thing stands out"
    assert shown.soup.select_one(f'.change a[href="/bookings/{booked.booking_id}/cancel"]')

    # Temporal is away: nobody knows what became of the answer, and the page says so.
    form = {"answer": "accept", "change_id": "aic_1"}
    path = f"/bookings/{booked.booking_id}/change"
    token = shown.soup.select_one(f'form[action="{path}"] input[type=hidden]')["value"]  # type: ignore[index]
    answered = await pages.post(path, form | {TOKEN_FIELD: str(token)})
    assert "Nothing is done twice: press the button again" in answered.text
    other = await pages.post(path, {"answer": "sing", TOKEN_FIELD: str(token)})
    assert "Nothing was accepted now" in other.text

    async with database.transaction(ana.user_id) as session:
        await append_event(session, booked.campaign_id, "booking.others_asked", {}, system_now())
    told = (await ana.http.get(f"/api/bookings/{booked.booking_id}")).json()["open_change"]
    assert (told["change_id"], told["owed"]) == ("aic_1", False)
    assert told["entitlement"] in shown.text
    asked = await pages.get(f"/bookings/{booked.booking_id}")
    assert "A person of ours looks for them" in asked.text
    assert "Ask for other flights" not in asked.text


_STATES = (
    (BookingState.TICKETING, None, ["Tickets being issued", "The airline is issuing"]),
    (BookingState.CANCELLING, None, ["Being cancelled", "It stands until the airline"]),
    (BookingState.CANCELLED, None, ["We have your 192.45 USD", "Parker Flight"]),
    (
        BookingState.CANCELLED,
        "succeeded",
        ["192.45 USD", "5 to 10 business days", "your card's bank", "Kept by the airline"],
    ),
    (BookingState.FLOWN, None, ["Welcome back", "It cost 232.45 USD"]),
)


async def test_each_state_has_its_name_and_its_sentence(pages: Site, give: Any) -> None:
    def quoted(row: BookingRow, _order: dict[str, Any]) -> None:
        row.quote = {"quote_id": "ore_1", "refund_minor": 19_245, "currency": "USD",
                     "refund_to": "balance", "expires_at": None}  # fmt: skip
        if row.state is BookingState.CANCELLED:
            row.cancelled_by, row.penalty_minor = "traveller", 4_000

    for state, refund, said in _STATES:
        booked = await give(state=state, change=quoted, refund=refund)
        shown = await pages.get(f"/bookings/{booked.booking_id}")
        for words in said:
            assert words in shown.text, (words, shown.text)
        cancel = shown.soup.find("a", href=f"/bookings/{booked.booking_id}/cancel")
        assert bool(cancel) is (state is BookingState.TICKETING)


async def test_a_booking_whose_order_cannot_be_opened_still_shows_its_flights(
    pages: Site, give: Any, database: Any, ana: Any
) -> None:
    booked = await give()
    async with database.transaction(ana.user_id) as session:
        row = await session.get(BookingRow, booked.booking_id)
        row.raw_order_encrypted = "v1.not.ours"
    shown = await pages.get(f"/bookings/{booked.booking_id}")
    assert shown.status == 200
    assert "Heathrow Airport (LHR)" in shown.text
    assert "The airline does not say whether this fare can be changed." in shown.text
