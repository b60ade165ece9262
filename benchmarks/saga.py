"""How long a booking takes beyond what the providers take, and how many fit into a second."""

import asyncio
import time
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from typing import Any

from benchmarks import bare_engine
from benchmarks.installation import SERVERS, Inside, inside, installation, pids
from benchmarks.machine import Spent, spending
from benchmarks.result import Beside, Figure, Result, milliseconds, percentile
from benchmarks.saga_runners import RUNNERS, Book, Job, side_by_side
from benchmarks.saga_steps import Stopwatch, ready_to_book

IDLE_BOOKINGS, QUICK_IDLE = 30, 3
BUSY_BOOKINGS, QUICK_BUSY = 72, 6
SIDE_BY_SIDE = 12
TURN = 24  # bookings of one way before the next has its turn
SETTLE_SECONDS = 0.3  # what follows a booking must not be measured as the next one's
WARM_UP = 5
# A market each, so that no run books from what another has looked at.
MARKETS = (("JFK", "LIS"), ("JFK", "MAD"), ("JFK", "CDG"))
OURS = next(iter(RUNNERS))
EMPTY = "Temporal, steps that do nothing"


@dataclass
class Measured:
    """One way of running it, in seconds."""

    until_taken: list[float] = field(default_factory=list)
    until_ended: list[float] = field(default_factory=list)
    providers: list[float] = field(default_factory=list)
    spent: Spent = field(default_factory=lambda: Spent(cpu={}))
    busy: int = 0


def run(*, quick: bool = False) -> dict[str, Any]:
    idle = QUICK_IDLE if quick else IDLE_BOOKINGS
    busy = QUICK_BUSY if quick else BUSY_BOOKINGS
    with installation(SERVERS) as stack:
        measured, empty = asyncio.run(_all(stack, idle, busy))
    return _result(measured, empty, idle, busy).as_dict()


async def _all(stack: Any, idle: int, busy: int) -> tuple[dict[str, Measured], list[float]]:
    """Let each way take its turn, so that whatever else the machine does falls on all of them."""
    watch, measured = Stopwatch(), {name: Measured() for name in RUNNERS}
    async with inside(stack, wrap=watch.around) as house, AsyncExitStack() as opened:
        ways: list[tuple[Measured, Book, list[Job]]] = []
        for (name, runner), market in zip(RUNNERS.items(), MARKETS, strict=True):
            jobs = await ready_to_book(house, WARM_UP + idle + busy, market)
            if len(jobs) < WARM_UP + idle + busy:
                raise RuntimeError("the look matched too few campaigns")
            book = await opened.enter_async_context(runner(house, jobs))
            ways.append((measured[name], book, jobs))
            for job in jobs[:WARM_UP]:
                await book(job)
        for number in range(WARM_UP, WARM_UP + idle):
            for result, book, jobs in ways:
                await asyncio.sleep(SETTLE_SECONDS)
                await _alone(result, book, watch, jobs[number])
        for begin in range(WARM_UP + idle, WARM_UP + idle + busy, TURN):
            for result, book, jobs in ways:
                await asyncio.sleep(SETTLE_SECONDS)
                await _crowded(result, house, book, jobs[begin : begin + TURN])
        empty = await bare_engine.seconds_of(house.client, idle, SETTLE_SECONDS)
    return measured, empty


async def _alone(result: Measured, book: Book, watch: Stopwatch, job: Job) -> None:
    watch.restart()
    begun = time.perf_counter()
    await book(job)
    result.until_ended.append(time.perf_counter() - begun - watch.seconds)
    result.until_taken.append(watch.taken_at - begun - watch.seconds_when_taken)
    result.providers.append(watch.seconds)


async def _crowded(result: Measured, house: Inside, book: Book, jobs: list[Job]) -> None:
    with spending(pids(house.stack, "temporal", "postgres", "sandboxes")) as spent:
        await side_by_side(book, jobs, SIDE_BY_SIDE)
    total = result.spent
    result.spent = Spent(
        total.wall + spent.wall,
        {name: total.of(name) + seconds for name, seconds in (spent.cpu or {}).items()},
    )
    result.busy += len(jobs)


def _result(measured: dict[str, Measured], empty: list[float], idle: int, busy: int) -> Result:
    def figure(name: str, unit: str, value: Any, target: str = "") -> Figure:
        beside = tuple(Beside(n, value(m)) for n, m in measured.items() if n != OURS)
        return Figure(name, value(measured[OURS]), unit, target, beside)

    def taken(name: str, part: float, target: str = "") -> Figure:
        found = figure(name, "ms", latency(part, "until_taken"), target)
        alone = Beside(EMPTY, milliseconds(percentile(empty, part)))
        return replace(found, beside=(*found.beside, alone))

    def latency(part: float, which: str) -> Any:
        return lambda m: milliseconds(percentile(getattr(m, which), part))

    def cpu(*names: str) -> Any:
        return lambda m: milliseconds(m.spent.of(*names) / m.busy)

    return Result(
        name="saga",
        title="A booking, beyond the providers' own time",
        sizes={"idle_bookings": idle, "busy_bookings": busy, "side_by_side": SIDE_BY_SIDE},
        figures=(
            taken("match to money taken, p50", 0.5, "100 ms"),
            taken("match to money taken, p95", 0.95),
            figure("match to traveller told, p50", "ms", latency(0.5, "until_ended")),
            figure("match to traveller told, p95", "ms", latency(0.95, "until_ended")),
            figure("providers' own time, p50", "ms", latency(0.5, "providers")),
            figure(
                "bookings a second, saturated", "1/s", lambda m: round(m.busy / m.spent.wall, 2)
            ),
            figure("CPU a booking: engine and steps", "ms", cpu("python")),
            figure("CPU a booking: Temporal server", "ms", cpu("temporal")),
            figure("CPU a booking: Postgres", "ms", cpu("postgres")),
            figure("CPU a booking: sandboxes", "ms", cpu("sandboxes")),
        ),
        notes=(
            (
                "All three take the same six steps (the product's own activities, rows and mails), "
                "in one Python process, against the same sandbox and Postgres, each in its turn."
            ),
            (
                "Ours also starts the order's care and reports to the campaign, which the others "
                "do not; timers, messages to a running process, its history and its clock are what "
                "they would have to add."
            ),
            (
                f'"{EMPTY}": a signal, a child workflow and four activities of the same kinds and '
                "queues: what the engine takes by itself. The row lock is about what the steps "
                "take by themselves."
            ),
            (
                "DBOS and the row lock keep their state in Postgres, with no server of their own; "
                "the row lock has no retries, time-outs or recovery, which a product would "
                "have to write."
            ),
        ),
    )
