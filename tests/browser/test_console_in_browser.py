"""The console in a real browser: each page readable by everybody, each role as far as it goes."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from belongings import give_belongings
from booked import give_booking
from hands import Keyboard
from playwright.async_api import Page, expect

from api.access import CONSOLE, console_opens
from api.web import cookies
from db.accounts import ensure_account
from db.models import AttemptRow
from db.models.user import Role
from db.queries.attempts import open_task
from db.queries.users import get_user
from db.queries.web_sessions import add_session
from db.session import WORKER_ROLE, Database, SystemActor
from db.vault import vault_of
from domain.ids import UserId, derive
from runtime.clock import system_now
from runtime.web_tokens import new_token, session_hash

TESTS = SystemActor("tests")


class House:
    """The running product with a traveller who has one of everything, and operators."""

    def __init__(self, settings: Any, database: Database) -> None:
        self.settings, self.database = settings, database
        self.vault = vault_of(settings)
        self.values: dict[str, UUID] = {}

    async def person(self, role: Role = Role.TRAVELLER) -> UserId:
        async with self.database.transaction(TESTS) as session:
            user_id = await ensure_account(
                session, self.vault, email=f"{uuid4().hex}@example.com",
                pepper=self.settings.api_key_pepper, now=system_now(),
            )  # fmt: skip
            user = await get_user(session, user_id)
            assert user is not None
            user.role = role
        return user_id

    async def furnish(self) -> None:
        now, owner = system_now(), await self.person()
        own = await give_belongings(self.database, self.vault, owner, now)
        booked = await give_booking(self.database, self.vault, owner, now)
        key = uuid4().hex
        async with self.database.transaction(TESTS) as session:
            attempt = await session.get(AttemptRow, own.attempt_id)
            await open_task(session, key, "late_order", "An order came late.", now, attempt)
        self.values = {
            "user_id": owner, "booking_id": booked.booking_id, "attempt_id": own.attempt_id,
            "task_id": derive("task", key), "notice_id": own.notice_id,
            "delivery_id": own.delivery_id, "event_id": own.event_id,
            "campaign_id": booked.campaign_id,
        }  # fmt: skip

    async def sign_in(self, page: Page, role: Role) -> None:
        token, user_id = new_token(), await self.person(role)
        async with self.database.transaction(user_id) as session:
            await add_session(
                session, session_id=uuid4(), user_id=user_id,
                token_hash=session_hash(self.settings.api_key_pepper, token), device="A test",
                now=system_now(), lasts=self.settings.accounts.session,
                stepped_up_at=system_now(),
            )  # fmt: skip
        cookie = {"name": cookies.SESSION, "value": token, "url": "https://localhost/"}
        await page.context.add_cookies([cookie | {"secure": True, "httpOnly": True}])  # type: ignore[list-item]

    def pages(self, role: Role) -> list[str]:
        """Return the addresses of the console's pages that a role opens."""
        paths = [name.removeprefix("GET ") for name in CONSOLE if name.startswith("GET ")]
        opened = [path for path in paths if console_opens(role.value, f"GET {path}")]
        return [p.format(**self.values) for p in opened if not p.endswith(".csv")]


@pytest.fixture
async def house(live_site: Any) -> AsyncIterator[House]:
    settings = live_site.stack.settings
    async with AsyncExitStack() as opened:
        database = Database(settings.database_for("worker"), role=WORKER_ROLE, pool_size=2)
        opened.push_async_callback(database.close)
        made = House(settings, database)
        await made.furnish()
        yield made


async def test_every_page_of_the_console_is_readable_and_a_task_is_closed_there(
    house: House, new_page: Any, accessible: Any
) -> None:
    page = await new_page()
    await house.sign_in(page, Role.ADMIN)
    for path in house.pages(Role.ADMIN):
        answer = await page.goto(path)
        assert answer.status == 200, path
        assert await page.locator("h1").count() == 1, path
        await accessible(page)
    person = f"/admin/people/{house.values['user_id']}"
    await page.goto(person)
    await page.locator("form.act").nth(1).get_by_label("Why").fill("They asked what they see")
    await page.get_by_role("button", name="Show their pages").click()
    await expect(page.get_by_text("nothing here can be pressed")).to_be_visible()
    await accessible(page)


async def test_what_travellers_see_follows_the_switch(house: House, new_page: Any) -> None:
    admin, traveller = await new_page(), await new_page(narrow=True)
    await house.sign_in(admin, Role.ADMIN)
    await house.sign_in(traveller, Role.TRAVELLER)
    hand = Keyboard(admin)
    for press, stopped in (("Stop booking now", 1), ("Allow booking", 0)):
        await admin.goto("/admin")
        await hand.press(admin.get_by_role("link", name=press.removesuffix(" now")))
        await hand.write(admin.get_by_label("Why"), "To see what it does")
        await hand.press(admin.get_by_role("button", name=press))
        await expect(admin.get_by_role("link", name="Allow booking again")).to_have_count(stopped)
        await traveller.goto("/auto-booking/dashboard")
        told = traveller.get_by_text("Booking is stopped for everybody")
        await expect(told).to_have_count(stopped)
        await traveller.goto("/auto-booking/new")
        await expect(traveller.get_by_text("No new wishes at the moment")).to_have_count(stopped)


@pytest.mark.parametrize("role", [Role.SALES, Role.SUPPORT])
async def test_a_role_is_led_only_where_it_goes(
    house: House, new_page: Any, accessible: Any, role: Role
) -> None:
    page = await new_page(narrow=True)
    await house.sign_in(page, role)
    await page.goto("/admin")
    links = page.get_by_role("navigation", name="Console").get_by_role("link")
    led = [str(await one.get_attribute("href")) for one in await links.all()]
    shown = [path for path in led if path.startswith("/admin")]
    assert set(shown) == {path for path in house.pages(role) if path.count("/") <= 2} - {
        "/admin/switch"
    }
    for path in shown:
        answer = await page.goto(path)
        assert answer.status == 200, path
    closed = await page.goto("/admin/users")
    assert closed.status == 403
    await accessible(page)
    if role is Role.SUPPORT:
        await page.goto(f"/admin/tasks/{house.values['task_id']}")
        await page.get_by_label("Why").fill("Cancelled at the seller")
        await page.get_by_role("button", name="Close the task").click()
        await expect(page.get_by_role("status")).to_contain_text("closed")


async def test_the_stand_ins_of_a_running_product_call_us_and_are_heard(
    house: House, live_site: Any, new_page: Any
) -> None:
    """Their addresses and secrets are the stack's own: nobody has to set anything up."""
    stand_ins = live_site.stack.sandbox_url
    duffel = {"Authorization": "Bearer duffel_test_x", "Duffel-Version": "v2"}
    async with httpx.AsyncClient(timeout=30) as http:
        url = f"{stand_ins}/duffel/air/webhooks"
        [endpoint] = (await http.get(url, headers=duffel)).json()["data"]
        ping = await http.post(f"{url}/{endpoint['id']}/actions/ping", headers=duffel)
        assert ping.status_code == 204, ping.text
        stripe = {"Authorization": "Bearer sk_test_x"}
        made = await http.post(f"{stand_ins}/stripe/v1/customers", headers=stripe)
        assert made.status_code == 200, made.text
    heard = {f"about={endpoint['id']}": endpoint["id"], "provider=stripe": "customer.created"}
    page = await new_page()
    await house.sign_in(page, Role.SUPPORT)
    for wanted, words in heard.items():
        row = page.locator("tbody tr").filter(has_text=words)
        while not await row.count():
            await page.goto(f"/admin/webhooks?{wanted}")
        await expect(row.first).to_contain_text("good")
