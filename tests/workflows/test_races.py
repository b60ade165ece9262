"""Many at once: one key makes one campaign, many matches make one booking."""

import asyncio
import dataclasses
from datetime import UTC, datetime

from consents import signed
from house import TESTS, House
from sqlalchemy import text
from stories import cheapest_found
from temporalio.testing import ActivityEnvironment

from activities.campaigns import CampaignActivities
from activities.mandate_guard import MandateGuard
from db.models import CampaignRow
from db.queries import openings
from db.queries.mandates import insert_mandate
from domain.messages.campaign import Opening, OpenInput
from domain.money import Money

MANY = 50


async def test_fifty_creates_with_one_key_make_one_campaign(house: House) -> None:
    user, traveler = await house.someone()
    new = house.new_campaign(user, (traveler,))
    answers = await asyncio.gather(*(house.create(new) for _ in range(MANY)))
    assert len({answer.model_dump_json() for answer in answers}) == 1
    assert len(await house.rows("SELECT id FROM autobooking_campaigns")) == 1
    await house.until(new.campaign_id, "booked")
    assert house.orders() == ["live"]
    await house.in_order()


async def test_fifty_matches_at_once_make_one_booking(house: House) -> None:
    # Too dear to match by itself, so that only this test's matches count.
    new = await house.wish_of_someone(budget=Money(minor=1_000, currency="USD"))
    match = await cheapest_found(house)
    async with house.database.transaction(TESTS) as session:
        await session.execute(text("UPDATE autobooking_campaigns SET budget_minor = 200000, "
            "criteria = jsonb_set(criteria, '{budget,minor}', '200000')"))  # fmt: skip
        await session.execute(text("DELETE FROM mandates"))
        richer = new.model_copy(update={"criteria": house.wish()})
        row = await session.get_one(CampaignRow, new.campaign_id)
        await insert_mandate(session, row, signed(richer).consent)
    handle = house.campaign(new.campaign_id)
    await asyncio.gather(*(handle.signal("offer_found", match) for _ in range(MANY)))
    await house.until(new.campaign_id, "booked")
    assert len(await house.attempts(new.campaign_id)) == 1
    assert house.orders() == ["live"]
    assert house.intents() == ["succeeded"]
    await house.in_order()


async def test_fifty_openings_in_the_database_leave_one_attempt(house: House) -> None:
    """Without the workflow's order, the rows alone let one through."""
    new = await house.wish_of_someone(budget=Money(minor=1_000, currency="USD"))
    match = await cheapest_found(house)
    await house.campaign(new.campaign_id).terminate("this test speaks to the rows itself")
    cheap = match.model_copy(update={"price": Money(minor=900, currency="USD")})
    guard = MandateGuard(house.settings.mandate_signing)
    acts = CampaignActivities(house.database, house.settings.policy, guard)

    async def open_one(number: int) -> Opening:
        request = OpenInput(campaign_id=new.campaign_id, opening_key=f"race:{number}", offer=cheap)
        alone = ActivityEnvironment()
        alone.info = dataclasses.replace(alone.info, started_time=datetime.now(UTC))
        return (await alone.run(acts.act_on_match, request)).what

    opened = await asyncio.gather(*(open_one(n) for n in range(MANY)))
    assert sorted(opened).count(Opening.ATTEMPT) == 1
    assert len(await house.attempts(new.campaign_id)) == 1
    async with house.database.transaction(TESTS) as session:
        row = await openings.open_proposal(session, new.campaign_id)
    assert row is None
