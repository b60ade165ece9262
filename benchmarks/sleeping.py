"""What sleeping campaigns weigh, and how soon the worker answers after it was killed."""

import asyncio
import time
from datetime import UTC, datetime, timedelta
from typing import Any

from temporalio.client import Client, WorkflowHandle, WorkflowUpdateRPCTimeoutOrCancelledError
from temporalio.common import WorkflowIDConflictPolicy
from temporalio.service import RPCError

from benchmarks.consents import Seals
from benchmarks.installation import installation, pids
from benchmarks.machine import memory_mib
from benchmarks.people import new_campaign, wish
from benchmarks.result import Beside, Figure, Result
from benchmarks.rows import count, users
from cli.stack import Stack
from db.session import WORKER_ROLE, Database
from domain.ids import TravelerId, UserId
from domain.messages.campaign import CampaignInput, campaign_workflow_id
from runtime.temporal import MAIN_QUEUE, connect
from workflows.campaign import CampaignWorkflow

ASLEEP, QUICK_ASLEEP = (1_000, 10_000), (20, 60)
PARTS = ("temporal", "postgres", "migrate", "worker")
WEIGHED = ("worker", "temporal", "postgres")
SIDE_BY_SIDE = 64
SETTLE_SECONDS = 5
LONGEST_SECONDS = 600
ANSWER_WITHIN = timedelta(seconds=2)
MADE_WITHIN = timedelta(seconds=15)
_MONTHS_AHEAD = timedelta(days=350)  # beyond what airlines sell, so that nothing is looked at


def run(*, quick: bool = False) -> dict[str, Any]:
    sizes = QUICK_ASLEEP if quick else ASLEEP
    with installation(PARTS) as stack:
        weights, seconds, starts = asyncio.run(_weigh(stack, sizes))
        cache = stack.settings.worker_max_cached_workflows
    return _result(sizes, cache, weights, seconds, starts).as_dict()


async def _weigh(
    stack: Stack, sizes: tuple[int, ...]
) -> tuple[dict[int, dict[str, float]], float, float]:
    database = Database(stack.settings.database_url, role=WORKER_ROLE, pool_size=4)
    client = await connect(stack.settings)
    owner = (await users(database, 1))[0]
    seals = Seals.of(stack.settings)
    weights, there, first = {0: await _memory(stack)}, 0, ""
    started = 0.0
    for size in sizes:
        begun = time.perf_counter()
        ids = await _put_to_sleep(client, owner, size - there, seals)
        first = first or ids[0]
        there = size
        async with asyncio.timeout(LONGEST_SECONDS):
            while await count(database, "autobooking_campaigns") < size:  # noqa: ASYNC110
                await asyncio.sleep(0.5)
        started += time.perf_counter() - begun
        weights[size] = await _memory(stack)
    seconds = await _answers_again(stack, client, first)
    await database.close()
    return weights, seconds, there / started


async def _put_to_sleep(client: Client, owner: UserId, number: int, seals: Seals) -> list[str]:
    gate = asyncio.Semaphore(SIDE_BY_SIDE)
    day = (datetime.now(UTC) + _MONTHS_AHEAD).date()
    criteria = wish(departure_from=day, departure_until=day)

    async def one() -> str:
        new = new_campaign(owner, TravelerId(owner), criteria, seals=seals)
        async with gate:
            handle = await client.start_workflow(
                CampaignWorkflow.run,
                CampaignInput(campaign_id=new.campaign_id, new=new),
                id=campaign_workflow_id(new.campaign_id),
                task_queue=MAIN_QUEUE,
                id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
            )
            await _until_made(handle)
            return handle.id

    return list(await asyncio.gather(*(one() for _ in range(number))))


async def _until_made(handle: WorkflowHandle[CampaignWorkflow, Any]) -> None:
    """Wait for the row; a starved machine makes a workflow task late, and then it is refused."""
    async with asyncio.timeout(LONGEST_SECONDS):
        while True:
            try:
                await handle.execute_update(
                    CampaignWorkflow.created, id="made", rpc_timeout=MADE_WITHIN
                )
            except (RPCError, WorkflowUpdateRPCTimeoutOrCancelledError):
                await asyncio.sleep(1)
            else:
                return


async def _memory(stack: Stack) -> dict[str, float]:
    await asyncio.sleep(SETTLE_SECONDS)
    return {name: memory_mib(pid) for name, pid in pids(stack, *WEIGHED).items()}


async def _answers_again(stack: Stack, client: Client, workflow_id: str) -> float:
    """Kill the worker; return the seconds until a campaign that had left its cache answers."""
    handle = client.get_workflow_handle_for(CampaignWorkflow.run, workflow_id)
    stack.supervisor.kill("worker")
    begun = time.perf_counter()
    async with asyncio.timeout(LONGEST_SECONDS):
        while True:
            try:
                # The same id: asking again is the same question.
                await handle.execute_update(
                    CampaignWorkflow.created, id="after-the-kill", rpc_timeout=ANSWER_WITHIN
                )
            except (RPCError, WorkflowUpdateRPCTimeoutOrCancelledError):
                await asyncio.sleep(0.05)
            else:
                return time.perf_counter() - begun


def _result(
    sizes: tuple[int, ...],
    cache: int,
    weights: dict[int, dict[str, float]],
    seconds: float,
    starts: float,
) -> Result:
    figures = []
    for size in sizes:
        for name in WEIGHED:
            beside = (Beside("none asleep", weights[0][name]),)
            figures.append(
                Figure(f"{name}, {size:,} asleep", weights[size][name], "MiB", "", beside)
            )
    most = sizes[-1]
    each = (weights[most]["temporal"] - weights[0]["temporal"]) * 1024 / most
    return Result(
        name="sleeping",
        title="Campaigns asleep",
        sizes={"asleep": list(sizes), "worker_cache": cache},
        figures=(
            *figures,
            Figure("Temporal server, each sleeping campaign", round(each, 1), "KiB"),
            Figure("campaigns made a second, rows and all", round(starts, 1), "1/s"),
            Figure(f"worker killed until it answers, {most:,} asleep", round(seconds, 2), "s"),
        ),
        notes=(
            (
                f"The worker keeps at most {cache} campaigns in memory, so both sizes above that "
                "show it with its cache full; one that left it is replayed when it wakes."
            ),
            (
                "Memory is the proportional set size of a process and its children: pages that "
                "they share count once."
            ),
            (
                "The answer after the kill comes from a campaign that was not in the cache, and "
                "includes the supervisor noticing, Python starting and the replay."
            ),
        ),
    )
