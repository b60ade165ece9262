"""A wish in the console: what holds it and what was done; where somebody wants to go under a reason."""

import csv
import io
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from booked import give_booking
from browsing import Site
from watched import Watched

from db.models import CampaignRow
from db.queries.attempts import open_task
from db.queries.audit import list_audit
from db.queries.switches import stop_booking
from db.session import Database, SystemActor
from db.vault import vault_of
from domain.attempts import AttemptState, FailureReason
from domain.audit import Action
from domain.campaigns import BookingMode, CampaignState
from runtime.clock import system_now

TESTS = SystemActor("tests")
PATH = "/admin/campaigns"
PRIVATE = ("Lisbon", "New York", "JFK", "LIS", "NYC", "RZPNX8")


async def wishes(database: Database, owner: Any) -> dict[str, UUID]:
    """Make a wish in every state, and some that something holds; return their ids."""
    now = system_now()
    found: dict[str, CampaignRow] = {}
    async with database.transaction(TESTS) as session:
        make = Watched(session, owner, now)
        card, offer = await make.card(), make.offer("987.00")
        for state in CampaignState:
            found[state.value] = row = await make.campaign()
            row.status = state
        found["unconsented"] = await make.campaign(consented=False)
        found["tells"] = await make.campaign(mode=BookingMode.NOTIFY)
        looked = found["active"]
        await make.look(looked, [offer, make.offer("1100.00", "7")])
        failed = {"state": AttemptState.FAILED, "failure_reason": FailureReason.OFFER_GONE}
        attempt = await make.attempt(looked, card, offer, **failed, finished_at=now)
        looked.hold_off_until = now + timedelta(hours=2, minutes=30)
        await open_task(session, "t", "void", "hold not released", now, attempt)
        found["needs_action"].action_reason = "card_declined"
        found["paused"].opens_at = now + timedelta(days=3)
        await session.flush()
    return {name: row.id for name, row in found.items()}


@pytest.fixture
async def own(database: Database, ana: Any) -> dict[str, UUID]:
    return await wishes(database, ana.user_id)


async def test_each_wish_says_what_holds_it_and_nobody_where_to(
    support: Site, own: dict[str, UUID], database: Database
) -> None:
    async with database.transaction(TESTS) as session:
        await stop_booking(session, "a test", "tests", system_now())
    for name, words in (
        ("active", ("It is looked for.", "At most 1,040.00 USD may be charged.", "4 minutes ago",
                    "2 offers seen", "It rests after a failed attempt", "offer gone",
                    "Booking is stopped for everybody", "A person was asked:")),
        ("needs_action", ("It needs its traveller: card declined.",)),
        ("paused", ("Its dates go on sale on",)),
        ("unconsented", ("No consent stands", "Nothing may be charged.")),
        ("tells", ("It only tells; nothing is ever booked or charged.",)),
        ("booking", ("It is being booked.",)),
        ("expired", ("It ended without a booking.",)),
        *((state.value, ("Made", "Temporal does not answer")) for state in CampaignState),
    ):  # fmt: skip
        shown = await support.get(f"{PATH}/{own[name]}")
        assert shown.status == 200, name
        for word in words:
            assert word in shown.text, (name, word, shown.text)
        for word in (*PRIVATE, "None", "Undefined"):
            assert word not in shown.text.replace("None of", ""), (name, word)
    assert (await support.get(f"{PATH}/{uuid4()}")).status == 404


async def test_a_booked_wish_shows_its_money_and_all_that_was_done(
    make_operator: Any, database: Database, settings: Any, ana: Any
) -> None:
    made = await give_booking(
        database, vault_of(settings), ana.user_id, system_now(), refund="pending"
    )
    sales = await make_operator("sales")
    shown = await sales.get(f"{PATH}/{made.campaign_id}")
    for word in ("It is booked.", "232.45 USD", "mandate.given", "1 ticket", "Refunds"):
        assert word in shown.text, (word, shown.text)
    for word in ("RZPNX8", "New York", "London", "See what is wished for"):
        assert word not in shown.text, word
    # Led there from the list, and not to the attempt: another role opens that.
    listed = await sales.get(PATH)
    assert f'href="{PATH}/{made.campaign_id}"' in listed.html
    assert 'href="/admin/attempts/' not in shown.html
    assert (await sales.post(f"{PATH}/{made.campaign_id}/look", {"reason": "to see"})).status == 403


async def test_where_to_is_seen_under_a_reason_that_its_owner_reads(
    support: Site, pages: Site, own: dict[str, UUID], database: Database, ana: Any
) -> None:
    page = f"{PATH}/{own['active']}"
    without = await support.submit(page, {"reason": " "}, action=f"{page}/look")
    assert (without.status, without.problems()[-1][:7]) == (422, "Say why")
    assert "Lisbon" not in without.text
    seen = await support.submit(page, {"reason": "They wrote to us"}, action=f"{page}/look")
    assert seen.status == 200
    for word in ("New York → Lisbon", "6 to 10 nights, 2 adults, economy", "Next look in 2 hours"):
        assert word in seen.text, (word, seen.text)
    assert "Lisbon" not in (await support.get(page)).text, "it was the answer itself"
    privacy = (await pages.get("/account/privacy")).text
    assert "One of your wishes" in privacy
    assert "They wrote to us" in privacy
    async with database.transaction(TESTS) as session:
        [row] = await list_audit(session, action=Action.PERSON_LOOKED_AT)
    assert (row.actor, row.user_id) == (str(support.person.user_id), ana.user_id)


async def test_the_list_is_narrowed_and_taken_as_a_file(
    support: Site, own: dict[str, UUID], ana: Any
) -> None:
    async def ids(query: str) -> set[str]:
        taken = await support.get(f"{PATH}.csv?{query}")
        assert taken.headers["content-disposition"] == 'attachment; filename="campaigns.csv"'
        lines = list(csv.DictReader(io.StringIO(taken.html)))
        assert all(line["user_id"] == str(ana.user_id) for line in lines)
        assert not any(word in taken.html for word in PRIVATE)
        return {line["id"] for line in lines}

    everything = {str(one) for one in own.values()}
    assert await ids("") == everything
    assert await ids("mode=notify") == {str(own["tells"])}
    assert await ids("status=paused") == {str(own["paused"])}
    assert await ids(f"wish={own['booked']}") == {str(own["booked"])}
    assert await ids("wish=nonsense") == set()
    assert await ids(f"person={ana.user_id}&seller=duffel") == everything
    listed = await support.get(f"{PATH}?mode=notify")
    assert "Take what was found as a CSV file" in listed.text
    assert str(own["paused"]) not in listed.html
