"""What a traveller does on the pages, step by step: for the journey test and for the pictures."""

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from urllib.parse import urlsplit

import httpx
import pyotp
from hands import Pointer
from house import eventually
from playwright.async_api import Page, expect

from cli.stack import Stack
from runtime.clock import system_now

PASSWORD = "correct horse battery staple"
_LONG_MS = 60_000
Look = Callable[[str], Awaitable[None]]


async def look_at_nothing(_page: str) -> None:
    """Go on without looking closer."""


@dataclass
class Steps:
    """One traveller in one browser; `look` is called wherever a page has come to rest.

    `using` says how pages are used: with a pointer, or by keyboard.
    """

    page: Page
    stack: Stack
    address: str
    look: Look = look_at_nothing
    using: Callable[[Page], Pointer] = Pointer
    hand: Pointer = field(init=False)
    secret: str = ""

    def __post_init__(self) -> None:
        self.hand = self.using(self.page)

    async def open_account(self) -> None:
        page, hand = self.page, self.hand
        await page.goto("/sign-up")
        await self.look("sign-up")
        await hand.write(page.get_by_label("Your e-mail address"), self.address)
        await hand.write(page.get_by_label("A new password"), PASSWORD)
        await hand.press(page.get_by_role("button", name="Open my account"))
        await page.wait_for_url("**/account/confirm**")
        await page.goto(await self.mailed("confirm"))
        await hand.press(page.get_by_role("button", name=f"Confirm {self.address}"))
        await page.wait_for_url("**/auto-booking/dashboard")
        await self.look("dashboard-empty")

    async def mailed(self, page: str) -> str:
        """Wait for a mail with a link to a page, and return where it leads."""

        async def found() -> str | None:
            async with httpx.AsyncClient(timeout=30) as inbox:
                answer = await inbox.get(f"{self.stack.sandbox_url}/mail/api/messages")
            for mail in answer.json()["messages"]:
                link = re.search(rf"\S+/{page}/\S+", mail["text"])
                if self.address in mail["rcpt_tos"] and link:
                    return link.group()
            return None

        return urlsplit(await eventually(found, seconds=30)).path

    async def set_up_second_factor(self) -> None:
        page, hand = self.page, self.hand
        await page.goto("/account/security")
        await hand.press(page.get_by_role("button", name="Set up an authenticator app"))
        self.secret = (await page.locator("code").first.inner_text()).replace(" ", "")
        code = pyotp.TOTP(self.secret).now()
        await hand.write(page.get_by_label("Code that the app shows now"), code)
        await hand.press(page.get_by_role("button", name="Confirm the code"))
        await expect(page.get_by_role("heading", name="Keep these recovery codes")).to_be_visible()

    async def add_traveller(self) -> None:
        page, hand = self.page, self.hand
        await page.goto("/travelers")
        await self.look("travellers-empty")
        await page.goto("/travelers/new")
        await hand.write(page.get_by_label("Given names"), "Ana")
        await hand.write(page.get_by_label("Family name"), "Souza")
        await hand.write(page.get_by_label("Date of birth"), "1990-04-12")
        await hand.tick(page.get_by_label("Female"))
        await hand.pick(page.get_by_label("Title"), "ms")
        await hand.write(page.get_by_label("Your own word"), "Ana")
        await self.look("traveller-new")
        await hand.press(page.locator("main form button.main").first)
        await hand.write(page.get_by_label("E-mail address"), self.address)
        await hand.write(page.get_by_label("Telephone"), "+351 912 345 678")
        await self.look("traveller-contact")
        await hand.press(page.locator("main form button.main").first)

    async def add_card(self, number: str = "4242424242424242") -> None:
        page, hand = self.page, self.hand
        await page.goto("/payment-methods")
        await self.look("cards-empty")
        await page.goto("/payment-methods/add")
        await self.look("card-add")
        await hand.press(page.get_by_role("button", name="Go on to the card page"))
        await hand.tick(page.locator(f'[name="card"][value="{number}"]'))
        await hand.press(page.get_by_role("button", name="Save card"))
        await page.wait_for_url(re.compile("localhost"), timeout=_LONG_MS)
        await page.goto("/payment-methods")
        await expect(page.get_by_text("4242").first).to_be_visible()
        await self.look("cards")

    async def make_wish(self, *, budget: str, refundable: bool = False) -> None:
        """Wish for Lisbon from New York in two months, and order it."""
        page, hand = self.page, self.hand
        day = system_now().date() + timedelta(days=60)
        await page.goto("/auto-booking/new")
        await self.look("wizard-route")
        await hand.write(page.locator("#origins_text"), "New York")
        await hand.write(page.locator("#destinations_text"), "LIS")
        await hand.write(page.get_by_label("From", exact=True), day.isoformat())
        await hand.write(page.locator("#departure_until"), (day + timedelta(days=2)).isoformat())
        await hand.write(page.locator("#nights_min"), "6")
        await hand.write(page.locator("#nights_max"), "7")
        await self._continue()
        await self.look("wizard-who")
        await hand.tick(page.locator('[name="traveler_ids"]').first)
        await self._continue()
        if refundable:
            more = page.locator("details", has=page.locator("#refundable_only"))
            await hand.open(more)
            await hand.tick(page.locator("#refundable_only"))
        await self.look("wizard-preferences")
        await self._continue()
        await hand.write(page.locator("#budget"), budget)
        await hand.tick(page.locator('[name="mode"][value="auto"]'))
        await self.look("wizard-budget")
        await self._continue()
        await self.look("wizard-check")
        await hand.tick(page.locator("#consent"))
        await hand.press(page.get_by_role("button", name="Order with obligation to pay"))
        await page.wait_for_url("**/auto-booking/wishes/*")

    async def cancel_booking(self) -> None:
        """Give the booking that is shown back: the quote first, its reference typed if money goes."""
        page, hand = self.page, self.hand
        await page.goto(page.url.rstrip("/") + "/cancel")
        await self.look("cancel-ask")
        await hand.press(page.get_by_role("button", name="Ask what comes back"))
        await expect(page.get_by_role("heading", name="What comes back")).to_be_visible(
            timeout=_LONG_MS
        )
        await self.look("cancel-quote")
        typed = page.locator("#typed")
        if await typed.count():
            words = await page.locator("label[for=typed]").inner_text()
            await hand.write(typed, words.split()[1])
        await hand.press(page.get_by_role("button", name="Cancel and get"))
        await page.wait_for_url(re.compile(r"/bookings/[0-9a-f-]+$"), timeout=_LONG_MS)

    async def _continue(self) -> None:
        button = self.page.get_by_role("button", name="Continue", exact=True)
        await self.hand.press(button.last)
        await self.page.wait_for_load_state()
