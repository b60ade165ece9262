"""Notices, choices, webhooks and settings in a real browser, in every state, at the running product."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from house import eventually
from passwords import PASSWORD, give_password
from playwright.async_api import Page, expect

from db.accounts import ensure_account
from db.queries.notices import NewNotice, add_notices
from db.session import WORKER_ROLE, Database, SystemActor
from db.vault import vault_of
from domain.ids import UserId
from runtime.clock import system_now

Accessible = Callable[[Page], Awaitable[None]]
EVENTS = ("refunded", "schedule_changed", "ticketed", "password_changed")
DATA = {"booking_reference": "RZPNX8", "refund_minor": 12_345, "currency": "USD"}


@dataclass
class Reader:
    """Somebody with an account, and letters that came."""

    settings: Any
    email: str
    user_id: UserId

    def database(self) -> Database:
        return Database(self.settings.database_for("worker"), role=WORKER_ROLE, pool_size=2)

    async def is_told(self) -> None:
        database, now = self.database(), system_now() - timedelta(minutes=1)
        async with database.transaction(SystemActor("tests")) as session:
            for number in range(24):
                event = EVENTS[number % len(EVENTS)]
                told = NewNotice(event=event, subject_id=uuid4(), user_id=self.user_id, data=DATA)
                await add_notices(session, [told], now + timedelta(seconds=number))
        await database.close()


@pytest.fixture
async def reader(live_site: Any) -> Reader:
    settings = live_site.stack.settings
    made = Reader(settings, f"{uuid4().hex}@example.com", UserId(uuid4()))
    database = made.database()
    async with database.transaction(SystemActor("tests")) as session:
        made.user_id = await ensure_account(
            session,
            vault_of(settings),
            email=made.email,
            pepper=settings.api_key_pepper,
            now=system_now(),
        )
    await give_password(database, made)
    await database.close()
    return made


async def sign_in(page: Page, reader: Reader, onward: str) -> None:
    await page.goto(f"/sign-in?next={onward}")
    await page.get_by_label("E-mail address").fill(reader.email)
    await page.get_by_label("Password").fill(PASSWORD)
    await page.get_by_role("button", name="Sign in", exact=True).click()


async def test_notices_choices_and_settings_in_every_state(
    new_page: Any, accessible: Accessible, reader: Reader
) -> None:
    # Nothing of it needs scripts.
    page: Page = await new_page(scripts=False)
    checked: Page = await new_page()
    await sign_in(page, reader, "/notices")
    await sign_in(checked, reader, "/notices")
    await expect(page.get_by_text("Nothing was told to you yet.")).to_be_visible()
    await accessible(checked)

    await reader.is_told()
    await page.reload()
    await expect(page.get_by_text("24 notices are new.")).to_be_visible()
    await checked.reload()
    await accessible(checked)
    await page.get_by_role("link", name="Show older").click()
    await expect(page.get_by_role("link", name="Back to the newest")).to_be_visible()
    await page.goto("/notices")
    await page.get_by_role("button", name="Mark all as read").press("Enter")
    await expect(page.get_by_text("You have seen everything.")).to_be_visible()

    await page.goto("/account/notices")
    await page.get_by_label("Refunds: Mail").select_option("daily")
    await page.get_by_label("Keep quiet at night").check()
    await page.get_by_label("at least so many percent").fill("12")
    await page.get_by_role("button", name="Save what I am told").click()
    await expect(page.get_by_role("status")).to_have_text("What you are told is saved.")
    await expect(page.get_by_label("Refunds: Mail")).to_have_value("daily")
    await checked.goto("/account/notices")
    await accessible(checked)
    await checked.get_by_label("at least so many percent").evaluate("e => e.type = 'text'")
    await checked.get_by_label("at least so many percent").fill("many")
    await checked.get_by_role("button", name="Save what I am told").click()
    await expect(checked.get_by_role("alert")).to_contain_text("Write a whole number from 1 to 50.")
    await accessible(checked)

    await checked.goto("/account/settings")
    await accessible(checked)
    await page.goto("/account/settings")
    await page.get_by_label("Language").select_option("de")
    await page.get_by_label("Time zone").select_option("Europe/Lisbon")
    await page.get_by_role("button", name="Save the settings").click()
    for path in ("/account/settings", "/notices", "/account/notices"):
        await checked.goto(path)
        assert await checked.locator("html").get_attribute("lang") == "de"
        await accessible(checked)
    # Lines may begin on the right: nothing is cut off or lost there.
    await checked.evaluate("document.documentElement.dir = 'rtl'")
    await accessible(checked)


async def test_a_webhook_is_added_tried_out_and_removed(
    new_page: Any, accessible: Accessible, reader: Reader
) -> None:
    page: Page = await new_page()
    await sign_in(page, reader, "/account/webhooks")
    await expect(page.get_by_text("You have no webhook.")).to_be_visible()
    await accessible(page)
    address = page.get_by_label("Address")
    await address.fill("http://hooks.example.org/x")
    await page.get_by_role("button", name="Add this webhook").click()
    await expect(page.get_by_role("alert")).to_contain_text("must begin with https://")
    await accessible(page)
    # A name is judged when it is called, by where it leads.
    await address.fill("https://localhost:9/x")
    await page.get_by_role("button", name="Add this webhook").click()
    await expect(page.get_by_text("It is shown this once.")).to_be_visible()
    await accessible(page)
    await page.get_by_role("link", name="I have kept it").click()
    await accessible(page)
    async with page.expect_navigation():
        await page.get_by_role("button", name="Send a test event").click()

    async def tried() -> bool:
        await page.reload()
        return await page.get_by_text("One try").count() > 0

    await eventually(tried, seconds=30)
    await page.get_by_text("One try").click()
    await expect(page.get_by_text("leads to no address of the public internet")).to_be_visible()
    await accessible(page)
    await page.goto("/account/webhooks")
    await expect(page.locator(".chip", has_text="Failing")).to_be_visible()
    await accessible(page)
    await page.get_by_role("link", name="https://localhost:9/x").click()
    await page.get_by_role("link", name="Remove it").click()
    await accessible(page)
    await page.get_by_role("button", name="Remove this webhook").click()
    await expect(page.get_by_role("status")).to_contain_text("The webhook is removed")
