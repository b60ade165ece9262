"""Every call and activity of a booking, its worker killed before it and after its effect."""

from collections.abc import Sequence

import pytest
from fault_case import Aim
from fault_stage import Stage

from tests.conftest import Counted
from tests.faults.matrix import Point, kill_trials
from tests.faults.verdict import LONG_PATIENCE, judge, strike_all

pytestmark = pytest.mark.timeout(900)


async def test_killed_workers_cost_nothing(
    stage: Stage, points: list[Point], counted: Counted
) -> None:
    worker = await stage.worker(patience=LONG_PATIENCE)

    async def kill(_: Sequence[Aim]) -> None:
        await worker.kill()

    played = await strike_all(stage, kill_trials(points), kill)
    await judge(stage, played, "killed workers", counted)
