"""kill -9 of every part, alone and in pairs, under running campaigns; and Temporal set back in time.

The stack is the one that `make run` starts.
"""

import asyncio
import itertools
import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing, asynccontextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx2
import psutil
import pytest
from fault_case import Played
from fault_stage import Stage
from fault_workers import POLICY
from house import House, eventually
from sandbox import Sandbox

from cli.stack import Stack
from db.accounts import issue_api_key
from db.session import WORKER_ROLE, Database, SystemActor
from domain.ids import TravelerId, UserId
from domain.messages.campaign import NewCampaign
from providers.registry import build_providers
from runtime.temporal import connect
from tests.conftest import Counted
from tests.faults.matrix import BOOKED, Scenario

pytestmark = pytest.mark.timeout(900)
PARTS = ("temporal", "postgres", "worker", "api", "sandboxes")
KILLS = (*((part,) for part in PARTS), *itertools.combinations(PARTS, 2))
CAMPAIGNS = 50
A_PERSONS_WISHES = 4  # a card is asked for money four times in thirty days
CONSENT = "1"
LOOKS, LATER = 4, timedelta(hours=2)
_TESTS = SystemActor("tests")


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    env = {f"PARKER_POLICY_{name.upper()}": str(value) for name, value in POLICY.items()}
    env |= {"PARKER_POLICY_SEARCHES_PER_MINUTE": "6000", "SANDBOX_SEARCH_RATE": "100000"}
    env["PARKER_NOTICES_ENCLOSE_PDFS"] = "false"  # a third of all the work there would be
    with Stack.temporary(time_skipping=True, simulated_clock=True, extra_env=env) as started:
        yield started


@asynccontextmanager
async def opened_house(stack: Stack) -> AsyncIterator[House]:
    """Look into the stack from outside, with connections that outlive kills."""
    settings = stack.settings
    database = Database(settings.database_for("worker"), role=WORKER_ROLE, pool_size=5)
    providers = await build_providers(settings)
    sandbox = Sandbox(stack.sandbox_url, settings.sandbox_smtp_port, stack.sandbox_control_token)
    try:
        yield House(settings, database, await connect(settings), providers, sandbox)
    finally:
        await providers.aclose()
        await database.close()


class Town:
    """People whose wishes go over the HTTP API, again and again until they are accepted."""

    def __init__(self, stack: Stack, stage: Stage) -> None:
        self.stack, self.stage, self.house = stack, stage, stage.house
        self.accepted: list[Played] = []
        self._people: list[tuple[UserId, TravelerId, str]] = []

    async def settle_in(self, wishes: int) -> None:
        """Open accounts for so many wishes, with cards and travellers, before anything is killed."""
        pepper = self.stack.settings.api_key_pepper
        for _ in range(-(-wishes // A_PERSONS_WISHES)):
            user, traveler = await self.house.someone()
            async with self.house.database.transaction(_TESTS) as session:
                new = self.house.new_campaign(user, (traveler,))
                _, key = await issue_api_key(
                    session, user, name="tests", pepper=pepper, now=new.created_at
                )
            self._people += [(user, traveler, key)] * A_PERSONS_WISHES

    async def wish(self, scenario: Scenario = BOOKED) -> Played:
        """Make one wish; the same request is repeated until it is answered with a yes."""
        user, traveler, key = self._people.pop()
        request = str(uuid4())
        wish = self.stage.next_wish(scenario)
        new = self.house.new_campaign(user, (traveler,), wish, key=request)
        played = Played(None, scenario, new)
        for rule in scenario.rules:
            aimed = rule | {"contains": str(played.attempt_id)}
            await self.stage.control("POST", "/faults", aimed)
        headers = {"Authorization": f"Bearer {key}", "Idempotency-Key": request}

        async def yes() -> str | None:
            try:
                async with httpx2.AsyncClient(base_url=self.stack.api_url, timeout=10) as http:
                    body = await self._body(http, headers, new)
                    answer = await http.post(
                        "/api/autobooking/campaigns", json=body, headers=headers
                    )
            except httpx2.TransportError:
                return None
            assert answer.status_code < 500 or answer.status_code == 503, answer.text
            assert answer.status_code < 400 or answer.status_code == 503, answer.text
            return str(answer.json()["id"]) if answer.status_code < 300 else None

        assert await eventually(yes, seconds=120) == str(new.campaign_id)
        self.accepted.append(played)
        return played

    async def _body(
        self, http: httpx2.AsyncClient, headers: dict[str, str], new: NewCampaign
    ) -> dict[str, Any]:
        policy = await http.get("/api/v1/policy", headers=headers)
        version = policy.json()["consent"]["version"] if policy.status_code == 200 else CONSENT
        wish = new.criteria
        return {
            "name": "a wish of the tests",
            "mode": "auto",
            "traveler_ids": [str(new.traveler_ids[0])],
            "consent": {"accepted": True, "text_version": version},
            "criteria": {
                "origins": list(wish.origins),
                "destinations": list(wish.destinations),
                "departure_from": wish.departure_from.isoformat(),
                "departure_until": wish.departure_until.isoformat(),
                "budget": {"amount": wish.budget.amount(), "currency": wish.budget.currency},
            },
        }


@pytest.fixture(scope="module")
async def outside(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stage]:
    """Return a stage for both tests: no wish is for a market that somebody watched before."""
    folder = tmp_path_factory.mktemp("kills")
    async with opened_house(stack) as house, aclosing(Stage(house, {}, folder)) as stage:
        yield stage


async def test_killed_parts_lose_nothing(stack: Stack, outside: Stage, counted: Counted) -> None:
    stage = outside
    town = Town(stack, stage)
    await town.settle_in(CAMPAIGNS)
    each = [CAMPAIGNS // len(KILLS)] * len(KILLS)
    each[-1] += CAMPAIGNS - sum(each)
    for parts, wishes in zip(KILLS, each, strict=True):
        before = {part: stack.supervisor.restarts(part) for part in parts}
        underway = [asyncio.create_task(town.wish()) for _ in range(wishes)]
        await underway[0]
        for part in parts:
            stack.supervisor.kill(part)
        await asyncio.gather(*underway)
        for part in parts:
            await asyncio.to_thread(
                stack.supervisor.wait_ready, part, after_restarts=before[part] + 1
            )
    problems = await _end(stage, town)
    counted(
        f"kills: {len(KILLS)} kills of one part or two, {len(town.accepted)} campaigns,"
        f" {len(problems)} violations"
    )
    assert len(town.accepted) == CAMPAIGNS
    assert not problems, "\n".join(problems)


_SLOW = 8.0
MIDWAY = tuple(
    Scenario(
        f"slow {operation}",
        ({"vendor": vendor, "operation": operation, "effect": "delay", "seconds": _SLOW},),
    )
    for vendor, operation in (
        ("duffel", "get_offer"),
        ("stripe", "confirm_payment_intent"),
        ("duffel", "create_order"),
        ("stripe", "capture_payment_intent"),
    )
)


async def test_a_temporal_older_than_postgres_follows_the_rows(
    stack: Stack, outside: Stage, counted: Counted
) -> None:
    stage, house = outside, outside.house
    town = Town(stack, stage)
    await town.settle_in(2 * len(MIDWAY))
    await asyncio.gather(*(town.wish(course) for course in MIDWAY * 2))
    for played in town.accepted:
        await eventually(lambda p=played: _tried(house, p), seconds=60)
    copy = stack.state_dir / "older.db"  # on the same disk, to be moved into place at once
    await asyncio.to_thread(_copy, stack.state_dir / "temporal.db", copy)
    open_then = {p.new.campaign_id for p in town.accepted} - await _booked(house)
    problems = await stage.finish(town.accepted)
    booked = await _booked(house)
    await asyncio.to_thread(_set_back, stack, copy)
    problems += await _end(stage, town)
    assert booked <= await _booked(house)
    moved_on = len(open_then & booked)
    counted(f"Temporal set back: {moved_on} bookings forgotten, {len(problems)} violations")
    assert moved_on
    assert not problems, "\n".join(problems)


async def _tried(house: House, played: Played) -> bool:
    return bool(await house.attempts(played.new.campaign_id))


async def _booked(house: House) -> set[object]:
    rows = await house.rows("SELECT id FROM autobooking_campaigns WHERE status = 'booked'")
    return {row["id"] for row in rows}


async def _end(stage: Stage, town: Town) -> list[str]:
    """Let the dust settle and hold both sides' books against each other.

    An attempt may have failed for want of its provider: then the wish is booked at a later look.
    """
    for _ in range(LOOKS):
        problems = await stage.finish(town.accepted)
        states = await stage.states()
        watching = [
            p.new.campaign_id for p in town.accepted if states[p.new.campaign_id] == "active"
        ]
        if not watching:
            break
        await town.house.later(LATER, *watching)
    problems += await stage.close(town.accepted)
    return problems + await stage.judge(town.accepted)


def _copy(database: Path, to: Path) -> None:
    """Take a consistent copy of a database in use."""
    with sqlite3.connect(database) as source, sqlite3.connect(to) as target:
        source.backup(target)


def _set_back(stack: Stack, copy: Path) -> None:
    """Let Temporal come back with an older state: swapped between its end and its next start."""
    restarts = stack.supervisor.restarts("temporal")
    pid = stack.supervisor.kill("temporal")
    with suppress(psutil.NoSuchProcess):
        while psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:
            pass
    database = stack.state_dir / "temporal.db"
    for suffix in ("-wal", "-shm"):
        database.with_name(database.name + suffix).unlink(missing_ok=True)
    copy.replace(database)
    assert stack.supervisor.pid("temporal") in {None, pid}, "it was back before its state was"
    stack.supervisor.wait_ready("temporal", after_restarts=restarts + 1)
