"""What a traveller does on the pages, step by step: for the journey test and for the pictures."""

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import urlsplit

import httpx
import pyotp
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
    """One traveller in one browser; `look` is called wherever a page has come to rest."""

    page: Page
    stack: Stack
    address: str
    look: Look = look_at_nothing
    secret: str = ""

    async def open_account(self) -> None:
        page = self.page
        await page.goto("/sign-up")
        await self.look("sign-up")
        await page.get_by_label("Your e-mail address").fill(self.address)
        await page.get_by_label("A new password").fill(PASSWORD)
        await page.get_by_role("button", name="Open my account").click()
        await page.wait_for_url("**/account/confirm**")
        await page.goto(await self.mailed("confirm"))
        await page.get_by_role("button", name=f"Confirm {self.address}").click()
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
        page = self.page
        await page.goto("/account/security")
        await page.get_by_role("button", name="Set up an authenticator app").click()
        self.secret = (await page.locator("code").first.inner_text()).replace(" ", "")
        await page.get_by_label("Code that the app shows now").fill(pyotp.TOTP(self.secret).now())
        await page.get_by_role("button", name="Confirm the code").click()
        await expect(page.get_by_role("heading", name="Keep these recovery codes")).to_be_visible()

    async def add_traveller(self) -> None:
        page = self.page
        await page.goto("/travelers")
        await self.look("travellers-empty")
        await page.goto("/travelers/new")
        await page.get_by_label("Given names").fill("Ana")
        await page.get_by_label("Family name").fill("Souza")
        await page.get_by_label("Date of birth").fill("1990-04-12")
        await page.get_by_label("Female").check()
        await page.get_by_label("Title").select_option("ms")
        await page.get_by_label("Your own word").fill("Ana")
        await self.look("traveller-new")
        await page.locator("main form button.main").first.click()
        await page.get_by_label("E-mail address").fill(self.address)
        await page.get_by_label("Telephone").fill("+351 912 345 678")
        await self.look("traveller-contact")
        await page.locator("main form button.main").first.click()

    async def add_card(self, number: str = "4242424242424242") -> None:
        page = self.page
        await page.goto("/payment-methods")
        await self.look("cards-empty")
        await page.goto("/payment-methods/add")
        await self.look("card-add")
        await page.get_by_role("button", name="Go on to the card page").click()
        await page.locator(f'[name="card"][value="{number}"]').check()
        await page.get_by_role("button", name="Save card").click()
        await page.wait_for_url(re.compile("localhost"), timeout=_LONG_MS)
        await page.goto("/payment-methods")
        await expect(page.get_by_text("4242").first).to_be_visible()
        await self.look("cards")

    async def make_wish(self, *, budget: str, refundable: bool = False) -> None:
        """Wish for Lisbon from New York in two months, and order it."""
        page = self.page
        day = system_now().date() + timedelta(days=60)
        await page.goto("/auto-booking/new")
        await self.look("wizard-route")
        await page.locator("#origins_text").fill("New York")
        await page.locator("#destinations_text").fill("LIS")
        await page.get_by_label("From", exact=True).fill(day.isoformat())
        await page.locator("#departure_until").fill((day + timedelta(days=2)).isoformat())
        await page.locator("#nights_min").fill("6")
        await page.locator("#nights_max").fill("7")
        await self._continue()
        await self.look("wizard-who")
        await page.locator('[name="traveler_ids"]').first.check()
        await self._continue()
        if refundable:
            more = page.locator("details", has=page.locator("#refundable_only"))
            if await more.count():
                await more.locator("summary").click()
            await page.locator("#refundable_only").check()
        await self.look("wizard-preferences")
        await self._continue()
        await page.locator("#budget").fill(budget)
        await page.locator('[name="mode"][value="auto"]').check()
        await self.look("wizard-budget")
        await self._continue()
        await self.look("wizard-check")
        await page.locator("#consent").check()
        await page.get_by_role("button", name="Order with obligation to pay").click()
        await page.wait_for_url("**/auto-booking/wishes/*")

    async def cancel_booking(self) -> None:
        """Give the booking that is shown back: the quote first, its reference typed if money goes."""
        page = self.page
        await page.goto(page.url.rstrip("/") + "/cancel")
        await self.look("cancel-ask")
        await page.get_by_role("button", name="Ask what comes back").click()
        await expect(page.get_by_role("heading", name="What comes back")).to_be_visible(
            timeout=_LONG_MS
        )
        await self.look("cancel-quote")
        typed = page.locator("#typed")
        if await typed.count():
            words = await page.locator("label[for=typed]").inner_text()
            await typed.fill(words.split()[1])
        await page.get_by_role("button", name="Cancel and get").click()
        await page.wait_for_url(re.compile(r"/bookings/[0-9a-f-]+$"), timeout=_LONG_MS)

    async def _continue(self) -> None:
        await self.page.get_by_role("button", name="Continue", exact=True).last.click()
        await self.page.wait_for_load_state()
