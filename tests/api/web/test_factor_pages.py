"""Second factors on their pages, with JavaScript off: set up, shown before money, lost, removed."""

import re
from datetime import timedelta
from typing import Annotated, Any
from urllib.parse import quote

import pyotp
import pytest
from browsing import Shown, Site
from fastapi import APIRouter, Depends
from passwords import PASSWORD, give_password
from sqlalchemy import text
from starlette.responses import Response

from api.web.forms import FormDep
from api.web.pages import redirect, render
from api.web.step_up import SteppedUpDep, require_step_up, step_up_then
from api.web.visits import SignedInDep, Visit
from db.models.user import Role
from db.queries.notices import due_notices
from db.queries.users import get_user
from db.queries.web_sessions import list_sessions
from db.session import SystemActor
from runtime.clock import system_now

drafts: dict[str, str] = {}


@pytest.fixture(autouse=True)
def _pages_that_move_money(monkeypatch: pytest.MonkeyPatch) -> None:
    """Add pages that ask for a second factor, as other rooms make them."""
    from api.web import pay

    drafts.clear()
    router = APIRouter()
    router.include_router(pay.router)

    @router.get("/test/gated")
    async def show(visit: SteppedUpDep) -> Response:
        return render(visit, "message.html", title="Gated", sentence="money moves", more="")

    @router.post("/test/gated")
    async def act(visit: SteppedUpDep, form: FormDep) -> Response:
        return redirect("/test/gated", say="It was paid")

    @router.get("/test/things/{thing}")
    async def show_thing(visit: SignedInDep, thing: str) -> Response:
        kept = drafts.get(thing, "")
        return render(visit, "message.html", title=thing, sentence=f"kept {kept}", more="")

    @router.post("/test/things/{thing}/pay")
    async def pay_thing(
        visit: Annotated[Visit, Depends(step_up_then("/test/things/{thing}"))], form: FormDep
    ) -> Response:
        return redirect("/test/gated", say="It was paid")

    @router.post("/test/things/{thing}")
    async def keep_thing(visit: SignedInDep, form: FormDep, thing: str) -> Response:
        drafts[thing] = form.text("word")
        require_step_up(visit, f"/test/things/{thing}?draft=1")
        return redirect(f"/test/things/{thing}", say="It was paid")

    monkeypatch.setattr(pay, "router", router)


class Keeper:
    """Somebody at their pages, with an authenticator app in hand."""

    def __init__(self, site: Site, database: Any, user_id: Any) -> None:
        self.site, self.database, self.user_id = site, database, user_id
        self.secret, self.step = "", -1

    def code(self) -> str:
        """Return a code that counts and was not used yet."""
        self.step += 1
        return pyotp.TOTP(self.secret).at(system_now() + (self.step - 1) * timedelta(seconds=30))

    async def set_up(self, start: str = "/account/security") -> Shown:
        page = await self.site.submit(start, action="/account/security/app")
        self.secret = page.soup.select_one(".copyable code").get_text().replace(" ", "")
        return await self.site.submit(
            page, {"code": self.code()}, action="/account/security/app/confirm"
        )

    async def forget_step_up(self) -> None:
        async with self.database.transaction(self.user_id) as session:
            for row in await list_sessions(session, self.user_id):
                row.stepped_up_at = None

    async def told(self) -> list[str]:
        async with self.database.transaction(SystemActor("test")) as session:
            return [
                row.event
                for row in await due_notices(session, self.user_id, system_now(), held=False)
            ]


@pytest.fixture
async def keeper(pages: Site, database: Any, ana: Any) -> Keeper:
    found = Keeper(pages, database, ana.user_id)
    await found.forget_step_up()
    return found


async def test_who_has_no_factor_is_led_to_set_one_up_and_back(keeper: Keeper) -> None:
    first = await keeper.site.get("/test/gated?x=1")
    assert first.path == "/step-up?next=%2Ftest%2Fgated%3Fx%3D1"
    assert "nothing was charged" in first.text
    codes = await keeper.set_up(first.path)
    assert "shown this once" in codes.text
    assert codes.headers["cache-control"] == "no-store"
    assert len(codes.soup.select(".codes code")) == 10
    onward = codes.soup.select_one("main a.main")["href"]
    assert onward == "/test/gated?x=1"
    # The code that was just typed is a factor that was just shown.
    assert "money moves" in (await keeper.site.get(onward)).text
    assert await keeper.told() == ["factor_added"]


async def test_a_factor_is_asked_for_and_leads_back_with_what_was_typed(keeper: Keeper) -> None:
    await keeper.set_up()
    await keeper.forget_step_up()
    shown = await keeper.site.get("/account/security")
    token = shown.soup.select_one("input[name=form_token]")["value"]
    asked = await keeper.site.post("/test/things/lisbon", {"word": "May", "form_token": token})
    assert asked.path == "/step-up?next=%2Ftest%2Fthings%2Flisbon%3Fdraft%3D1"
    before = dict(keeper.site.jar)
    back = await keeper.site.submit(asked, {"code": keeper.code()})
    assert (back.path, "kept May" in back.text) == ("/test/things/lisbon?draft=1", True)
    assert keeper.site.jar != before, "the session's token is another one now"
    token = (await keeper.site.get("/account/security")).soup.select_one("input[name=form_token]")[
        "value"
    ]
    paid = await keeper.site.post("/test/things/lisbon", {"word": "May", "form_token": token})
    assert "It was paid" in paid.text


async def test_an_account_with_a_role_opens_nothing_of_its_own_before_its_factor(
    keeper: Keeper,
) -> None:
    async with keeper.database.transaction(SystemActor("tests")) as session:
        user = await get_user(session, keeper.user_id)
        assert user is not None
        user.role = Role.SUPPORT
    for path in ("/auto-booking/dashboard", "/billing", "/account/sessions", "/admin/tasks"):
        led = await keeper.site.get(path, follow=False)
        assert led.headers["location"] == f"/step-up?next={quote(path, safe='')}"
    sent = await keeper.site.post("/test/things/lisbon", {"word": "May"}, follow=False)
    assert sent.headers["location"].startswith("/step-up?next=")
    assert drafts == {}
    first = await keeper.site.get("/billing")
    assert "This account is a support here" in first.text
    assert first.soup.select_one('main a[href="/sign-out"]')
    codes = await keeper.set_up(first.path)
    onward = codes.soup.select_one("main a.main")["href"]
    assert onward == "/billing"
    assert (await keeper.site.get(onward)).path == "/billing"
    # From now on it is asked for: an hour later it still counts, in another browser it does not.
    async with keeper.database.transaction(keeper.user_id) as session:
        for row in await list_sessions(session, keeper.user_id):
            row.stepped_up_at = system_now() - timedelta(hours=1)
    assert (await keeper.site.get("/billing")).path == "/billing"
    await keeper.forget_step_up()
    asked = await keeper.site.get("/billing")
    assert "this browser has shown its password only" in asked.text
    assert (await keeper.site.submit(asked, {"code": keeper.code()})).path == "/billing"


async def test_a_post_without_a_fresh_factor_does_nothing(keeper: Keeper) -> None:
    for path, back in (
        ("/test/gated", "/test/gated"),
        ("/test/things/rome/pay", "/test/things/rome"),
    ):
        refused = await keeper.site.post(path, follow=False)
        assert refused.status == 303
        assert refused.headers["location"] == f"/step-up?next={back.replace('/', '%2F')}"


async def test_a_factor_counts_for_minutes_in_this_browser_only(
    keeper: Keeper, make_site: Any, api_url: str, settings: Any, ana: Any
) -> None:
    await keeper.set_up()
    assert (await keeper.site.get("/test/gated", follow=False)).status == 200
    assert (await keeper.site.get("/step-up?next=/test/gated", follow=False)).status == 303
    other = Keeper(await make_site(api_url, settings, ana), keeper.database, keeper.user_id)
    async with keeper.database.transaction(keeper.user_id) as session:
        for row in await list_sessions(session, keeper.user_id):
            row.stepped_up_at = system_now() - settings.accounts.step_up
    for site in (keeper.site, other.site):
        assert (await site.get("/test/gated", follow=False)).status == 303


async def test_nobody_is_led_to_somebody_elses_address(keeper: Keeper) -> None:
    await keeper.set_up()
    for onward in ("https://evil.example/", "//evil.example", "/\\evil", ""):
        led = await keeper.site.get(f"/step-up?next={quote(onward, safe='')}", follow=False)
        assert led.headers["location"] == "/auto-booking/dashboard"
    await keeper.forget_step_up()
    shown = await keeper.site.get("/step-up")
    fields = {"code": keeper.code(), "next": "//evil.example"}
    sent = await keeper.site.submit(shown, fields, follow=False)
    assert sent.headers["location"] == "/auto-booking/dashboard"


async def test_wrong_codes_are_said_and_slowed_down(keeper: Keeper) -> None:
    await keeper.set_up()
    await keeper.forget_step_up()
    page = await keeper.site.get("/step-up")
    assert (await keeper.site.submit(page, {"code": ""})).problems() == ["Enter the code."]
    for _ in range(4):
        wrong = await keeper.site.submit(page, {"code": "abcdef"})
        assert wrong.status == 422
        assert "wrong, or it was used before" in wrong.text
    held = await keeper.site.submit(page, {"code": keeper.code()})
    assert held.status == 429
    assert re.search(r"Too many wrong codes\. Wait (29|30) seconds", held.text)
    assert (await keeper.site.get("/test/gated", follow=False)).status == 303


async def test_a_recovery_code_lets_a_lost_app_be_replaced_and_moves_no_money(
    keeper: Keeper,
) -> None:
    codes = await keeper.set_up()
    recovery = codes.soup.select_one(".codes code").get_text()
    await keeper.forget_step_up()
    page = await keeper.site.get("/step-up?next=/test/gated")
    lost = page.soup.select("main form")[1]
    assert "10 codes left" in page.text
    fields = {one["name"]: one.get("value", "") for one in lost.select("input")}
    wrong = await keeper.site.post("/step-up", fields | {"recovery_code": "AAAAA-AAAAA"})
    assert "not one of your recovery codes" in wrong.text
    taken = await keeper.site.post("/step-up", fields | {"recovery_code": recovery.lower()})
    assert taken.path == "/account/security?next=%2Ftest%2Fgated"
    assert "set up another" in taken.text
    assert "9 left" in taken.text
    # No money by that alone.
    assert (await keeper.site.get("/test/gated", follow=False)).status == 303
    again = await keeper.site.post("/step-up", fields | {"recovery_code": recovery})
    assert "used before" in again.text
    removal = await keeper.site.get("/account/security/app/remove")
    assert "your last second factor" in removal.text
    removed = await keeper.site.submit(removal)
    assert "open nothing any more" in removed.text
    done = await keeper.set_up("/account/security?next=/test/gated")
    assert "These ten codes" in done.text
    assert (await keeper.site.get("/test/gated", follow=False)).status == 200
    events = ["factor_added", "recovery_code_used", "factor_removed", "factor_added"]
    assert await keeper.told() == events


async def test_factors_are_changed_only_by_who_has_just_shown_one(keeper: Keeper) -> None:
    await keeper.set_up()
    await keeper.forget_step_up()
    for ask, path in (
        (keeper.site.get, "app/remove"),
        (keeper.site.post, "app/remove"),
        (keeper.site.post, "recovery-codes"),
        (keeper.site.post, "app"),
        (keeper.site.get, "passkeys/new"),
        (keeper.site.post, "passkeys/options"),
        (keeper.site.post, "passkeys"),
        (keeper.site.get, "password"),
    ):
        refused = await ask(f"/account/security/{path}", follow=False)
        assert refused.headers["location"] == "/step-up?next=%2Faccount%2Fsecurity"
    async with keeper.database.transaction(keeper.user_id) as session:
        assert await session.scalar(text("SELECT count(*) FROM totp_factors")) == 1


async def test_a_first_factor_wants_the_password_where_the_browser_was_left_open(
    keeper: Keeper, ana: Any, settings: Any
) -> None:
    async with keeper.database.transaction(keeper.user_id) as session:
        for row in await list_sessions(session, keeper.user_id):
            row.created_at = system_now() - settings.accounts.step_up
    asked = await keeper.site.submit("/account/security", action="/account/security/app")
    assert asked.path == "/account/security/password?next=%2Faccount%2Fsecurity"
    assert "Sign out and in again" in asked.text
    await give_password(keeper.database, ana)
    asked = await keeper.site.get("/account/security/password?next=%2Faccount%2Fsecurity")
    wrong = await keeper.site.submit(asked, {"password": "not it"})
    assert wrong.problems() == ["This is not the password of your account."]
    right = await keeper.site.submit(asked, {"password": PASSWORD})
    assert right.path == "/account/security"
    assert "ten codes" in (await keeper.set_up()).text


async def test_new_recovery_codes_replace_the_old_ones(keeper: Keeper) -> None:
    old = await keeper.set_up()
    fresh = await keeper.site.submit("/account/security", action="/account/security/recovery-codes")
    assert "older codes open nothing" in fresh.text

    def found(page: Shown) -> set[str]:
        return {one.get_text() for one in page.soup.select(".codes code")}

    assert len(found(fresh)) == 10
    assert not found(fresh) & found(old)


async def test_a_first_code_that_is_wrong_keeps_the_picture(keeper: Keeper) -> None:
    page = await keeper.site.submit("/account/security", action="/account/security/app")
    key = page.soup.select_one(".copyable code").get_text()
    assert page.soup.select_one(".qr svg") is not None
    assert "style=" not in page.html
    wrong = await keeper.site.submit(
        page, {"code": "abcdef"}, action="/account/security/app/confirm"
    )
    assert wrong.status == 422
    assert wrong.problems()[0].startswith("This is not the code")
    assert wrong.soup.select_one(".copyable code").get_text() == key
    assert await keeper.told() == []
