"""The whole journey, as a traveller makes it: from a new account to the money given back."""

import re
from typing import Any

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
    await steps.make_wish(budget="900")
    # It is watched, found, booked and ticketed while the page stays open: nothing is reloaded.
    await expect(page.locator("main")).to_contain_text("ooked", timeout=_LONG_MS)
    await accessible(page)
    await page.goto("/auto-booking/history")
    await accessible(page)
    await page.locator("main a[href^='/bookings/']").first.click()
    await page.wait_for_url("**/bookings/*")
    await accessible(page)
    await page.goto(page.url.rstrip("/") + "/cancel")
    await accessible(page)
    assert re.search(r"\d", await page.inner_text("main"))
