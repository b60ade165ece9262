"""How providers are, as the breakers of a process tell it, written where every process reads it."""

import asyncio
import logging

from sqlalchemy.exc import SQLAlchemyError

from db.queries.switches import set_provider
from db.session import Database, SystemActor
from domain.breakers import Breaker
from runtime.clock import system_now

_ACTOR = SystemActor("breakers")
_log = logging.getLogger("worker")


class ProviderStates:
    """Writes beside the calls, which wait for nobody's row."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._in_turn = asyncio.Lock()
        self._writing: set[asyncio.Task[None]] = set()

    def tell(self, vendor: str, breaker: Breaker) -> None:
        task = asyncio.create_task(self._write(vendor, breaker), name=f"breaker-{vendor}")
        self._writing.add(task)
        task.add_done_callback(self._writing.discard)

    async def settle(self) -> None:
        """Wait until what was told is written."""
        await asyncio.gather(*self._writing)

    async def _write(self, vendor: str, breaker: Breaker) -> None:
        try:
            async with self._in_turn, self._database.transaction(_ACTOR) as session:
                await set_provider(session, vendor, breaker, system_now())
        except SQLAlchemyError as error:
            # What is said next says it all again.
            _log.warning("breaker not written error=%s", type(error).__name__)
