"""Sixty random schedules, the same ones each time; `make soak` plays as many as asked for."""

import pytest

from tests.conftest import Counted
from tests.soak.soak import Soak, chunk_of

# Playing takes a fifth of it, boiling a failure down the rest.
pytestmark = pytest.mark.timeout(900)
SCHEDULES = 60
SEED = 1
SHRINK_SECONDS = 300.0


async def test_random_schedules_keep_every_promise(postgres_url: str, counted: Counted) -> None:
    soak = Soak(postgres_url, SHRINK_SECONDS)
    chunk, number = chunk_of(SEED, 0, SCHEDULES)
    report = await soak.play(chunk)
    counted(str(report))
    told = [f"{schedule}\n{wrong}" for schedule, wrong in report.failed] + report.elsewhere
    if report.failed:
        schedule, wrong = report.simplest
        told.append(f"kept as {await soak.keep(schedule, wrong, chunk, number)}")
    assert report.schedules == SCHEDULES
    assert report.bookings
    assert not told, "\n\n".join(told)
