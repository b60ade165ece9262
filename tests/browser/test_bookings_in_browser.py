"""Bookings, travellers and cards in a real browser: readable by everybody, kept where asked for."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any
from uuid import uuid4

import pytest
from booked import Booked, give_booking
from playwright.async_api import Page, expect

from api.web import cookies
from db.accounts import ensure_account
from db.models.booking import BookingRow
from db.queries.transitions import change_state
from db.queries.web_sessions import add_session
from db.session import WORKER_ROLE, Database, SystemActor
from db.vault import vault_of
from domain.ids import UserId
from domain.orders import BookingState
from runtime.clock import system_now
from runtime.settings import Settings
from runtime.web_tokens import new_token, session_hash

_NOTHING_KEPT = (
    "() => caches.open('itineraries').then((kept) => kept.keys()).then((keys) => !keys.length)"
)


class Owner:
    """Somebody with bookings at the running product, whose browser is signed in."""

    def __init__(self, settings: Settings, database: Database) -> None:
        self.settings, self.database = settings, database
        self.vault = vault_of(self.settings)
        self.user_id = UserId(uuid4())

    async def open(self) -> None:
        async with self.database.transaction(SystemActor("tests")) as session:
            self.user_id = await ensure_account(
                session, self.vault, email=f"{uuid4().hex}@example.com",
                pepper=self.settings.api_key_pepper, now=system_now(),
            )  # fmt: skip

    async def somebody_else(self) -> "Owner":
        other = Owner(self.settings, self.database)
        await other.open()
        return other

    async def book(self, **parts: Any) -> Booked:
        return await give_booking(self.database, self.vault, self.user_id, system_now(), **parts)

    async def sign_in(self, page: Page) -> None:
        token = new_token()
        async with self.database.transaction(self.user_id) as session:
            await add_session(
                session, session_id=uuid4(), user_id=self.user_id,
                token_hash=session_hash(self.settings.api_key_pepper, token), device="A test",
                now=system_now(), lasts=self.settings.accounts.session, stepped_up_at=system_now(),
            )  # fmt: skip
        cookie = {"name": cookies.SESSION, "value": token, "url": "https://localhost/"}
        await page.context.add_cookies([cookie | {"secure": True, "httpOnly": True}])  # type: ignore[list-item]


@pytest.fixture
async def owner(live_site: Any) -> AsyncIterator[Owner]:
    async with AsyncExitStack() as opened:
        address = live_site.stack.settings.database_for("worker")
        database = Database(address, role=WORKER_ROLE, pool_size=2)
        opened.push_async_callback(database.close)
        made = Owner(live_site.stack.settings, database)
        await made.open()
        yield made


def _in_trouble(row: BookingRow, order: dict[str, Any]) -> None:
    """Let the airline move the flight, and keep a quote that loses money."""
    row.quote = {"quote_id": "ore_1", "refund_minor": 19_245, "currency": "USD",
                 "refund_to": "balance", "expires_at": None}  # fmt: skip
    order["airline_initiated_changes"] = [
        {"id": "aic_1", "created_at": "2026-11-21T10:00:00Z", "removed": order["slices"],
         "added": order["slices"]}
    ]  # fmt: skip


def _cancelled(row: BookingRow, _order: dict[str, Any]) -> None:
    row.cancelled_by, row.penalty_minor = "traveller", 4_000


async def test_every_page_of_what_a_person_keeps_is_readable_by_everybody(
    owner: Owner, new_page: Any, accessible: Any
) -> None:
    page = await new_page()
    await owner.sign_in(page)
    for path in ("/auto-booking/history", "/travelers", "/payment-methods", "/billing"):
        await page.goto(path)
        await accessible(page)
    booked = await owner.book(change=_in_trouble)
    gone = await owner.book(state=BookingState.CANCELLED, change=_cancelled, refund="succeeded")
    paths = [
        "/auto-booking/history",
        "/auto-booking/history?code=nothing",
        f"/bookings/{booked.booking_id}",
        f"/bookings/{booked.booking_id}/cancel",
        f"/bookings/{booked.booking_id}/offline",
        f"/bookings/{gone.booking_id}",
        f"/bookings/{gone.booking_id}/cancel",
        "/billing",
        f"/billing/{gone.payment_id}",
        "/payment-methods",
        "/payment-methods/add",
        f"/payment-methods/{booked.card_id}/remove",
        "/travelers/new",
        "/offline",
    ]
    for path in paths:
        await page.goto(path)
        await accessible(page)
    # What is given away: a link is made, shown once, and looked at by somebody unknown.
    await page.goto(f"/bookings/{booked.booking_id}/share")
    await accessible(page)
    await page.get_by_label("Names of the travellers").check()
    await page.get_by_role("button", name="Make the link").click()
    await accessible(page)
    address = await page.locator("main code").inner_text()
    stranger = await new_page()
    await stranger.goto(address[address.index("/i/") :])
    await expect(stranger.get_by_text("Ada Example")).to_be_visible()
    await accessible(stranger)
    await page.goto(f"/bookings/{booked.booking_id}/share")
    await accessible(page)
    await page.get_by_role("button", name="Take it back").click()
    await stranger.reload()
    await expect(stranger.locator("h1")).to_have_text("This link does not work")
    await accessible(stranger)
    await page.goto("/account/calendar")
    await accessible(page)
    # One card becomes the default, another is removed.
    await page.goto("/payment-methods")
    await page.get_by_role("button", name="Make it the default").first.click()
    await expect(page.get_by_role("status")).to_contain_text("Wishes are now paid with Visa")
    await page.get_by_role("link", name="Remove Visa ending 4242").last.click()
    await page.get_by_role("button", name="Remove Visa ending 4242").click()
    await expect(page.get_by_role("status")).to_contain_text("The card is removed.")
    await expect(page.get_by_role("link", name="Remove Visa ending 4242")).to_have_count(1)
    await page.goto("/travelers/new")
    await page.get_by_role("button", name="Save and go on to contact").click()
    await expect(page.locator(".summary")).to_be_focused()
    await accessible(page)


async def test_a_bookings_page_moves_on_by_itself_and_its_codes_can_still_be_copied(
    owner: Owner, new_page: Any, accessible: Any
) -> None:
    booked = await owner.book(state=BookingState.TICKETING)
    page = await new_page()
    await owner.sign_in(page)
    await page.goto(f"/bookings/{booked.booking_id}")
    await expect(page.locator("[aria-current=step]")).to_contain_text("Issuing ticket")
    await accessible(page)
    copying = page.locator("#live-now button[data-copy]").first
    await expect(copying).to_be_visible()
    async with owner.database.transaction(SystemActor("tests")) as session:
        row = await session.get_one(BookingRow, booked.booking_id)
        await change_state(
            session, row, BookingState.TICKETED, now=system_now(), event="booking.ticketed"
        )
    await expect(page.locator("#live-now .chip")).to_have_text("✓ Ticketed")
    await expect(page.locator("[data-live-say]")).to_contain_text("your tickets are issued")
    await expect(page.locator("[aria-current=step]")).to_have_count(0)
    await expect(copying).to_be_visible()
    await accessible(page)


async def test_a_traveller_is_kept_by_keyboard_alone_and_without_scripts(
    owner: Owner, new_page: Any, accessible: Any
) -> None:
    page = await new_page(scripts=False)
    await owner.sign_in(page)
    await page.goto("/travelers/new")
    for label, text in (
        ("Given names", "Maya Rose"),
        ("Family name", "Souza"),
        ("Date of birth", "1990-06-03"),
    ):
        await page.get_by_label(label).fill(text)
    await page.get_by_label("Female (F)").focus()
    await page.keyboard.press("Space")
    await page.get_by_label("Title").select_option("ms")
    await page.get_by_role("button", name="Save and go on to contact").press("Enter")
    await page.get_by_label("Telephone").fill("+351 912 345 678")
    await page.keyboard.press("Enter")
    await expect(page.locator("h1")).to_have_text("Maya Rose")
    home = page.url
    await page.goto(f"{home}/documents/new")
    await page.get_by_label("Number", exact=True).fill("CA123456")
    await page.get_by_label("Issued by").select_option("PT")
    await page.get_by_label("Good until").fill("2036-08-01")
    await page.keyboard.press("Enter")
    await expect(page.locator("main")).to_contain_text("100% complete")
    for part in ("", "/name", "/contact", "/loyalty", "/documents/new", "/remove"):
        await page.goto(home + part)
        assert await page.locator("h1").count() == 1
    scripted = await new_page()
    await owner.sign_in(scripted)
    for part in ("", "/name", "/contact", "/loyalty", "/documents/new", "/remove"):
        await scripted.goto(home + part)
        await accessible(scripted)


async def test_an_itinerary_is_read_without_network_only_where_it_was_asked_for(
    owner: Owner, new_page: Any
) -> None:
    booked, other = await owner.book(), await owner.book()
    page = await new_page()
    await owner.sign_in(page)
    path = f"/bookings/{booked.booking_id}"
    await page.goto(path)
    await page.evaluate("navigator.serviceWorker.ready.then(() => true)")
    await page.get_by_role("button", name="Keep it on this device").click()
    await expect(page.locator("[data-offline]")).to_contain_text("Kept just now.")
    await page.reload()
    await expect(page.locator("[data-offline]")).to_contain_text("Kept just now.")

    await page.context.set_offline(True)
    await page.goto(path)
    await expect(page.locator(".banner")).to_contain_text("Kept on this device just now.")
    await expect(page.locator("main")).to_contain_text("RZPNX8")
    await expect(page.locator("main")).not_to_contain_text("USD")
    await page.goto(f"/bookings/{other.booking_id}")
    await expect(page.locator("h1")).to_have_text("You are offline")
    await expect(page.locator("[data-kept]")).to_contain_text("London → New York")
    await page.context.set_offline(False)

    # Somebody else signs in on this device: what was kept is theirs no more.
    stranger = await owner.somebody_else()
    await stranger.sign_in(page)
    await page.goto("/auto-booking/history")
    await page.wait_for_function(_NOTHING_KEPT)

    await owner.sign_in(page)
    await page.goto(path)
    await page.get_by_role("button", name="Keep it on this device").click()
    await expect(page.locator("[data-offline]")).to_contain_text("Kept just now.")
    await page.get_by_role("button", name="Sign out").click()
    await page.wait_for_url("**/sign-in*")
    await page.wait_for_function(_NOTHING_KEPT)
