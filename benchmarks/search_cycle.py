"""What one check of many campaigns costs when one look serves all of a market."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from itertools import islice, permutations
from typing import Any

from sqlalchemy import Engine, event

from benchmarks.consents import Seals
from benchmarks.installation import SERVERS, Inside, inside, installation, pids
from benchmarks.machine import Spent, spending
from benchmarks.result import Beside, Figure, Result, milliseconds
from benchmarks.rows import count, users, watching_campaigns
from cli.stack import Stack
from domain.messages.search import SearchInput, search_workflow_id
from runtime.temporal import MAIN_QUEUE
from workflows.search import SearchWorkflow

CAMPAIGNS, QUICK_CAMPAIGNS = 10_000, 100
MARKETS, QUICK_MARKETS = 200, 4
ALONE, QUICK_ALONE = 300, 6  # campaigns with a search each
BUDGET_MINOR = 5_000  # nothing is as cheap, so that every offer is weighed and none is booked
CYCLE_SECONDS = 600
LONGEST_SECONDS = 400
_AIRPORTS = (
    "JFK", "LAX", "ORD", "MIA", "SFO", "LHR", "CDG", "FRA", "AMS", "MAD", "LIS", "FCO", "ZRH",
    "VIE", "CPH", "ARN", "OSL", "DUB", "ATH", "IST",
)  # fmt: skip
_ENV = {
    "PARKER_POLICY_MONITOR_MODE": "fixed",
    "PARKER_POLICY_MAX_LOOKS_PER_ROUND": "5000",
}


class Cost:
    """One check: what it took, and what it wrote."""

    def __init__(self, campaigns: int) -> None:
        self.campaigns = campaigns
        self.spent, self.statements, self.searches, self.decisions = Spent(), 0, 0, 0

    @property
    def cpu(self) -> float:
        """Return the CPU seconds of everything that is ours; the seller's sandbox is not."""
        return self.spent.of("python", "temporal", "postgres")


def run(*, quick: bool = False) -> dict[str, Any]:
    shared = _measure(QUICK_CAMPAIGNS if quick else CAMPAIGNS, QUICK_MARKETS if quick else MARKETS)
    alone_count = QUICK_ALONE if quick else ALONE
    alone = _measure(alone_count, alone_count)
    return _result(shared, alone).as_dict()


def _measure(campaigns: int, markets: int) -> Cost:
    with installation(SERVERS, env=_ENV) as stack:
        return asyncio.run(_check(stack, campaigns, markets))


async def _check(stack: Stack, campaigns: int, markets: int) -> Cost:
    cost = Cost(campaigns)
    async with inside(stack) as house:
        owners = await users(house.database, 100)
        await watching_campaigns(
            house.database,
            owners,
            _markets(markets),
            campaigns,
            budget_minor=BUDGET_MINOR,
            seals=Seals.of(house.settings),
        )
        with (
            _statements() as counted,
            spending(pids(stack, "temporal", "postgres", "sandboxes")) as cost.spent,
        ):
            await _one_round(house, markets)
        cost.statements = counted()
        cost.searches = await count(house.database, "looks", "failed IS NULL")
        cost.decisions = await count(house.database, "offer_decisions")
    return cost


async def _one_round(house: Inside, looks: int) -> None:
    """Start the loop and wait until it sleeps again."""
    loop = await house.client.start_workflow(
        SearchWorkflow.run,
        SearchInput(seller="duffel"),
        id=search_workflow_id("duffel"),
        task_queue=MAIN_QUEUE,
    )
    async with asyncio.timeout(LONGEST_SECONDS):
        while await count(house.database, "looks") < looks:  # noqa: ASYNC110 - rows tell nobody
            await asyncio.sleep(0.5)
    await loop.terminate()


def _markets(number: int) -> list[tuple[str, str, date]]:
    """Return so many markets; past the 380 routes of the airports, further days of them."""
    first = datetime.now(UTC).date() + timedelta(days=42)
    found: list[tuple[str, str, date]] = []
    for day in range(number // 380 + 1):
        routes = islice(permutations(_AIRPORTS, 2), number - len(found))
        found += [(a, b, first + timedelta(days=day)) for a, b in routes]
    return found[:number]


@contextmanager
def _statements() -> Iterator[Any]:
    """Count the statements that this process sends to Postgres."""
    sent = 0

    def one(*_: object) -> None:
        nonlocal sent
        sent += 1

    event.listen(Engine, "before_cursor_execute", one)
    try:
        yield lambda: sent
    finally:
        event.remove(Engine, "before_cursor_execute", one)


def _result(shared: Cost, alone: Cost) -> Result:
    name = f"one search a campaign ({alone.campaigns} of them)"

    def each(what: str, unit: str, value: Any) -> Figure:
        return Figure(what, value(shared), unit, "", (Beside(name, value(alone)),))

    return Result(
        name="search_cycle",
        title="One check of all campaigns",
        sizes={"campaigns": shared.campaigns, "markets": shared.searches, "alone": alone.campaigns},
        figures=(
            Figure("provider searches", shared.searches, "searches", "200"),
            Figure("wall time of the check", round(shared.spent.wall, 1), "s"),
            Figure("CPU, without the seller's sandbox", round(shared.cpu, 1), "s"),
            Figure(
                "share of one core in a 10-minute cycle",
                round(100 * shared.cpu / CYCLE_SECONDS, 1),
                "%",
                "below 25 %",
            ),
            Figure("CPU: worker", round(shared.spent.of("python"), 1), "s"),
            Figure("CPU: Postgres", round(shared.spent.of("postgres"), 1), "s"),
            Figure("CPU: Temporal server", round(shared.spent.of("temporal"), 1), "s"),
            Figure("SQL statements", shared.statements, "statements"),
            Figure("decisions written", shared.decisions, "rows"),
            each("CPU a campaign", "ms", lambda c: milliseconds(c.cpu / c.campaigns)),
            each("searches a campaign", "", lambda c: round(c.searches / c.campaigns, 3)),
            each("statements a campaign", "", lambda c: round(c.statements / c.campaigns, 3)),
        ),
        notes=(
            (
                "The fixed ten-minute pace, every market due at once, no wish within its budget, "
                "so that every offer of every look is weighed for every campaign."
            ),
            (
                f"The alternative was measured with {alone.campaigns} campaigns whose date pairs "
                "all differ, on the same code; its figures are for that number."
            ),
            (
                "The seller's quota is lifted: with 108 searches a minute the check takes as long "
                "as the quota says."
            ),
        ),
    )
