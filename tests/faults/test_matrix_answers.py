"""Every call of a booking, answered badly in every way."""

import pytest
from fault_stage import Stage
from temporalio import activity

from tests.conftest import Counted
from tests.faults.matrix import ELSEWHERE, Point, answer_trials
from tests.faults.verdict import PATIENCE, judge
from worker import Activities

pytestmark = pytest.mark.timeout(900)


def test_every_activity_is_in_the_matrix(stage: Stage, points: list[Point]) -> None:
    house = stage.house
    activities = Activities(house.settings, house.database, house.providers)
    all_of_them = {_name(each) for each in (*activities.main(), *activities.searching())}
    assert all_of_them == stage.seen | set(ELSEWHERE)


async def test_bad_answers_cost_nothing(
    stage: Stage, points: list[Point], counted: Counted
) -> None:
    await stage.worker(patience=PATIENCE)
    played = await stage.play_all(list(answer_trials(points)), patience=PATIENCE)
    await judge(stage, played, "bad answers", counted)


def _name(method: object) -> str:
    definition = activity._Definition.from_callable(method)
    assert definition is not None
    return str(definition.name)
