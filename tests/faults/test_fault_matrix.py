"""Every call and activity of a booking, times everything that can go wrong with it."""

import asyncio
import signal
import time
from collections.abc import Sequence

import pytest
from fault_stage import Played, Stage
from fault_worker import RELEASED

from tests.faults.matrix import (
    SCENARIOS,
    STOPPED_SECONDS,
    Point,
    answer_cases,
    batches,
    kill_cases,
    new_points,
    stop_cases,
)

pytestmark = pytest.mark.timeout(900)
PATIENCE = 8.0  # of a worker with a silent provider; long enough for a busy machine
LONG_PATIENCE = 80.0  # where the worker's end must come before the time-out
HEARTBEAT_LOST = 12.0  # a little more than a worker may stay silent in the middle of a call


@pytest.fixture(scope="module")
async def points(stage: Stage) -> list[Point]:
    worker = await stage.worker(patience=PATIENCE)
    found = new_points(await stage.record(SCENARIOS))
    print(*found, sep="\n")
    stage.end(worker, signal.SIGTERM)
    return found


async def test_bad_answers_cost_nothing(stage: Stage, points: list[Point]) -> None:
    worker = await stage.worker(patience=PATIENCE)
    played = await stage.play_all(list(answer_cases(points)), patience=PATIENCE)
    await _judge(stage, played, "bad answers")
    stage.end(worker, signal.SIGTERM)


async def test_killed_workers_cost_nothing(stage: Stage, points: list[Point]) -> None:
    played: list[Played] = []
    worker = await stage.worker(patience=LONG_PATIENCE)
    for batch in batches(kill_cases(points)):
        group = await stage.play_all(batch, patience=LONG_PATIENCE)
        played += group
        await stage.all_reached(group)
        stage.end(worker)
        worker = await stage.worker(patience=LONG_PATIENCE)
    await _judge(stage, played, "killed workers")
    stage.end(worker, signal.SIGTERM)


async def test_a_stopped_worker_that_comes_back_costs_nothing(
    stage: Stage, points: list[Point]
) -> None:
    played: list[Played] = []
    for batch in batches(stop_cases(points)):
        worker = await stage.worker(patience=LONG_PATIENCE)
        began = time.monotonic()
        group = await stage.play_all(batch, patience=LONG_PATIENCE)
        played += group
        await stage.all_reached(group)
        worker.send_signal(signal.SIGSTOP)
        assert time.monotonic() - began < STOPPED_SECONDS, "the first calls were answered already"
        other = await stage.worker(patience=LONG_PATIENCE)
        await asyncio.sleep(HEARTBEAT_LOST)  # the fault itself: nobody hears of it for so long
        (stage.folder / RELEASED).touch()
        worker.send_signal(signal.SIGCONT)
        await stage.settle(group)
        stage.end(worker, signal.SIGTERM)
        stage.end(other, signal.SIGTERM)
    worker = await stage.worker(patience=LONG_PATIENCE)
    await _judge(stage, played, "stopped workers")
    stage.end(worker, signal.SIGTERM)


async def _judge(stage: Stage, played: Sequence[Played], name: str) -> None:
    problems = await stage.settle(played)
    problems += await stage.judge(played)
    missed = [f"{p.case}: not reached" for p in played if not p.reached]
    print(
        f"\nfault matrix ({name}): {len(played)} cases, {len(played) - len(missed)} reached,"
        f" {len(problems)} violations"
    )
    assert not problems + missed, "\n".join(problems + missed)
