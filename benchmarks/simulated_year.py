"""How long a year of one campaign and its search loop takes when time is skipped."""

from typing import Any

from benchmarks.result import Figure, Result
from benchmarks.year import a_year

DAYS, QUICK_DAYS = 365, 5


def run(*, quick: bool = False) -> dict[str, Any]:
    year = a_year(QUICK_DAYS if quick else DAYS)
    return Result(
        name="simulated_year",
        title="A year by skipping time",
        sizes={"days": year.days, "step": "1 day"},
        figures=(
            Figure(f"{year.days} days of one campaign", round(year.seconds, 1), "s"),
            Figure("simulated days a second", round(year.days / year.seconds, 1), "1/s"),
            Figure("looks made", year.looks, "searches"),
        ),
        notes=(f"The wish never came true; it ended as {year.state}.",),
    ).as_dict()
