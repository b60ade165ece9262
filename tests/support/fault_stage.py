"""Where faults are played: a house without workers of its own, and worker processes to be killed.

Each case has a campaign of its own, side by side with all others; rules and holds are aimed at it.
"""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import fault_worker
import httpx
from house import TESTS, House, eventually, open_house, variables_for
from sandbox import ROOT, Sandbox
from temporalio.client import Client, WorkflowHandle
from temporalio.service import RPCError

from cli.invariants import Rows, Violation, check, load_rows, unsettled
from domain.attempts import LIVE
from domain.campaigns import BookingMode
from domain.criteria import Criteria
from domain.ids import attempt_id_for, booking_id_for
from domain.messages.attempt import AuthenticationStart, BeginAuthentication
from domain.messages.campaign import NewCampaign
from tests.faults.matrix import (
    BOOKED,
    MAIL,
    SEARCHING,
    Case,
    Fault,
    Point,
    Scenario,
    rule_of,
)

POLICY = {
    "unknown_order_settle_hours": 1,
    "authentication_hours": 1,
    "spending_cap_daily": "USD:100000000",
}
SETTLED_AFTER = timedelta(minutes=65)  # past the hour above and the life of any offer
BANK_LINK = timedelta(minutes=65)
CARE_PAUSE = timedelta(minutes=11)
STILL_SECONDS = 45.0  # nothing has moved for so long: whatever is not done is stuck
DOUBT_SECONDS = 12.0  # how long an order in doubt may take to appear by itself
_ROUTES = (("JFK", "LIS"), ("JFK", "MAD"), ("JFK", "CDG"), ("BOS", "LIS"))
_DAYS = range(30, 280)  # from today; airlines sell up to 331 days ahead
_SIDE_BY_SIDE = 12


@dataclass
class Played:
    """A case on its campaign."""

    case: Case | None
    scenario: Scenario
    new: NewCampaign
    rule: str = ""
    hold: str = ""
    reached: bool = False

    @property
    def attempt_id(self) -> UUID:
        return attempt_id_for(self.new.campaign_id, 1)

    def workflow_id(self, kind: str) -> str:
        ids: dict[str, object] = {
            "campaign": self.new.campaign_id,
            "attempt": self.attempt_id,
            "order": booking_id_for(attempt_id_for(self.new.campaign_id, 1)),
            SEARCHING: "duffel",
        }
        return f"{kind}:{ids[kind]}"

    @property
    def address(self) -> str:
        return f"{self.new.owner_id}@example.com"

    @property
    def day(self) -> str:
        return self.new.criteria.departure_from.isoformat()


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
        self._workers: list[subprocess.Popen[bytes]] = []
        self._wishes = 0
        self._own_days = 0
        self._helped: dict[tuple[UUID, str], float] = {}
        self._helping: set[asyncio.Task[None]] = set()
        self._width = asyncio.Semaphore(_SIDE_BY_SIDE)

    # Workers

    async def worker(self, *, patience: float) -> subprocess.Popen[bytes]:
        """Start a worker process and wait until it works."""
        path = os.pathsep.join((str(ROOT), str(ROOT / "tests" / "support")))
        env = dict(os.environ) | self._variables
        env |= {"PYTHONPATH": path, fault_worker.FOLDER: str(self.folder)}
        env |= {fault_worker.PATIENCE: str(patience)}
        (self.folder / fault_worker.RELEASED).unlink(missing_ok=True)
        with (self.folder / "worker.log").open("ab") as log:
            command = [sys.executable, fault_worker.__file__]
            process = subprocess.Popen(command, cwd=ROOT, env=env, stdout=log, stderr=log)  # noqa: ASYNC220
        self._workers.append(process)
        ready = self.folder / f"ready.{process.pid}"

        async def works() -> bool:
            assert process.poll() is None, (self.folder / "worker.log").read_text()[-3000:]
            return ready.exists()

        await eventually(works, seconds=60)
        return process

    def end(self, worker: subprocess.Popen[bytes], number: int = signal.SIGKILL) -> None:
        worker.send_signal(number)
        worker.wait()
        self._workers.remove(worker)

    async def aclose(self) -> None:
        self.end_all()
        await self._http.aclose()

    def end_all(self) -> None:
        for worker in list(self._workers):
            self.end(worker)

    # Playing

    async def play(
        self,
        scenario: Scenario,
        case: Case | None = None,
        *,
        patience: float = 4,
        mode: BookingMode = BookingMode.AUTO,
    ) -> Played:
        """Set the case's fault and let somebody make the wish."""
        async with self._width:
            searching = case is not None and case.point.workflow == SEARCHING
            played = await self._somebody(scenario, own_day=searching, mode=mode)
            if case:
                played.case = case
                await self._aim(played, case, patience)
            await self._follow(played)
        return played

    async def _somebody(
        self, scenario: Scenario, *, own_day: bool, mode: BookingMode = BookingMode.AUTO
    ) -> Played:
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

    async def _aim(self, played: Played, case: Case, patience: float) -> None:
        """Set the case's fault: before the course's own rules, so that it comes first."""
        if case.point.is_call:
            rule = rule_of(case, self._contains(case.point, played), patience)
            played.rule = (await self.control("POST", "/faults", rule))["id"]
            return
        when = "after" if case.fault is Fault.KILLED_AFTER else "before"
        place = f"{case.point.activity}@{played.workflow_id(case.point.workflow)}"
        played.hold = fault_worker.hold_file(when, place)
        (self.folder / played.hold).touch()

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

    async def play_all(self, cases: Sequence[Case], *, patience: float) -> list[Played]:
        """Play cases side by side; what holds up the search loop only when all others have begun."""
        others = [c for c in cases if c.point.workflow != SEARCHING]
        loop = [c for c in cases if c.point.workflow == SEARCHING]
        played: list[Played] = []
        for group in (others, loop):
            played += await asyncio.gather(
                *(self.play(c.point.scenario, c, patience=patience) for c in group)
            )
            if group is others:
                await self._begun(played)
        return played

    async def _begun(self, played: Sequence[Played]) -> None:
        """Wait until an attempt was made for each, or what comes before it was hit."""

        async def begun() -> bool:
            await self.look(played)
            rows = await self.house.rows("SELECT campaign_id FROM booking_attempts")
            tried = {row["campaign_id"] for row in rows}
            return all(p.reached or p.new.campaign_id in tried for p in played)

        await eventually(begun, seconds=120)

    async def look(self, played: Sequence[Played]) -> None:
        """Note which faults have come about."""
        fired = {r["id"] for r in await self.control("GET", "/faults") if r["fired"]}
        for one in played:
            held = bool(one.hold) and (self.folder / f"{one.hold}.held").exists()
            one.reached = one.reached or held or one.rule in fired

    async def all_reached(self, played: Sequence[Played], *, seconds: float = 60) -> bool:
        """Wait until every fault has come about; False if some did not in time."""

        async def reached() -> bool:
            await self.look(played)
            await self._help(played)
            return all(p.reached for p in played)

        try:
            return await eventually(reached, seconds=seconds)
        except AssertionError:
            return False

    # Settling

    async def settle(self, played: Sequence[Played]) -> list[str]:
        """Let every deadline pass, and end what still watches; say what came to no end."""
        return await self.finish(played) + await self.close(played)

    async def finish(self, played: Sequence[Played]) -> list[str]:
        """Let every deadline pass; say what did not come to an end."""
        deadline, seen = time.monotonic() + STILL_SECONDS, (-1, 0)
        while True:
            waiting = await self._waiting(played)
            rows = await self.house.rows(
                "SELECT sum(event_seq) AS steps FROM autobooking_campaigns"
            )
            ran = self.folder / fault_worker.RAN
            steps = (rows[0]["steps"], ran.stat().st_size if ran.exists() else 0)
            if steps != seen:
                deadline, seen = time.monotonic() + STILL_SECONDS, steps
            if not waiting or time.monotonic() > deadline:
                break
            await self._help(played)
            await asyncio.sleep(0.5)
        await self.look(played)
        return waiting

    async def close(self, played: Sequence[Played]) -> list[str]:
        """Have what still watches cancelled, so that nothing begins any more."""
        states = await self.states()
        watching = [p for p in played if states.get(p.new.campaign_id) in {"active", "paused"}]
        await asyncio.gather(*(self.house.update(p.new.campaign_id, "cancel") for p in watching))

        async def quiet() -> bool:
            await self._help(played)
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

    async def _waiting(self, played: Sequence[Played]) -> list[str]:
        rows = await self.rows()
        return [f"{p.case or p.scenario}: {why}" for p in played if (why := _unfinished(p, rows))]

    async def _help(self, played: Sequence[Played]) -> None:
        """Do what time and the traveller would do, beside the waiting."""
        by_attempt = {p.attempt_id: p for p in played}
        query = "SELECT id, state FROM booking_attempts WHERE state IN ('order_unknown',"
        query += " 'ordering', 'awaiting_authentication')"
        for row in await self.house.rows(query):
            one = by_attempt.get(row["id"])
            key = (row["id"], row["state"])
            since = self._helped.setdefault(key, time.monotonic())
            if one is None or since < 0:
                continue
            waited = time.monotonic() - since
            if row["state"] == "awaiting_authentication" and waited > 2:
                self._begin(key, self._visit_bank(row["id"]))
            elif row["state"] == "order_unknown" and waited > DOUBT_SECONDS:
                self._begin(key, self._skip(self.house.attempt(row["id"]), SETTLED_AFTER))

        await self._help_orders()

    async def _help_orders(self) -> None:
        """Move on orders that are looked at every ten minutes only."""
        for row in await self.house.rows(
            "SELECT id, state FROM bookings WHERE state = 'ticketing'"
        ):
            key = (row["id"], "ticketing")
            since = self._helped.setdefault(key, time.monotonic())
            if 0 <= since < time.monotonic() - 3 * DOUBT_SECONDS:
                self._begin(key, self._skip(self.house.order(row["id"]), CARE_PAUSE))

    def _begin(self, key: tuple[UUID, str], help_: Any) -> None:
        self._helped[key] = -1  # once is enough
        task = asyncio.create_task(help_)
        self._helping.add(task)
        task.add_done_callback(self._helping.discard)

    async def _skip(self, handle: WorkflowHandle[Any, Any], span: timedelta) -> None:
        with suppress(RPCError, RuntimeError):  # it has ended by itself
            await self.house.skip(handle, span)

    async def _visit_bank(self, attempt_id: UUID) -> None:
        """Begin at the bank, leave its page, and never come back."""
        with suppress(RPCError, TimeoutError):
            await asyncio.wait_for(
                self.house.attempt(attempt_id).execute_update(
                    "begin_authentication",
                    BeginAuthentication(return_url="https://parker.example/back"),
                    result_type=AuthenticationStart,
                ),
                timeout=60,
            )
        await self._skip(self.house.attempt(attempt_id), BANK_LINK)

    # Judging

    async def rows(self) -> Rows:
        async with self.house.database.transaction(TESTS) as session:
            return await load_rows(session)

    async def judge(self, played: Sequence[Played]) -> list[str]:
        """Return what is wrong in both sides' books, each with its case."""
        rows = await self.rows()
        ledger = await self.control("GET", "/ledger")
        accepted = [p.new.campaign_id for p in played]
        found = [_told(v, ledger, rows, played) for v in check(ledger, rows, accepted)]
        by_campaign = {p.new.campaign_id: p for p in played}
        for task in rows.tasks:
            one = by_campaign.get(task.campaign_id) if task.campaign_id else None
            if one and not (one.case and one.case.may_ask_a_person):
                found.append(f"{one.case}: asked a person: {task.kind}")
        return found + await self._untold(by_campaign)

    async def _untold(self, by_campaign: dict[Any, Played]) -> list[str]:
        """Find mails that were never sent though nobody refused them."""
        query = "SELECT campaign_id, event FROM notices WHERE sent_at IS NULL AND channel = 'email'"
        pending = [
            (by_campaign.get(r["campaign_id"]), r["event"]) for r in await self.house.rows(query)
        ]
        return [
            f"{p.case}: never told: {event}"
            for p, event in pending
            if p and p.case and p.case.fault is not Fault.NO
        ]

    # Recording

    async def record(self, scenarios: Sequence[Scenario]) -> list[Point]:
        """Watch each course twice: what runs, then which of it makes which calls."""
        first = await asyncio.gather(*(self.play(s) for s in scenarios))
        problems = await self.settle(first)
        assert not problems, problems
        ran = (self.folder / fault_worker.RAN).read_text().splitlines()
        counts = await self.control("GET", "/requests/count")
        known = await self.control("GET", "/operations")
        operations = [o for o in known if o["operation"] in counts.get(o["vendor"], {})]
        await self.control("DELETE", "/faults")
        courses = [_activities_of(one, ran) for one in first]
        counting: dict[str, Point] = {}
        second = await asyncio.gather(
            *(
                self._count(
                    scenario, [(a, k) for a, k, calls in course if calls], operations, counting
                )
                for scenario, course in zip(scenarios, courses, strict=True)
            )
        )
        problems = await self.settle(second)
        assert not problems, problems
        fired = {r["id"]: r["fired"] for r in await self.control("GET", "/faults")}
        await self.control("DELETE", "/faults")
        points = [
            Point(scenario, activity, kind)
            for scenario, course in zip(scenarios, courses, strict=True)
            for activity, kind, _ in course
        ]
        for rule, point in counting.items():
            times = fired[rule] if point.vendor == MAIL else min(fired[rule], 1)
            points += [replace(point, nth=number) for number in range(times)]
        # The search loop is everybody's: whose course it was seen on means nothing.
        points = [replace(p, scenario=BOOKED) if p.workflow == SEARCHING else p for p in points]
        return sorted(points, key=lambda point: scenarios.index(point.scenario))

    async def _count(
        self,
        scenario: Scenario,
        activities: Sequence[tuple[str, str]],
        operations: Sequence[dict[str, str]],
        counting: dict[str, Point],
    ) -> Played:
        """Play a course under rules that do nothing but count who makes which call."""
        one = await self._somebody(scenario, own_day=True)
        wanted = [
            (
                Point(scenario, activity, kind, o["vendor"], o["operation"], o["kind"] == "read"),
                f"{activity}@{one.workflow_id(kind)}",
            )
            for o in operations
            for activity, kind in activities
        ]
        wanted.append((Point(scenario, "send_notices", "attempt", MAIL, "deliver"), one.address))
        for point, mark in wanted:
            rule = _counter(point.vendor, point.operation, mark)
            counting[(await self.control("POST", "/faults", rule))["id"]] = point
        await self._follow(one)
        return one


def _counter(vendor: str, operation: str, contains: str) -> dict[str, object]:
    return {
        "vendor": vendor, "operation": operation, "contains": contains,
        "effect": "delay", "seconds": 0, "times": None,
    }  # fmt: skip


def _activities_of(one: Played, ran: Sequence[str]) -> list[tuple[str, str, bool]]:
    """Return a course's activities, the kind of workflow that ran each, and whether it may call."""
    kinds = {one.workflow_id(kind): kind for kind in ("campaign", "attempt", "order", SEARCHING)}
    found: dict[tuple[str, str, bool], None] = {}
    for line in ran:
        place, _, what = line.partition(" ")
        activity, _, workflow_id = place.partition("@")
        if workflow_id in kinds:
            found[activity, kinds[workflow_id], what == "calls"] = None
    return list(found)


def _unfinished(one: Played, rows: Rows) -> str:
    campaign = next((c for c in rows.campaigns if c.id == one.new.campaign_id), None)
    if campaign is None:
        return "no campaign"
    attempts = [a for a in rows.attempts if a.campaign_id == campaign.id]
    bookings = [b for b in rows.bookings if b.campaign_id == campaign.id]
    state = campaign.status.value
    if any(a.state in LIVE for a in attempts) or state == "booking":
        return f"{state}, attempt {attempts[-1].state.value if attempts else 'none'}"
    settled = {"ticketed", "cancelled"}
    if one.case and one.case.may_ask_a_person and state == "needs_action":
        settled.add("ordered")  # an order that is neither paid nor given back is a person's
    late = [b.state.value for b in bookings if b.state.value not in settled]
    if late:
        return f"booking {late[0]}"
    if one.case and one.case.must_book and state != "booked":
        return f"{state}, but nothing stood in the way of a booking"
    searched_in_vain = one.case is not None and one.case.point.workflow == SEARCHING
    if state == "active" and not attempts and not (searched_in_vain and one.reached):
        return "active, not tried yet"
    return ""


def _told(
    violation: Violation, ledger: dict[str, Any], rows: Rows, played: Sequence[Played]
) -> str:
    """Name the case that a violation belongs to."""
    objects = [*ledger["duffel"]["orders"], *ledger["stripe"]["payment_intents"]]
    owner = {o["id"]: (o.get("metadata") or {}).get("campaign_id") for o in objects}
    owner |= {str(b.id): str(b.campaign_id) for b in rows.bookings}
    owner |= {c.key: _campaign_of(c.attempt_id, rows) for c in rows.calls}
    campaign = owner.get(violation.subject, violation.subject)
    one = next((p for p in played if str(p.new.campaign_id) == campaign), None)
    return f"{one.case if one else 'no case'}: {violation}"


def _campaign_of(attempt_id: UUID | None, rows: Rows) -> str:
    return next((str(a.campaign_id) for a in rows.attempts if a.id == attempt_id), "")


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
