"""Take the README's pictures from the running product: `make screenshots`.

A throwaway installation is started, a traveller goes the usual way, and what they see is kept.
"""

import asyncio
from pathlib import Path

from playwright.async_api import Browser, Page, async_playwright
from steps_in_browser import Steps

from cli.stack import Stack

PICTURES = Path(__file__).resolve().parents[1] / "docs" / "pictures"
_WIDE = {"width": 1100, "height": 800}
_PHONE = {"width": 390, "height": 844}
_LONG_MS = 60_000


async def _open(browser: Browser, stack: Stack) -> Page:
    context = await browser.new_context(
        base_url=f"http://localhost:{stack.settings.api_port}",
        viewport=_WIDE,  # type: ignore[arg-type]
        color_scheme="light",
        reduced_motion="reduce",
    )
    return await context.new_page()


async def _keep(page: Page, name: str, *, height: int | None = None) -> None:
    size = page.viewport_size or _WIDE
    clip = {"x": 0, "y": 0, "width": size["width"], "height": height or size["height"]}
    await page.screenshot(
        path=PICTURES / f"{name}.png",
        full_page=True,
        clip=clip,  # type: ignore[arg-type]
    )
    print(f"docs/pictures/{name}.png")


async def main() -> None:
    PICTURES.mkdir(exist_ok=True)
    with Stack.temporary() as stack:
        async with async_playwright() as playwright:
            browser = await playwright.chromium.launch(
                executable_path="/usr/bin/chromium", args=["--no-sandbox"]
            )
            page = await _open(browser, stack)
            steps = Steps(page, stack, "ana@example.com")
            await steps.open_account()
            await steps.set_up_second_factor()
            await steps.add_traveller()
            await steps.add_card()
            await steps.make_wish(budget="300")
            await page.get_by_role("heading", name="Why nothing is booked yet").wait_for(
                timeout=_LONG_MS
            )
            await page.reload()
            await _keep(page, "wish", height=1250)
            await steps.make_wish(budget="900")
            await page.get_by_role("link", name="See the booking").click(timeout=_LONG_MS)
            await page.wait_for_url("**/bookings/*")
            await page.set_viewport_size(_PHONE)  # type: ignore[arg-type]
            await page.reload()
            await _keep(page, "booking-on-a-phone", height=1500)
            await page.set_viewport_size(_WIDE)  # type: ignore[arg-type]
            await page.goto("/auto-booking/dashboard")
            await _keep(page, "wishes")
            await browser.close()


if __name__ == "__main__":
    asyncio.run(main())
