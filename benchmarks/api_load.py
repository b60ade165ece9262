"""The API under load with a full database, and how soon a change reaches open streams."""

import asyncio
import json
import time
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from sqlmodel import col, select

from benchmarks.consents import Seals
from benchmarks.http_client import Ask, Connection, Load, put_load
from benchmarks.installation import installation
from benchmarks.people import BENCH, Registry
from benchmarks.result import Figure, Result, milliseconds, percentile
from benchmarks.rows import DECISIONS_EACH, full_database
from cli.stack import Stack
from db.models import CampaignRow
from db.session import WORKER_ROLE, Database
from domain.ids import UserId
from domain.mandates import CURRENT_CONSENT
from providers.registry import build_providers

CAMPAIGNS, QUICK_CAMPAIGNS = 10_000, 100
PRICES, QUICK_PRICES = 1_000_000, 1_000
USERS, QUICK_USERS = 100, 4
READS, QUICK_READS = 1_500, 20
CREATES, QUICK_CREATES = 300, 4
SIDE_BY_SIDE = 8
STREAMS, QUICK_STREAMS = 500, 8
CHANGES, QUICK_CHANGES = 60, 3
LONGEST_SECONDS = 120
API = "/api/autobooking/campaigns"


class Sizes:
    def __init__(self, *, quick: bool) -> None:
        self.campaigns = QUICK_CAMPAIGNS if quick else CAMPAIGNS
        self.prices = QUICK_PRICES if quick else PRICES
        self.users = QUICK_USERS if quick else USERS
        self.reads = QUICK_READS if quick else READS
        self.creates = QUICK_CREATES if quick else CREATES
        self.streams = QUICK_STREAMS if quick else STREAMS
        self.changes = QUICK_CHANGES if quick else CHANGES


class Measured:
    def __init__(self) -> None:
        self.loads: dict[str, Load] = {}
        self.calm: dict[str, Load] = {}
        self.until_event: list[float] = []


def run(*, quick: bool = False) -> dict[str, Any]:
    sizes = Sizes(quick=quick)
    with installation() as stack:
        measured = asyncio.run(_all(stack, sizes))
    return _result(measured, sizes).as_dict()


async def _all(stack: Stack, sizes: Sizes) -> Measured:
    settings, measured = stack.settings, Measured()
    worker = Database(settings.database_url, role=WORKER_ROLE, pool_size=4)
    owner = Database(settings.database_url, role=None, pool_size=2)
    providers = await build_providers(settings)
    registry = Registry(settings, worker, providers)
    people = [await registry.account() for _ in range(sizes.users)]
    await full_database(
        worker,
        owner,
        [user for user, _ in people],
        campaigns=sizes.campaigns,
        prices=sizes.prices,
        seals=Seals.of(settings),
    )
    user, key = people[0]
    await registry.card(user)
    wish = _wish(str(await registry.traveler(user)))
    async with worker.transaction(BENCH) as session:
        rows = await session.execute(select(CampaignRow.id, CampaignRow.user_id).limit(sizes.reads))
        keys = dict(people)
        status = [Ask("GET", f"{API}/{one}/status", keys[UserId(who)]) for one, who in rows]
    lists = [Ask("GET", API, people[n % len(people)][1]) for n in range(sizes.reads)]
    creates = [Ask("POST", API, key, wish, f"bench-{uuid4()}") for _ in range(sizes.creates)]
    port = settings.api_port
    for name, asks in {"status": status, "list": lists, "create": creates}.items():
        alone = max(1, len(asks) // 10)
        measured.calm[name] = await put_load(port, asks[:alone], 1)
        measured.loads[name] = await put_load(port, asks[alone:], SIDE_BY_SIDE)
    made = [json.loads(b)["id"] for b in measured.loads["create"].bodies]
    others = await _ids(worker, sizes.streams)
    measured.until_event = await _streams(port, made[: sizes.changes], others, keys, key)
    await providers.aclose()
    await worker.close()
    await owner.close()
    return measured


def _wish(traveler: str) -> bytes:
    day = (datetime.now(UTC) + timedelta(days=340)).date().isoformat()
    criteria = {
        "origins": ["JFK"],
        "destinations": ["LIS"],
        "departure_from": day,
        "departure_until": day,
        "budget": {"amount": "300.00", "currency": "USD"},
    }
    consent = {"accepted": True, "text_version": CURRENT_CONSENT}
    return json.dumps(
        {"criteria": criteria, "traveler_ids": [traveler], "consent": consent}
    ).encode()


async def _ids(database: Database, number: int) -> list[tuple[str, UserId]]:
    async with database.transaction(BENCH) as session:
        rows = await session.execute(
            select(CampaignRow.id, CampaignRow.user_id)
            .order_by(col(CampaignRow.created_at))
            .limit(number)
        )
        return [(str(one), UserId(who)) for one, who in rows]


class _Told:
    """When a stream told of a change."""

    def __init__(self) -> None:
        self.at, self._told = 0.0, asyncio.Event()

    def note(self) -> None:
        self.at = time.perf_counter()
        self._told.set()

    async def wait(self) -> None:
        await self._told.wait()


async def _streams(
    port: int,
    changed: list[str],
    others: list[tuple[str, UserId]],
    keys: dict[UserId, str],
    key: str,
) -> list[float]:
    """Open all streams; pause campaigns one by one; return the seconds until each was told."""
    told = {campaign: _Told() for campaign in changed}
    opened = asyncio.Semaphore(0)

    async def follow(campaign: str, who: str) -> None:
        ready = False
        async for line in Connection(port).stream(Ask("GET", f"{API}/{campaign}/status", who)):
            if line.startswith(b"event: campaign.paused"):
                told[campaign].note()
            if not ready and line.startswith(b"retry:"):
                ready = True
                opened.release()

    quiet = others[: max(0, len(others) - len(changed))]
    everyone = [(one, keys[who]) for one, who in quiet] + [(one, key) for one in changed]
    streams = [asyncio.create_task(follow(*one)) for one in everyone]
    async with asyncio.timeout(LONGEST_SECONDS):
        for _ in everyone:
            await opened.acquire()
        connection, seconds = Connection(port), []
        for campaign in changed:
            ask = Ask("POST", f"{API}/{campaign}/pause", key)
            sent = time.perf_counter()
            status, body = await connection.ask(ask)
            if status >= 400:
                raise RuntimeError(f"pause answered {status}: {body[:300]!r}")
            await told[campaign].wait()
            seconds.append(told[campaign].at - sent)
    for stream in streams:
        stream.cancel()
    await asyncio.gather(*streams, return_exceptions=True)
    return seconds


def _result(measured: Measured, sizes: Sizes) -> Result:
    figures = []
    for name, load in measured.loads.items():
        calm = measured.calm[name].latencies
        figures += [
            Figure(f"{name}: requests a second", round(load.rate, 1), "1/s"),
            Figure(f"{name}: p95, {SIDE_BY_SIDE} at a time", _p(load.latencies, 0.95), "ms"),
            Figure(f"{name}: p95, one at a time", _p(calm, 0.95), "ms"),
        ]
    repeated = measured.loads["create"].repeated + measured.calm["create"].repeated
    figures += [
        Figure("create: answers of 503, repeated with the same key", repeated, "answers"),
        Figure("a change until its stream's event, p50", _p(measured.until_event, 0.5), "ms"),
        Figure("a change until its stream's event, p95", _p(measured.until_event, 0.95), "ms"),
    ]
    return Result(
        name="api_load",
        title="The API with a full database",
        sizes={
            "campaigns": sizes.campaigns,
            "price_observations": sizes.prices,
            "offer_decisions": sizes.campaigns * DECISIONS_EACH,
            "open_streams": sizes.streams,
            "side_by_side": SIDE_BY_SIDE,
        },
        figures=tuple(figures),
        notes=(
            "One API process, one worker, Temporal and Postgres on the same cores as the client.",
            "Creating answers only when the workflow runs and its row is committed.",
            (
                "A change is a pause over HTTP: the time runs from sending the request, so it "
                "holds the update of the workflow, the row, the notification and the stream."
            ),
        ),
    )


def _p(seconds: list[float], part: float) -> float:
    return milliseconds(percentile(seconds, part))
