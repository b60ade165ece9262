"""Temporal alone: the hand-overs of one booking, with steps that do nothing."""

import asyncio
import time
from datetime import timedelta
from uuid import uuid4

from temporalio import activity, workflow
from temporalio.client import Client
from temporalio.common import Priority
from temporalio.worker import Worker

QUEUE, OTHER_QUEUE = "bench-empty", "bench-empty-search"
_BRIEF = timedelta(seconds=30)


@activity.defn
async def nothing() -> None:
    """Stand for a step: its row, its call and its answer."""


@workflow.defn
class EmptyAttempt:
    """Has an attempt's steps until the money is taken: one on another queue, three here."""

    @workflow.run
    async def run(self) -> None:
        await workflow.execute_activity(
            nothing,
            task_queue=OTHER_QUEUE,
            priority=Priority(priority_key=1),
            start_to_close_timeout=_BRIEF,
        )
        for _ in range(3):
            await workflow.execute_activity(nothing, start_to_close_timeout=_BRIEF)


@workflow.defn
class EmptyCampaign:
    """Sleeps until it is told of a match, writes it down and starts the attempt."""

    def __init__(self) -> None:
        self._matched = False

    @workflow.run
    async def run(self) -> None:
        await workflow.wait_condition(lambda: self._matched)
        await workflow.execute_local_activity(nothing, start_to_close_timeout=_BRIEF)
        await workflow.execute_child_workflow(
            EmptyAttempt.run, id=f"{workflow.info().workflow_id}:attempt"
        )

    @workflow.signal
    def matched(self) -> None:
        self._matched = True


async def seconds_of(client: Client, bookings: int, settle_seconds: float) -> list[float]:
    """Return how long each took, one after the other."""
    took = []
    async with (
        Worker(
            client,
            task_queue=QUEUE,
            workflows=[EmptyCampaign, EmptyAttempt],
            activities=[nothing],
        ),
        Worker(
            client,
            task_queue=OTHER_QUEUE,
            activities=[nothing],
            disable_eager_activity_execution=True,
        ),
    ):
        for _ in range(bookings):
            handle = await client.start_workflow(
                EmptyCampaign.run, id=f"empty:{uuid4()}", task_queue=QUEUE
            )
            await asyncio.sleep(settle_seconds)  # it sleeps from here on
            begun = time.perf_counter()
            await handle.signal(EmptyCampaign.matched)
            await handle.result()
            took.append(time.perf_counter() - begun)
    return took
