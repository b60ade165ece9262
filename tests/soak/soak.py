"""Runs schedules side by side on fresh servers, and boils a failing one down to a short script."""

import asyncio
import hashlib
import json
import tempfile
import time
import traceback
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from console_books import console_against
from house import TESTS

from cli.invariants import check, load_rows
from tests.soak.machine import schedules, think_up
from tests.soak.player import Player
from tests.soak.stage import LONG_PATIENCE, PATIENCE, SoakStage, open_soak_stage
from tests.soak.steps import Schedule, Script
from tests.soak.verdict import Verdict, judge, settle

REGRESSIONS = Path(__file__).parent / "regressions"
A_STAGE = 100  # schedules that share servers: their books are read again and again
SIDE_BY_SIDE = 10
TRIES = 3  # what went wrong in company is played alone so often
SHRINK_SECONDS = 600.0


@dataclass
class Report:
    """What a soak did."""

    schedules: int = 0
    steps: int = 0
    kills: int = 0
    killed: int = 0  # schedules that a kill was for
    faults: int = 0
    attempts: int = 0
    bookings: int = 0
    seconds: float = 0.0
    failed: list[tuple[Schedule, tuple[str, ...]]] = field(default_factory=list)
    elsewhere: list[str] = field(default_factory=list)  # wrong in the books, of no schedule

    @property
    def violations(self) -> int:
        return sum(len(wrong) for _, wrong in self.failed) + len(self.elsewhere)

    @property
    def simplest(self) -> tuple[Schedule, tuple[str, ...]]:
        """Return the failed schedule that is quickest to play again and again."""
        return min(self.failed, key=lambda failed: (failed[0].kills, _size(failed[0])))

    def __str__(self) -> str:
        return (
            f"soak: {self.schedules} schedules, {self.steps} steps, {self.faults} faults,"
            f" {self.kills} kills in {self.killed} of them, {self.attempts} attempts,"
            f" {self.bookings} bookings,"
            f" {self.seconds:.0f} s, {self.violations} violations"
        )

    def add(self, other: "Report") -> None:
        self.schedules += other.schedules
        self.steps += other.steps
        self.kills += other.kills
        self.killed += other.killed
        self.faults += other.faults
        self.attempts += other.attempts
        self.bookings += other.bookings
        self.seconds += other.seconds
        self.failed += other.failed
        self.elsewhere += other.elsewhere


class Soak:
    """Plays schedules on stages of a Postgres server."""

    def __init__(self, postgres_url: str, shrink_seconds: float = SHRINK_SECONDS) -> None:
        self._postgres_url, self._shrink_seconds = postgres_url, shrink_seconds
        self._stages = 0

    @asynccontextmanager
    async def _stage(self) -> AsyncIterator[SoakStage]:
        self._stages += 1
        name = f"soak_{self._stages}"
        with tempfile.TemporaryDirectory(prefix="parker-soak-") as folder:
            async with open_soak_stage(self._postgres_url, name, Path(folder)) as stage:
                yield stage

    async def play(self, wanted: Sequence[Schedule]) -> Report:
        """Play schedules on servers of their own; those with kills among themselves."""
        began = time.monotonic()
        async with self._stage() as stage:
            report = await self._play_on(stage, wanted)
            if not report.failed:
                report.elsewhere = await _whole(stage)
        report.seconds = time.monotonic() - began
        return report

    async def _play_on(self, stage: SoakStage, wanted: Sequence[Schedule]) -> Report:
        report = Report()
        calm = [s for s in wanted if not s.kills]
        deadly = [s for s in wanted if s.kills]
        for group, patience in ((calm, PATIENCE), (deadly, LONG_PATIENCE)):
            if group:
                await stage.work(patience=patience)
                await self._play_group(stage, group, report)
        report.kills, report.killed = stage.kills.count, stage.kills.lived_through
        return report

    async def _play_group(
        self, stage: SoakStage, group: Sequence[Schedule], report: Report
    ) -> None:
        width = asyncio.Semaphore(SIDE_BY_SIDE)

        async def one(schedule: Schedule) -> None:
            async with width, stage.kills.player():
                verdict = await play_one(stage, schedule)
            report.schedules += 1
            report.steps += len(schedule.steps)
            report.faults += verdict.faults
            report.attempts += verdict.attempts
            report.bookings += verdict.bookings
            if verdict.wrong:
                report.failed.append((schedule, verdict.wrong))

        await asyncio.gather(*(one(schedule) for schedule in group))

    async def replay(self, script: Script) -> Report:
        return await self.play(script.schedules)

    async def keep(
        self, failed: Schedule, wrong: Sequence[str], chunk: Sequence[Schedule], number: int
    ) -> Path:
        """Shrink a schedule that broke something and write it down as a regression test."""
        for _ in range(TRIES):
            alone = await self.play([failed])
            if alone.failed:
                break
        else:
            print("alone it holds; kept together with all that were played beside it")
            return _save(Script(tuple(chunk), tuple(wrong)))
        smallest, broke = await asyncio.to_thread(self._shrink, failed, number)
        return _save(Script((smallest,), broke))

    def _shrink(self, failed: Schedule, number: int) -> tuple[Schedule, tuple[str, ...]]:
        """Have Hypothesis think up the same schedules again, and go on from the one that failed."""
        verdicts: dict[Schedule, tuple[str, ...]] = {}
        smallest = failed
        deadline = time.monotonic() + self._shrink_seconds
        with asyncio.Runner() as runner:
            opened = AsyncExitStack()
            stage = runner.run(opened.enter_async_context(self._stage()))

            def try_it(schedule: Schedule) -> None:
                nonlocal smallest
                if not verdicts and schedule != failed:
                    return  # thought up before it, and held
                if schedule not in verdicts:
                    late = time.monotonic() > deadline
                    report = Report() if late else runner.run(self._play_on(stage, [schedule]))
                    verdicts[schedule] = tuple(w for _, wrong in report.failed for w in wrong)
                    if verdicts[schedule]:
                        smallest = min(smallest, schedule, key=_size)
                        print(f"still broken with {len(schedule.steps)} steps", flush=True)
                if verdicts[schedule]:
                    raise AssertionError(verdicts[schedule])

            with suppress(AssertionError):
                think_up(number, try_it, shrink=True)
            runner.run(opened.aclose())
        return smallest, verdicts.get(smallest, ())


def _size(schedule: Schedule) -> tuple[int, int]:
    return len(schedule.steps), len(str(schedule))


async def play_one(stage: SoakStage, schedule: Schedule) -> Verdict:
    """Play a schedule to its end and say what is wrong then."""
    player = Player(stage, schedule)
    wrong: list[str] = []
    await player.prepare()
    try:
        await player.play()
    except Exception as error:  # noqa: BLE001 - whatever a step met is a finding
        wrong.append(_told(error))
    try:
        wrong += await settle(player)
    except Exception as error:  # noqa: BLE001 - as above
        wrong.append(_told(error))
    verdict = await judge(player)
    return replace(verdict, wrong=(*wrong, *verdict.wrong))


async def _whole(stage: SoakStage) -> list[str]:
    """Check all books as a whole: what belongs to nobody is found only there.

    What operators are shown of them is held against them too.
    """
    async with stage.house.database.transaction(TESTS) as session:
        rows = await load_rows(session)
    ledger = await stage.control("GET", "/ledger")
    shown = await console_against(ledger, rows, stage.house.settings.database_address)
    return [*(str(each) for each in check(ledger, rows)), *shown]


def chunk_of(seed: int, number: int, count: int) -> tuple[list[Schedule], int]:
    """Return the n-th handful of a soak, and the number that Hypothesis thinks it up from."""
    text = f"{seed}:{number}".encode()
    chosen = int.from_bytes(hashlib.sha256(text).digest()[:6])
    return schedules(chosen)[:count], chosen


def _save(script: Script) -> Path:
    told = json.dumps([schedule.to_json() for schedule in script.schedules])
    path = REGRESSIONS / f"{hashlib.sha256(told.encode()).hexdigest()[:10]}.json"
    script.save(path)
    return path


def _told(error: Exception) -> str:
    where = traceback.extract_tb(error.__traceback__)[-1]
    return f"a step failed: {type(error).__name__} {error} in {where.name}"
