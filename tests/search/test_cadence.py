"""How often the market is looked at, counted over simulated days on the real server."""

from collections import Counter
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

from house import House, eventually

from cli.demo_time import Clocks
from domain.money import Money
from worker import simulated_clock

DAY, HOUR, MINUTE = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)
HOPELESS = Money(minor=100, currency="USD")  # nobody sells a seat for a dollar


async def _watch(house: House, **wish: Any) -> Any:
    user, traveler = await house.someone()
    new = house.new_campaign(user, (traveler,), house.wish(budget=HOPELESS, **wish))
    assert (await house.create(new)).code == "done"
    return new


async def _looks(house: House) -> list[dict[str, Any]]:
    return await house.rows("SELECT at, pair_key, reason, failed FROM looks ORDER BY at")


async def _first_look(house: House) -> None:
    await eventually(lambda: _looks(house))


async def test_the_fixed_mode_checks_a_pair_144_times_a_day(furnish: Any) -> None:
    choices = {"monitor_mode": "fixed", "monitor_interval_seconds": 600}
    async with furnish(extra_headers=simulated_clock, **choices) as house:
        wish = await _watch(house)
        await _first_look(house)
        await Clocks(house.client).step(DAY / 4, wish.campaign_id)
        looks = await _looks(house)

        began: datetime = looks[0]["at"]
        first_quarter = [look for look in looks if look["at"] < began + DAY / 4]
        assert len(first_quarter) == 144 / 4
        assert len({look["pair_key"] for look in looks}) == 1
        assert not any(look["failed"] for look in looks)
        gaps = [b["at"] - a["at"] for a, b in pairwise(looks)]
        assert all(abs(gap - 10 * MINUTE) < MINUTE / 2 for gap in gaps)
        # The seller's own books agree: a look is one search, and nothing else searched.
        asked = house.sandbox.control("GET", "/requests?operation=create_offer_request")
        assert len(asked) == len(looks)


async def test_the_budgeted_mode_keeps_its_budget_and_says_why(furnish: Any) -> None:
    budget = {"look_pairs_per_campaign": 3, "max_looks_per_round": 4}
    async with furnish(extra_headers=simulated_clock, **budget) as house:
        day = house.wish().departure_from
        wishes = [
            await _watch(
                house, origins=(origin,), departure_from=day, departure_until=day + 9 * DAY
            )
            for origin in ("JFK", "BOS", "ORD")
        ]
        await _first_look(house)
        await Clocks(house.client).step(3 * DAY, *(w.campaign_id for w in wishes))
        looks = await _looks(house)

        # Three looks a wish and check, four a round; a round is a minute at the least.
        by_market = {look["pair_key"][:3] for look in looks}
        assert by_market == {"JFK", "BOS", "ORD"}
        for market in by_market:
            times = [look["at"] for look in looks if look["pair_key"].startswith(market)]
            assert _most_within(times, HOUR - MINUTE) <= 3
        # A new wish causes a round of its own, so the first minute does not count.
        later = [look["at"] for look in looks if look["at"] > looks[0]["at"] + MINUTE]
        assert _most_within(later, MINUTE - MINUTE / 60) <= 4
        # Far from the limit it spends a small part of what the fixed mode would.
        assert len(looks) < 3 * 3 * 24
        assert max(Counter(look["pair_key"] for look in looks).values()) <= 4
        for look in looks:
            why = look["reason"].split(", ")
            assert why[0] == "1 wish"
            assert why[1] == "never looked at" or "above the highest limit" in why[1]
            assert why[-1].startswith("leaves in")


def _most_within(times: list[datetime], span: timedelta) -> int:
    """Return the highest number of instants that any window of this length holds."""
    return max(sum(1 for t in times if start <= t < start + span) for start in times)
