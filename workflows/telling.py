"""Send what is waiting to be told, beside the work and never in its way."""

import asyncio
from collections.abc import Awaitable, Callable

from temporalio import workflow
from temporalio.exceptions import ActivityError


class Telling:
    """One sending at a time; what comes up meanwhile makes one more."""

    def __init__(self, send: Callable[[], Awaitable[object]]) -> None:
        self._send = send
        self._task: asyncio.Task[None] | None = None
        self._again = False

    def tell(self) -> None:
        self._again = True
        if not self.underway:
            self._task = asyncio.create_task(self._run())

    @property
    def underway(self) -> bool:
        return self._task is not None and not self._task.done()

    async def finish(self) -> None:
        """Wait until everything is told, or given up for now; the rows stay pending."""
        if self._task is not None:
            await self._task

    async def _run(self) -> None:
        while self._again:
            self._again = False
            try:
                await self._send()
            except ActivityError:
                workflow.logger.warning("a notice could not be sent; the next one takes it along")
