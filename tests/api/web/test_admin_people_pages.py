"""People in the console: nobody is named without a reason, and each look is shown to its owner."""

from typing import Any
from uuid import uuid4

import pytest
from belongings import give_belongings
from booked import give_booking
from browsing import Site

from db.queries.audit import list_audit
from db.session import Database, SystemActor
from db.vault import vault_of
from domain.audit import Action
from runtime.clock import system_now

TESTS = SystemActor("tests")


@pytest.fixture
async def mum(ana: Any, traveler_body: Any, database: Any, settings: Any) -> Any:
    """Return Ana, with a traveller, a booking and a wish."""
    await ana.http.post("/api/autobooking/traveler", json=traveler_body | {"label": "Mum"})
    await give_booking(database, vault_of(settings), ana.user_id, system_now())
    return ana


async def test_somebody_is_named_under_a_reason_only_and_reads_who_looked(
    support: Site, pages: Site, mum: Any, database: Database
) -> None:
    found = await support.submit("/admin/people", {"email": mum.email}, action="/admin/people/find")
    page = f"/admin/people/{mum.user_id}"
    assert (found.status, found.path) == (200, page)
    for word in (mum.email, "Souza", "Lisbon", "RZPNX8", "New York"):
        assert word not in found.html, word
    assert "A traveller since" in found.text
    assert "Nobody of us has looked" in (await pages.get("/account/privacy")).text

    without = await support.submit(found, {"reason": "  "}, action=f"{page}/look")
    assert without.status == 422
    assert without.problems()[-1].startswith("Say why")
    shown = await support.submit(found, {"reason": "They wrote to us"}, action=f"{page}/look")
    assert shown.status == 200
    assert mum.email in shown.text
    assert "Ana Souza" in shown.text
    assert "ends in 456" in shown.text
    assert "CA123456" not in shown.html
    # It was the answer itself: the page alone shows nothing again.
    assert mum.email not in (await support.get(page)).html

    sees = await support.submit(found, {"reason": "What do they see"}, action=f"{page}/sees")
    assert "New York" in sees.text
    assert "RZPNX8" in sees.text
    assert "nothing here can be pressed" in sees.text
    main = sees.soup.find("main")
    assert main.select("form, button") == []  # type: ignore[union-attr]

    privacy = (await pages.get("/account/privacy")).text
    assert f"support, {str(support.person.user_id)[:8]}" in privacy
    assert "They wrote to us" in privacy
    assert "What you see on your pages" in privacy
    async with database.transaction(TESTS) as session:
        rows = await list_audit(session, action=Action.PERSON_LOOKED_AT)
    assert [(row.actor, row.role, row.user_id) for row in rows] == [
        (str(support.person.user_id), "support", mum.user_id)
    ] * 2


async def test_nobody_is_found_by_an_address_that_nobody_confirmed(
    support: Site, make_operator: Any, ana: Any
) -> None:
    asked = {"email": "nobody@example.com"}
    none = await support.submit("/admin/people", asked, action="/admin/people/find")
    assert none.status == 422
    assert "Nobody has confirmed this address." in none.text
    assert (await support.get(f"/admin/people/{uuid4()}")).status == 404
    listed = await support.get("/admin/people?role=support")
    assert str(support.person.user_id) in listed.html
    assert str(ana.user_id) not in listed.html
    sales = await make_operator("sales")
    assert (await sales.get(f"/admin/people/{ana.user_id}")).status == 403
    assert 'href="/admin/people"' not in (await sales.get("/admin")).html


async def test_lists_show_states_and_name_nobody(
    support: Site, admin: Site, mum: Any, database: Database, settings: Any
) -> None:
    vault = vault_of(settings)
    own = await give_belongings(database, vault, mum.user_id, system_now())
    for site, path, words in (
        (support, "/admin/campaigns", ("2 wishes in all", "67 % were finished: 2 made, 1 left")),
        (support, "/admin/campaigns?status=booked", ("260.00 USD",)),
        (support, "/admin/notices", ("Open",)),
        (support, "/admin/deliveries", ("1 delivered",)),
        (support, "/admin/webhooks", ("1 concern nobody", "None of them is believed")),
        (support, "/admin/tasks", ("0 things only a person can decide",)),
        (support, "/admin/refunds", ("Nothing is like that",)),
        (support, "/admin/providers", ("All 3 answer.", "our stand-in", "Temporal does not")),
        (support, "/admin/policy", ("C13", "searches per minute 6000", "seller currencies USD")),
        (admin, "/admin/users", ("2 operators, 1 admin among them", "until there is a second")),
        (admin, f"/admin/users/{mum.user_id}", ("This account is a traveller.",)),
        (admin, "/admin/audit", ("It only grows",)),
        (support, f"/admin/bookings/{own.booking_id}", ("0.00 USD of the traveller's money",)),
        (support, f"/admin/notices/{own.notice_id}", ("Notice",)),
        (support, f"/admin/webhooks/{own.event_id}", ("Nobody had to look because of it.",)),
        (support, f"/admin/deliveries/{own.delivery_id}", ("no body of either side is kept",)),
    ):
        shown = await site.get(path)
        assert shown.status == 200, path
        for word in words:
            assert word in shown.text, (path, word, shown.text)
        for word in (mum.email, "Souza", "Mum", "RZPNX8"):
            assert word not in shown.html, (path, word)
