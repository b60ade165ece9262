"""The seller's quota holds whatever the number of workers; one look serves every wish it fits."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

from crowd import CrowdedSearch
from house import House, eventually, variables_for
from temporalio.api.enums.v1 import TaskQueueType
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import DescribeTaskQueueRequest
from temporalio.worker import Worker

from cli.demo_time import Clocks
from domain.campaigns import BookingMode
from domain.ids import AttemptId, BookingId, CampaignId
from domain.messages.attempt import AttemptInput
from domain.messages.search import LookInput
from domain.money import Money
from domain.offers import DatePair
from runtime.temporal import SEARCH_QUEUE
from worker import simulated_clock
from workflows.schedules import ensure_search_runs

ROOT = Path(__file__).parents[2]
HOPELESS = Money(minor=100, currency="USD")
A_SECOND = 5
# The server fills a bucket: it lets four seconds of the pace through at once. At the pace that is
# set for Duffel (1.8 a second, for at most 120 in 60 seconds) that leaves a rest of four.
BURST = 4 * A_SECOND


@asynccontextmanager
async def _another_process(house: House) -> AsyncIterator[None]:
    """Run a second worker as it is run in earnest, and wait until it asks for searches."""
    environ = {name: value for name, value in os.environ.items() if name[:7] != "PARKER_"}
    settings = house.settings
    environ |= {"PARKER_ENV_FILE": ""} | variables_for(
        str(settings.database_url),
        house.sandbox,
        settings.temporal_address,
        namespace=settings.temporal_namespace,
        searches_per_minute=settings.policy.searches_per_minute,
    )
    process = await asyncio.create_subprocess_exec(
        sys.executable, "worker.py", cwd=ROOT, env=environ,
        stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    try:
        await eventually(lambda: _asked_for_searches(house, process.pid), seconds=90)
        yield
    finally:
        process.terminate()
        await process.wait()


async def _asked_for_searches(house: House, pid: int) -> bool:
    answer = await house.client.workflow_service.describe_task_queue(
        DescribeTaskQueueRequest(
            namespace=house.client.namespace,
            task_queue=TaskQueue(name=SEARCH_QUEUE),
            task_queue_type=TaskQueueType.TASK_QUEUE_TYPE_ACTIVITY,
        )
    )
    return any(poller.identity.startswith(f"{pid}@") for poller in answer.pollers)


async def test_two_worker_processes_keep_the_limit_and_an_attempt_overtakes(furnish: Any) -> None:
    async with (
        furnish(searches_per_minute=60 * A_SECOND) as house,
        _another_process(house),
        Worker(house.client, task_queue="crowd", workflows=[CrowdedSearch]),
    ):
        looks = _looks(house, 90)
        asked, answered = await house.client.execute_workflow(
            CrowdedSearch.run, args=[looks, _attempt(looks[0].pair)], id="crowd", task_queue="crowd"
        )
        times = _searches(house)
        assert len(times) == 90
        for seconds in (1, 2, 5, 10):
            assert _most_within(times, seconds) <= A_SECOND * seconds + BURST, seconds
        # More than sixty were before it in the queue; it waited for a few of them.
        assert asked < 30
        assert answered - asked < 30


async def test_a_refusal_for_haste_is_waited_out_as_its_header_says(furnish: Any) -> None:
    async with furnish(extra_headers=simulated_clock) as house:
        fault = house.sandbox.fault("duffel", "create_offer_request", "rate_limit")
        user, traveler = await house.someone()
        new = house.new_campaign(user, (traveler,), house.wish(budget=HOPELESS))
        await house.create(new)

        async def fired() -> bool:
            rules = house.sandbox.control("GET", "/faults")
            return any(rule["id"] == fault and rule["fired"] for rule in rules)

        await eventually(fired)
        assert await house.rows("SELECT 1 FROM looks") == []
        await Clocks(house.client).step(timedelta(minutes=2), new.campaign_id)
        (look,) = await house.rows("SELECT at, failed FROM looks")
        assert look["failed"] is None
        refused, done = house.sandbox.control("GET", "/requests?operation=create_offer_request")
        assert (refused["status"], done["status"]) == (429, 201)
        # The header named the end of the wall clock's minute.
        began = datetime.fromisoformat(refused["at"])
        opens = began.replace(second=0, microsecond=0) + timedelta(minutes=1)
        waited = datetime.fromisoformat(done["now"]) - datetime.fromisoformat(refused["now"])
        assert waited >= opens - began - timedelta(seconds=1)
        assert waited <= timedelta(seconds=65)


async def test_one_look_serves_thirty_wishes(furnish: Any) -> None:
    async with furnish(workers=False) as quiet:
        # Watching begins with the loop: all wishes are there before it looks for the first time.
        settings, client = quiet.settings, quiet.client
        from worker import Activities, build_workers

        activities = Activities(settings, quiet.database, quiet.providers)
        first, second = build_workers(client, settings, activities)
        async with first, second:
            wishes = []
            for _ in range(30):
                user, traveler = await quiet.someone()
                new = quiet.new_campaign(user, (traveler,), mode=BookingMode.ASK_ME_FIRST)
                assert (await quiet.create(new)).code == "done"
                wishes.append(new.campaign_id)
            await ensure_search_runs(client, "duffel")

            async def all_asked() -> bool:
                rows = await quiet.rows("SELECT campaign_id FROM proposals WHERE status = 'open'")
                return {row["campaign_id"] for row in rows} == set(wishes)

            await eventually(all_asked)
        assert len(_searches(quiet)) == 1
        (look,) = await quiet.rows("SELECT campaigns, reason FROM looks")
        assert (look["campaigns"], look["reason"].split(",")[0]) == (30, "30 wishes")
        decided = await quiet.rows("SELECT DISTINCT campaign_id FROM offer_decisions")
        assert len(decided) == 30


def _looks(house: House, count: int) -> list[LookInput]:
    first = house.wish().departure_from
    pairs = (
        DatePair(origin="JFK", destination="LIS", departs_on=first + timedelta(days=n))
        for n in range(count)
    )
    return [
        LookInput(seller="duffel", look_key=f"crowd:{n}", pair=pair, reason="a crowd")
        for n, pair in enumerate(pairs)
    ]


def _attempt(pair: DatePair) -> AttemptInput:
    """An attempt that nobody made: its search is answered from the rows alone."""
    return AttemptInput(
        attempt_id=AttemptId(uuid4()),
        campaign_id=CampaignId(uuid4()),
        booking_id=BookingId(uuid4()),
        criteria_version=1,
        seller="duffel",
        pair=pair,
        itinerary_key="none",
        matched=HOPELESS,
        limit=HOPELESS,
    )


def _searches(house: House) -> list[datetime]:
    rows = house.sandbox.control("GET", "/requests?operation=create_offer_request")
    return sorted(datetime.fromisoformat(row["at"]).astimezone(UTC) for row in rows)


def _most_within(times: list[datetime], seconds: float) -> int:
    """Return the highest number of instants that any window of this length holds."""
    span = timedelta(seconds=seconds)
    return max(sum(1 for t in times if start <= t < start + span) for start in times)
