from datetime import date, timedelta
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import event, func, select, text

from db.models.look import LookRow
from db.models.offer_decision import DecisionVerdict, OfferDecisionRow
from db.models.offer_snapshot import OfferSnapshotRow
from db.models.price_observation import PriceObservationRow
from db.models.proposal import ProposalRow, ProposalStatus
from db.queries.history import last_look, list_decisions
from db.queries.search import (
    active_watches,
    campaigns_for_pair,
    find_look,
    known_pairs,
    record_look,
)
from db.queries.transitions import change_state
from db.session import Database, SystemActor
from domain.attempts import AttemptState
from domain.campaigns import CampaignState
from domain.offers import Cabin, DatePair, Party

WORKER = SystemActor("test")


def _look(pair: DatePair, at: Any, **changes: Any) -> LookRow:
    fields: dict[str, Any] = {
        "id": uuid4(),
        "seller": "duffel",
        "pair_key": pair.key,
        "origin": pair.origin,
        "destination": pair.destination,
        "departs_on": pair.departs_on,
        "returns_on": pair.returns_on,
        "cabin": pair.cabin.value,
        "party_code": pair.party.code,
        "reason": "due",
        "campaigns": 1,
        "offers": 2,
        "cheapest_minor": 50_000,
        "currency": "USD",
        "at": at,
    }
    return LookRow(**(fields | changes))


def _decision(campaign: Any, look: LookRow, offer: str, now: Any) -> OfferDecisionRow:
    return OfferDecisionRow(
        campaign_id=campaign.id,
        user_id=campaign.user_id,
        look_id=look.id,
        criteria_version=1,
        offer_id=offer,
        itinerary_key="ZZ1",
        summary="ZZ 1",
        total_minor=50_000,
        currency="USD",
        verdict=DecisionVerdict.MATCHED,
        reason="matches",
        detail="",
        score=0.75,
        score_parts=[{"name": "price", "value": 0.5}],
        at=now,
    )


async def test_campaigns_of_one_shape_are_watched_together(database: Database, cast: Any, now: Any):
    async with database.transaction(WORKER) as session:
        first = await cast.campaign(session)
        budget = cast.wish().budget.model_copy(update={"minor": 60_000})
        await cast.campaign(session, criteria=cast.wish(budget=budget, max_connections=0))
        one_way = cast.wish(nights_min=None, nights_max=None)
        await cast.campaign(session, criteria=one_way, party=Party(adults=2))
        paused = await cast.campaign(session)
        await change_state(session, paused, CampaignState.PAUSED, now=now, event="x")
        (await cast.campaign(session)).hold_off_until = now + timedelta(hours=1)
        await session.flush()
        watches = await active_watches(session, "duffel", now)
        assert {(w.campaigns, w.budget_minor) for w in watches} == {(1, 52_000), (2, 60_000)}
        (pair,) = (w for w in watches if w.campaigns == 2)
        assert (pair.origins, pair.destinations, pair.cabin) == (("JFK",), ("LIS",), Cabin.ECONOMY)
        assert pair.since == now
        assert len({w.key for w in watches}) == 2
        later = await active_watches(session, "duffel", now + timedelta(hours=1))
        assert max(w.campaigns for w in later) == 3
        assert await active_watches(session, "another", now) == []
        assert await active_watches(session, "duffel", first.ends_at) == []


@pytest.mark.parametrize(
    ("wish", "party", "fits"),
    [
        ({}, Party(), True),
        ({"origins": ("BOS", "JFK")}, Party(), True),
        ({"origins": ("BOS",)}, Party(), False),
        ({"destinations": ("OPO",)}, Party(), False),
        ({"departure_from": date(2027, 5, 11)}, Party(), False),
        ({"departure_until": date(2027, 5, 9)}, Party(), False),
        ({"departure_from": date(2027, 5, 10)}, Party(), True),
        ({"nights_min": 9}, Party(), False),
        ({"nights_max": 7}, Party(), False),
        ({"nights_min": 8, "nights_max": 8}, Party(), True),
        ({"nights_min": None, "nights_max": None}, Party(), False),
        ({"cabin": Cabin.BUSINESS}, Party(), False),
        ({}, Party(adults=2), False),
    ],
)
async def test_a_pair_finds_the_campaigns_it_could_serve(
    database: Database, cast: Any, wish: dict[str, Any], party: Party, fits: bool
):
    async with database.transaction(WORKER) as session:
        campaign = await cast.campaign(session, criteria=cast.wish(**wish), party=party)
        found = await campaigns_for_pair(session, cast.pair, "duffel", cast.now)
        assert [c.campaign_id for c in found] == ([campaign.id] if fits else [])


async def test_a_one_way_pair_finds_one_way_wishes(database: Database, cast: Any, now: Any):
    pair = cast.pair.model_copy(update={"returns_on": None})
    async with database.transaction(WORKER) as session:
        await cast.campaign(session)
        one_way = cast.wish(nights_min=None, nights_max=None)
        campaign = await cast.campaign(session, criteria=one_way)
        found = await campaigns_for_pair(session, pair, "duffel", now)
        assert [c.campaign_id for c in found] == [campaign.id]


async def test_a_look_at_a_city_finds_wishes_for_its_airports(
    database: Database, cast: Any, now: Any
):
    pair = cast.pair.model_copy(update={"origin": "NYC"})
    async with database.transaction(WORKER) as session:
        campaign = await cast.campaign(session)
        assert await campaigns_for_pair(session, pair, "duffel", now) == []
        (found,) = await campaigns_for_pair(
            session, pair, "duffel", now, origins=("JFK", "EWR", "LGA")
        )
        assert (found.campaign_id, found.criteria, found.cap_minor) == (
            campaign.id,
            cast.wish(),
            52_000,
        )


async def test_flights_that_failed_or_were_turned_down_are_ignored_for_a_while(
    database: Database, cast: Any, now: Any
):
    async with database.transaction(WORKER) as session:
        campaign = await cast.campaign(session)
        await cast.attempt(
            session,
            campaign,
            state=AttemptState.FAILED,
            itinerary_key="failed",
            ignore_until=now + timedelta(hours=1),
        )
        session.add(
            ProposalRow(
                id=uuid4(),
                campaign_id=campaign.id,
                user_id=campaign.user_id,
                criteria_version=1,
                look_id=uuid4(),
                seller="duffel",
                pair={},
                itinerary_key="rejected",
                itinerary={},
                price_minor=1,
                currency="USD",
                status=ProposalStatus.REJECTED,
                expires_at=now,
                opening_key="o",
                created_at=now,
                closed_at=now,
            )
        )
        await session.flush()
        for hours, ignored in ((0, {"failed", "rejected"}), (2, {"rejected"}), (200, set())):
            at = now + timedelta(hours=hours)
            (found,) = await campaigns_for_pair(session, cast.pair, "duffel", at)
            assert found.ignored == ignored
        campaign.hold_off_until = now + timedelta(hours=1)
        await session.flush()
        assert await campaigns_for_pair(session, cast.pair, "duffel", now) == []


async def test_a_look_is_written_once_in_few_statements(database: Database, cast: Any, now: Any):
    async with database.transaction(WORKER) as session:
        owner = await cast.person(session)
        campaigns = [await cast.campaign(session, owner) for _ in range(50)]
    look = _look(cast.pair, now)
    observation = PriceObservationRow(
        **look.model_dump(
            include={
                "seller",
                "pair_key",
                "origin",
                "destination",
                "departs_on",
                "returns_on",
                "cabin",
                "party_code",
                "currency",
                "at",
            }
        ),
        look_id=look.id,
        stops=0,
        airline="ZZ",
        total_minor=50_000,
    )
    snapshot = OfferSnapshotRow(
        look_id=look.id,
        offer_id="off_1",
        itinerary_key="ZZ1",
        total_minor=50_000,
        currency="USD",
        airline="ZZ",
        stops=0,
        offer={"a": "b"},
    )
    decisions = [
        _decision(campaign, look, f"off_{n}", now) for campaign in campaigns for n in range(20)
    ]
    statements = 0

    def count(*_: Any) -> None:
        nonlocal statements
        statements += 1

    async with database.transaction(WORKER) as session:
        engine = (await session.connection()).engine.sync_engine
        event.listen(engine, "before_cursor_execute", count)
        assert await record_look(session, look, [observation], [snapshot], decisions)
        event.remove(engine, "before_cursor_execute", count)
    assert statements <= 5
    async with database.transaction(WORKER) as session:
        assert not await record_look(session, look, [observation], [snapshot], decisions)
        assert await session.scalar(select(func.count()).select_from(OfferDecisionRow)) == 1000
        assert await session.scalar(select(func.count()).select_from(PriceObservationRow)) == 1
        page = await list_decisions(session, campaigns[0].id, limit=15)
        assert page.rows[0].score == 0.75
        assert page.rows[0].score_parts == [{"name": "price", "value": 0.5}]
        rest = await list_decisions(session, campaigns[0].id, cursor=page.next_cursor, limit=15)
        assert len({row.offer_id for row in page.rows + rest.rows}) == 20
        rejected = await list_decisions(
            session, campaigns[0].id, verdicts=[DecisionVerdict.REJECTED]
        )
        assert rejected.rows == ()
        for found in (await find_look(session, look.id), await last_look(session, campaigns[0].id)):
            assert found is not None
            assert found.id == look.id


async def test_what_is_known_of_a_pair_grows_with_each_look(
    database: Database, cast: Any, now: Any
):
    key = cast.pair.key
    async with database.transaction(WORKER) as session:
        await record_look(session, _look(cast.pair, now))
        known = (await known_pairs(session, "duffel"))[key]
        assert (known.best_minor, known.volatility, known.looks) == (50_000, 0.0, 1)
        day = timedelta(days=1)
        await record_look(session, _look(cast.pair, now + day, cheapest_minor=55_000))
        known = (await known_pairs(session, "duffel", [key]))[key]
        assert known.volatility == pytest.approx(0.3 * 0.1)
        failed = _look(
            cast.pair, now + 2 * day, failed="timeout", cheapest_minor=None, currency=None, offers=0
        )
        await record_look(session, failed)
        known = (await known_pairs(session, "duffel", [key]))[key]
        assert (known.best_minor, known.looks) == (55_000, 2)
        assert known.last_look_at == now + 2 * day
        empty = _look(cast.pair, now + 3 * day, cheapest_minor=None, currency=None, offers=0)
        await record_look(session, empty)
        # One that comes late changes nothing.
        await record_look(session, _look(cast.pair, now + day))
        known = (await known_pairs(session, "duffel", [key]))[key]
        assert (known.best_minor, known.looks) == (None, 3)
        assert await known_pairs(session, "duffel", []) == {}


HOT = {
    "autobooking_campaigns_by_user": "SELECT * FROM autobooking_campaigns WHERE user_id = "
    "'00000000-0000-0000-0000-000000000001' ORDER BY created_at DESC, id DESC LIMIT 21",
    "autobooking_campaigns_watched": "SELECT * FROM autobooking_campaigns WHERE status = 'active' "
    "AND criteria -> 'origins' ?| ARRAY['JFK'] AND criteria -> 'destinations' ?| ARRAY['LIS']",
    "campaign_events_pkey": "SELECT * FROM campaign_events WHERE campaign_id = "
    "'00000000-0000-0000-0000-000000000001' AND seq > 5 ORDER BY seq LIMIT 100",
    "offer_decisions_by_campaign": "SELECT * FROM offer_decisions WHERE campaign_id = "
    "'00000000-0000-0000-0000-000000000001' ORDER BY at DESC, id DESC LIMIT 21",
    "booking_attempts_one_live": "SELECT * FROM booking_attempts WHERE campaign_id = "
    "'00000000-0000-0000-0000-000000000001' AND state NOT IN ('captured', 'failed')",
    "notices_pending": "SELECT * FROM notices WHERE state = 'pending' "
    "ORDER BY created_at LIMIT 100",
}


@pytest.mark.parametrize("index", HOT)
async def test_hot_queries_can_use_their_index(database: Database, index: str):
    async with database.transaction(WORKER) as session:
        # On empty tables reading everything is always cheapest, so that way is closed.
        await session.execute(text("SET LOCAL enable_seqscan = off"))
        plan = "\n".join(await session.scalars(text(f"EXPLAIN {HOT[index]}")))
        assert index in plan
