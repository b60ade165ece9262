"""How the matrix is played and judged: what a strike has spoiled once more, then both books."""

from collections.abc import Sequence

from fault_case import Played
from fault_report import standing
from fault_stage import Stage, Strike

from tests.conftest import Counted
from tests.faults.matrix import Trial, batches

PATIENCE = 8.0  # of a worker with a silent provider; long enough for a busy machine
LONG_PATIENCE = 80.0  # where the worker's end must come before the time-out


async def strike_all(stage: Stage, trials: Sequence[Trial], strike: Strike) -> list[Played]:
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


async def judge(stage: Stage, played: Sequence[Played], name: str, counted: Counted) -> None:
    """Let every deadline pass; fail, saying why, unless every promise holds in both books."""
    problems = await stage.settle(played)
    stuck = [one for one in played if any(p.startswith(f"{one}:") for p in problems)]
    how_it_stands = await standing(stage.house.client, stuck)
    problems += await stage.judge(played)
    aims = [aim for one in played for aim in one.aims]
    missed = [f"{aim.case}: not reached" for aim in aims if not aim.reached_at]
    counted(
        f"fault matrix ({name}): {len(aims)} cases on {len(played)} campaigns,"
        f" {len(aims) - len(missed)} reached, {len(problems)} violations"
    )
    assert not problems + missed, "\n".join((*problems, *missed, *how_it_stands))
