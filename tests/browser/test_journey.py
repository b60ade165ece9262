"""The whole journey, as a traveller makes it: from a new account to the money given back."""

import re
from typing import Any

import pytest
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
    await steps.cancel_booking()
    await _until_given_back(page)
    await accessible(page)
    for path in ("/billing", "/notices", "/account", "/account/privacy"):
        await page.goto(path)
        await accessible(page)


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
