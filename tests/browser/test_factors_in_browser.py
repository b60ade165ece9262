"""Second factors and keys in a real browser: its own authenticator, keyboard alone, no scripts."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pyotp
import pytest
from passwords import PASSWORD, give_password
from playwright.async_api import CDPSession, Page, expect

from db.accounts import ensure_account
from db.queries.web_sessions import list_sessions
from db.session import WORKER_ROLE, Database, SystemActor
from db.vault import vault_of
from domain.ids import UserId
from runtime.clock import system_now

Accessible = Callable[[Page], Awaitable[None]]


class Account:
    """Somebody with an address and a password at the running product."""

    def __init__(self, live_site: Any) -> None:
        self.settings = live_site.stack.settings
        self.email = f"{uuid4().hex}@example.com"
        self.user_id = UserId(uuid4())

    def database(self) -> Database:
        return Database(self.settings.database_for("worker"), role=WORKER_ROLE, pool_size=2)

    async def open(self) -> "Account":
        database = self.database()
        async with database.transaction(SystemActor("tests")) as session:
            self.user_id = await ensure_account(
                session,
                vault_of(self.settings),
                email=self.email,
                pepper=self.settings.api_key_pepper,
                now=system_now(),
            )
        await give_password(database, self)
        await database.close()
        return self

    async def forget_step_up(self) -> None:
        database = self.database()
        async with database.transaction(self.user_id) as session:
            for row in await list_sessions(session, self.user_id):
                row.stepped_up_at = None
        await database.close()

    async def sign_in(self, page: Page, onward: str = "/account/security") -> None:
        await page.goto(f"/sign-in?next={onward}")
        await page.get_by_label("E-mail address").fill(self.email)
        await page.get_by_label("Password").fill(PASSWORD)
        await page.get_by_role("button", name="Sign in", exact=True).click()


@pytest.fixture
async def account(live_site: Any) -> Account:
    return await Account(live_site).open()


async def authenticator_of(page: Page) -> tuple[CDPSession, str]:
    """Give the browser an authenticator that asks nobody, as Chromium has one for tests."""
    devtools = await page.context.new_cdp_session(page)
    await devtools.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2",
        "transport": "internal",
        "hasResidentKey": True,
        "hasUserVerification": True,
        "isUserVerified": True,
        "automaticPresenceSimulation": True,
    }
    made = await devtools.send("WebAuthn.addVirtualAuthenticator", {"options": options})
    return devtools, str(made["authenticatorId"])


async def sign_out(page: Page) -> None:
    await page.get_by_role("button", name="Sign out").click()
    await page.wait_for_url("**/sign-in")


async def test_a_passkey_is_made_signs_in_and_lets_a_key_spend(
    new_page: Any, accessible: Accessible, account: Account
) -> None:
    page: Page = await new_page()
    devtools, device = await authenticator_of(page)
    await account.sign_in(page)
    await expect(page.get_by_text("No money can move until")).to_be_visible()
    await accessible(page)

    await page.goto("/step-up?next=/account/api-keys/new")
    await expect(page.get_by_role("heading", name="Set up a second factor first")).to_be_visible()
    await accessible(page)
    await page.get_by_role("link", name="Make a passkey").click()
    await page.get_by_label("Name of this device").fill("Test laptop")
    await accessible(page)
    await page.get_by_role("button", name="Make a passkey").click()
    await expect(page.get_by_role("heading", name="Keep these recovery codes")).to_be_visible()
    assert await page.locator(".codes code").count() == 10
    await accessible(page)
    await page.get_by_role("link", name="I have kept them").click()
    await page.wait_for_url("**/account/api-keys/new")

    # What is typed waits while the passkey is shown; the keyboard is enough for all of it.
    await account.forget_step_up()
    await page.get_by_label("What is it for?").fill("agent")
    await page.get_by_label("Look, make wishes, and consent").check()
    await page.get_by_label("The most for one booking").fill("500")
    await page.get_by_label("The most in all").fill("1200")
    await page.get_by_label("The most in all").press("Enter")
    await expect(page.get_by_role("heading", name="Confirm that it is you")).to_be_visible()
    await accessible(page)
    await devtools.send(
        "WebAuthn.setUserVerified", {"authenticatorId": device, "isUserVerified": False}
    )
    confirm = page.get_by_role("button", name="Confirm with your passkey")
    await confirm.click()
    await expect(page.get_by_role("alert").filter(has_text="Nothing was confirmed")).to_be_visible()
    await accessible(page)
    await devtools.send(
        "WebAuthn.setUserVerified", {"authenticatorId": device, "isUserVerified": True}
    )
    await confirm.focus()
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/account/api-keys/new")
    await expect(page.get_by_label("The most in all")).to_have_value("1200")
    await accessible(page)
    await page.get_by_role("button", name="Make the key").click()
    await expect(page.locator(".copyable code")).to_contain_text("pk_")
    await accessible(page)
    await page.get_by_role("link", name="I have kept it").click()
    await expect(page.get_by_text("At most 500 USD for one booking")).to_be_visible()
    await accessible(page)

    await sign_out(page)
    await page.goto("/sign-in?next=/account/security")
    await accessible(page)
    await page.get_by_role("button", name="Sign in with a passkey").click()
    await page.wait_for_url("**/account/security")
    await expect(page.locator("strong", has_text="Test laptop")).to_be_visible()
    await accessible(page)

    await sign_out(page)
    await account.sign_in(page)
    await page.wait_for_url("**/sign-in/second-factor")
    await accessible(page)
    await page.get_by_role("button", name="Use your passkey").click()
    await page.wait_for_url("**/account/security")
    await page.get_by_role("link", name="Remove Test laptop").click()
    await expect(page.get_by_text("your last second factor")).to_be_visible()
    await accessible(page)


async def test_codes_do_without_scripts_what_passkeys_do(
    new_page: Any, accessible: Accessible, account: Account
) -> None:
    page: Page = await new_page(scripts=False, narrow=True)
    await account.sign_in(page)
    await page.get_by_role("button", name="Set up an authenticator app").click()
    secret = await page.locator(".copyable code").inner_text()
    app, step = pyotp.TOTP(secret.replace(" ", "")), timedelta(seconds=30)
    assert await page.locator(".qr svg").is_visible()
    await page.get_by_label("Code that the app shows now").fill("000000")
    await page.get_by_role("button", name="Confirm the code").click()
    await expect(page.get_by_role("link", name="This is not the code")).to_be_visible()
    await page.get_by_label("Code that the app shows now").fill(app.at(system_now() - step))
    await page.get_by_role("button", name="Confirm the code").click()
    recovery = await page.locator(".codes code").first.inner_text()
    await page.get_by_role("link", name="I have kept them").click()
    await account.forget_step_up()
    await page.get_by_role("button", name="Make new recovery codes").click()
    await page.get_by_label("Code from your authenticator app").fill(app.at(system_now()))
    await page.get_by_role("button", name="Confirm and go on").click()
    await page.wait_for_url("**/account/security")
    await sign_out(page)

    await account.sign_in(page)
    assert await page.get_by_role("button", name="passkey").count() == 0
    await page.get_by_label("Code from your authenticator app").fill("123456")
    await page.get_by_role("button", name="Sign in", exact=True).click()
    await expect(page.get_by_role("link", name="This code is wrong")).to_be_visible()
    await page.get_by_text("I have lost my device").click()
    await page.get_by_label("Recovery code").fill(recovery)
    await page.get_by_role("button", name="Use a recovery code").click()
    await page.wait_for_url("**/account/security")
    await expect(page.get_by_text("9 left")).to_be_visible()

    # The states that only such a visit shows are readable by everybody too.
    shown: Page = await new_page()
    await account.sign_in(shown)
    await shown.get_by_label("Code from your authenticator app").fill("123456")
    await shown.get_by_role("button", name="Sign in", exact=True).click()
    await expect(shown.get_by_role("link", name="This code is wrong")).to_be_visible()
    await accessible(shown)
