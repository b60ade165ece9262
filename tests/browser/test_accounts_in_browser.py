"""Opening an account, losing the password, being warned and signed out: as people do it."""

import re
from typing import Any
from urllib.parse import urlsplit

from house import eventually
from playwright.async_api import expect

PASSWORD = "correct horse battery staple"
NEW_PASSWORD = "purple ladder of wet tigers"
_WEEK_SECONDS = 7 * 24 * 3600


async def _path_in_mail(live_site: Any, address: str, page: str) -> str:
    """Wait for a mail with a link to a page, and return where the newest leads."""

    async def found() -> str | None:
        for mail in live_site.mails():
            if address in mail["rcpt_tos"] and (
                link := re.search(rf"\S+/{page}/\S+", mail["text"])
            ):
                return link.group()
        return None

    return urlsplit(await eventually(found, seconds=20)).path


async def test_an_account_from_its_opening_to_a_new_password(
    live_site: Any, new_page: Any, accessible: Any
) -> None:
    page, address = await new_page(), "ada@example.com"
    await page.goto("/sign-up")
    await page.get_by_label("Your e-mail address").fill("ada@example")
    await page.get_by_label("A new password").fill("only one word")
    await page.get_by_role("button", name="Open my account").click()
    await accessible(page)  # with its problems
    assert await page.get_by_label("Your e-mail address").input_value() == "ada@example"
    await page.get_by_label("Your e-mail address").fill(address)
    await page.get_by_label("A new password").fill(PASSWORD)
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/account/confirm**")
    await accessible(page)
    # The link in the mail shows a page; its button confirms.
    await page.goto(await _path_in_mail(live_site, address, "confirm"))
    await accessible(page)
    await page.get_by_role("button", name="Confirm ada@example.com").click()
    await page.get_by_text("Your address is confirmed").wait_for()
    for path in ("/account", "/account/sessions", "/account/password", "/account/email"):
        await page.goto(path)
        await accessible(page)
    await page.goto("/sign-out")
    await accessible(page)
    await page.get_by_role("main").get_by_role("button", name="Sign out").click()
    await page.get_by_text("You are signed out").wait_for()
    # Without scripts, in another browser: forgotten, reset, signed in.
    plain = await new_page(scripts=False, narrow=True)
    await plain.goto("/sign-in")
    await plain.get_by_label("E-mail address").fill(address)
    await plain.get_by_label("Password").fill("not this one at all")
    await plain.get_by_role("button", name="Sign in").click()
    await plain.get_by_role("link", name="Choose a new password").click()
    await plain.get_by_label("E-mail address").fill(address)
    await plain.get_by_role("button", name="Send me a link").click()
    reset = await _path_in_mail(live_site, address, "reset")
    await plain.goto(reset)
    await page.goto(reset)
    await accessible(page)
    await plain.get_by_label("New password").fill(NEW_PASSWORD)
    await plain.get_by_role("button", name="Set this password").click()
    await plain.get_by_text("Your new password is set").wait_for()
    await plain.get_by_label("E-mail address").fill(address)
    await plain.get_by_label("Password").fill(NEW_PASSWORD)
    await plain.get_by_role("button", name="Sign in").click()
    await plain.goto("/account")
    await plain.get_by_text("no new consent to a charge can be given").wait_for()
    await plain.goto(reset)
    assert "This link does not work" in await plain.locator("h1").inner_text()
    for path in ("/sign-in", "/forgot", reset):
        await page.goto(path)
        await accessible(page)
    await page.goto("/sign-in")
    await page.get_by_label("E-mail address").fill(address)
    await page.get_by_label("Password").fill(PASSWORD)
    await page.keyboard.press("Enter")
    await page.get_by_text("do not belong together").first.wait_for()
    await accessible(page)


async def test_whoever_is_away_for_long_is_warned_and_can_stay(
    live_site: Any, new_page: Any, accessible: Any
) -> None:
    page = await new_page()
    await page.clock.install()
    await page.goto("/sign-up?next=/account")
    await page.get_by_label("Your e-mail address").fill("bea@example.com")
    await page.get_by_label("A new password").fill(PASSWORD)
    await page.get_by_role("button", name="Open my account").click()
    await page.wait_for_url("**/account/confirm**")
    await page.goto("/account/password")
    box = page.get_by_role("dialog")
    await page.clock.fast_forward((_WEEK_SECONDS - 6 * 60) * 1000)
    assert not await box.is_visible()
    await page.clock.fast_forward(2 * 60 * 1000)
    await box.wait_for()
    assert "Time left: 4 minutes" in await box.inner_text()
    await accessible(page)
    await expect(box.get_by_role("button", name="Stay signed in")).to_be_focused()
    await page.keyboard.press("Enter")
    await box.wait_for(state="hidden")
    # Nobody there any more: the page is left before its form can be sent in vain. It goes by the
    # door, which leads straight back here, since only the browser's clock was moved.
    async with page.expect_request("**/sign-in?next=%2Faccount%2Fpassword"):
        await page.clock.fast_forward((_WEEK_SECONDS + 60) * 1000)
