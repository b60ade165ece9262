"""Every call and activity of a booking, its worker stopped past its time and then continued."""

import asyncio
from collections.abc import Sequence

import pytest
from fault_case import Aim
from fault_stage import Stage

from tests.conftest import Counted
from tests.faults.matrix import Point, stop_trials
from tests.faults.verdict import LONG_PATIENCE, judge, strike_all

pytestmark = pytest.mark.timeout(900)
HEARTBEAT_LOST = 12.0  # a little more than a worker may stay silent in the middle of a call


async def test_a_stopped_worker_that_comes_back_costs_nothing(
    stage: Stage, points: list[Point], counted: Counted
) -> None:
    workers = [await stage.worker(patience=LONG_PATIENCE)]

    async def stop(hit: Sequence[Aim]) -> None:
        """Let a worker stand still, another take over, and the first go on where it was."""
        sleeper = workers[-1]
        sleeper.stop()
        workers.append(await stage.worker(patience=LONG_PATIENCE))
        await asyncio.sleep(HEARTBEAT_LOST)  # the fault itself: nobody hears of it for so long
        stage.let_go(hit)
        sleeper.go_on()
        sleeper.retire()

    played = await strike_all(stage, stop_trials(points), stop)
    await judge(stage, played, "stopped workers", counted)
