"""Three ways to run the same booking: our workflows, DBOS, and a row lock in Postgres."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import Any

import psycopg
from dbos import DBOS, DBOSConfig
from psycopg_pool import AsyncConnectionPool
from sqlalchemy import make_url, text

from benchmarks.installation import Inside
from benchmarks.people import BENCH
from benchmarks.saga_steps import STEPS, Steps
from domain.messages.campaign import CampaignInput, OfferFound, campaign_workflow_id
from runtime.temporal import MAIN_QUEUE
from workflows.campaign import CampaignWorkflow

Job = dict[str, Any]
Book = Callable[[Job], Awaitable[None]]
LONGEST_SECONDS = 90.0  # for one booking


@asynccontextmanager
async def temporal(house: Inside, jobs: list[Job]) -> AsyncIterator[Book]:
    """Yield a call that tells a sleeping campaign of its match and waits until it has ended."""
    handles = {}
    for job in jobs:
        campaign = CampaignInput.model_validate(job["input"])
        handles[job["campaign_id"]] = await house.client.start_workflow(
            CampaignWorkflow.run,
            campaign,
            id=campaign_workflow_id(campaign.campaign_id),
            task_queue=MAIN_QUEUE,
        )
    for handle in handles.values():
        await handle.execute_update(CampaignWorkflow.created)  # it sleeps from here on

    async def book(job: Job) -> None:
        handle = handles[job["campaign_id"]]
        await handle.signal(CampaignWorkflow.offer_found, OfferFound.model_validate(job["match"]))
        try:
            async with asyncio.timeout(LONGEST_SECONDS):
                state = str(await handle.result())
        except TimeoutError:
            state = f"not at all: {await _events(house, job['campaign_id'])}"
        if state != "booked":
            raise RuntimeError(f"the campaign ended as {state}")

    yield book


@asynccontextmanager
async def dbos(house: Inside, jobs: list[Job]) -> AsyncIterator[Book]:
    """Yield a call that runs the steps as a DBOS workflow, one DBOS step each."""
    del jobs
    steps = Steps(house.activities)
    DBOS.destroy(destroy_registry=True)
    DBOS(
        config=DBOSConfig(
            name="bench",
            system_database_url=_database(house, "bench_dbos"),
            log_level="ERROR",
            sys_db_pool_size=20,
        )
    )

    @DBOS.workflow(name="booking")
    async def booking(job: str) -> str:
        state = json.loads(job)
        for step in STEPS:
            state = await DBOS.run_step_async({"name": step}, steps.run, step, state)
        return str(state["taken"])

    DBOS.launch()

    async def book(job: Job) -> None:
        handle = await DBOS.start_workflow_async(booking, json.dumps(job))
        await handle.get_result()

    try:
        yield book
    finally:
        DBOS.destroy(destroy_registry=True)
        # It made its own pool of threads the loop's, and has just closed it.
        asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor())


async def side_by_side(book: Book, jobs: list[Job], width: int) -> None:
    """Book them all, so many at a time."""
    gate = asyncio.Semaphore(width)

    async def one(job: Job) -> None:
        async with gate:
            await book(job)

    await asyncio.gather(*(one(job) for job in jobs))


_JOBS = """
    CREATE TABLE IF NOT EXISTS bench_jobs (
        id text PRIMARY KEY, step integer NOT NULL DEFAULT 0, state jsonb NOT NULL
    )
"""


@asynccontextmanager
async def row_lock(house: Inside, jobs: list[Job]) -> AsyncIterator[Book]:
    """Yield a call that keeps a job as a row: lock it, take a step, write, commit, repeat."""
    del jobs
    steps = Steps(house.activities)
    url = _database(house, "bench_rows")
    async with AsyncConnectionPool(url, min_size=4, max_size=32, open=False) as pool:
        async with pool.connection() as connection:
            await connection.execute(_JOBS)

        async def advance(job_id: str) -> bool:
            async with pool.connection() as connection, connection.transaction():
                found = await connection.execute(
                    "SELECT step, state FROM bench_jobs WHERE id = %s FOR UPDATE", [job_id]
                )
                row = await found.fetchone()
                if row is None or row[0] >= len(STEPS):
                    return False
                state = await steps.run(STEPS[row[0]], row[1])
                await connection.execute(
                    "UPDATE bench_jobs SET step = step + 1, state = %s WHERE id = %s",
                    [json.dumps(state), job_id],
                )
                return bool(row[0] + 1 < len(STEPS))

        async def book(job: Job) -> None:
            async with pool.connection() as connection:
                await connection.execute(
                    "INSERT INTO bench_jobs (id, state) VALUES (%s, %s)",
                    [job["campaign_id"], json.dumps(job)],
                )
            while await advance(job["campaign_id"]):
                pass

        yield book


async def _events(house: Inside, campaign_id: str) -> str:
    query = text(
        "SELECT string_agg(kind, ', ' ORDER BY seq) FROM campaign_events WHERE campaign_id = :id"
    )
    async with house.database.transaction(BENCH) as session:
        return str(await session.scalar(query, {"id": campaign_id}))


def _database(house: Inside, name: str) -> str:
    """Make a database of the alternative's own on the same server."""
    url = make_url(house.settings.database_url)
    with psycopg.connect(house.settings.database_url, autocommit=True) as connection:
        known = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name])
        if known.fetchone() is None:
            connection.execute(f'CREATE DATABASE "{name}"')
    return url.set(database=name).render_as_string(hide_password=False)


RUNNERS = {"Parker Flight (Temporal)": temporal, "DBOS": dbos, "asyncio + row lock": row_lock}
