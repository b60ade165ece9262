"""The days of a wish's fares: added up by looks, kept over an edit of the budget, told to pages."""

import asyncio
from datetime import date, timedelta
from typing import Any
from uuid import uuid4

from sqlalchemy import func, select

from db.models.campaign_fare import CampaignFareRow
from db.queries.campaigns import apply_edit
from db.queries.fares import LOOKS_CHANNEL, add_fares, fare_days, fares_of
from db.session import Database, SystemActor
from domain.messages.campaign import CampaignEdit
from domain.money import Money

WORKER = SystemActor("test")


def _fare(campaign: Any, at: Any, best: int | None, **changes: Any) -> CampaignFareRow:
    look = uuid4()
    fields: dict[str, Any] = {
        "campaign_id": campaign.id,
        "user_id": campaign.user_id,
        "criteria_version": campaign.criteria_version,
        "day": at.date(),
        "looks": 1,
        "offers": 30,
        "last_at": at,
        "currency": "USD",
        "best_minor": best,
        "best_at": None if best is None else at,
        "best_look_id": None if best is None else look,
        "best_offer_id": None if best is None else f"off_{best}",
    }
    return CampaignFareRow(**(fields | changes))


async def test_looks_of_a_day_add_up_to_its_best_fare(database: Database, cast: Any, now: Any):
    hour = timedelta(hours=1)
    async with database.transaction(WORKER) as session:
        wish, other = await cast.campaign(session), await cast.campaign(session)
        await add_fares(session, [])
        for at, best in (
            (now - 30 * hour, 47_000),
            (now - 29 * hour, None),
            (now - hour, 51_000),
            (now, 50_000),
            (now + hour, None),
            (now + 2 * hour, 50_000),
        ):
            await add_fares(session, [_fare(wish, at, best)])
        await add_fares(session, [_fare(other, now, None)])
        found = await fares_of(session, [wish.id, other.id, uuid4()])
        fares = found[wish.id]
        assert (fares.best_minor, fares.lately_minor) == (47_000, 50_000)
        assert (fares.looks, fares.offers, fares.last_at) == (6, 180, now + 2 * hour)
        assert found.keys() == {wish.id, other.id}
        assert (found[other.id].best_minor, found[other.id].lately_minor) == (None, None)
        days = await fare_days(session, [wish.id], date(2026, 1, 1))
        assert [(d.looks, d.best_offer_id) for d in days[wish.id]] == [
            (2, "off_47000"),
            (4, "off_50000"),
        ]
        assert days[wish.id][1].best_at == now, "the first of two equal fares"
        assert [d.day for d in (await fare_days(session, [wish.id], now.date()))[wish.id]] == [
            now.date()
        ]


def _edit(campaign: Any, **changes: Any) -> CampaignEdit:
    wish = campaign.wish.model_copy(update=changes)
    return CampaignEdit(
        expected_version=campaign.criteria_version,
        name=campaign.name,
        criteria=wish,
        mode=campaign.mode,
        traveler_ids=tuple(campaign.traveler_ids),
        party=campaign.travelling,
        payment_method_id=None,
        consent={"text_version": "v1", "cap": wish.budget, "consented_at": campaign.created_at},
        opens_at=None,
        ends_at=campaign.ends_at,
    )


async def test_a_new_budget_keeps_the_past_and_another_wish_begins_anew(
    database: Database, cast: Any, now: Any
):
    async with database.transaction(WORKER) as session:
        wish = await cast.campaign(session)
        await add_fares(session, [_fare(wish, now, 50_000)])
        raised = Money(minor=60_000, currency="USD")
        await apply_edit(session, wish, _edit(wish, budget=raised), now)
        assert (await fares_of(session, [wish.id]))[wish.id].best_minor == 50_000
        await apply_edit(session, wish, _edit(wish, max_connections=0), now)
        assert await fares_of(session, [wish.id]) == {}
        kept = await session.scalar(select(func.count()).select_from(CampaignFareRow))
        assert kept == 1, "what was seen for the wish of before stays"


async def test_looks_nudge_whoever_watches_with_ids_only(database: Database, cast: Any, now: Any):
    async with database.transaction(WORKER) as session:
        wishes = [await cast.campaign(session) for _ in range(101)]
    told: list[str] = []
    async with database.listen(LOOKS_CHANNEL) as payloads:
        async with database.transaction(WORKER) as session:
            await add_fares(session, [_fare(wish, now, None) for wish in wishes])
        async with asyncio.timeout(10):
            async for payload in payloads:
                assert len(payload) < 8000
                told += payload.split(",")
                if len(told) == len(wishes):
                    break
    assert set(told) == {f"{wish.id}:{wish.user_id}" for wish in wishes}


async def test_looks_that_serve_the_same_wishes_do_not_lock_each_other_out(
    database: Database, cast: Any, now: Any
):
    async with database.transaction(WORKER) as session:
        wishes = [await cast.campaign(session) for _ in range(40)]

    async def look(number: int) -> None:
        order = wishes if number % 2 else wishes[::-1]
        async with database.transaction(WORKER) as session:
            await add_fares(session, [_fare(wish, now, 50_000 + number) for wish in order])

    await asyncio.gather(*(look(number) for number in range(10)))
    async with database.transaction(WORKER) as session:
        found = await fares_of(session, [wish.id for wish in wishes])
    assert {(one.looks, one.best_minor) for one in found.values()} == {(10, 50_000)}
