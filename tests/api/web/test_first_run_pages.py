"""The first page for everybody who comes, samples, and trips that are kept in mind."""

from datetime import timedelta
from typing import Any

from browsing import Site

from db.queries.switches import start_booking, stop_booking
from db.queries.web_sessions import list_sessions
from db.session import Database, SystemActor
from runtime.clock import system_now


async def test_a_stranger_is_told_what_this_is_and_that_nothing_is_real(
    stranger: Site, make_person: Any
) -> None:
    first = await stranger.get("/")
    assert first.status == 200
    assert "Nobody has an account here yet" in first.text
    for words in ("This is a SANDBOX", "nobody flies", "no real money moves", "mailbox"):
        assert words in first.text
    assert {"/sign-up", "/sign-in"} <= {str(a["href"]) for a in first.soup.select("main a")}
    await make_person()
    assert "Nobody has an account" not in (await stranger.get("/")).text


async def test_somebody_new_is_told_what_to_do_first_and_may_try_a_sample(
    pages: Site, ana: Any, traveler_body: Any
) -> None:
    shown = await pages.get("/")
    steps = [" ".join(one.get_text().split()) for one in shown.soup.select(".checklist li")]
    assert [one.startswith("✓") for one in steps] == [True, False, False, False, False]
    assert "Set up a second factor" in str(shown.soup.select_one(".btn.main"))
    await ana.http.post("/api/autobooking/traveler", json=traveler_body)
    assert "✓ Add a traveller" in (await pages.get("/")).text
    tried = await pages.submit(shown, action="/auto-booking/samples/rome")
    assert tried.path.endswith("/budget"), "a card is still missing"
    check = await pages.get(tried.path.replace("/budget", "/check"))
    assert "Paris, all airports (PAR)" in check.text
    assert "Ana Souza" in check.text
    again = await pages.submit(shown, action="/auto-booking/samples/rome")
    assert again.path == tried.path, "pressed twice, begun once"
    assert (await pages.post("/auto-booking/samples/nowhere")).status in {403, 404}


async def test_a_trip_kept_in_mind_is_turned_on_or_forgotten(
    pages: Site, other_pages: Site, ana: Any, wish: Any, database: Database
) -> None:
    made = await ana.http.post("/api/v1/trip-requests", json={"criteria": wish["criteria"]})
    path = f"/auto-booking/trips/{made.json()['id']}"
    assert (await other_pages.get(path)).status == 404
    shown = await pages.get(path)
    card = shown.soup.select_one(".card-auto")
    assert card is not None
    inputs = {str(one["name"]): one["value"] for one in card.find_all("input")}
    assert inputs["tripRequestId"] == made.json()["id"]
    assert (inputs["currentBudget"], inputs["currency"]) == ("2000.00", "USD")
    wrong = await pages.submit(shown, {"currentBudget": "much"}, action=f"{path}/auto-booking")
    assert wrong.status == 422
    assert wrong.soup.select_one("#currentBudget-problem") is not None
    on = await pages.submit(shown, {"currentBudget": "450"}, action=f"{path}/auto-booking")
    assert on.path.endswith("/who"), "nobody travels yet"
    check = await pages.get(on.path.replace("/who", "/check"))
    assert "450 USD" in check.text

    async with database.transaction(SystemActor("tests")) as session:
        await stop_booking(session, "tests", "tests", system_now())
    closed = await pages.get(path)
    assert "Automatic booking is closed at the moment" in closed.text
    assert closed.soup.select_one(".card-auto form") is None
    refused = await pages.submit(shown, action=f"{path}/auto-booking")
    assert refused.status == 409
    async with database.transaction(SystemActor("tests")) as session:
        await start_booking(session, "tests", system_now())

    gone = await pages.submit(shown, action=f"{path}/forget")
    assert "The trip is forgotten." in gone.text
    assert (await pages.get(path)).status == 404


async def test_a_wish_that_waits_for_consent_gets_it_on_a_page_of_its_own(
    make_site: Any, running: Any, cast: tuple[Any, Any], cheap: Any, database: Database
) -> None:
    person, _ = cast
    without = {name: value for name, value in cheap.items() if name != "consent"}
    key = {"Idempotency-Key": "without-consent"}
    made = await person.http.post("/api/autobooking/campaigns", json=without, headers=key)
    assert made.json()["status"] == "awaiting_consent", made.text
    path = made.json()["links"]["consent"]
    site = await make_site(running.url, running.settings, person)
    shown = await site.get(path)
    assert "Nothing is booked for this wish without it" in shown.text
    unticked = await site.submit(shown)
    assert unticked.problems()[0].startswith("Tick the box")
    async with database.transaction(person.user_id) as session:
        for one in await list_sessions(session, person.user_id):
            one.stepped_up_at = system_now() - timedelta(hours=2)
    led = await site.submit(unticked, {"consent": "yes"}, follow=False)
    assert led.headers["location"].startswith("/step-up?next=")
    assert (await site.get(path)).soup.select_one("#consent") is None
    async with database.transaction(person.user_id) as session:
        for one in await list_sessions(session, person.user_id):
            one.stepped_up_at = system_now()
    given = await site.submit(unticked, {"consent": "yes"}, follow=False)
    assert given.headers["location"] == path.removesuffix("/consent")
    row = (await person.http.get(f"/api/autobooking/campaigns/{made.json()['id']}")).json()
    assert row["status"] == "active"
    await person.http.post(f"/api/autobooking/campaigns/{made.json()['id']}/cancel")
    assert (await site.get(path)).status == 409
