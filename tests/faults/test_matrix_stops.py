"""Every call and activity of a booking, its worker stopped past its time and then continued."""

import asyncio
from collections.abc import Sequence

import pytest
from fault_case import Aim
from fault_stage import Stage
from fault_workers import WorkerProcess

from tests.conftest import Counted
from tests.faults.matrix import SEARCHING, Point, stop_trials
from tests.faults.verdict import LONG_PATIENCE, judge, strike_all

pytestmark = pytest.mark.timeout(900)
HEARTBEAT_LOST = 12.0  # a little more than a worker may stay silent in the middle of a call


async def test_a_stopped_worker_that_comes_back_costs_nothing(
    stage: Stage, points: list[Point], counted: Counted
) -> None:
    workers = [await stage.worker(patience=LONG_PATIENCE)]
    asleep: list[asyncio.Task[None]] = []

    async def sleep(worker: WorkerProcess, hit: Sequence[Aim]) -> None:
        await asyncio.sleep(HEARTBEAT_LOST)  # the fault itself: nobody hears of it for so long
        stage.let_go(hit)
        worker.go_on()
        worker.retire()

    async def stop(hit: Sequence[Aim]) -> None:
        """Let a worker stand still, another take over, and the first go on where it was.

        Others are stopped meanwhile, but for the search loop, which is everybody's.
        """
        workers[-1].stop()
        asleep.append(asyncio.create_task(sleep(workers[-1], hit)))
        workers.append(await stage.worker(patience=LONG_PATIENCE))
        if any(aim.case.point.workflow == SEARCHING for aim in hit):
            await asleep[-1]

    played = await strike_all(stage, stop_trials(points), stop)
    await asyncio.gather(*asleep)
    await judge(stage, played, "stopped workers", counted)
