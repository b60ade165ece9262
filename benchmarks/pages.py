"""How soon the pages are there with a full database, what they weigh, and whether they keep still.

Server time is taken over HTTP, from the request to the last byte; weight, the largest paint and
shifts of the layout are what Chromium itself reports.
"""

import asyncio
import time
from dataclasses import dataclass
from typing import Any

from sqlmodel import col, select

from benchmarks.browser import Drawn, Shifts, draw, shifts_of
from benchmarks.consents import Seals
from benchmarks.http_client import Ask, Connection
from benchmarks.installation import installation, pids
from benchmarks.machine import spending
from benchmarks.people import BENCH, Registry, new_campaign, signed_in, wish
from benchmarks.result import Figure, Result, milliseconds, percentile
from benchmarks.rows import count, fares_known, full_database
from cli.stack import Stack
from db.models import BookingRow
from db.session import WORKER_ROLE, Database
from domain.criteria import Criteria
from domain.ids import CampaignId, UserId
from domain.messages.campaign import CampaignInput, campaign_workflow_id
from domain.money import Money
from providers.registry import build_providers
from runtime.temporal import MAIN_QUEUE, connect
from workflows.campaign import CampaignWorkflow

CAMPAIGNS, QUICK_CAMPAIGNS = 10_000, 200
PRICES, QUICK_PRICES = 1_000_000, 2_000
USERS, QUICK_USERS = 100, 4
VISITS, QUICK_VISITS = 150, 10
WARM_UP = 5
LOADS, QUICK_LOADS = 5, 1
CHANGES, QUICK_CHANGES = 10, 2
FARE_DAYS = 60
SERVER_TARGET, WIRE_TARGET, PAINT_TARGET = 50, 100, 1000
LONGEST_SECONDS = 120


@dataclass(frozen=True)
class Place:
    """Whose pages are asked for, and the pages."""

    cookie: str
    paths: dict[str, str]
    live: dict[str, str]
    """Those that change while they are open."""
    watched: CampaignId


@dataclass(frozen=True)
class Measured:
    server: dict[str, list[float]]
    cpu: dict[str, float]
    """Seconds of the API and Postgres for each visit: whatever else the machine does."""
    drawn: dict[str, list[Drawn]]
    shifts: dict[str, Shifts]


def run(*, quick: bool = False) -> dict[str, Any]:
    with installation() as stack:
        measured = asyncio.run(_all(stack, quick=quick))
    return _result(measured, quick=quick).as_dict()


async def _all(stack: Stack, *, quick: bool) -> Measured:
    settings = stack.settings
    worker = Database(settings.database_url, role=WORKER_ROLE, pool_size=4)
    owner = Database(settings.database_url, role=None, pool_size=2)
    place = await _prepare(stack, worker, owner, quick=quick)
    server, cpu = {}, {}
    for name, path in place.paths.items():
        with spending(pids(stack, "api", "postgres")) as spent:
            server[name] = await _visits(settings.api_port, path, place.cookie, quick=quick)
        cpu[name] = spent.of("api", "postgres") / (WARM_UP + len(server[name]))
    url = f"http://localhost:{settings.api_port}"
    loads = QUICK_LOADS if quick else LOADS
    drawn = await draw(url, place.cookie, place.paths, loads)
    client = await connect(settings)
    handle = client.get_workflow_handle_for(
        CampaignWorkflow.run, campaign_workflow_id(place.watched)
    )

    async def change(number: int) -> None:
        update = CampaignWorkflow.resume if number % 2 else CampaignWorkflow.pause
        await handle.execute_update(update)

    changes = QUICK_CHANGES if quick else CHANGES
    shifts = await shifts_of(url, place.cookie, place.live, change, changes)
    await worker.close()
    await owner.close()
    return Measured(server, cpu, drawn, shifts)


async def _prepare(stack: Stack, worker: Database, owner: Database, *, quick: bool) -> Place:
    """Fill the tables; one person among many has wishes of each kind, and a booking."""
    settings, seals = stack.settings, Seals.of(stack.settings)
    providers = await build_providers(settings)
    registry = Registry(settings, worker, providers)
    visitor, traveler = await registry.someone()
    client = await connect(settings)

    async def make(wished: Criteria) -> CampaignId:
        new = new_campaign(visitor, traveler, wished, seals=seals)
        await client.start_workflow(
            CampaignWorkflow.run,
            CampaignInput(campaign_id=new.campaign_id, new=new),
            id=campaign_workflow_id(new.campaign_id),
            task_queue=MAIN_QUEUE,
        )
        return new.campaign_id

    await make(wish())
    booking = await _booking_of(worker, visitor)
    others = [(await registry.account())[0] for _ in range(QUICK_USERS if quick else USERS)]
    await full_database(
        worker,
        owner,
        [visitor, *others],
        campaigns=QUICK_CAMPAIGNS if quick else CAMPAIGNS,
        prices=QUICK_PRICES if quick else PRICES,
        seals=seals,
    )
    # The newest of them, so that it stands in the list where changes are seen.
    watched = await make(wish(destinations=("MAD",), budget=Money(minor=5_000, currency="USD")))
    async with asyncio.timeout(LONGEST_SECONDS):
        while not await count(  # noqa: ASYNC110 - rows tell nobody
            worker, "offer_decisions", f"campaign_id = '{watched}'"
        ):
            await asyncio.sleep(0.5)
    await fares_known(owner, FARE_DAYS)
    await providers.aclose()
    cookie = await signed_in(settings, worker, visitor)
    wish_page = f"/auto-booking/wishes/{watched}"
    paths = {
        "wishes": "/auto-booking/dashboard",
        "one wish": wish_page,
        "a new wish": "/auto-booking/new",
        "bookings": "/auto-booking/history",
        "one booking": f"/bookings/{booking}",
        "travellers": "/travelers",
        "cards": "/payment-methods",
        "billing": "/billing",
        "notices": "/notices",
        "account": "/account",
    }
    live = {"wishes": paths["wishes"], "one wish": wish_page}
    return Place(cookie, paths, live, watched)


async def _booking_of(database: Database, visitor: UserId) -> str:
    query = select(BookingRow.id).where(col(BookingRow.user_id) == visitor)
    async with asyncio.timeout(LONGEST_SECONDS):
        while True:
            async with database.transaction(BENCH) as session:
                found = await session.scalar(query)
            if found is not None:
                return str(found)
            await asyncio.sleep(0.5)


async def _visits(port: int, path: str, cookie: str, *, quick: bool) -> list[float]:
    """Ask for a page again and again over one connection; return the seconds of each answer."""
    connection, seconds = Connection(port), []
    ask = Ask("GET", path, "", cookie=cookie)
    for _ in range(WARM_UP + (QUICK_VISITS if quick else VISITS)):
        begun = time.perf_counter()
        status, body = await connection.ask(ask, "text/html")
        seconds.append(time.perf_counter() - begun)
        if status not in {200, 303}:
            raise RuntimeError(f"{path} answered {status}: {body[:300]!r}")
    connection.close()
    return seconds[WARM_UP:]


def _result(measured: Measured, *, quick: bool) -> Result:
    figures: list[Figure] = []
    for name, seconds in measured.server.items():
        p50, p95 = (milliseconds(percentile(seconds, part)) for part in (0.5, 0.95))
        figures += [
            Figure(f"{name}: server time, p50", p50, "ms"),
            Figure(f"{name}: server time, p95", p95, "ms", at_most=SERVER_TARGET),
            Figure(f"{name}: CPU, API and Postgres", milliseconds(measured.cpu[name]), "ms"),
        ]
    for name, loads in measured.drawn.items():
        weight = round(max(one.bytes for one in loads) / 1024, 1)
        paint = round(percentile([one.largest_paint for one in loads], 0.5))
        figures += [
            Figure(f"{name}: on the wire, nothing kept", weight, "KiB", at_most=WIRE_TARGET),
            Figure(f"{name}: largest paint, p50", paint, "ms", at_most=PAINT_TARGET),
        ]
    for name, shifts in measured.shifts.items():
        figures += [
            Figure(f"{name}: layout shift of live updates", shifts.score, "", at_most=0),
            Figure(f"{name}: live updates that arrived", shifts.updates, "updates"),
        ]
    return Result(
        name="pages",
        title="The pages, with a full database",
        sizes={
            "campaigns": QUICK_CAMPAIGNS if quick else CAMPAIGNS,
            "price_observations": QUICK_PRICES if quick else PRICES,
            "days_of_fares": FARE_DAYS,
            "visits_of_each": QUICK_VISITS if quick else VISITS,
            "loads_in_chromium": QUICK_LOADS if quick else LOADS,
        },
        figures=tuple(figures),
        notes=(
            (
                "Server time runs from the request to the last byte, over one connection, one at "
                "a time, as one of a hundred people who have a hundred wishes each."
            ),
            (
                "On the wire are the page and everything that it loads, with headers, as a browser "
                "gets it that was never here before."
            ),
            "Chromium runs on the same cores as the server, without a throttle on its network.",
            (
                "The live updates are a pause and its end, again and again: they change the wish's "
                "sentence, its marks, what can be done with it and its story."
            ),
        ),
    )
