"""Every call and activity of a booking, its worker killed, or stopped past its time and continued.

Killed before it and after its effect.
"""

import asyncio
from collections.abc import Iterator, Sequence

import pytest
from fault_case import Aim
from fault_stage import Stage

from tests.conftest import Counted
from tests.faults.matrix import Point, kill_trials, stop_trials
from tests.faults.verdict import LONG_PATIENCE, judge, strike_all

pytestmark = [pytest.mark.timeout(900), pytest.mark.long]
HEARTBEAT_LOST = 12.0  # a little more than a worker may stay silent in the middle of a call


@pytest.fixture(autouse=True)
def no_worker_is_left(stage: Stage) -> Iterator[None]:
    yield
    stage.end_all()


async def test_killed_workers_cost_nothing(
    stage: Stage, points: list[Point], counted: Counted
) -> None:
    worker = await stage.worker(patience=LONG_PATIENCE)

    async def kill(_: Sequence[Aim]) -> None:
        await worker.kill()

    played = await strike_all(stage, kill_trials(points), kill)
    await judge(stage, played, "killed workers", counted)


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
