"""The whole journey, as a traveller makes it: from a new account to the money given back."""

import re
from typing import Any

import pytest
from hands import Keyboard
from house import eventually
from playwright.async_api import Page, expect
from steps_in_browser import Steps

_LONG_MS = 60_000
# Of a page people read 28 % of the words (Nielsen), four a second; what they sign, all of it.
_WORDS_A_SECOND, _SHARE_READ = 4, 0.28
_LONGEST_WISH_SECONDS = 5 * 60


async def test_from_a_new_account_to_a_booking_given_back_by_keyboard_alone(
    live_site: Any, new_page: Any, accessible: Any
) -> None:
    page = await new_page()

    async def look(_name: str) -> None:
        await accessible(page)

    steps = Steps(page, live_site.stack, "ana@example.com", look, Keyboard)
    await steps.open_account()
    await steps.set_up_second_factor()
    await steps.add_traveller()
    await steps.add_card()
    await steps.make_wish(budget="2500", refundable=True)
    # It is watched, found and booked while the page stays open: nothing is reloaded.
    link = page.get_by_role("link", name="See the booking")
    await expect(link).to_be_visible(timeout=_LONG_MS)
    await accessible(page)
    await page.goto("/auto-booking/dashboard")
    await accessible(page)
    await page.goto("/auto-booking/history")
    await accessible(page)
    await steps.hand.press(page.locator("main a[href^='/bookings/']").first)
    await page.wait_for_url("**/bookings/*")
    await accessible(page)
    async with page.expect_download() as downloading:
        await page.get_by_role("link", name="Itinerary as PDF").click()
    itinerary = (await downloading.value).suggested_filename
    kinds = sorted(name.partition("-")[0] for name in await _enclosed(live_site, "Booked:"))
    assert kinds == ["flights", "itinerary", "receipt"]
    assert itinerary in await _enclosed(live_site, "Booked:"), "the mail has what the page gives"
    await steps.cancel_booking()
    await _until_it_says(page, "cancelled", "refund")
    await accessible(page)
    (off,) = await _enclosed(live_site, "Cancelled:")
    assert off.endswith(".ics")
    for path in ("/billing", "/notices", "/account", "/account/privacy"):
        await page.goto(path)
        await accessible(page)


async def test_the_same_on_a_phone_without_scripts_and_a_wish_takes_no_five_minutes(
    live_site: Any, new_page: Any, counted: Any
) -> None:
    page: Page = await new_page(scripts=False, narrow=True)
    read: list[int] = []

    async def look(_name: str) -> None:
        read.append(len((await page.locator("main").inner_text()).split()))

    steps = Steps(page, live_site.stack, "bo@example.com", look)
    await steps.open_account()
    await steps.set_up_second_factor()
    await steps.add_traveller()
    await steps.add_card()
    read.clear()
    begun = steps.hand.seconds
    await steps.make_wish(budget="2500", refundable=True)
    words = _SHARE_READ * sum(read[:-1]) + read[-1]
    reading, doing = words / _WORDS_A_SECOND, steps.hand.seconds - begun
    counted(
        f"making a wish: {reading:.0f} s to read what people read of {len(read)} pages, and all of"
        f" what they sign; {doing:.0f} s to answer"
    )
    assert reading + doing < _LONGEST_WISH_SECONDS
    await _until_it_says(page, "See the booking")
    await page.get_by_role("link", name="See the booking").click()
    await _until_it_says(page, "Ticketed")
    await steps.cancel_booking()
    await _until_it_says(page, "cancelled", "refund")
    await page.get_by_role("button", name="Sign out").click()
    await expect(page.get_by_text("You are signed out")).to_be_visible()


async def _enclosed(live_site: Any, subject: str) -> list[str]:
    """Wait for Ana's mail with such a subject, and return the names of what it encloses."""

    async def found() -> list[str] | None:
        for mail in live_site.mails():
            if subject in mail["subject"] and "ana@example.com" in mail["rcpt_tos"]:
                return list(mail["attachments"])
        return None

    return await eventually(found, seconds=30)


async def _until_it_says(page: Page, *words: str) -> None:
    """Reload the page, as a traveller would, until it says all of this."""
    for _ in range(60):
        said = await page.inner_text("main")
        if all(re.search(word, said) for word in words):
            return
        await page.wait_for_timeout(500)
        await page.reload()
    pytest.fail(await page.inner_text("main"))
