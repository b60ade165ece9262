"""A provider that does not answer is left alone, and people are told of it until it does."""

import asyncio
import socket
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from browsing import Site
from watched import Watched

from db.provider_states import ProviderStates
from db.queries.switches import set_provider
from db.session import Database, SystemActor
from domain.breakers import FAILURES, PAUSE, Breaker
from providers.breaker import LEFT_ALONE, CircuitBreaker
from providers.http import Answer, HttpClient, NotSent, Reply
from runtime.clock import system_now

TESTS = SystemActor("tests")
_AWAY = "The airlines' system does not answer."


@dataclass
class Moved:
    """The wall clock, and what a test adds to it."""

    ahead: timedelta = field(default_factory=timedelta)

    def __call__(self) -> datetime:
        return system_now() + self.ahead


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


async def _no(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer anything with a no: whoever says no is there."""
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}")
    await writer.drain()
    writer.close()


async def test_a_provider_that_is_away_is_told_of_until_it_answers(
    pages: Site, database: Database, ana: Any
) -> None:
    async with database.transaction(TESTS) as session:
        wish = await Watched(session, ana.user_id, system_now()).campaign()
    states, clock, port = ProviderStates(database), Moved(), _free_port()
    breaker = CircuitBreaker("duffel", states.tell, clock=clock)
    http = HttpClient("duffel", f"http://127.0.0.1:{port}", breaker=breaker)

    async def ask() -> Reply:
        return await http.request("GET", "/", operation="get_order", read_seconds=2)

    async def shown() -> list[bool]:
        await states.settle()
        paths = ("/auto-booking/dashboard", f"/auto-booking/wishes/{wish.id}")
        return [_AWAY in (await pages.get(path)).text for path in paths]

    for _ in range(FAILURES):
        assert await shown() == [False, False]
        assert await ask() == NotSent("connection_refused")
    assert await ask() == NotSent(LEFT_ALONE), "it is not even tried"
    assert await shown() == [True, True]

    async with await asyncio.start_server(_no, "127.0.0.1", port):
        assert await ask() == NotSent(LEFT_ALONE)
        clock.ahead = PAUSE
        replies = await asyncio.gather(ask(), ask())
        assert [type(one) for one in replies] == [Answer, NotSent], "one tries for all"
        assert await shown() == [False, False]
        assert isinstance(await ask(), Answer)
    await http.aclose()

    # Of whoever left it alone and has stopped since, nothing is believed for long.
    async with database.transaction(TESTS) as session:
        long_ago = system_now() - timedelta(minutes=5)
        await set_provider(session, "duffel", Breaker(failures=9, retry_at=long_ago), long_ago)
    assert await shown() == [False, False]
