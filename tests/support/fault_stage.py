"""Where faults are played: a house without workers of its own, and worker processes to be killed.

Each case has a campaign of its own, side by side with all others; rules and holds are aimed at it.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import fault_worker
import httpx
from fault_case import Aim, Played, told, unfinished
from fault_people import People
from fault_workers import POLICY, WorkerProcess
from house import TESTS, House, eventually, open_house, variables_for
from sandbox import Sandbox
from temporalio.client import Client

from cli.invariants import Rows, check, load_rows, unsettled
from domain.campaigns import BookingMode
from domain.criteria import Criteria
from tests.faults.matrix import (
    BOOKED,
    MAIL,
    SEARCHING,
    Case,
    Fault,
    Point,
    Scenario,
    Trial,
    rule_of,
)

# Nothing has moved for so long: whatever is not done is stuck. A call that failed while its vendor
# was away was last put off by 64 s, and takes as long as its time-out.
STILL_SECONDS = 150.0
AT_LAST_SECONDS = 300.0  # whatever still moves then goes round in circles
ON_ITS_WAY_SECONDS = 60.0  # a fault that has not come about by then is waited for beside others
LOOK_AROUND_SECONDS, LOOK_AGAIN_SECONDS = 0.5, 5.0
# A step on rows is repeated after 15 s, a call after 75 s: by then it would be another case.
BRIEF_HOLD_SECONDS, LONG_HOLD_SECONDS = 6.0, 40.0
_ROUTES = (("JFK", "LIS"), ("JFK", "MAD"), ("JFK", "CDG"), ("BOS", "LIS"))
_DAYS = range(30, 280)  # from today; airlines sell up to 331 days ahead
_SIDE_BY_SIDE = 16
Strike = Callable[[Sequence[Aim]], Awaitable[None]]


class Stage:
    """A database, a Temporal server and sandboxes, on which workers come and go."""

    def __init__(self, house: House, variables: dict[str, str], folder: Path) -> None:
        self.house, self.folder = house, folder
        self._variables = variables
        self._http = httpx.AsyncClient(
            base_url=house.sandbox.url,
            headers={"X-Sandbox-Control": house.sandbox.control_token},
            timeout=60,
        )
        self._people = People(house, self.next_wish)
        self._workers: list[WorkerProcess] = []
        self._watched: list[Played] = []
        self.seen: set[str] = set()  # the activities that the recorded courses came by
        self._wishes = 0
        self._own_days = 0
        self._width = asyncio.Semaphore(_SIDE_BY_SIDE)

    # Workers

    async def worker(self, *, patience: float) -> WorkerProcess:
        """Start a worker process and wait until it works."""
        worker = WorkerProcess(self.folder, self._variables, patience)
        self._workers.append(worker)
        await worker.works()
        return worker

    async def aclose(self) -> None:
        await self._people.go_home()
        self.end_all()
        await self._http.aclose()

    def end_all(self) -> None:
        for worker in self._workers:
            worker.destroy()
        self._workers.clear()

    # Playing

    async def play(
        self,
        scenario: Scenario,
        trial: Trial | None = None,
        *,
        patience: float = 4,
        mode: BookingMode | None = None,
    ) -> Played:
        """Set the trial's faults and let somebody make the wish."""
        async with self._width:
            searching = trial is not None and trial.of_search_loop
            mode = mode or scenario.mode
            played = await self._somebody(scenario, own_day=searching, mode=mode)
            if trial:
                played.trial = trial
                for case in trial.cases:
                    played.aims.append(await self._aim(played, case, patience))
                self._watched.append(played)
            await self._follow(played)
            # Few at a time on their way: a worker that is overrun times out by itself.
            deadline = time.monotonic() + ON_ITS_WAY_SECONDS
            while not _begun(played) and time.monotonic() < deadline:  # noqa: ASYNC110
                await asyncio.sleep(0.1)
        return played

    async def _watch(self) -> None:
        """Note again and again which faults have come about."""
        while True:
            await self._look_around()
            await asyncio.sleep(LOOK_AROUND_SECONDS)

    async def _look_around(self) -> None:
        await self.look([p for p in self._watched if not p.reached])
        await self._people.look_around(self._watched)

    async def _somebody(self, scenario: Scenario, *, own_day: bool, mode: BookingMode) -> Played:
        """Let a new person think of a wish; it is not told to anybody yet."""
        user, traveler = await self.house.someone(scenario.card)
        wish = self.next_wish(scenario, own_day=own_day)
        new = self.house.new_campaign(user, (traveler,), wish, mode=mode)
        return Played(None, scenario, new)

    async def _follow(self, played: Played) -> None:
        """Let the wish be made, and its booking take the scenario's course."""
        for rule in played.scenario.rules:
            await self.control("POST", "/faults", rule | {"contains": str(played.attempt_id)})
        await self.house.create(played.new)

    async def _aim(self, played: Played, case: Case, patience: float) -> Aim:
        """Set the case's fault: before the course's own rules, so that it comes first."""
        if case.point.is_call:
            rule = rule_of(case, self._contains(case.point, played), patience)
            return Aim(case, rule=(await self.control("POST", "/faults", rule))["id"])
        when = "after" if case.fault is Fault.KILLED_AFTER else "before"
        place = f"{case.point.activity}@{played.workflow_id(case.point.workflow)}"
        aim = Aim(case, hold=fault_worker.hold_file(when, place))
        (self.folder / aim.hold).touch()
        return aim

    def _contains(self, point: Point, played: Played) -> str:
        """Return what only this campaign's calls of the kind contain."""
        if point.vendor == MAIL:
            return played.address
        if point.workflow == SEARCHING:
            return played.day
        return f"{point.activity}@{played.workflow_id(point.workflow)}"

    def next_wish(self, scenario: Scenario = BOOKED, *, own_day: bool = False) -> Criteria:
        """Return a wish for a market that nobody else watches: looks are shared, waits are not.

        A day of one's own is one that no other call names.
        """
        if own_day:
            self._own_days += 1
            route, day = _ROUTES[0], _DAYS.stop + self._own_days
        else:
            number, place = divmod(self._wishes, len(_DAYS))
            route, day = _ROUTES[number], _DAYS[place]
            self._wishes += 1
        departs = datetime.now(UTC).date() + timedelta(days=day)
        where = {"origins": (route[0],), "destinations": (route[1],)}
        when = {"departure_from": departs, "departure_until": departs}
        return self.house.wish(**where, **when, **scenario.wish)

    async def control(self, method: str, path: str, json: object = None) -> Any:
        """Call the sandboxes' control plane."""
        answer = await self._http.request(method, f"/_control{path}", json=json)
        answer.raise_for_status()
        return answer.json() if answer.content else None

    async def play_all(self, trials: Sequence[Trial], *, patience: float) -> list[Played]:
        """Play side by side; what holds up the search loop only when all others have begun."""
        others = [t for t in trials if not t.of_search_loop]
        loop = [t for t in trials if t.of_search_loop]
        played: list[Played] = []
        self._watched = []
        watching = asyncio.create_task(self._watch())
        try:
            for group in (others, loop):
                played += await asyncio.gather(
                    *(self.play(t.scenario, t, patience=patience) for t in group)
                )
        finally:
            watching.cancel()
        return played

    async def play_under(
        self, trials: Sequence[Trial], *, patience: float, strike: Strike
    ) -> list[Played]:
        """Play side by side, and strike whenever some have come to their points.

        As seldom as possible: what is held on rows can wait a little, what calls somewhat longer.
        """
        playing = asyncio.create_task(self.play_all(trials, patience=patience))
        quiet_since = time.monotonic()
        while True:
            aims = [aim for played in self._watched for aim in played.aims]
            hit = [aim for aim in aims if aim.reached_at and not aim.struck]
            all_begun = playing.done() and not any(not aim.reached_at for aim in aims)
            if hit and (all_begun or max(map(_overdue, hit)) >= 0):
                await strike(hit)
                for aim in hit:
                    aim.struck = True
                quiet_since = time.monotonic()
            elif all_begun or time.monotonic() - quiet_since > ON_ITS_WAY_SECONDS:
                return await playing
            if playing.done():
                await self._look_around()
            await asyncio.sleep(LOOK_AROUND_SECONDS)

    def let_go(self, aims: Sequence[Aim]) -> None:
        """Let those go on that were held."""
        for aim in aims:
            if aim.hold:
                (self.folder / f"{aim.hold}{fault_worker.RELEASED}").touch()

    async def look(self, played: Sequence[Played]) -> None:
        """Note which faults have come about."""
        if not played:
            return
        fired = {r["id"] for r in await self.control("GET", "/faults") if r["fired"]}
        for aim in (aim for one in played for aim in one.aims if not aim.reached_at):
            held = self.folder / f"{aim.hold}{fault_worker.HELD}"
            if aim.rule in fired or (aim.hold and held.exists()):
                aim.reached_at = time.monotonic()

    # Settling

    async def settle(self, played: Sequence[Played]) -> list[str]:
        """Let every deadline pass, and end what still watches; say what came to no end."""
        return await self.finish(played) + await self.close(played)

    async def finish(self, played: Sequence[Played]) -> list[str]:
        """Let every deadline pass; say what did not come to an end."""
        deadline, seen = time.monotonic() + STILL_SECONDS, (-1, 0)
        last, looked = time.monotonic() + AT_LAST_SECONDS, 0.0
        waiting: list[str] = []
        while True:
            steps, now = await self._steps(), time.monotonic()
            if steps != seen:
                deadline = now + STILL_SECONDS
            # All rows are many: they are read where something moved, and now and then.
            if steps != seen or now - looked > LOOK_AGAIN_SECONDS:
                seen, looked = steps, now
                waiting = await self._waiting(played)
            if not waiting or now > min(deadline, last):
                break
            await self._people.look_around(played)
            await asyncio.sleep(2 * LOOK_AROUND_SECONDS)
        await self.look(played)
        return waiting

    async def close(self, played: Sequence[Played]) -> list[str]:
        """Have what still watches cancelled, so that nothing begins any more."""
        states = await self.states()
        watching = [p for p in played if states.get(p.new.campaign_id) in {"active", "paused"}]
        await asyncio.gather(*(self.house.update(p.new.campaign_id, "cancel") for p in watching))

        async def quiet() -> bool:
            await self._people.look_around(played)
            await asyncio.sleep(2 * LOOK_AROUND_SECONDS)
            return not unsettled(await self.rows())

        try:
            await eventually(quiet, seconds=STILL_SECONDS)
        except AssertionError:
            return [f"never settled: {why}" for why in unsettled(await self.rows())]
        return []

    async def states(self) -> dict[UUID, str]:
        """Return where each campaign stands."""
        rows = await self.house.rows("SELECT id, status FROM autobooking_campaigns")
        return {row["id"]: row["status"] for row in rows}

    async def _steps(self) -> tuple[int, int]:
        """Return what grows with all that is done: the events of all wishes, and what ran."""
        rows = await self.house.rows("SELECT sum(event_seq) AS steps FROM autobooking_campaigns")
        ran = self.folder / fault_worker.RAN
        return rows[0]["steps"], ran.stat().st_size if ran.exists() else 0

    async def _waiting(self, played: Sequence[Played]) -> list[str]:
        rows = await self.rows()
        waiting = [f"{p}: {why}" for p in played if (why := unfinished(p, rows))]
        return waiting or await self._untold({p.new.campaign_id: p for p in played})

    # Judging

    async def rows(self) -> Rows:
        async with self.house.database.transaction(TESTS) as session:
            return await load_rows(session)

    async def judge(self, played: Sequence[Played]) -> list[str]:
        """Return what is wrong in both sides' books, each with its case."""
        rows = await self.rows()
        ledger = await self.control("GET", "/ledger")
        accepted = [p.new.campaign_id for p in played]
        found = [told(v, ledger, rows, played) for v in check(ledger, rows, accepted)]
        by_campaign: dict[UUID, Played] = {p.new.campaign_id: p for p in played}
        for task in rows.tasks:
            one = by_campaign.get(task.campaign_id) if task.campaign_id else None
            expected = one is not None and task.kind == one.scenario.asks
            if one and not expected and not one.may_ask_a_person:
                found.append(f"{one}: asked a person: {task.kind}")
        return found + await self._untold(by_campaign)

    async def _untold(self, by_campaign: dict[Any, Played]) -> list[str]:
        """Find mails that were never sent though nobody refused them."""
        query = "SELECT campaign_id, event FROM notices WHERE sent_at IS NULL AND channel = 'email'"
        pending = [
            (by_campaign.get(r["campaign_id"]), r["event"]) for r in await self.house.rows(query)
        ]
        return [f"{p}: never told: {event}" for p, event in pending if p and not p.may_ask_a_person]

    # Recording

    async def record(self, scenarios: Sequence[Scenario]) -> list[Point]:
        """Watch each course once, undisturbed: what runs, and which calls each of it makes."""
        played = await asyncio.gather(*(self.play(s) for s in scenarios))
        problems = await self.finish(played)
        ran = (self.folder / fault_worker.RAN).read_text().splitlines()
        requests = await self.control("GET", "/requests")
        problems += await self.close(played)
        assert not problems, problems
        await self.control("DELETE", "/faults")
        known = await self.control("GET", "/operations")
        reads = {(o["vendor"], o["operation"]): o["kind"] == "read" for o in known}
        points = [p for one in played for p in _points_of(one, ran, requests, reads)]
        self.seen = {point.activity for point in points}
        # The search loop is everybody's: whose course it was seen on means nothing.
        return [replace(p, scenario=BOOKED) if p.workflow == SEARCHING else p for p in points]


def _begun(played: Played) -> bool:
    """Say whether the first of its faults has come about, where it has any."""
    return not played.aims or any(aim.reached_at for aim in played.aims)


def _overdue(aim: Aim) -> float:
    """Return for how many seconds too long it has been held; negative if it can wait."""
    most = BRIEF_HOLD_SECONDS if aim.case.point.brief else LONG_HOLD_SECONDS
    return time.monotonic() - aim.reached_at - most


def _points_of(
    one: Played,
    ran: Sequence[str],
    requests: Sequence[dict[str, str]],
    reads: Mapping[tuple[str, str], bool],
) -> Iterator[Point]:
    """Return where a course came by: its activities, and the calls that each of them made."""
    kinds = {one.workflow_id(kind): kind for kind in ("campaign", "attempt", "order", SEARCHING)}
    for line in dict.fromkeys(ran):
        place, _, what = line.partition(" ")
        activity, _, workflow_id = place.partition("@")
        if workflow_id in kinds:
            yield Point(one.scenario, activity, kinds[workflow_id], brief=what == "rows")
    calls = dict.fromkeys((r["vendor"], r["operation"], r["mark"]) for r in requests)
    for vendor, operation, mark in calls:
        activity, _, workflow_id = mark.partition("@")
        if workflow_id in kinds:
            is_read = reads[vendor, operation]
            yield Point(one.scenario, activity, kinds[workflow_id], vendor, operation, is_read)
    mails = [r for r in requests if r["vendor"] == MAIL and r["path"] == one.address]
    for number in range(len(mails)):
        yield Point(one.scenario, "send_notices", "attempt", MAIL, "deliver", nth=number)


@asynccontextmanager
async def open_stage(
    database_url: str, sandbox: Sandbox, client: Client, address: str, folder: Path
) -> AsyncIterator[Stage]:
    variables = variables_for(database_url, sandbox, address, **POLICY)
    variables["PARKER_ENV_FILE"] = ""
    async with open_house(database_url, sandbox, client, address, workers=False, **POLICY) as house:
        stage = Stage(house, variables, folder)
        try:
            yield stage
        finally:
            await stage.aclose()
