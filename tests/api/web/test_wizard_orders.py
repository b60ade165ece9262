"""From the last step of the wizard to a wish that is watched, and to a change of it."""

import asyncio
import re
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from asking import until
from authenticator import Authenticator
from browsing import Shown, Site

from db.models.passkey import PasskeyRow
from db.queries.mandates import live_mandate_row
from db.queries.web_sessions import list_sessions
from db.session import Database
from runtime.clock import system_now

NEW = "/auto-booking/new"


@pytest.fixture
async def site(make_site: Any, running: Any, cast: tuple[Any, Any]) -> Site:
    """Return the browser of a person with a card and a traveller, with everything running."""
    made: Site = await make_site(running.url, running.settings, cast[0])
    return made


def day(ahead: int) -> str:
    return (system_now().date() + timedelta(days=ahead)).isoformat()


async def to_check(site: Site, budget: str, *, mode: str = "auto", **changes: Any) -> Shown:
    typed = {
        "origins_text": "JFK",
        "destinations_text": "Lisbon",
        "departure_from": day(42),
        "trip": "oneway",
        "go": "next",
    }
    who = await site.submit(NEW, typed | changes)
    person = str(who.soup.select_one('input[name="traveler_ids"]')["value"])  # type: ignore[index]
    preferences = await site.submit(who, {"traveler_ids": person, "go": "next"})
    money = await site.submit(preferences, {"worth_nonstop": "60", "go": "next"})
    check = await site.submit(money, {"budget": budget, "mode": mode, "go": "next"})
    assert check.path.endswith("/check"), check.text
    return check


def wish_id(shown: Shown | str) -> str:
    path = shown if isinstance(shown, str) else shown.headers["location"]
    found = re.fullmatch(r"/auto-booking/wishes/([0-9a-f-]{36})", path)
    assert found, path
    return found[1]


async def test_a_checked_wish_is_ordered_once_and_booked(
    site: Site, cast: tuple[Any, Any], database: Database
) -> None:
    person, _ = cast
    check = await to_check(site, "2000")
    for words in (
        "may charge at most 2,000 USD , once",
        "John F Kennedy International Airport (JFK)",
        "Ana Souza",
        "A non-stop Worth up to 60 USD more each",
        "Visa ending 4242",
        "Parker Flight charges your card through Stripe",
        "Pause or cancel the wish at any time",
        "No history yet",
    ):
        assert words in check.text, words
    box = check.soup.select_one("#consent")
    assert box is not None
    assert not box.has_attr("checked")
    button = check.soup.find("button", string=re.compile("Order with obligation to pay"))
    assert button is not None
    assert "at most 2,000 USD" in button.text
    changes = [str(a["href"]) for a in check.soup.select("a.change")]
    assert [one.rpartition("/")[2] for one in changes] == [
        f"{step}?then=check" for step in ("route", "who", "preferences", "budget")
    ]
    named = await site.submit(changes[0], {"destinations": ["LIS"], "go": "next"})
    assert named.path == check.path, "a change leads back to the answers"

    unticked = await site.submit(check, {"go": "order"})
    assert (unticked.status, unticked.problems()[0][:12]) == (422, "Tick the box")
    assert unticked.soup.select_one("#consent-problem") is not None, "beside the box"
    async with database.transaction(person.user_id) as session:
        for one in await list_sessions(session, person.user_id):
            one.stepped_up_at = None
    led = await site.submit(unticked, {"go": "order", "consent": "yes"}, follow=False)
    assert led.headers["location"].startswith("/step-up?next=")
    waiting = await site.get(check.path)
    assert "Confirm that it is you" in waiting.text
    assert waiting.soup.select_one("#consent") is None
    async with database.transaction(person.user_id) as session:
        for one in await list_sessions(session, person.user_id):
            one.stepped_up_at = system_now()

    ticked = {"go": "order", "consent": "yes", "name": "Lisbon at last"}
    ordered = await site.submit(unticked, ticked, follow=False)
    campaign = wish_id(ordered)
    again = await site.submit(unticked, ticked, follow=False)
    assert wish_id(again) == campaign, "sent twice, made once"
    assert len((await person.http.get("/api/autobooking/campaigns")).json()["items"]) == 1

    async def shown() -> Any:
        return (await person.http.get(f"/api/autobooking/campaigns/{campaign}")).json()

    booked = await until(shown, lambda one: one["status"] == "booked")
    assert booked["name"] == "Lisbon at last"
    assert booked["criteria"]["worth"]["nonstop"] == {"amount": "60.00", "currency": "USD"}
    over = await site.get(f"/auto-booking/wishes/{campaign}/edit")
    assert (over.status, "This wish is over" in over.text) == (409, True)
    like = await site.get(f"{NEW}?seed=like:{campaign}")
    assert [str(o["value"]) for o in like.soup.select('input[name="origins"]')] == ["JFK"]


async def test_a_wish_is_changed_as_a_whole_with_consent_where_it_reaches_further(
    site: Site, running: Any, cast: tuple[Any, Any], database: Database
) -> None:
    person, _ = cast
    check = await to_check(site, "1")
    ordered = await site.submit(check, {"go": "order", "consent": "yes"}, follow=False)
    edit = f"/auto-booking/wishes/{wish_id(ordered)}/edit"
    shown = await site.get(edit)
    assert "what you allowed, you go on allowing" in shown.text
    assert shown.soup.select_one("#consent") is None
    stops = await site.submit(f"{edit}/preferences", {"max_connections": "0", "go": "next"})
    assert stops.path == edit
    assert "Non-stop only" in stops.text
    narrow = await site.submit(stops, {"go": "change"}, action=edit, follow=False)
    assert narrow.headers["location"] == edit.removesuffix("/edit")

    async def row() -> Any:
        path = f"/api/autobooking/campaigns/{wish_id(ordered)}"
        return (await person.http.get(path)).json()

    assert ((await row())["criteria"]["max_connections"], (await row())["criteria_version"]) == (
        0,
        2,
    )
    device = Authenticator(running.settings.base_url, user_handle=person.user_id.bytes)
    async with database.transaction(person.user_id) as session:
        session.add(
            PasskeyRow(
                id=uuid4(),
                user_id=person.user_id,
                credential_id=device.credential_id,
                public_key=device.public_key,
                transports=[],
                backed_up=False,
                name_encrypted="-",
                created_at=system_now(),
            )
        )
    dearer = await site.submit(f"{edit}/budget", {"budget": "3", "go": "next"})
    assert "A new consent is needed: the budget rises to 3" in dearer.text
    unticked = await site.submit(dearer, {"go": "change"}, action=edit)
    assert unticked.problems()[0].startswith("Tick the box")
    stale = await site.submit(dearer, {"version": "1", "consent": "yes"}, action=edit)
    assert "changed meanwhile" in stale.problems()[0]
    asked = dearer.soup.select_one("[data-sign]")
    assert asked is not None
    other = Authenticator(running.settings.base_url)
    forged = other.answer(str(asked["data-sign"]))
    ticked = {"go": "change", "consent": "yes"}
    refused = await site.submit(dearer, ticked | {"passkey": forged}, action=edit)
    assert (refused.status, (await row())["criteria_version"]) == (422, 2)
    signed = device.answer(str(refused.soup.select_one("[data-sign]")["data-sign"]))  # type: ignore[index]
    done = await site.submit(refused, ticked | {"passkey": signed}, action=edit, follow=False)
    assert done.headers["location"] == edit.removesuffix("/edit")
    assert ((await row())["budget"]["amount"], (await row())["criteria_version"]) == ("3.00", 3)
    async with database.transaction(person.user_id) as session:
        mandate = await live_mandate_row(session, UUID(wish_id(ordered)))
    assert mandate is not None
    assert mandate.signed is not None
    assert mandate.signed.passkey is not None, "signed by the traveller, not by us alone"
    elsewhere = await site.submit(f"{edit}/route", {"destinations_text": "opo", "go": "next"})
    assert "A new consent is needed: the trip may go elsewhere" in elsewhere.text
    begun = await site.submit(f"{edit}/budget", {"budget": "9", "go": "next"})
    left = await site.submit(begun, action=f"{edit}/discard", follow=False)
    assert left.headers["location"] == edit.removesuffix("/edit")
    assert "At most, for everybody 3 USD" in (await site.get(edit)).text
    quiet = await site.submit(f"{edit}/budget", {"mode": "notify", "go": "next"})
    assert "nothing is booked or charged, we only tell you" in quiet.text
    await site.submit(quiet, {"go": "change"}, action=edit)
    assert ((await row())["mode"], (await row())["criteria_version"]) == ("notify", 4)
    async with database.transaction(person.user_id) as session:
        assert await live_mandate_row(session, UUID(wish_id(ordered))) is None
    back = await site.submit(f"{edit}/budget", {"mode": "ask_me_first", "go": "next"})
    assert "A new consent is needed: the wish may be booked from now on" in back.text
    assert "for flights that I have said yes to" in back.text


async def test_a_wish_to_be_told_needs_neither_card_nor_consent(
    running: Any, make_site: Any, traveler_body: Any
) -> None:
    person = await running.make_person()
    await person.http.post("/api/autobooking/traveler", json=traveler_body)
    site = await make_site(running.url, running.settings, person)
    check = await to_check(site, "2000", mode="notify")
    assert "tell you of fares up to 2,000 USD" in check.text
    ordered = await site.submit(check, {"go": "order"}, follow=False)
    path = f"/api/autobooking/campaigns/{wish_id(ordered)}"

    stream = {"Accept": "text/event-stream"}
    told = "event: campaign.fare_found"
    async with (
        asyncio.timeout(60),
        person.http.stream("GET", f"{path}/status", headers=stream) as answer,
    ):
        lines = answer.aiter_lines()
        assert [line async for line in _until(lines, told)][-1].startswith(told)
    assert (await person.http.get(path)).json()["status"] == "active"


async def _until(lines: AsyncIterator[str], last: str) -> AsyncIterator[str]:
    async for line in lines:
        yield line
        if line.startswith(last):
            return
