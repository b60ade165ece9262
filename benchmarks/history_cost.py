"""Temporal's events and billable actions for a campaign-year, beside a loop of its own."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

from temporalio import activity
from temporalio.worker import Worker

from benchmarks.installation import SERVERS, inside, installation
from benchmarks.polling_loop import QUEUE, PollingCampaign
from benchmarks.result import Beside, Figure, Result
from benchmarks.year import History, Year, a_year, history_of, pass_days

DAYS, QUICK_DAYS = 365, 5
POLL_EVERY = timedelta(hours=6)
LOOP_DAYS, QUICK_LOOP_DAYS = 365, 2


def run(*, quick: bool = False) -> dict[str, Any]:
    year = a_year(QUICK_DAYS if quick else DAYS)
    days = QUICK_LOOP_DAYS if quick else LOOP_DAYS
    return _result(year, asyncio.run(_loop(days)), days).as_dict()


@activity.defn(name="poll")
async def poll() -> None:
    """Stand for a search: only what Temporal writes about it is counted."""


async def _loop(days: int) -> History:
    """Live with the plain design: a workflow a campaign that searches, sleeps, and repeats."""
    with installation(SERVERS, time_skipping=True) as stack:
        async with (
            inside(stack, workers=False) as house,
            Worker(house.client, task_queue=QUEUE, workflows=[PollingCampaign], activities=[poll]),
        ):
            until = datetime.now(UTC) + timedelta(days=days)
            handle = await house.client.start_workflow(
                PollingCampaign.run,
                args=[POLL_EVERY.total_seconds(), until.timestamp()],
                id="polling",
                task_queue=QUEUE,
            )
            await pass_days(house.client, days + 1, handle.id)
            return await history_of(house.client, handle.id)


def _result(year: Year, loop: History, days: int) -> Result:
    name = f"a polling loop a campaign, every {POLL_EVERY.seconds // 3600} h, {days} days"
    parts = ", ".join(f"{n} {what}" for what, n in sorted(year.campaign.actions.items()) if n)
    return Result(
        name="history_cost",
        title="Temporal's work for one campaign",
        sizes={"days": year.days, "polling_loop_days": days},
        figures=(
            Figure(
                "billable actions of the campaign",
                year.campaign.billable,
                "actions",
                "at most 100",
                (Beside(name, loop.billable),),
            ),
            Figure(
                "events of the campaign",
                year.campaign.events,
                "events",
                "",
                (Beside(name, loop.events),),
            ),
            Figure("billable actions of the search loop", year.search.billable, "actions"),
            Figure("events of the search loop", year.search.events, "events"),
            Figure("looks that the search loop made", year.looks, "searches"),
        ),
        notes=(
            f"The campaign lived {year.days} days and ended as {year.state}: {parts}.",
            "The search loop serves all campaigns of a seller; here it had only this one.",
            (
                "Actions are counted from the histories by Temporal Cloud's published rules; "
                "signals between processes count at both ends, which is more than is billed."
            ),
        ),
    )
