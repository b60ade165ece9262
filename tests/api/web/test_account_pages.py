"""The account's own pages: at a glance, its password, the browsers that are signed in."""

import json
from typing import Any

from browsing import Site
from letters import events
from passwords import PASSWORD, give_password
from sqlalchemy import text

from api.web import cookies
from db.queries.audit import list_audit
from db.queries.web_sessions import list_sessions
from db.session import SystemActor
from domain.audit import Action

_TESTS = SystemActor("tests")
NEW_PASSWORD = "purple ladder of wet tigers"


async def test_the_account_says_what_is_missing_and_where(
    pages: Site, database: Any, ana: Any
) -> None:
    shown = await pages.get("/account")
    assert "Set up a second factor before you let us book for you" in shown.text
    assert ana.email in shown.text
    assert "You have no password" in shown.text
    # Whoever finds the browser open gives the account no password: the inbox does.
    empty = await pages.get("/account/password")
    assert "A link to set one comes by mail" in empty.text
    assert 'type="password"' not in empty.html
    sneaked = await pages.post(
        "/account/password",
        {"form_token": _token(empty), "password": NEW_PASSWORD},
        follow=False,
    )
    assert sneaked.headers["location"] == "/forgot"
    async with database.transaction(_TESTS) as session:
        assert await session.scalar(text("SELECT count(password_hash) FROM users")) == 0
        await session.execute(text("UPDATE users SET email_confirmed_at = NULL"))
    shown = await pages.get("/account")
    assert "nothing can be charged or booked yet" in shown.text


async def test_a_new_password_wants_the_old_one_and_signs_all_others_out(
    pages: Site, make_site: Any, api_url: str, settings: Any, database: Any, ana: Any
) -> None:
    await give_password(database, ana)
    other = await make_site(api_url, settings, ana)
    form = await pages.get("/account/password")
    for current, password, problem in (
        (PASSWORD, "short", "Use at least 12 characters"),
        ("wrong", NEW_PASSWORD, "This is not your password"),
    ):
        shown = await pages.submit(form, {"current": current, "password": password})
        assert shown.status == 422
        assert problem in " ".join(shown.problems())
    before = pages.jar[cookies.SESSION]
    done = await pages.submit(form, {"current": PASSWORD, "password": NEW_PASSWORD}, follow=False)
    assert done.headers["location"] == "/account"
    assert pages.jar[cookies.SESSION] != before
    assert "every other browser is signed out" in (await pages.get("/account")).text
    assert (await other.get("/account", follow=False)).status == 303
    assert set(await events(database, ana.user_id)) == {"password_changed"}
    async with database.transaction(_TESTS) as session:
        done = await list_audit(session, user_id=ana.user_id, limit=2)
    assert {row.action for row in done} == {Action.PASSWORD_SET, Action.SESSIONS_ENDED}
    assert {(row.actor, row.role, row.channel) for row in done} == {
        (str(ana.user_id), "traveller", "pages")
    }
    assert len({row.network for row in done}) == 1
    assert "127.0.0" not in str(done[0].network)
    # Guessing the old one in an open browser is slowed too.
    form = await pages.get("/account/password")
    for number in range(11):
        shown = await pages.submit(form, {"current": f"guess {number}", "password": PASSWORD})
    assert shown.status == 429
    assert int(shown.headers["retry-after"]) > 0


async def test_browsers_are_listed_and_ended_one_by_one_or_all_at_once(
    pages: Site, other_pages: Site, make_site: Any, api_url: str, settings: Any, database: Any,
    ana: Any, ben: Any,
) -> None:  # fmt: skip
    shown = await pages.get("/account/sessions")
    assert "Only this browser is signed in" in shown.text
    assert "we keep no addresses of networks" in shown.text
    others = [await make_site(api_url, settings, ana) for _ in range(3)]
    async with database.transaction(_TESTS) as session:
        rows = await list_sessions(session, ana.user_id)
    shown = await pages.get("/account/sessions")
    assert "4 browsers are signed in" in shown.text
    first = shown.soup.select_one("li.sheet")
    assert first is not None
    assert "This browser" in first.get_text()
    actions = [str(form["action"]) for form in shown.soup.select("li.sheet form")]
    assert {action.split("/")[3] for action in actions} == {str(row.id) for row in rows}
    # Another person's is answered like one that is not there.
    alien = await other_pages.post(
        actions[1], {"form_token": _token(await other_pages.get("/account/sessions"))}
    )
    assert alien.status == 404
    done = await pages.submit(shown, action=actions[1])
    assert "3 browsers are signed in" in done.text
    assert (await pages.submit(shown, action=actions[1])).status == 404
    done = await pages.submit("/account/sessions", action="/account/sessions/end-others")
    assert "2 other browsers signed out" in done.text
    for site in others:
        assert (await site.get("/account", follow=False)).status == 303
    # Asking to stay says how long that is; ending this one signs out.
    stay = await pages.post("/account/sessions/extend", {"form_token": _token(done)})
    left = json.loads(stay.html)["seconds_left"]
    assert 0 <= settings.accounts.idle.total_seconds() - left < 60
    out = await pages.submit("/account/sessions", action=actions[0], follow=False)
    assert out.headers["location"] == "/sign-in"
    assert out.headers["clear-site-data"] == '"cache", "storage"'
    assert (await pages.get("/account", follow=False)).status == 303


def _token(shown: Any) -> str:
    field = shown.soup.select_one('input[name="form_token"]')
    assert field is not None
    return str(field["value"])
