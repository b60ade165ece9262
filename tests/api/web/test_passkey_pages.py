"""Passkeys on their pages, and second factors at the door, as scripts and people send them."""

from datetime import timedelta
from typing import Any

import pyotp
import pytest
from authenticator import Authenticator
from browsing import Shown, Site
from passwords import PASSWORD, give_password

from api.web import cookies
from api.web.passkeys import relying_party
from db.models.user import Role
from db.queries.factors import factors_of
from db.queries.notices import due_notices
from db.queries.users import get_user
from db.queries.web_sessions import list_sessions
from db.session import SystemActor
from runtime.clock import system_now


class Owner:
    """Ana, with a device that keeps passkeys, and browsers of hers."""

    def __init__(self, site: Site, person: Any, database: Any, settings: Any) -> None:
        self.site, self.person, self.database, self.settings = site, person, database, settings
        self.device = self.new_device()

    def new_device(self) -> Authenticator:
        party = relying_party(self.settings)
        assert party is not None
        return Authenticator(party.origin)

    async def options(self, site: Site, page: str, path: str) -> str:
        return (await site.post(path, {"form_token": await token(site, page)})).html

    async def add_passkey(self, device: Authenticator, name: str) -> Shown:
        page = "/account/security/passkeys/new"
        options = await self.options(self.site, page, "/account/security/passkeys/options")
        answer = {"passkey": device.register(options), "name": name}
        return await self.site.submit(page, answer)

    async def forget_step_up(self) -> None:
        async with self.database.transaction(self.person.user_id) as session:
            for row in await list_sessions(session, self.person.user_id):
                row.stepped_up_at = None

    async def address(self) -> str:
        async with self.database.transaction(SystemActor("test")) as session:
            user = await get_user(session, self.person.user_id)
            assert user is not None
            from db.vault import vault_of

            return await vault_of(self.settings).open(
                session, self.person.user_id, user.email_encrypted,
                table="users", column="email", row_id=user.id,
            )  # fmt: skip

    async def knock(self, site: Site, onward: str = "/account/security") -> Shown:
        """Give address and password at the door, as a browser that is not signed in."""
        site.jar.pop(cookies.SESSION, None)
        fields = {"email": await self.address(), "password": PASSWORD}
        return await site.submit(f"/sign-in?next={onward}", fields, action="/sign-in")

    async def told(self) -> list[str]:
        async with self.database.transaction(SystemActor("test")) as session:
            rows = await due_notices(session, self.person.user_id, system_now(), held=False)
            return [row.event for row in rows]


async def token(site: Site, page: str) -> str:
    shown = await site.get(page)
    found = shown.soup.select_one("main input[name=form_token]")
    assert found is not None, shown.text
    return str(found["value"])


@pytest.fixture
async def owner(pages: Site, ana: Any, database: Any, settings: Any) -> Owner:
    await give_password(database, ana)
    found = Owner(pages, ana, database, settings)
    await found.forget_step_up()
    return found


async def test_a_passkey_is_made_named_used_and_removed(
    owner: Owner, other_pages: Site, ben: Any
) -> None:
    kept = await owner.add_passkey(owner.device, "Ana's laptop")
    assert "These ten codes" in kept.text
    # Made just now, it counts as shown.
    assert (await owner.site.get("/step-up", follow=False)).status == 303
    again = await owner.add_passkey(owner.device, "Twice")
    assert "registered already" in again.text
    shown = await owner.site.get("/account/security")
    assert "Ana's laptop" in shown.text
    assert "not used yet" in shown.text
    second = await owner.add_passkey(owner.new_device(), "Key on my ring")
    assert "You can sign in with it alone" in second.text

    (naming, _) = [
        str(one["action"]) for one in second.soup.select("main form") if "/name" in one["action"]
    ]
    renamed = await owner.site.submit(second, {"name": "  The <b>old</b> one "}, action=naming)
    assert "The passkey is called “The <b>old</b> one” now." in renamed.text
    assert "Ana's laptop" not in renamed.text
    path = "/account/security"
    stolen = {"form_token": await token(other_pages, path), "name": "Mine"}
    assert (await other_pages.post(naming, stolen)).status == 404

    await owner.forget_step_up()
    asked = await owner.site.get("/step-up?next=/account/security")
    form = asked.soup.select_one("form[data-passkey-kind=get]")
    assert form is not None
    assert form.has_attr("hidden"), "shown by the script that it needs"
    options = await owner.options(owner.site, "/step-up?next=/account/security", "/step-up/passkey")
    answer = owner.device.answer(options)
    back = await owner.site.submit(asked, {"passkey": answer}, action="/step-up")
    assert back.path == "/account/security"
    assert "last used" in back.text
    await owner.forget_step_up()
    asked = await owner.site.get("/step-up?next=/account/security")
    replayed = await owner.site.submit(asked, {"passkey": answer}, action="/step-up")
    assert (replayed.status, "sent twice" in replayed.text) == (422, True)

    options = await owner.options(owner.site, "/step-up?next=/account/security", "/step-up/passkey")
    fields = {"passkey": owner.device.answer(options)}
    back = await owner.site.submit(asked, fields, action="/step-up")
    removals = [str(one["href"]) for one in back.soup.select("main a") if "/remove" in one["href"]]
    assert len(removals) == 2
    assert (await other_pages.get(removals[0])).status == 404
    assert "your other second factor stays" in (await owner.site.get(removals[0])).text
    await owner.site.submit(removals[0])
    last = await owner.site.get(removals[1])
    assert "your last second factor" in last.text
    await owner.site.submit(last)
    async with owner.database.transaction(owner.person.user_id) as session:
        left = await factors_of(session, owner.person.user_id)
    assert (left.any, left.codes_left) == (False, 0)
    assert await owner.told() == ["factor_added"] * 2 + ["factor_removed"] * 2


async def test_a_passkey_alone_opens_the_door_of_its_account(
    owner: Owner, stranger: Site, make_site: Any, api_url: str
) -> None:
    await owner.add_passkey(owner.device, "Laptop")
    page, ask = "/sign-in?next=/account/security", "/sign-in/passkey/options"
    options = await owner.options(stranger, page, ask)
    answer = owner.device.answer(options)
    # Another browser cannot use what this one was asked.
    thief: Site = await make_site(api_url)
    stolen = await thief.submit(page, {"passkey": answer}, action="/sign-in/passkey")
    assert (stolen.status, "sent twice" in stolen.text) == (422, True)
    assert cookies.SESSION not in thief.jar
    inside = await stranger.submit(page, {"passkey": answer}, action="/sign-in/passkey")
    assert (inside.path, "Laptop" in inside.text) == ("/account/security", True)
    assert (await stranger.get("/step-up", follow=False)).status == 303, "it was just shown"
    # With the password, the passkey is the second factor; one question, one answer.
    owes = await owner.knock(stranger)
    options = await owner.options(stranger, owes.path, "/sign-in/second-factor/passkey")
    other = owner.new_device().answer(options)
    refused = await stranger.submit(owes, {"passkey": other}, action="/sign-in/second-factor")
    assert (refused.status, "does not belong" in refused.text) == (422, True)
    answer = {"passkey": owner.device.answer(options)}
    inside = await stranger.submit(owes, answer, action="/sign-in/second-factor")
    assert inside.path == "/account/security"
    # Its cookie opens nothing a second time.
    for path in ("", "/passkey", "/lost"):
        over = await stranger.post(
            f"/sign-in/second-factor{path}",
            {"form_token": await token(stranger, "/account/security")},
            follow=False,
        )
        assert over.headers["location"] == "/sign-in"
    wrong = await thief.submit(
        page,
        {"passkey": owner.new_device().answer(await owner.options(thief, page, ask))},
        action="/sign-in/passkey",
    )
    assert "do not know this passkey" in wrong.text


async def test_a_password_alone_is_not_enough_where_there_is_a_factor(
    owner: Owner, stranger: Site, make_site: Any, api_url: str
) -> None:
    begun = await owner.site.submit("/account/security", action="/account/security/app")
    secret = begun.soup.select_one(".copyable code").get_text().replace(" ", "")  # type: ignore[union-attr]
    app = pyotp.TOTP(secret)
    done = await owner.site.submit(
        begun, {"code": app.at(system_now() - timedelta(seconds=30))},
        action="/account/security/app/confirm",
    )  # fmt: skip
    recovery = [one.get_text() for one in done.soup.select(".codes code")]

    owes = await owner.knock(stranger)
    assert owes.path == "/sign-in/second-factor"
    assert (await stranger.get("/account/security", follow=False)).status == 303
    wrong = await stranger.submit(owes, {"code": "000000"})
    assert "wrong, or it was used before" in wrong.text
    inside = await stranger.submit(owes, {"code": app.at(system_now())})
    assert inside.path == "/account/security"
    assert (await stranger.get("/step-up", follow=False)).status == 303
    assert (await stranger.get("/sign-in/second-factor")).path == "/auto-booking/dashboard"

    # Somebody who knows the password guesses: the owner hears of it and is not slowed down.
    guesser: Site = await make_site(api_url)
    owes = await owner.knock(guesser)
    for _ in range(5):
        await guesser.submit(owes, {"code": "000000"})
    held = await guesser.submit(owes, {"code": app.at(system_now() + timedelta(seconds=30))})
    assert (held.status, "Too many wrong codes" in held.text) == (429, True)
    assert (await owner.told())[-1] == "codes_guessed"
    owes = await owner.knock(stranger)
    inside = await stranger.submit(owes, {"code": app.at(system_now() + timedelta(seconds=30))})
    assert inside.path == "/account/security"

    # A recovery code lets in and lets factors be changed, and moves no money.
    owes = await owner.knock(stranger)
    fields = {"recovering": "yes", "recovery_code": recovery[0], "code": None}
    inside = await stranger.submit(owes, fields)
    assert inside.path == "/account/security"
    assert (await stranger.get("/step-up", follow=False)).status == 200
    assert (await stranger.get("/account/security/app/remove")).status == 200
    assert (await owner.told())[-1] == "recovery_code_used"


async def test_who_has_lost_everything_gets_in_after_a_reset_and_consents_to_nothing(
    owner: Owner, stranger: Site
) -> None:
    await owner.add_passkey(owner.device, "Lost laptop")
    owes = await owner.knock(stranger)
    assert "No codes either?" in owes.text
    lost = "/sign-in/second-factor/lost"
    form_token = owes.form().find("input", {"name": "form_token"})["value"]  # type: ignore[index]
    early = await stranger.post(lost, {"form_token": form_token})
    assert (early.status, "new password by the link" in early.text) == (403, True)
    reset_at = system_now()
    async with owner.database.transaction(SystemActor("test")) as session:
        user = await get_user(session, owner.person.user_id)
        assert user is not None
        user.consent_blocked_until = reset_at + timedelta(hours=1)
        user.role = Role.SUPPORT
    # Whoever reads an operator's mail must not become one.
    kept = await stranger.get("/sign-in/second-factor")
    assert "This account has a role here, so mail alone does not open it" in kept.text
    refused = await stranger.post(lost, {"form_token": form_token})
    assert (refused.status, "keeps its second factors" in refused.text) == (403, True)
    async with owner.database.transaction(owner.person.user_id) as session:
        assert (await factors_of(session, owner.person.user_id)).any
    async with owner.database.transaction(SystemActor("test")) as session:
        user = await get_user(session, owner.person.user_id)
        assert user is not None
        user.role = Role.TRAVELLER
    inside = await stranger.submit("/sign-in/second-factor", action=lost)
    assert inside.path == "/account/security"
    async with owner.database.transaction(owner.person.user_id) as session:
        assert not (await factors_of(session, owner.person.user_id)).any
        user = await get_user(session, owner.person.user_id)
        assert user is not None
        assert user.consent_blocked_until is not None
        assert user.consent_blocked_until >= reset_at + timedelta(hours=24)
    assert (await stranger.get("/step-up", follow=False)).status == 200
    assert await owner.told() == ["factor_added", "factor_removed"]
