"""Every schedule that once broke something keeps its promises now: all files of the folder."""

from pathlib import Path

import pytest

from tests.soak.soak import REGRESSIONS, Report, Soak
from tests.soak.steps import Script

pytestmark = pytest.mark.timeout(900)
SCRIPTS = {path: Script.load(path) for path in sorted(REGRESSIONS.glob("*.json"))}


@pytest.fixture(scope="module")
async def report(postgres_url: str) -> Report:
    """Play them all on the same servers: each is a traveller of its own."""
    played = [schedule for script in SCRIPTS.values() for schedule in script.schedules]
    return await Soak(postgres_url).play(played)


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.stem)
def test_what_once_broke_holds(path: Path, report: Report) -> None:
    wrong = [w for schedule, w in report.failed if schedule in SCRIPTS[path].schedules]
    assert not wrong + report.elsewhere, f"again with: make soak ARGS='--replay {path}'"
