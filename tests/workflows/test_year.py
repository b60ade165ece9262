"""A year on the real server: time is skipped, nothing else is different."""

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import UUID

from house import House

from domain.criteria import Criteria
from domain.messages.campaign import campaign_workflow_id
from domain.money import Money

STEP = timedelta(days=7)
MOST_EVENTS = 2_000


async def _pass(house: House, campaign_id: UUID, span: timedelta) -> None:
    """Move the wish's clock and the search loop's by so much; they talk, so side by side."""
    search = house.client.get_workflow_handle("search:duffel")
    wish = house.client.get_workflow_handle(campaign_workflow_id(campaign_id))
    await asyncio.gather(house.skip(wish, span), house.skip(search, span))


async def _events(house: House, campaign_id: UUID) -> int:
    handle = house.client.get_workflow_handle(campaign_workflow_id(campaign_id))
    return (await handle.describe()).history_length


async def test_a_wish_lives_its_year_and_expires_unbooked(simulated: House) -> None:
    house = simulated
    user, traveler = await house.someone()
    last = datetime.now(UTC).date() + timedelta(days=350)
    wish = house.wish(
        departure_from=last,
        departure_until=last,
        budget=Money(minor=2_000, currency="USD"),
    )
    new = house.new_campaign(user, (traveler,), wish)
    await house.create(new)
    # To the eve of its end, then over it: an ended workflow has no clock to move.
    for _ in range(49):
        await _pass(house, new.campaign_id, STEP)
    assert await house.state(new.campaign_id) == "active"
    await house.skip(house.campaign(new.campaign_id), timedelta(days=9))
    await house.until(new.campaign_id, "expired")

    looks = await house.rows("SELECT min(at) AS first, max(at) AS last, count(*) AS n FROM looks")
    assert looks[0]["last"] - looks[0]["first"] > timedelta(days=250)
    assert 50 < looks[0]["n"] < 1_500
    assert await _events(house, new.campaign_id) < MOST_EVENTS
    assert not house.sandbox.ledger()["stripe"]["payment_intents"]
    assert await house.notices(new.campaign_id) == ["expiring_soon", "expired"]
    await house.in_order()


def _beyond_what_airlines_sell(house: House) -> Criteria:
    day = datetime.now(UTC).date() + timedelta(days=345)
    return house.wish(departure_from=day, departure_until=day + timedelta(days=2))


async def test_a_wish_sleeps_until_its_dates_open_and_then_books(simulated: House) -> None:
    house = simulated
    user, traveler = await house.someone()
    new = house.new_campaign(user, (traveler,), _beyond_what_airlines_sell(house))
    await house.create(new)
    for _ in range(2):
        await _pass(house, new.campaign_id, timedelta(days=6))
    assert not await house.rows("SELECT id FROM looks")
    await _pass(house, new.campaign_id, timedelta(days=4))

    # A fare may have risen by the time it is asked for again; then the next day's is taken.
    for _ in range(10):
        if await house.state(new.campaign_id) == "booked":
            break
        await _pass(house, new.campaign_id, timedelta(days=1))
    await house.until(new.campaign_id, "booked")
    first = (await house.rows("SELECT min(at) AS at FROM looks"))[0]["at"]
    opens = datetime.now(UTC) + timedelta(days=345 - house.settings.policy.horizon_days)
    assert abs(first - opens) < timedelta(days=2)
    await house.in_order()
