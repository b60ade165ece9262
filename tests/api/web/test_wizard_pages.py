"""The wizard as a browser without scripts uses it: typed, kept, checked, ordered, changed."""

from datetime import timedelta
from typing import Any

import pytest
from browsing import Shown, Site

from db.queries.drafts import list_drafts
from db.queries.switches import start_booking, stop_booking
from db.session import Database, SystemActor
from runtime.clock import system_now

NEW = "/auto-booking/new"
ROUTE = {"origins_text": "New York", "destinations_text": "Lisbon; opo", "trip": "oneway"}


def day(ahead: int) -> str:
    return (system_now().date() + timedelta(days=ahead)).isoformat()


async def begun(pages: Site, **changes: Any) -> Shown:
    """Send the first step, with where and when."""
    typed = ROUTE | {"departure_from": day(42), "departure_until": day(44)} | changes
    return await pages.submit(NEW, {**typed, "go": changes.get("go", "next")})


def field(shown: Shown, name: str) -> Any:
    found = shown.soup.find(attrs={"name": name})
    assert found is not None, shown.text
    return found.get("value")


def checked(shown: Shown, name: str) -> list[str]:
    return [str(one["value"]) for one in shown.soup.select(f'input[name="{name}"][checked]')]


async def test_places_are_understood_asked_back_or_refused_without_losing_anything(
    pages: Site,
) -> None:
    empty = await pages.submit(NEW, {"go": "next"})
    assert empty.status == 422
    assert empty.problems() == [
        "Say where the trip begins.",
        "Say where it goes.",
        "Give the first day on which you could leave.",
        "Give the least number of nights, or one way.",
    ]
    unclear = await begun(pages, origins_text="London", departure_from=day(42))
    assert unclear.status == 422
    assert unclear.problems() == [
        "“London” can mean more than one place. Choose below which one you mean."
    ]
    assert field(unclear, "origins_text") == "London"
    assert checked(unclear, "destinations") == ["LIS", "OPO"], "the other field is settled"
    offered = [str(o["value"]) for o in unclear.soup.select('input[name="origins_pick"]')]
    assert offered[0] == "LON"
    assert "YXU" in offered
    settled = await pages.submit(unclear, {"origins_pick": ["LON", "LGW"], "go": "look"})
    assert (settled.status, settled.problems()) == (200, [])
    assert checked(settled, "origins") == ["LON", "LGW"]
    assert "Map: from London (LHR, LGW" in settled.html
    unknown = await pages.submit(settled, {"destinations_text": "Xqzzy", "go": "look"})
    assert unknown.problems() == [
        "We know no place called “Xqzzy”. Try its name in English, or its code."
    ]
    same = await pages.submit(unknown, {"destinations_text": "heathrow (LHR)", "go": "next"})
    assert same.status == 422
    assert "are the same city" in same.problems()[0]


async def test_what_cannot_be_is_said_at_its_field(pages: Site) -> None:
    shown = await begun(pages, departure_from=day(42), departure_until=day(41))
    assert shown.soup.select_one("#departure_until-problem") is not None
    assert "before it begins" in shown.problems()[0]
    far = await begun(pages, departure_from=day(340), departure_until=day(350))
    assert far.path.endswith("/who"), far.text
    back = await pages.submit(far, {"go": "back"})
    assert "Airlines do not sell these dates before" in back.text
    assert "the wish sleeps until then" in back.text
    too_far = await begun(pages, departure_from=day(720), departure_until=day(730))
    assert "after the wish ends on" in too_far.problems()[0]
    nights = await begun(pages, trip="return", nights_min="9", nights_max="3")
    assert "Swap the two numbers." in nights.problems()[0]


async def test_a_draft_is_kept_for_its_owner_alone_and_found_again(
    pages: Site, other_pages: Site, database: Database, ana: Any
) -> None:
    who = await begun(pages)
    assert who.path.endswith("/who")
    assert "No travellers yet" in who.text
    async with database.transaction(ana.user_id) as session:
        (row,) = await list_drafts(session, ana.user_id, system_now())
    path = f"{NEW}/{row.id}"
    assert (await pages.get(path)).path == f"{path}/who"
    for address in (path, f"{path}/route", f"{path}/check"):
        assert (await other_pages.get(address)).status == 404
    later = await pages.submit(who, {"go": "save"}, follow=False)
    assert later.headers["location"] == "/auto-booking/dashboard"
    listed = await pages.get(NEW)
    assert "New York → Lisbon or Porto" in listed.text
    assert "Came as far as: Who travels." in listed.text
    form = await pages.submit(listed, action=f"{path}/discard")
    assert "The draft is thrown away." in form.text
    assert (await pages.get(path)).status == 404


@pytest.fixture
async def traveller(ana: Any, traveler_body: Any) -> str:
    made = await ana.http.post("/api/autobooking/traveler", json=traveler_body)
    return str(made.json()["id"])


async def to_preferences(pages: Site, traveller: str, **changes: Any) -> Shown:
    who = await begun(pages, **changes)
    return await pages.submit(who, {"traveler_ids": traveller, "go": "next"})


async def test_who_travels_is_told_with_ages_and_what_is_in_the_way(
    pages: Site, ana: Any, traveler_body: Any, traveller: str
) -> None:
    born = system_now().date() - timedelta(days=400)
    baby = traveler_body | {
        "label": "Mia", "given_name": "Mia", "born_on": born.isoformat(), "documents": [],
        "title": "miss",
    }  # fmt: skip
    infant = (await ana.http.post("/api/autobooking/traveler", json=baby)).json()["id"]
    who = await begun(pages)
    assert "Mia Souza, 1 year on" in who.text
    assert "on a lap" in who.text
    nobody = await pages.submit(who, {"go": "next"})
    assert nobody.problems() == ["Choose who travels."]
    alone = await pages.submit(nobody, {"traveler_ids": infant, "go": "next"})
    assert "no traveller is 12 or older" in alone.problems()[0].lower()
    both = await pages.submit(alone, {"traveler_ids": [traveller, infant], "go": "next"})
    assert both.path.endswith("/preferences")


async def test_what_comfort_is_worth_is_typed_as_money_and_airlines_by_name(
    pages: Site, ana: Any, traveller: str
) -> None:
    shown = await to_preferences(pages, traveller)
    typed = {
        "worth_nonstop": "60",
        "worth_hour_shorter": "1.234,5x",
        "airlines_wanted": "TAP Air Portugal, b6",
        "airlines_excluded": "Lufthnsa",
        "depart_earliest": "08:30",
        "checked_bags": "1",
        "go": "next",
    }
    wrong = await pages.submit(shown, typed)
    assert wrong.problems() == [
        "“Lufthnsa” can mean more than one airline. Choose below which one you mean.",
        "Write an amount of USD, such as 520 or 520.50.",
    ]
    assert "Lufthansa (LH)" in wrong.text
    assert field(wrong, "airlines_wanted") == "TAP Air Portugal (TP); JetBlue (B6)"
    good = {"worth_hour_shorter": "20", "airlines_excluded": "LH", "go": "next"}
    budget = await pages.submit(wrong, good)
    assert budget.path.endswith("/budget"), budget.text
    assert "1 checked bag each, where the airline sells them." in budget.text
    assert "You have no card yet." in budget.text
    back = await pages.submit(budget, {"budget": "1,040.50", "go": "back"})
    assert field(back, "worth_hour_shorter") == "20"
    again = await pages.get(budget.path)
    assert field(again, "budget") == "1,040.50", "what was typed on the way back is there"
    past = await pages.submit(again, {"go": "look"})
    assert "No history yet: nobody has looked at this route before." in past.text
    no_card = await pages.submit(past, {"go": "next"})
    assert no_card.problems() == ["Add a card; it is charged only by a booking."]
    check = await pages.get(budget.path.replace("/budget", "/check"))
    assert check.soup.select_one("#consent") is None, "nothing to agree to yet"
    kept = await pages.submit(check, {"go": "keep", "name": "Some day"}, follow=False)
    assert kept.headers["location"].startswith("/auto-booking/trips/")
    (trip,) = (await ana.http.get("/api/v1/trip-requests")).json()["items"]
    assert (trip["name"], trip["traveler_ids"]) == ("Some day", [traveller])
    assert trip["criteria"]["airlines_wanted"] == ["TP", "B6"]
    assert "Some day" in (await pages.get(NEW)).text


async def test_no_new_wishes_while_an_operator_has_stopped_booking(
    pages: Site, database: Database
) -> None:
    async with database.transaction(SystemActor("tests")) as session:
        await stop_booking(session, "tests", "tests", system_now())
    closed = await pages.get(NEW)
    assert "No new wishes at the moment." in closed.text
    assert (await begun(pages)).path.endswith("/who"), "drafts go on"
    async with database.transaction(SystemActor("tests")) as session:
        await start_booking(session, "tests", system_now())
    assert "No new wishes" not in (await pages.get(NEW)).text
