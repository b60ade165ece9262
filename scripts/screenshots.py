"""Take the README's pictures from the running product: `make screenshots`.

A throwaway installation is started, a traveller goes the usual way, and what they see is kept.
What takes two months to see, a wish watched that long, is written into its database.
"""

import asyncio
from contextlib import AsyncExitStack
from datetime import date, timedelta
from math import sin
from pathlib import Path

from chromium import running_chromium
from playwright.async_api import Browser, Page, ViewportSize
from steps_in_browser import Steps
from watched import Watched

from cli.stack import Stack
from db.accounts import ensure_account
from db.models import CampaignRow
from db.queries.fares import add_fares
from db.queries.transitions import append_event, change_state
from db.session import WORKER_ROLE, Database, SystemActor
from db.vault import vault_of
from domain.campaigns import BookingMode, CampaignState
from domain.ids import UserId
from domain.money import Money
from runtime.clock import system_now

PICTURES = Path(__file__).resolve().parents[1] / "docs" / "pictures"
_ADDRESS = "ana@example.com"
_WIDE: ViewportSize = {"width": 1100, "height": 800}
_PHONE: ViewportSize = {"width": 390, "height": 844}
_LONG_MS = 60_000
_DAYS = 60


async def _open(browser: Browser, stack: Stack) -> Page:
    context = await browser.new_context(
        base_url=f"http://localhost:{stack.settings.api_port}",
        viewport=_WIDE,
        device_scale_factor=2,
        color_scheme="light",
        reduced_motion="reduce",
    )
    return await context.new_page()


async def _keep(page: Page, name: str, size: ViewportSize, height: int | None = None) -> None:
    """Keep the page as it is now, or its upper part."""
    await page.set_viewport_size(size)
    await page.reload()
    part = {"x": 0, "y": 0, "width": size["width"], "height": height} if height else None
    await page.screenshot(path=PICTURES / f"{name}.png", full_page=True, clip=part)  # type: ignore[arg-type]
    print(f"docs/pictures/{name}.png")


async def _watched_for_two_months(database: Database, owner: UserId) -> str:
    """Put in a wish that was watched for sixty days, and one that waits for an answer."""
    now = system_now()
    async with database.transaction(SystemActor("pictures")) as session:
        make = Watched(session, owner, now)
        watched = await _wish(make)
        raised = {"budget_was_minor": 98_000, "budget_minor": 104_000, "currency": "USD"}
        await append_event(session, watched.id, "campaign.edited", raised, now - timedelta(days=41))
        for ago in range(1, _DAYS):
            minor = 107_400 + round(4_500 * (1 + sin(ago / 4)) + 190 * ago) + ago * 37 % 11 * 290
            await add_fares(session, [make.fare(watched, now - timedelta(days=ago), minor)])
        offers = [make.offer(*one) for one in (("1118", "204"), ("1164", "236"), ("1207", "244"))]
        await make.look(watched, offers)
        asks = await _wish(
            make,
            origins=("LON",),
            destinations=("ROM",),
            departure_from=date(now.year + 1, 4, 1),
            departure_until=date(now.year + 1, 4, 30),
            budget=Money.parse("420", "USD"),
        )
        asks.mode = BookingMode.ASK_ME_FIRST
        await make.proposal(asks, make.offer("387.00"))
        await change_state(session, asks, CampaignState.AWAITING_APPROVAL, now=now, event="x")
        return f"/auto-booking/wishes/{watched.id}"


async def _wish(make: Watched, **criteria: object) -> CampaignRow:
    """Make a wish that the running search leaves alone."""
    row = await make.campaign(make.wish(max_connections=1, **criteria))
    row.seller = "nobody"
    return row


async def _take(page: Page, stack: Stack, database: Database) -> None:
    steps = Steps(page, stack, _ADDRESS)
    await steps.open_account()
    await steps.set_up_second_factor()
    await steps.add_traveller()
    await steps.add_card()
    await steps.make_wish(budget="900")
    await page.get_by_role("link", name="See the booking").click(timeout=_LONG_MS)
    await page.wait_for_url("**/bookings/*")
    await page.get_by_text("Ticketed").first.wait_for(timeout=_LONG_MS)
    await _keep(page, "booking-on-a-phone", _PHONE, 1500)
    async with database.transaction(SystemActor("pictures")) as session:
        owner = await ensure_account(
            session,
            vault_of(stack.settings),
            email=_ADDRESS,
            pepper=stack.settings.api_key_pepper,
            now=system_now(),
        )
    watched = await _watched_for_two_months(database, owner)
    await page.set_viewport_size(_WIDE)
    await page.goto("/auto-booking/dashboard")
    await _keep(page, "wishes", _WIDE)
    await page.goto(watched)
    await _keep(page, "wish", _WIDE)


async def main() -> None:
    PICTURES.mkdir(exist_ok=True)
    async with AsyncExitStack() as opened:
        stack = opened.enter_context(Stack.temporary())
        address = stack.settings.database_for("worker")
        database = Database(address, role=WORKER_ROLE, pool_size=1)
        opened.push_async_callback(database.close)
        browser = await opened.enter_async_context(running_chromium())
        await _take(await _open(browser, stack), stack, database)


if __name__ == "__main__":
    asyncio.run(main())
