"""Links in mails: confirming an address, a new password, the way back; each acts once, by POST."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

from browsing import Site
from letters import events, letters, link_in
from passwords import PASSWORD, give_password
from sqlalchemy import text

from api.web import cookies
from db.account_mail import AccountMail
from db.queries.account_links import find_link
from db.session import SystemActor
from db.vault import vault_of
from runtime.clock import system_now
from runtime.tokens import email_hash, one_time_hash

_TESTS = SystemActor("tests")
NEW_PASSWORD = "purple ladder of wet tigers"


async def _user(database: Any, user_id: Any) -> dict[str, Any]:
    async with database.transaction(_TESTS) as session:
        found = await session.execute(text("SELECT * FROM users WHERE id = :id"), {"id": user_id})
        return dict(found.mappings().one())


async def _open_account(site: Site, database: Any, email: str) -> Any:
    """Sign up, and return whose account it is."""
    await site.submit("/sign-up", {"email": email, "password": PASSWORD}, follow=False)
    return (await letters(database))[-1]["user_id"]


async def _reset_link(database: Any, settings: Any, person: Any) -> str:
    """Have a link to a new password written down, as the worker does."""
    mail = AccountMail(vault_of(settings), settings.hmac_secret.get_secret_value())
    async with database.transaction(_TESTS) as session:
        await mail.reset_password(session, person.user_id, system_now(), link_id=uuid4())
    return await link_in(database, settings, "reset_password", person.user_id)


async def test_an_address_is_confirmed_by_the_button_and_once(
    stranger: Site, make_site: Any, api_url: str, database: Any, settings: Any
) -> None:
    user_id = await _open_account(stranger, database, "Ada@Example.com")
    waiting = await stranger.get("/account/confirm?next=/bookings")
    assert "Until you follow it nothing can be charged" in waiting.text
    assert "Ada@Example.com" in waiting.text
    assert f"{settings.sandbox_base_url}/mail" in waiting.html
    link = await link_in(database, settings, "confirm_email")
    for _ in range(2):  # a mail server that looks at links confirms nothing
        shown = await stranger.get(link)
        assert shown.status == 200
        assert shown.headers["referrer-policy"] == "no-referrer"
        assert shown.headers["cache-control"] == "no-store"
    assert (await _user(database, user_id))["email_confirmed_at"] is None
    before = stranger.jar[cookies.SESSION]
    done = await stranger.submit(shown, follow=False)
    assert done.headers["location"] == "/auto-booking/dashboard"
    assert stranger.jar[cookies.SESSION] != before
    user = await _user(database, user_id)
    assert user["email_confirmed_at"] is not None
    assert user["email_hmac"] == email_hash(settings.api_key_pepper, "ada@example.com")
    again = await stranger.get(link)
    assert again.status == 410
    assert "Nothing was changed" in again.text
    assert (await stranger.get("/account/confirm", follow=False)).status == 303
    # From now on the password opens it.
    other = await make_site(api_url)
    fields = {"email": "ada@example.com", "password": PASSWORD}
    assert (await other.submit("/sign-in", fields, follow=False)).status == 303


async def test_an_inbox_alone_does_not_make_a_strangers_account_good(
    stranger: Site, make_site: Any, api_url: str, database: Any, settings: Any, ana: Any
) -> None:
    """Somebody opens an account with another person's address and waits for them to confirm it."""
    user_id = await _open_account(stranger, database, "victim@example.com")
    link = await link_in(database, settings, "confirm_email")
    reader = await make_site(api_url)
    shown = await reader.get(link)
    assert "You did not sign up? Then somebody else did" in shown.text
    refused = await reader.submit(shown, {"password": "a guess at it"})
    assert refused.status == 422
    # Nor does being signed in to another account.
    of_ana = await make_site(api_url, settings, ana)
    assert (await of_ana.submit(link, {"password": ""})).status == 422
    assert (await _user(database, user_id))["email_hmac"] is None
    # The person opens an account of their own, and the address is theirs.
    own_id = await _open_account(reader, database, "victim@example.com")
    assert own_id != user_id
    mine = await link_in(database, settings, "confirm_email", own_id)
    assert (await reader.submit(mine, follow=False)).status == 303
    # Whoever waited gets a page that says so, even with the password.
    late = await stranger.submit(link, {}, follow=False)
    assert late.status == 409
    assert (await _user(database, user_id))["email_hmac"] is None
    # In a browser where nobody is signed in, link and password together confirm and sign in.
    third = await make_site(api_url)
    await _open_account(third, database, "third@example.com")
    third.jar.clear()
    link = await link_in(database, settings, "confirm_email")
    done = await third.submit(link, {"password": PASSWORD}, follow=False)
    assert done.headers["location"] == "/auto-booking/dashboard"
    assert cookies.SESSION in third.jar


async def test_a_mail_is_sent_again_a_few_times_and_no_more(
    stranger: Site, database: Any, settings: Any
) -> None:
    await _open_account(stranger, database, "ada@example.com")
    for _ in range(2):
        shown = await stranger.submit("/account/confirm", action="/account/confirm")
        assert "The mail is on its way" in shown.text
    shown = await stranger.submit("/account/confirm", action="/account/confirm")
    assert "tried too often" in shown.text
    assert await events(database) == ["confirm_email"] * 3


async def test_a_reset_ends_every_session_blocks_consent_and_is_told(
    stranger: Site,
    pages: Site,
    make_site: Any,
    api_url: str,
    database: Any,
    settings: Any,
    ana: Any,
) -> None:
    await give_password(database, ana)
    link = await _reset_link(database, settings, ana)
    earlier = await _reset_link(database, settings, ana)
    shown = await stranger.get(link)
    assert (await _user(database, ana.user_id))["consent_blocked_until"] is None
    assert 'autocomplete="new-password"' in shown.html
    for bad in ("short", str(ana.email)):
        assert (await stranger.submit(shown, {"password": bad})).status == 422
    done = await stranger.submit(shown, {"password": NEW_PASSWORD}, follow=False)
    assert done.headers["location"] == "/sign-in"
    assert cookies.SESSION not in stranger.jar
    user = await _user(database, ana.user_id)
    left = user["consent_blocked_until"] - system_now()
    assert timedelta(hours=23, minutes=59) < left <= timedelta(hours=24)
    assert "password_reset" in await events(database, ana.user_id)
    # Every browser is out, both links are used up, only the new password opens.
    assert (await pages.get("/account", follow=False)).status == 303
    assert (await stranger.get(link)).status == 410
    assert (await stranger.get(earlier)).status == 410
    fresh = await make_site(api_url)
    wrong = await fresh.submit("/sign-in", {"email": ana.email, "password": PASSWORD})
    assert wrong.status == 422
    right = await fresh.submit(
        "/sign-in", {"email": ana.email, "password": NEW_PASSWORD}, follow=False
    )
    assert right.status == 303
    assert "no new consent to a charge" in (await fresh.get("/account")).text


async def test_links_are_stored_hashed_run_out_and_are_for_one_purpose(
    stranger: Site, database: Any, settings: Any, ana: Any
) -> None:
    link = await _reset_link(database, settings, ana)
    token = link.rpartition("/")[2]
    assert len(token) == 43  # 256 bits
    async with database.transaction(_TESTS) as session:
        tables = await session.execute(text("SELECT * FROM account_links"))
        rows = str(tables.mappings().all())
        rows += str((await session.execute(text("SELECT * FROM notices"))).mappings().all())
        assert token not in rows
        assert one_time_hash(settings.api_key_pepper, token) in rows
        assert await find_link(session, one_time_hash(settings.api_key_pepper, token)) is not None
    for path in (f"/confirm/{token}", f"/keep/{token}", f"{link}x", "/reset/x"):
        assert (await stranger.get(path)).status == 410
    async with database.transaction(_TESTS) as session:
        await session.execute(
            text("UPDATE account_links SET expires_at = :now"), {"now": system_now()}
        )
    assert (await stranger.get(link)).status == 410
    assert (await stranger.post(link, {"password": NEW_PASSWORD})).status == 403  # no form token


async def test_a_change_of_address_is_confirmed_there_and_told_and_undone_here(
    pages: Site,
    stranger: Site,
    make_site: Any,
    api_url: str,
    database: Any,
    settings: Any,
    ana: Any,
) -> None:
    await give_password(database, ana)
    old = str(ana.email)
    form = await pages.get("/account/email")
    for email, password, problem in (
        ("nonsense", PASSWORD, "Write an address"),
        (old, PASSWORD, "your address already"),
        ("new@example.com", "wrong", "not your password"),
    ):
        shown = await pages.submit(form, {"email": email, "current": password})
        assert shown.status == 422
        assert problem in " ".join(shown.problems())
    shown = await pages.submit(form, {"email": "new@example.com", "current": PASSWORD})
    assert "It becomes yours when you follow the link there" in shown.text
    assert sorted(await events(database, ana.user_id)) == [
        "confirm_new_email",
        "email_change_asked",
    ]
    rows = await letters(database, ana.user_id)
    assert all(row["to_encrypted"] for row in rows)
    assert "new@example.com" not in str(rows)
    # The link in the new inbox is enough: it was asked for with the password.
    link = await link_in(database, settings, "confirm_new_email")
    done = await stranger.submit(link, follow=False)
    assert done.headers["location"] == "/sign-in"
    assert "new@example.com" in (await pages.get("/account")).text
    assert "email_changed" in await events(database, ana.user_id)
    # It was a thief: the old inbox undoes it.
    keep = await link_in(database, settings, "email_change_asked")
    assert "was changed from" in (await stranger.get(keep)).text
    done = await stranger.submit(keep, follow=False)
    assert done.headers["location"] == "/forgot"
    user = await _user(database, ana.user_id)
    assert user["email_hmac"] == email_hash(settings.api_key_pepper, old)
    assert user["consent_blocked_until"] > system_now()
    assert (await pages.get("/account", follow=False)).status == 303
    assert (await stranger.get(keep)).status == 410


async def test_a_taken_address_is_not_told_to_whoever_wants_it(
    pages: Site, database: Any, settings: Any, ana: Any, ben: Any
) -> None:
    await give_password(database, ana)
    fields = {"email": ben.email, "current": PASSWORD}
    shown = await pages.submit("/account/email", fields)
    assert "It becomes yours when you follow the link there" in shown.text
    rows = await letters(database, ana.user_id)
    assert [(row["event"], row["channel"]) for row in rows] == [
        ("account_exists", "email"),
        ("email_change_asked", "email"),
    ]


async def test_whoever_forgot_is_answered_alike_and_told_when_we_cannot(stranger: Site) -> None:
    bad = await stranger.submit("/forgot", {"email": "nonsense"})
    assert bad.status == 422
    # The engine is away in this test: saying so tells nothing about the address.
    away = await stranger.submit("/forgot", {"email": "nobody@example.com"})
    assert away.status == 503
