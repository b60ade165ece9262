"""The product's worker as a process that tests may kill: marked calls, short patience, holds.

It runs what `worker.py` lists, put together by the same functions. A file in the folder asks for
an activity to be held before it begins or after it took effect; what ran is written there too.

What is started is a nursery: it imports everything once, and forks a keeper for each line that it
is sent. A keeper forks a worker, and another one whenever that is killed.
"""

import asyncio
import dataclasses
import gc
import json
import os
import signal
import sys
from collections.abc import Mapping
from contextlib import AsyncExitStack
from importlib import import_module
from pathlib import Path
from typing import Any

import coverage_gate
from sqlalchemy.orm import configure_mappers
from temporalio import activity
from temporalio.client import Client
from temporalio.client import Interceptor as ClientInterceptor
from temporalio.worker import (
    ActivityInboundInterceptor,
    ExecuteActivityInput,
    Interceptor,
)

from activities import letters
from db.session import WORKER_ROLE, Database
from domain.offers import Offer
from domain.places import place
from providers.duffel.client import Timeouts
from providers.ports import FlightSearch, OfferGone, SearchRequest, SearchResult
from providers.registry import build_providers
from runtime.settings import Settings, load_settings
from runtime.temporal import connect, set_search_queue_limit
from worker import SELLERS, Activities, build_workers, simulated_clock
from workflows.schedules import ensure_search_runs

RAN, HELD, RELEASED = "ran.txt", ".held", ".released"
SHORTEST_SUPPLIER_SECONDS = 2  # a search is waited for ten seconds longer than this


def hold_file(when: str, place: str) -> str:
    """Name the file that asks for a hold; it is renamed once somebody is held, and to let go."""
    return f"{when}@{place}"


def child_file(parent: int) -> str:
    """Name the file that says which worker runs now."""
    return f"worker.{parent}"


def marked() -> Mapping[str, str]:
    """Say which step of which workflow calls, besides its time."""
    if not activity.in_activity():
        return simulated_clock()
    info = activity.info()
    mark = f"{info.activity_type}@{info.workflow_id}"
    return {**simulated_clock(), "X-Sandbox-Mark": mark}


class Holds(ClientInterceptor, Interceptor):
    """Writes down each activity that runs, and holds those that are asked for."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def intercept_activity(self, next: ActivityInboundInterceptor) -> ActivityInboundInterceptor:  # noqa: A002
        return _Holding(next, self._folder)


class _Holding(ActivityInboundInterceptor):
    def __init__(self, inner: ActivityInboundInterceptor, folder: Path) -> None:
        super().__init__(inner)
        self._folder = folder

    async def execute_activity(self, input: ExecuteActivityInput) -> Any:  # noqa: A002
        info = activity.info()
        place = f"{info.activity_type}@{info.workflow_id}"
        with (self._folder / RAN).open("a") as ran:
            ran.write(f"{place} {'rows' if info.is_local else 'calls'}\n")
        await self._pass("before", place)
        result = await super().execute_activity(input)
        await self._pass("after", place)
        return result

    async def _pass(self, when: str, place: str) -> None:
        wanted = self._folder / hold_file(when, place)
        try:
            wanted.rename(f"{wanted}{HELD}")
        except FileNotFoundError:
            return
        released = wanted.with_name(wanted.name + RELEASED)
        while not released.exists():  # a file has no event
            if not activity.info().is_local:
                activity.heartbeat()
            await asyncio.sleep(0.05)  # until it is killed, or let go after it was stopped


class ImpatientSearch:
    """A search that lets the seller wait for airlines as briefly as the seller allows."""

    def __init__(self, search: FlightSearch) -> None:
        self._search = search

    async def search(self, request: SearchRequest) -> SearchResult:
        brief = {"supplier_timeout_seconds": SHORTEST_SUPPLIER_SECONDS}
        return await self._search.search(request.model_copy(update=brief))

    async def refresh(self, offer_id: str) -> Offer | OfferGone:
        return await self._search.refresh(offer_id)


async def run(settings: Settings, folder: Path, patience: float) -> None:
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    async with AsyncExitStack() as opened:
        database = Database(settings.database_for("worker"), role=WORKER_ROLE, pool_size=20)
        opened.push_async_callback(database.close)
        providers = await build_providers(
            settings,
            marked,
            duffel_timeouts=Timeouts(*[patience] * 4),
            stripe_timeout_seconds=patience,
        )
        opened.push_async_callback(providers.aclose)
        providers = dataclasses.replace(providers, search=ImpatientSearch(providers.search))
        config = (await connect(settings)).config()
        config["interceptors"] = [*config["interceptors"], Holds(folder)]
        client = Client(**config)
        await set_search_queue_limit(client, settings.policy.searches_per_second)
        for each in build_workers(client, settings, Activities(settings, database, providers)):
            await opened.enter_async_context(each)
        for seller in SELLERS:
            await ensure_search_runs(client, seller)
        (folder / f"ready.{os.getpid()}").touch()
        await stop.wait()


def keep(folder: Path, patience: float) -> int:
    """Keep a worker working until one ends by itself; return how it ended."""
    while True:
        child = os.fork()
        if child == 0:
            asyncio.run(run(load_settings(env_files=()), folder, patience))
            coverage_gate.keep()
            os._exit(0)
        (folder / child_file(os.getpid())).write_text(str(child))
        signal.signal(signal.SIGTERM, lambda number, _, child=child: os.kill(child, number))
        _, status = os.waitpid(child, 0)
        if not (os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL):
            return os.waitstatus_to_exitcode(status)


def keeper(order: Mapping[str, Any]) -> int:
    """Be the keeper that was ordered, in a session and with a log of its own."""
    os.setsid()
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    log = os.open(order["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    for number in (1, 2):
        os.dup2(log, number)
    os.environ.update(order["variables"])
    return keep(Path(order["folder"]), order["patience"])


def prepare() -> None:
    """Do once, before any worker is forked, what each would do for its first booking."""
    configure_mappers()
    place("JFK")
    for lazily in ("httpcore", "stripe._charge", "stripe._payment_method", "stripe._refund"):
        import_module(lazily)
    for letter in ("letter.txt", "letter.html"):
        letters.TEMPLATES.get_template(letter)
    gc.freeze()
    gc.set_threshold(10_000)


def main() -> None:
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody here waits for a keeper
    prepare()
    for line in sys.stdin:
        pid = os.fork()
        if pid == 0:
            ended = 1
            try:
                ended = keeper(json.loads(line))
            finally:
                os._exit(ended)
        print(pid, flush=True)


if __name__ == "__main__":
    main()
