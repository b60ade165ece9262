"""Undo what was done, in reverse, whatever happens."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from temporalio import workflow
from temporalio.exceptions import ActivityError

T = TypeVar("T")
Undo = Callable[[], Awaitable[None]]
GiveUp = Callable[[str], Awaitable[None]]


class Saga:
    """A stack of undos. Register an undo before its do: a lost answer must not lose the undo."""

    def __init__(self, give_up: GiveUp) -> None:
        """Take what is called with an undo's name when it could not be done: an operator's task."""
        self._undos: dict[str, Undo] = {}
        self._give_up = give_up

    def add(self, name: str, undo: Undo) -> None:
        self._undos[name] = undo

    def forget(self, name: str) -> None:
        """Drop an undo whose do has become definite (captured) or was undone by itself."""
        self._undos.pop(name, None)

    async def undo(self) -> None:
        """Run all undos, newest first; one that fails does not stop the others."""
        for name in reversed(tuple(self._undos)):
            try:
                await self._undos.pop(name)()
            except ActivityError:
                workflow.logger.exception("could not undo", extra={"undo": name})
                await self._give_up(name)


async def finish(task: asyncio.Task[T], on_cancel: Callable[[], None]) -> T:
    """Await a task to its end even when the workflow is cancelled meanwhile."""
    while True:
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            if task.done():
                raise
            on_cancel()
