"""Drafts, trip requests, and what the market's history tells of a wish."""

from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from db.models.campaign_draft import CampaignDraftRow
from db.models.look import LookRow
from db.models.price_observation import PriceObservationRow
from db.models.trip_request import TripRequestRow
from db.queries.drafts import (
    DRAFTS_KEPT_FOR,
    MOST_DRAFTS,
    add_trip_request,
    campaigns_of_request,
    delete_draft,
    delete_trip_request,
    draft_answers,
    get_draft,
    get_trip_request,
    list_drafts,
    list_trip_requests,
    save_draft,
)
from db.queries.market_history import seen_for
from db.session import Database, SystemActor
from domain.backtest import backtest
from domain.ids import UserId
from domain.offers import Party

TESTS = SystemActor("test")


def draft(owner: UserId, now: datetime, **changes: Any) -> CampaignDraftRow:
    fields: dict[str, Any] = {
        "id": uuid4(),
        "user_id": owner,
        "answers": {"origins": ["LIS"], "departure_from": ["not a day"]},
        "step": "route",
        "created_at": now,
        "updated_at": now,
        "expires_at": now,
    }
    return CampaignDraftRow(**(fields | changes))


async def test_a_draft_keeps_what_was_typed_for_its_owner_until_it_runs_out(
    database: Database, app_database: Database, cast: Any, now: datetime
) -> None:
    async with database.transaction(TESTS) as session:
        owner, other = await cast.person(session), await cast.person(session)
    first = draft(owner, now)
    async with app_database.transaction(owner) as session:
        await save_draft(session, first)
    later = now + timedelta(hours=1)
    again = draft(owner, later, id=first.id, answers={"origins": ["LIS", "OPO"]}, step="who")
    async with app_database.transaction(owner) as session:
        await save_draft(session, again)
        kept = await get_draft(session, first.id, later)
        assert kept is not None
        assert (kept.step, draft_answers(kept)["origins"]) == ("who", ["LIS", "OPO"])
        assert (kept.created_at, kept.updated_at) == (now, later)
        overtaken = draft(owner, later - timedelta(milliseconds=1), id=first.id, answers={})
        await save_draft(session, overtaken)
        still = await get_draft(session, first.id, later)
        assert still is not None
        assert draft_answers(still)["origins"] == ["LIS", "OPO"], "sent later, it was written first"
        assert await get_draft(session, first.id, later + DRAFTS_KEPT_FOR) is None
    async with app_database.transaction(other) as session:
        assert await get_draft(session, first.id, later) is None
        assert not await delete_draft(session, first.id)
    async with app_database.transaction(owner) as session:
        for number in range(MOST_DRAFTS):
            await save_draft(session, draft(owner, later + timedelta(minutes=number + 1)))
        listed = await list_drafts(session, owner, later)
        assert len(listed) == MOST_DRAFTS
        assert listed[0].updated_at > listed[-1].updated_at
        assert await get_draft(session, first.id, later) is None, "the eldest makes room"
        assert await delete_draft(session, listed[0].id)
        await save_draft(session, draft(owner, later, answers={"trip": ["return"]}))
        said = [one.id for one in await list_drafts(session, owner, later)]
        assert said == [one.id for one in listed[1:]], "one that says nothing yet is in no list"


async def test_a_trip_request_becomes_a_campaign_that_remembers_it(
    database: Database, app_database: Database, cast: Any, now: datetime
) -> None:
    async with database.transaction(TESTS) as session:
        owner, other = await cast.person(session), await cast.person(session)
    wish = cast.wish()
    rows = [
        TripRequestRow(
            id=uuid4(),
            user_id=owner,
            name=f"Trip {number}",
            criteria=wish.model_dump(mode="json"),
            traveler_ids=[],
            created_at=now + timedelta(minutes=number),
            updated_at=now,
        )
        for number in range(3)
    ]
    async with app_database.transaction(owner) as session:
        for row in rows:
            await add_trip_request(session, row)
        await add_trip_request(session, rows[0])
        first = await list_trip_requests(session, owner, limit=2)
        assert [row.name for row in first.rows] == ["Trip 2", "Trip 1"]
        second = await list_trip_requests(session, owner, limit=2, cursor=first.next_cursor)
        assert [row.wish for row in second.rows] == [wish]
    async with database.transaction(TESTS) as session:
        made = await cast.campaign(session, owner, trip_request_id=rows[0].id)
    async with app_database.transaction(owner) as session:
        assert [c.id for c in await campaigns_of_request(session, rows[0].id)] == [made.id]
        assert not await delete_trip_request(session, rows[0].id), "a campaign names it"
        assert await delete_trip_request(session, rows[1].id)
    async with app_database.transaction(other) as session:
        assert await get_trip_request(session, rows[0].id) is None
        assert not await delete_trip_request(session, rows[2].id)


async def observe(session: AsyncSession, at: datetime, minor: int, **changes: Any) -> None:
    look = uuid4()
    pair: dict[str, Any] = {
        "seller": "duffel",
        "pair_key": "a pair",
        "origin": "JFK",
        "destination": "LIS",
        "departs_on": date(2027, 5, 12),
        "returns_on": date(2027, 5, 20),
        "cabin": "economy",
        "party_code": "1a0c0i",
    }
    fare: dict[str, Any] = {"stops": 0, "airline": "TP", "refundable": False, "currency": "USD"}
    found = pair | fare | changes
    session.add(
        LookRow(id=look, reason="", campaigns=1, offers=1, at=at, **{k: found[k] for k in pair})
    )
    await session.flush()
    session.add(PriceObservationRow(look_id=look, total_minor=minor, at=at, **found))
    await session.flush()


@pytest.fixture
def wish(cast: Any) -> Any:
    return cast.wish(origins=("NYC",))


async def test_the_history_of_a_route_is_reduced_to_the_cheapest_of_each_day_and_kind(
    database: Database, app_database: Database, wish: Any, now: datetime
) -> None:
    nights_off = {"returns_on": date(2027, 5, 13)}
    async with database.transaction(TESTS) as session:
        for ago, minor, changes in (
            (3, 60_000, {}),
            (3, 50_000, {"departs_on": date(2027, 5, 14), "returns_on": date(2027, 5, 21)}),
            (3, 40_000, nights_off),
            (1, 51_500, {"stops": 1, "airline": "B6", "party_code": "2a1c1i"}),
            (100, 10_000, {}),
            (2, 10_000, {"origin": "BOS"}),
            (2, 10_000, {"cabin": "business"}),
            (2, 10_000, {"currency": "EUR"}),
            (2, 10_000, {"returns_on": None}),
        ):
            await observe(session, now - timedelta(days=ago), minor, **changes)
    async with app_database.transaction(UserId(UUID(int=1))) as session:
        seen = await seen_for(session, wish, now)
    kinds = {(one.fits, one.stops, one.total.minor, one.departs_on.day) for one in seen}
    assert kinds == {(True, 0, 50_000, 14), (False, 0, 40_000, 12), (True, 1, 51_500, 12)}
    assert {one.party.code for one in seen} == {"1a0c0i", "2a1c1i"}
    found = backtest(wish, seen, party=Party(), now=now)
    assert found.would is not None
    assert (found.would.price.minor, found.would.returns_on) == (50_000, date(2027, 5, 21))
    one_way = wish.model_copy(update={"nights_min": None, "nights_max": None})
    async with app_database.transaction(UserId(UUID(int=1))) as session:
        assert [one.returns_on for one in await seen_for(session, one_way, now)] == [None]
