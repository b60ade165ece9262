"""Every call and activity of a booking, times everything that can go wrong with it."""

import asyncio
from collections.abc import Iterator, Sequence

import pytest
from fault_case import Aim, Played
from fault_report import standing
from fault_stage import Stage, Strike
from temporalio import activity

from tests.faults.matrix import (
    ELSEWHERE,
    SCENARIOS,
    Point,
    Trial,
    answer_trials,
    batches,
    kill_trials,
    new_points,
    stop_trials,
)
from worker import Activities

pytestmark = pytest.mark.timeout(900)
PATIENCE = 8.0  # of a worker with a silent provider; long enough for a busy machine
LONG_PATIENCE = 80.0  # where the worker's end must come before the time-out
HEARTBEAT_LOST = 12.0  # a little more than a worker may stay silent in the middle of a call


@pytest.fixture(scope="module")
async def points(stage: Stage) -> list[Point]:
    worker = await stage.worker(patience=PATIENCE)
    found = new_points(await stage.record(SCENARIOS))
    worker.end()
    return found


@pytest.fixture(autouse=True)
def no_worker_is_left(stage: Stage) -> Iterator[None]:
    yield
    stage.end_all()


def test_every_activity_is_in_the_matrix(stage: Stage, points: list[Point]) -> None:
    house = stage.house
    activities = Activities(house.settings, house.database, house.providers)
    all_of_them = {_name(each) for each in (*activities.main(), *activities.searching())}
    assert all_of_them == stage.seen | set(ELSEWHERE)


async def test_bad_answers_cost_nothing(stage: Stage, points: list[Point]) -> None:
    await stage.worker(patience=PATIENCE)
    played = await stage.play_all(list(answer_trials(points)), patience=PATIENCE)
    await _judge(stage, played, "bad answers")


async def test_killed_workers_cost_nothing(stage: Stage, points: list[Point]) -> None:
    worker = await stage.worker(patience=LONG_PATIENCE)

    async def kill(_: Sequence[Aim]) -> None:
        await worker.kill()

    played = await _strike(stage, kill_trials(points), kill)
    await _judge(stage, played, "killed workers")


async def test_a_stopped_worker_that_comes_back_costs_nothing(
    stage: Stage, points: list[Point]
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

    played = await _strike(stage, stop_trials(points), stop)
    await _judge(stage, played, "stopped workers")


async def _strike(stage: Stage, trials: Sequence[Trial], strike: Strike) -> list[Played]:
    """Play all trials; those whose course a strike for others has changed are played again."""
    played: list[Played] = []
    for batch in batches(trials):
        played += await stage.play_under(batch, patience=LONG_PATIENCE, strike=strike)
    missed = [one for one in played if not one.reached]
    for one in missed:
        one.aims = [aim for aim in one.aims if aim.reached_at]
    again = [one.trial for one in missed if one.trial]
    if again:
        played += await stage.play_under(again, patience=LONG_PATIENCE, strike=strike)
    return played


async def _judge(stage: Stage, played: Sequence[Played], name: str) -> None:
    problems = await stage.settle(played)
    stuck = [one for one in played if any(p.startswith(f"{one}:") for p in problems)]
    how_it_stands = await standing(stage.house.client, stuck)
    problems += await stage.judge(played)
    aims = [aim for one in played for aim in one.aims]
    missed = [f"{aim.case}: not reached" for aim in aims if not aim.reached_at]
    print(
        f"\nfault matrix ({name}): {len(aims)} cases on {len(played)} campaigns,"
        f" {len(aims) - len(missed)} reached, {len(problems)} violations"
    )
    print(*problems, *missed, *how_it_stands, sep="\n")
    assert not problems + missed, "\n".join(problems + missed)


def _name(method: object) -> str:
    definition = activity._Definition.from_callable(method)
    assert definition is not None
    return str(definition.name)
