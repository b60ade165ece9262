"""Wishes in a real browser: in every state for everybody, and live without moving under the eye."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from chromium import held_back
from playwright.async_api import Page, expect
from watched import Watched

from api.web import cookies
from db.accounts import ensure_account
from db.models import CampaignRow
from db.queries.fares import add_fares
from db.queries.transitions import change_state
from db.queries.web_sessions import add_session, revoke_sessions
from db.session import WORKER_ROLE, Database, SystemActor
from db.vault import vault_of
from domain.attempts import AttemptState, FailureReason
from domain.campaigns import BookingMode, CampaignState
from domain.ids import UserId
from runtime.clock import system_now
from runtime.web_tokens import new_token, session_hash

TESTS = SystemActor("tests")
S, A = CampaignState, AttemptState
SHIFTS = """
() => { window.moved = 0; new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) if (!entry.hadRecentInput) window.moved += entry.value;
}).observe({ type: 'layout-shift', buffered: true }); }
"""


class Home:
    """Somebody at the running product whose wishes are put where the product would put them."""

    def __init__(self, live_site: Any) -> None:
        self.settings = live_site.stack.settings
        self.user_id = UserId(uuid4())
        self.database = Database(
            self.settings.database_for("worker"), role=WORKER_ROLE, pool_size=2
        )

    async def open(self) -> None:
        async with self.database.transaction(TESTS) as session:
            self.user_id = await ensure_account(
                session,
                vault_of(self.settings),
                email=f"{uuid4().hex}@example.com",
                pepper=self.settings.api_key_pepper,
                now=system_now(),
            )

    async def enter(self, page: Page) -> None:
        token = new_token()
        async with self.database.transaction(self.user_id) as session:
            await add_session(
                session,
                session_id=uuid4(),
                user_id=self.user_id,
                token_hash=session_hash(self.settings.api_key_pepper, token),
                device="A test",
                now=system_now(),
                lasts=self.settings.accounts.session,
                stepped_up_at=system_now(),
            )
        await page.context.add_cookies(
            [
                {
                    "name": cookies.SESSION,
                    "value": token,
                    "url": "https://localhost/",
                    "secure": True,
                    "httpOnly": True,
                }
            ]
        )

    @asynccontextmanager
    async def making(self) -> AsyncIterator[Watched]:
        async with self.database.transaction(TESTS) as session:
            yield Watched(session, self.user_id, system_now())

    async def wish(
        self, make: Watched, state: CampaignState = S.ACTIVE, **more: Any
    ) -> CampaignRow:
        """Make a wish that the running search leaves alone."""
        row = await make.campaign(**more)
        row.seller = "nobody"
        if state is not S.ACTIVE:
            await change_state(make.session, row, state, now=make.now, event=f"campaign.{state}")
        return row

    async def change(self, wish: CampaignRow, state: CampaignState) -> None:
        async with self.database.transaction(TESTS) as session:
            row = await session.get_one(CampaignRow, wish.id)
            await change_state(session, row, state, now=system_now(), event=f"campaign.{state}")


@pytest.fixture
async def home(live_site: Any) -> AsyncIterator[Home]:
    made = Home(live_site)
    await made.open()
    yield made
    await made.database.close()


async def test_the_list_can_be_read_by_everybody_empty_and_full(
    home: Home, new_page: Any, accessible: Any
) -> None:
    page = await new_page()
    await home.enter(page)
    await page.goto("/auto-booking/dashboard")
    await expect(page.get_by_role("heading", name="No wishes yet")).to_be_visible()
    await accessible(page)
    async with home.making() as make:
        card = await make.card(exp_month=1, exp_year=make.now.year + 1)
        watched = await home.wish(make)
        for n in range(20):
            at = make.now - timedelta(days=n)
            await add_fares(make.session, [make.fare(watched, at, 111_800 + n * 400)])
        asked = await home.wish(make, S.AWAITING_APPROVAL, mode=BookingMode.ASK_ME_FIRST)
        await make.proposal(asked, make.offer("987.00"))
        booking = await home.wish(make, S.BOOKING)
        await make.attempt(booking, card, make.offer("987.00"), state=A.ORDERING)
        await home.wish(make, S.PAUSED)
        await home.wish(make, S.CANCELLED)
    await page.goto("/auto-booking/dashboard")
    await expect(page.locator("li.wish")).to_have_count(5)
    await accessible(page)
    # By keyboard alone: to what needs me, and there.
    button = page.get_by_role("link", name="See the flights for 987 USD")
    await button.focus()
    await page.keyboard.press("Enter")
    await expect(page.locator("h1")).to_have_text("Shall we book these flights for 987 USD?")
    await accessible(page)


async def test_a_wish_can_be_read_by_everybody_in_every_state(
    home: Home, new_page: Any, accessible: Any
) -> None:
    page = await new_page()
    await home.enter(page)
    async with home.making() as make:
        card = await make.card()
        watched = await home.wish(make, criteria=make.wish(max_connections=0))
        for n in range(2, 50):
            at = make.now - timedelta(days=n)
            await add_fares(make.session, [make.fare(watched, at, 109_000 + n * 300)])
        await make.look(
            watched, [make.offer("1118.00", "204"), make.offer("1064.00", "6", stop="MAD")]
        )
        declined = await home.wish(make)
        declined.action_reason = "card_declined"
        await change_state(make.session, declined, S.NEEDS_ACTION, now=make.now, event="x")
        await make.attempt(
            declined, card, make.offer("987.00"), state=A.FAILED,
            failure_reason=FailureReason.CARD_DECLINED, finished_at=make.now,
        )  # fmt: skip
        unknown = await home.wish(make, S.BOOKING)
        await make.attempt(unknown, card, make.offer("987.00"), state=A.ORDER_UNKNOWN)
    for wish, words in (
        (watched, "78 above what you allow"),
        (declined, "Your card was declined."),
        (unknown, "You will not be booked twice."),
    ):
        await page.goto(f"/auto-booking/wishes/{wish.id}")
        await expect(page.locator("#live-now")).to_contain_text(words)
        await accessible(page)
    # The whole page without scripts; a booking in progress looks again by itself.
    plain = await new_page(scripts=False, narrow=True)
    await home.enter(plain)
    await plain.goto(f"/auto-booking/wishes/{unknown.id}")
    await expect(plain.locator("#live-now")).to_contain_text("You may close this page")
    async with plain.expect_navigation(timeout=15_000):
        pass


async def test_news_arrive_without_a_reload_and_nothing_moves_or_is_said_twice(
    home: Home, new_page: Any
) -> None:
    page = await new_page()
    await home.enter(page)
    async with home.making() as make:
        await make.card()
        wish = await home.wish(make)
        await make.look(wish, [make.offer("1118.00", "204")])
    stream = await held_back(page, "**/events*")
    await page.goto(f"/auto-booking/wishes/{wish.id}")
    now, said = page.locator("#live-now"), page.locator("[data-live-say]")
    # However late the stream is, the page is whole: nothing waits to be filled in.
    await expect(now).to_contain_text("Best now")
    await expect(page.locator("#live-why tbody tr")).to_have_count(1)
    await expect(page.locator("[data-live-lost]")).to_be_hidden()
    await expect(page.locator("[aria-busy]")).to_have_count(0)
    stream.set()
    await page.evaluate(SHIFTS)
    await page.get_by_text("As a table").click()
    await page.get_by_role("button", name="Pause").focus()
    async with home.making() as make:
        await add_fares(make.session, [make.fare(wish, make.now, 105_100)])
    await expect(now).to_contain_text("1,051 USD", timeout=2_000)
    await expect(said).to_be_empty()
    await expect(page.locator("#live-chart tbody")).to_be_visible()
    assert await page.evaluate("document.activeElement.textContent") == "Pause"
    assert await page.evaluate("window.moved") < 0.05

    await home.change(wish, S.PAUSED)
    await expect(now.locator(".chip")).to_contain_text("Paused", timeout=2_000)
    await expect(said).to_contain_text("Paused. Nobody looks for flights")

    async with home.database.transaction(home.user_id) as session:
        await revoke_sessions(session, home.user_id, system_now())
    lost = page.locator("[data-live-lost]")
    await expect(lost).to_contain_text("You are signed out here.", timeout=5_000)


async def test_a_lost_stream_is_told_with_the_age_of_what_is_seen_and_asked_for_instead(
    home: Home, new_page: Any, accessible: Any
) -> None:
    page = await new_page()
    await home.enter(page)
    async with home.making() as make:
        await make.card()
        wish = await home.wish(make)

    async def cut(route: Any) -> None:
        streams = "event-stream" in route.request.headers.get("accept", "")
        await (route.abort() if streams else route.continue_())

    await page.route("**/events*", cut)
    await page.goto(f"/auto-booking/wishes/{wish.id}")
    lost = page.locator("[data-live-lost]")
    await expect(lost).to_contain_text("Live updates are interrupted.", timeout=10_000)
    await expect(lost).to_contain_text("What you see is from")
    await accessible(page)
    await home.change(wish, S.PAUSED)
    await expect(page.locator("#live-now .chip")).to_contain_text("Paused", timeout=20_000)
    await page.unroute("**/events*")
    await expect(lost).to_be_hidden(timeout=25_000)
