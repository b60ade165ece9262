"""Every page there is, in Chromium: empty, full, refused and in each state, held against WCAG.

The pages are those of `api/access.py`, so that a new one cannot be forgotten; the console has a
test of its own.
"""

from collections.abc import AsyncIterator, Iterable
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Any

import pytest
from axe_playwright_python.async_playwright import Axe
from belongings import Belongings, give_belongings
from browsing import Site
from chromium import NARROW, WIDE, complaints_about, running_chromium
from playwright.async_api import Browser, Page
from scores import Scores, accessibility, on_a_phone
from sqlalchemy import text

from api.access import ROUTES
from api.access_rules import Answer, Who
from api.cards import SETUP_PURPOSE
from api.web import cookies
from db.session import Database, SystemActor
from db.vault import vault_of
from domain.accounts import LinkPurpose
from domain.campaigns import CampaignState
from runtime.settings import Settings
from runtime.tokens import PAY_PURPOSE, one_time_token, sign_token

_TESTS = SystemActor("tests")
# Of 100; what the requirements ask for.
LEAST_ACCESSIBLE, LEAST_ON_A_PHONE = 90.0, 95.0
_STEPS = ("route", "who", "preferences", "budget", "check")
# Sent as it is, each of these comes back with what is missing.
_FORMS = (
    "/sign-in",
    "/sign-up",
    "/forgot",
    "/travelers/new",
    "/travelers/{traveler_id}/documents/new",
    "/account/email",
    "/account/webhooks",
    "/account/api-keys/new",
    "/auto-booking/new/{draft_id}/route",
    "/auto-booking/new/{draft_id}/budget",
)


@pytest.fixture
def settings(make_settings: Any) -> Settings:
    """Return settings with everything on that is off by itself; nobody listens at the issuer."""
    oidc = {"PARKER_OIDC_ISSUER": "http://127.0.0.1:1", "PARKER_OIDC_CLIENT_ID": "us"}
    made: Settings = make_settings(**oidc)
    return made


@pytest.fixture(scope="module")
async def browser() -> AsyncIterator[Browser]:
    async with running_chromium() as browser:
        yield browser


class Walk:
    """One person's way through the pages, and what there was to complain about."""

    def __init__(self, page: Page, url: str) -> None:
        self._page, self._url = page, url
        self.complaints: list[str] = []
        self.scores = Scores()

    @classmethod
    async def of(cls, browser: Browser, api_url: str, site: Site | None = None) -> "Walk":
        # The one name for which a cookie of this kind is sent without encryption.
        url = api_url.replace("127.0.0.1", "localhost")
        context = await browser.new_context(viewport=WIDE, reduced_motion="reduce")
        if site is not None:
            token = site.jar[cookies.SESSION]
            secure = url.replace("http:", "https:")
            await context.add_cookies([{"name": cookies.SESSION, "value": token, "url": secure}])
        return cls(await context.new_page(), url)

    async def look(self, path: str) -> None:
        """Open a page, be it one that says no; what is not HTML is not one."""
        answer = await self._page.goto(self._url + path, wait_until="domcontentloaded")
        assert answer is not None
        if "text/html" not in answer.headers.get("content-type", ""):
            return
        if answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            self.complaints.append(f"{path} answers {answer.status}")
        await self._judge(path)

    async def send_empty(self, path: str) -> None:
        """Send a page's form as it stands, past what the browser would ask for by itself."""
        await self._page.goto(self._url + path, wait_until="domcontentloaded")
        async with self._page.expect_navigation(wait_until="domcontentloaded"):
            await self._page.evaluate("document.querySelector('main form[method=post]').submit()")
        if not await self._page.locator(".summary").count():
            self.complaints.append(f"{path}, sent empty, does not say what is missing")
        await self._judge(f"{path} (refused)")

    async def end(self) -> "Walk":
        """Close the pages: an open one holds its live stream, and the server waits for that."""
        await self._page.context.close()
        return self

    async def _judge(self, name: str) -> None:
        self.complaints += await complaints_about(self._page, self.scores, name)


def _pages(names: Iterable[str]) -> list[str]:
    """Return the addresses that are opened in a browser."""
    paths = (name.removeprefix("GET ") for name in names if name.startswith("GET "))
    pieces = ("/events", "/new/map", ".csv", ".pdf", ".ics", "/files/", "/static")
    return [
        path
        for path in paths
        if not path.startswith(("/api/", "/.well-known/"))
        and not any(part in path for part in pieces)
    ]


def _addresses(paths: Iterable[str], values: dict[str, str]) -> list[str]:
    return [
        path.format(**values, step=step)
        for path in paths
        for step in (_STEPS if "{step}" in path else ("",))
    ]


def _values(settings: Settings, own: Belongings, owner: Any) -> dict[str, str]:
    return {name: str(value) for name, value in asdict(own).items()} | {"user_id": str(owner)}


def _links(settings: Settings, own: Belongings, owner: Any) -> list[str]:
    """Return the addresses that hold a secret of their own."""
    secret, ends = settings.api_key_pepper, datetime.now(UTC) + timedelta(hours=1)
    mailed = [
        f"/{purpose}/{one_time_token(secret, purpose, own.links[purpose])}"
        for purpose in LinkPurpose
    ]
    pay = sign_token(secret, PAY_PURPOSE, own.attempt_id, ends, owner=owner)
    card = sign_token(secret, SETUP_PURPOSE, own.setup_id, ends, owner=owner)
    return [
        *mailed,
        f"/pay/{pay}",
        f"/api/autobooking/payment-methods/setups/return?token={card}",
    ]


async def test_every_page_in_every_state_is_accessible(
    browser: Browser,
    settings: Settings,
    api_url: str,
    database: Database,
    make_person: Any,
    make_site: Any,
    counted: Any,
) -> None:
    full, empty = await make_person(), await make_person()
    own = await give_belongings(
        database,
        vault_of(settings),
        full.user_id,
        datetime.now(UTC),
        secret=settings.api_key_pepper,
    )
    values = _values(settings, own, full.user_id)
    walks = [
        await _as_nobody(browser, api_url, settings, own, full.user_id),
        await _as_newcomer(browser, api_url, await make_site(api_url, settings, empty)),
        await _as_owner(browser, api_url, await make_site(api_url, settings, full), values),
        await _through_states(
            browser, api_url, await make_site(api_url, settings, full), database, own
        ),
    ]
    complaints = [one for walk in walks for one in walk.complaints]
    assert not complaints, "\n\n".join(complaints)
    scores = Scores()
    for walk in walks:
        scores += walk.scores
    lowest, where = scores.lowest
    counted(f"pages held against WCAG 2.2 AA: {len(scores.accessibility)}")
    counted(
        f"score of accessibility, as Lighthouse weighs it: {scores.mean:.1f} of 100, at least"
        f" {lowest:.1f} ({where}); on a phone {scores.on_a_phone:.1f} % of {scores.asked} checks"
    )
    assert lowest > LEAST_ACCESSIBLE, where
    assert scores.on_a_phone > LEAST_ON_A_PHONE, "\n".join(scores.failed)


async def test_a_poor_page_scores_poorly(browser: Browser) -> None:
    """Fail each check of both scores, so that full marks mean something."""
    page = await browser.new_page(viewport=NARROW)
    await page.set_content(
        "<html><body><img src=x><input><button></button><a href=#>one</a><br><a href=#>two</a>"
        "<p style='font-size: 8px; width: 60rem'>So little that nobody can read it, and wide.</p>"
    )
    wrong = {check for check, found in (await on_a_phone(page)).items() if found}
    judged = (await Axe().run(page, options={"runOnly": ["wcag2a", "wcag2aa"]})).response
    await page.close()
    assert len(wrong) == 4, wrong
    assert accessibility(judged) < LEAST_ACCESSIBLE


async def _as_nobody(
    browser: Browser, api_url: str, settings: Settings, own: Belongings, owner: Any
) -> Walk:
    walk = await Walk.of(browser, api_url)
    doors = [name for name in ROUTES if ROUTES[name][Who.NOBODY] is Answer.HEARD]
    for path in _pages(doors):
        if "{" not in path and "/provider" not in path and path != "/openapi.json":
            await walk.look(path)
    for link in _links(settings, own, owner):
        await walk.look(link)
    await walk.look("/nothing-is-here")
    for path in ("/sign-in", "/sign-up", "/forgot"):
        await walk.send_empty(path)
    return await walk.end()


async def _as_newcomer(browser: Browser, api_url: str, site: Site) -> Walk:
    walk = await Walk.of(browser, api_url, site)
    for path in _pages(name for name in ROUTES if ROUTES[name][Who.OWNER] is Answer.HEARD):
        if "{" not in path and not path.startswith("/admin"):
            await walk.look(path)
    return await walk.end()


async def _as_owner(browser: Browser, api_url: str, site: Site, values: dict[str, str]) -> Walk:
    walk = await Walk.of(browser, api_url, site)
    paths = [path for path in _pages(ROUTES) if not path.startswith("/admin") and "{" in path]
    for path in _addresses((one for one in paths if "{token}" not in one), values):
        await walk.look(path)
    for path in ("/auto-booking/dashboard", "/auto-booking/history", "/travelers", "/notices"):
        await walk.look(path)
    for path in ("/payment-methods", "/billing", "/account/sessions", "/account/privacy"):
        await walk.look(path)
    for path in _FORMS[3:]:
        await walk.send_empty(path.format(**values))
    return await walk.end()


async def _through_states(
    browser: Browser, api_url: str, site: Site, database: Database, own: Belongings
) -> Walk:
    """Look at a wish in each of its states; the rows are set to it, as if it had come there."""
    walk = await Walk.of(browser, api_url, site)
    for state in CampaignState:
        async with database.transaction(_TESTS) as session:
            statement = text("UPDATE autobooking_campaigns SET status = :state WHERE id = :id")
            await session.execute(statement, {"state": state.value, "id": own.campaign_id})
        await walk.look(f"/auto-booking/wishes/{own.campaign_id}")
    return await walk.end()
