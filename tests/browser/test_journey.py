"""The whole journey, as a traveller makes it: from a new account to the money given back."""

import re
from typing import Any

import pytest
from house import eventually
from playwright.async_api import expect
from steps_in_browser import Steps

_LONG_MS = 60_000


async def test_from_a_new_account_to_a_booking_given_back(
    live_site: Any, new_page: Any, accessible: Any
) -> None:
    page = await new_page()

    async def look(_name: str) -> None:
        await accessible(page)

    steps = Steps(page, live_site.stack, "ana@example.com", look)
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
    await page.locator("main a[href^='/bookings/']").first.click()
    await page.wait_for_url("**/bookings/*")
    await accessible(page)
    async with page.expect_download() as downloading:
        await page.get_by_role("link", name="Itinerary as PDF").click()
    itinerary = (await downloading.value).suggested_filename
    kinds = sorted(name.partition("-")[0] for name in await _enclosed(live_site, "Booked:"))
    assert kinds == ["flights", "itinerary", "receipt"]
    assert itinerary in await _enclosed(live_site, "Booked:"), "the mail has what the page gives"
    await steps.cancel_booking()
    await _until_given_back(page)
    await accessible(page)
    (off,) = await _enclosed(live_site, "Cancelled:")
    assert off.endswith(".ics")
    for path in ("/billing", "/notices", "/account", "/account/privacy"):
        await page.goto(path)
        await accessible(page)


async def _enclosed(live_site: Any, subject: str) -> list[str]:
    """Wait for Ana's mail with such a subject, and return the names of what it encloses."""

    async def found() -> list[str] | None:
        for mail in live_site.mails():
            if subject in mail["subject"] and "ana@example.com" in mail["rcpt_tos"]:
                return list(mail["attachments"])
        return None

    return await eventually(found, seconds=30)


async def _until_given_back(page: Any) -> None:
    """Reload the booking, as a traveller would, until it says that the money is on its way."""
    for _ in range(60):
        if re.search(r"cancelled", await page.inner_text("main")) and "refund" in (
            await page.inner_text("main")
        ):
            return
        await page.wait_for_timeout(500)
        await page.reload()
    pytest.fail(await page.inner_text("main"))
