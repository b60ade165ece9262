"""API keys on their page: as little as needed, shown once, a second factor before one may spend."""

from typing import Any

import httpx2
import pytest
from browsing import Site

from db.queries.notices import due_notices
from db.queries.users import list_api_keys
from db.queries.web_sessions import list_sessions
from db.session import SystemActor
from domain.api_keys import Scope
from runtime.clock import system_now

NEW = "/account/api-keys/new"
SPENDS = {
    "name": "agent", "scope": "spend", "currency": "USD", "each": "500", "total": "1,200.50",
    "days": "30",
}  # fmt: skip


@pytest.fixture
async def mine(pages: Site, database: Any, ana: Any) -> Site:
    """Return Ana's browser, whose keys are all gone and who has shown no second factor."""
    async with database.transaction(ana.user_id) as session:
        for key in await list_api_keys(session, ana.user_id):
            key.revoked_at = key.created_at
        for row in await list_sessions(session, ana.user_id):
            row.stepped_up_at = None
    return pages


async def step_up(database: Any, ana: Any) -> None:
    async with database.transaction(ana.user_id) as session:
        for row in await list_sessions(session, ana.user_id):
            row.stepped_up_at = system_now()


async def test_a_key_is_made_shown_once_used_and_revoked(
    mine: Site, other_pages: Site, database: Any, ana: Any, api_url: str
) -> None:
    assert "No keys" in (await mine.get("/account/api-keys")).text
    form = await mine.get(NEW)
    made = await mine.submit(form, {"name": "calendar script", "scope": "read"})
    assert made.headers["cache-control"] == "no-store"
    key = made.soup.select_one(".copyable code").get_text()  # type: ignore[union-attr]
    assert key.startswith("pk_")
    again = await mine.submit(form, {"name": "calendar script", "scope": "read"})
    assert "made already" in again.text
    assert key not in again.html
    async with httpx2.AsyncClient(base_url=api_url, timeout=30) as program:
        program.headers["Authorization"] = f"Bearer {key}"
        assert (await program.get("/api/autobooking/traveler")).status_code == 200
        assert (await program.delete(f"/api/autobooking/traveler/{ana.user_id}")).status_code == 403
        listed = await mine.get("/account/api-keys")
        assert "calendar script" in listed.text
        assert "May look." in listed.text
        assert "last used now" in listed.text
        row = listed.soup.select_one("form[action$='/revoke']")
        assert row is not None
        action = str(row["action"])
        token = (await other_pages.get(NEW)).form().find("input")["value"]  # type: ignore[index]
        assert (await other_pages.post(action, {"form_token": token})).status == 404
        revoked = await mine.submit(listed, action=action)
        assert "opens nothing any more" in revoked.text
        assert (await program.get("/api/autobooking/traveler")).status_code == 401
    async with database.transaction(SystemActor("test")) as session:
        told = await due_notices(session, ana.user_id, system_now(), held=False)
    assert [(one.event, one.data["may_spend"]) for one in told] == [("api_key_created", False)]


async def test_a_key_that_may_spend_wants_a_second_factor_a_limit_and_an_end(
    mine: Site, database: Any, ana: Any
) -> None:
    asked = await mine.submit(NEW, SPENDS)
    assert asked.path.startswith("/step-up")
    assert "set up a second factor" in asked.text.lower()
    async with database.transaction(ana.user_id) as session:
        assert all(one.revoked_at for one in await list_api_keys(session, ana.user_id))
    await step_up(database, ana)
    # What was typed has waited in this browser.
    made = await mine.submit(NEW)
    assert "Your new key" in made.text
    async with database.transaction(ana.user_id) as session:
        key = next(one for one in await list_api_keys(session, ana.user_id) if not one.revoked_at)
    grant = key.grant
    assert (str(key.name)[:3], grant.may(Scope.SPEND)) == ("o1.", True)
    assert grant.limits is not None
    assert (grant.limits.each.minor, grant.limits.total.minor) == (50_000, 120_050)
    assert grant.expires_at is not None
    listed = await mine.get("/account/api-keys")
    assert "At most 500 USD for one booking and 1,200.50 USD in all" in listed.text
    for change, field in (
        ({"each": ""}, "each"),
        ({"each": "0"}, "each"),
        ({"each": "-5"}, "each"),
        ({"total": "499.99"}, "total"),
        ({"each": "1e30"}, "each"),
        ({"currency": "XXX"}, "currency"),
        ({"days": "366"}, "days"),
        ({"days": ""}, "days"),
        ({"scope": "all"}, "scope"),
        ({"name": " "}, "name"),
    ):
        refused = await mine.submit(NEW, SPENDS | change)
        assert refused.status == 422, change
        links = [str(one["href"]) for one in refused.soup.select(".summary a")]
        assert f"#{field}" in links, change
        kept = refused.soup.select_one("input[name=total]")
        assert kept is not None
        assert kept["value"] == (SPENDS | change)["total"]
