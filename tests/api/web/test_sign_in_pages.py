"""The doors: opening an account, signing in and out, and what strangers learn and spoil there."""

from datetime import timedelta
from typing import Any

import pytest
from browsing import Site
from fastapi import APIRouter
from letters import events, letters
from passwords import PASSWORD, give_password
from sqlalchemy import text
from starlette.responses import Response

from api.web import cookies
from api.web.devices import DEVICE
from api.web.signing_in import PENDING, SECOND_FACTOR_PAGE, finish_pending, pending_of
from api.web.visits import VisitDep
from db.session import SystemActor
from runtime.clock import system_now

_TESTS = SystemActor("tests")


def _address(person: Any) -> str:
    return str(person.email)


async def _sign_in(site: Site, email: str, password: str = PASSWORD, **more: Any) -> Any:
    return await site.submit("/sign-in", {"email": email, "password": password}, **more)


async def test_an_account_is_opened_signed_in_and_unconfirmed(
    stranger: Site, database: Any, settings: Any
) -> None:
    fields = {"email": "new@example.com", "password": PASSWORD}
    done = await stranger.submit("/sign-up?next=/bookings", fields, follow=False)
    assert done.headers["location"] == "/account/confirm?next=%2Fbookings"
    assert stranger.jar[cookies.SESSION]
    (letter,) = await letters(database)
    assert letter["event"] == "confirm_email"
    async with database.transaction(_TESTS) as session:
        (user,) = (await session.execute(text("SELECT * FROM users"))).mappings().all()
    assert user["email_hmac"] is None
    assert user["email_confirmed_at"] is None
    assert user["password_hash"].startswith("$argon2id$")
    assert "new@example.com" not in str(dict(user)) + str(letter)


async def test_a_taken_address_is_answered_like_a_free_one(
    stranger: Site, make_site: Any, api_url: str, database: Any, ana: Any
) -> None:
    shown = []
    for site, email in ((stranger, _address(ana)), (await make_site(api_url), "free@example.com")):
        done = await site.submit("/sign-up", {"email": email, "password": PASSWORD}, follow=False)
        shown.append((done.status, done.headers["location"], sorted(site.jar)))
    assert shown[0] == shown[1]
    assert await events(database) == ["account_exists", "confirm_email"]
    # The new account is another one than Ana's, and the password opens neither by her address.
    assert await events(database, ana.user_id) == []
    again = await _sign_in(await make_site(api_url), _address(ana))
    assert again.status == 422


async def test_what_cannot_be_taken_is_said_at_its_field(stranger: Site, database: Any) -> None:
    for email, password, problem in (
        ("new@example", PASSWORD, "Write an address as"),
        ("new@example.com", "short", "Use at least 12 characters"),
        ("new.traveller@example.com", "new.traveller", "made of your address"),
    ):
        shown = await stranger.submit("/sign-up", {"email": email, "password": password})
        assert shown.status == 422
        assert problem in " ".join(shown.problems())
        assert f'value="{email}"' in shown.html
        assert f'value="{password}"' not in shown.html
    assert await letters(database) == []


async def test_signing_in_leads_on_with_a_new_session_and_signing_out_ends_it(
    stranger: Site, database: Any, ana: Any
) -> None:
    # A hash that was made with other parameters is renewed on the way.
    await give_password(database, ana, memory_kib=32)
    form = await stranger.get("/sign-in?next=/bookings?year=2027")
    assert 'autocomplete="current-password"' in form.html
    done = await stranger.submit(
        form, {"email": f" {_address(ana).upper()} ", "password": PASSWORD}, follow=False
    )
    assert (done.status, done.headers["location"]) == (303, "/bookings?year=2027")
    first = stranger.jar[cookies.SESSION]
    async with database.transaction(_TESTS) as session:
        assert "m=64," in str(await session.scalar(text("SELECT password_hash FROM users")))
    assert DEVICE in stranger.jar
    assert cookies.VISIT not in stranger.jar
    # Signed in: the doors lead on by themselves.
    assert (await stranger.get("/sign-in", follow=False)).status == 303
    assert (await stranger.get("/sign-up", follow=False)).status == 303
    stranger.jar.pop(cookies.SESSION)
    await _sign_in(stranger, _address(ana), follow=False)
    assert stranger.jar[cookies.SESSION] != first
    # Signing out ends the session itself, not only this browser's cookie.
    stolen = dict(stranger.jar)
    assert "Sign out of this browser" in (await stranger.get("/sign-out")).text
    done = await stranger.submit("/sign-out", follow=False)
    assert done.headers["clear-site-data"] == '"cache", "storage"'
    assert cookies.SESSION not in stranger.jar
    stranger.jar.update(stolen)
    assert (await stranger.get("/sign-out", follow=False)).headers["location"] == "/sign-in"


async def test_every_wrong_pair_is_answered_alike(
    stranger: Site, database: Any, ana: Any, ben: Any
) -> None:
    await give_password(database, ana)
    shown = [
        (await _sign_in(stranger, email, password)).problems()
        for email, password in (
            (_address(ana), "a wrong password"),
            ("nobody@example.com", PASSWORD),
            (_address(ben), PASSWORD),  # has a key and no password
            ("not an address", PASSWORD),
            (_address(ana), "x" * 5000),
        )
    ]
    assert {tuple(one) for one in shown} == {tuple(shown[0])}
    assert "do not belong together" in shown[0][0]
    assert cookies.SESSION not in stranger.jar


async def test_guessing_is_slowed_and_the_owner_is_never_locked_out(
    stranger: Site, make_site: Any, api_url: str, database: Any, ana: Any
) -> None:
    await give_password(database, ana)
    own = await make_site(api_url)
    await _sign_in(own, _address(ana), follow=False)
    own.jar.pop(cookies.SESSION)
    for _ in range(10):
        assert (await _sign_in(stranger, _address(ana), "a wrong password")).status == 422
    refused = await _sign_in(stranger, _address(ana))
    assert refused.status == 429
    assert 0 < int(refused.headers["retry-after"]) <= 180
    assert "Try again in" in refused.problems()[0]
    assert "Choose a new password" in refused.text
    # From the same network, with a browser that Ana has used before.
    assert (await _sign_in(own, _address(ana), follow=False)).status == 303
    # Other accounts are not throttled by it, whether they are there or not.
    assert (await _sign_in(stranger, "nobody@example.com")).status == 422
    # A forged mark of a known browser is worth nothing.
    stranger.jar[DEVICE] = "0" * 32 + "." + "0" * 64
    assert (await _sign_in(stranger, _address(ana))).status == 429


async def test_a_network_that_opens_accounts_by_the_dozen_is_slowed(
    make_site: Any, api_url: str, database: Any
) -> None:
    for number in range(21):
        site = await make_site(api_url)
        fields = {"email": f"n{number}@example.com", "password": PASSWORD}
        done = await site.submit("/sign-up", fields, follow=False)
        assert done.status == (303 if number < 20 else 429)
    assert "Retry-After".lower() in done.headers


async def test_one_inbox_is_not_filled_by_way_of_us(
    make_site: Any, api_url: str, database: Any
) -> None:
    for _ in range(5):
        site = await make_site(api_url)
        fields = {"email": "target@example.com", "password": PASSWORD}
        assert (await site.submit("/sign-up", fields, follow=False)).status == 303
    assert await events(database) == ["confirm_email"] * 3


async def test_somebody_with_a_second_factor_is_only_half_signed_in(
    stranger: Site, database: Any, ana: Any
) -> None:
    await give_password(database, ana)
    async with database.transaction(_TESTS) as session:
        await session.execute(
            text(
                "INSERT INTO totp_factors (user_id, secret_encrypted, created_at, confirmed_at)"
                " VALUES (:id, '-', :now, :now)"
            ),
            {"id": ana.user_id, "now": system_now()},
        )
    done = await _sign_in(stranger, _address(ana), follow=False)
    assert done.headers["location"] == SECOND_FACTOR_PAGE
    assert cookies.SESSION not in stranger.jar
    assert PENDING in stranger.jar
    # What it holds is no session, whatever cookie it is put in.
    stranger.jar[cookies.SESSION] = stranger.jar[PENDING]
    assert (await stranger.get("/sign-out", follow=False)).headers["location"] == "/sign-in"
    async with database.transaction(_TESTS) as session:
        assert await session.scalar(text("SELECT count(*) FROM web_sessions")) == 0
        ends = await session.scalar(text("SELECT expires_at FROM pending_sign_ins"))
    assert timedelta(minutes=9) < ends - system_now() < timedelta(minutes=11)
    # Its time over, it is worth as little as one that never was.
    del stranger.jar[cookies.SESSION]
    async with database.transaction(_TESTS) as session:
        await session.execute(text("UPDATE pending_sign_ins SET expires_at = now()"))
    for mark in (stranger.jar[PENDING], "never-ours"):
        stranger.jar[PENDING] = mark
        led = await stranger.get(SECOND_FACTOR_PAGE, follow=False)
        assert led.headers["location"].startswith("/sign-in")


async def test_a_second_factor_opens_one_session_and_ends_the_one_before(
    finishing: None, pages: Site, stranger: Site, database: Any, settings: Any, ana: Any
) -> None:
    await give_password(database, ana)
    async with database.transaction(_TESTS) as session:
        await session.execute(
            text(
                "INSERT INTO totp_factors (user_id, secret_encrypted, created_at, confirmed_at)"
                " VALUES (:id, '-', :now, :now)"
            ),
            {"id": ana.user_id, "now": system_now()},
        )
    await _sign_in(stranger, _address(ana), follow=False)
    pages.jar[PENDING] = stranger.jar[PENDING]
    before = pages.jar[cookies.SESSION]
    assert (await pages.get("/test/finish", follow=False)).status == 303
    assert pages.jar[cookies.SESSION] != before
    async with database.transaction(_TESTS) as session:
        live = "SELECT count(*) FROM web_sessions WHERE revoked_at IS NULL"
        assert await session.scalar(text(live)) == 1


@pytest.fixture
def finishing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Add a page at which a pending sign-in is finished twice, as two clicks would."""
    from api.web import pay

    router = APIRouter()
    router.include_router(pay.router)

    @router.get("/test/finish")
    async def finish(visit: VisitDep) -> Response:
        pending = await pending_of(visit)
        assert pending is not None
        done = await finish_pending(visit, pending)
        assert await finish_pending(visit, pending) is None
        assert done is not None
        return done

    monkeypatch.setattr(pay, "router", router)
