"""The servers that schedules are played on, and workers that can be killed under them."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
from fault_workers import POLICY, WorkerProcess
from house import House, open_house, variables_for
from postgres import temporary_database
from sandbox import running_sandbox
from skipping import address_of, server_with_skipping
from temporalio.client import WorkflowHandle
from temporalio.service import RPCError

from domain.messages.search import search_workflow_id

FIRST_DAY, LAST_DAY = 90, 300  # from today: a day for each wish; airlines sell 331 days ahead
PATIENCE = 5.0  # seconds that the worker gives a silent provider
LONG_PATIENCE = 60.0  # a call may hang until its worker is dead
_CLOCK_SECONDS = 5.0  # a clock does not move while something is done; then it moves later


class SoakStage:
    """A database, a Temporal server, sandboxes, and a worker that may be killed."""

    def __init__(self, house: House, variables: dict[str, str], folder: Path) -> None:
        self.house, self.folder = house, folder
        self.kills = Kills(self._kill_worker)
        self._variables = variables | {"PARKER_ENV_FILE": ""}
        self._worker: WorkerProcess | None = None
        self._patience = 0.0
        self._days = 0
        self._answered_until = 0
        self._search_clock = asyncio.Lock()
        self._http = httpx.AsyncClient(
            base_url=house.sandbox.url,
            headers={"X-Sandbox-Control": house.sandbox.control_token},
            timeout=60,
        )

    def next_day(self) -> date:
        """Return a day that nobody else flies on: looks are shared, and told apart by it."""
        self._days += 1
        span = LAST_DAY - FIRST_DAY
        return datetime.now(UTC).date() + timedelta(days=FIRST_DAY + self._days % span)

    async def control(self, method: str, path: str, json: object = None) -> Any:
        answer = await self._http.request(method, f"/_control{path}", json=json)
        answer.raise_for_status()
        return answer.json() if answer.content else None

    async def calls_underway(self) -> set[int]:
        """Return the calls that a sandbox has not answered yet, whether anybody waits or not."""
        found = await self.control("GET", f"/requests?since_id={self._answered_until}")
        underway = {r["id"] for r in found if r["status"] is None and r["fault"] is None}
        if found:
            # The log grows, and what was answered long ago is not asked for again.
            self._answered_until = min(underway, default=found[-1]["id"] + 1) - 1
        return underway

    # Clocks

    async def skip(self, handle: WorkflowHandle[Any, Any], span: timedelta) -> None:
        """Move a process's clock, if it still runs; at once or as soon as it waits."""
        with suppress(RPCError, RuntimeError, TimeoutError):
            await asyncio.wait_for(self.house.skip(handle, span), _CLOCK_SECONDS)

    async def skip_search(self, span: timedelta) -> None:
        """Move the search loop's clock, which is everybody's."""
        handle = self.house.client.get_workflow_handle(search_workflow_id("duffel"))
        async with self._search_clock:
            await self.skip(handle, span)

    # Workers

    async def work(self, *, patience: float) -> None:
        """Let a worker work; one of another patience ends."""
        if self._worker and self._patience == patience:
            return
        self._end_worker()
        self._patience = patience
        self._worker = WorkerProcess(self.folder, self._variables, patience)
        await self._worker.works()

    async def _kill_worker(self) -> None:
        assert self._worker
        await self._worker.kill()

    def _end_worker(self) -> None:
        if self._worker:
            self._worker.destroy()

    async def aclose(self) -> None:
        self._end_worker()
        await self._http.aclose()


class Kills:
    """One kill for all schedules that want one: it comes when every other has gone on so far.

    A schedule that waits for the kill of its worker is not disturbed by another's before.
    """

    def __init__(self, kill: Callable[[], Any]) -> None:
        self.count = 0
        self.lived_through = 0  # schedules whose worker was killed, one kill for many of them
        self._kill = kill
        self._playing = 0
        self._waiting: list[asyncio.Future[None]] = []
        self._open = asyncio.Event()
        self._open.set()
        self._task: asyncio.Task[None] | None = None

    @asynccontextmanager
    async def player(self) -> AsyncIterator[None]:
        """Count somebody in; nobody begins while others wait for a kill."""
        while not self._open.is_set():
            await self._open.wait()
        self._playing += 1
        try:
            yield
        finally:
            self._playing -= 1
            self._consider()

    async def wait_for_kill(self) -> None:
        killed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(killed)
        self._open.clear()
        self._consider()
        await killed

    def _consider(self) -> None:
        if self._waiting and len(self._waiting) >= self._playing and self._task is None:
            self._task = asyncio.create_task(self._do())

    async def _do(self) -> None:
        waiting, self._waiting = self._waiting, []
        try:
            await self._kill()
            self.count += 1
            self.lived_through += len(waiting)
            for each in waiting:
                each.set_result(None)
        except Exception as error:  # noqa: BLE001 - those who wait must hear of it
            for each in waiting:
                each.set_exception(error)
        self._task = None
        self._open.set()
        self._consider()


@asynccontextmanager
async def open_soak_stage(postgres_url: str, name: str, folder: Path) -> AsyncIterator[SoakStage]:
    """Start fresh servers: their clocks are today's, and their books are empty."""
    async with server_with_skipping() as server:
        client, address = server.client, address_of(server)
        with (
            temporary_database(postgres_url, name) as url,
            running_sandbox(folder) as sandbox,
        ):
            variables = variables_for(url, sandbox, address, **POLICY)
            async with open_house(url, sandbox, client, address, workers=False, **POLICY) as house:
                stage = SoakStage(house, variables, folder)
                try:
                    yield stage
                finally:
                    await stage.aclose()
