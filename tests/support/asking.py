"""Ask until the answer is the one that is waited for."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

LONGEST_SECONDS = 60.0


async def until(ask: Callable[[], Awaitable[Any]], good: Callable[[Any], bool]) -> Any:
    deadline = time.monotonic() + LONGEST_SECONDS
    while True:
        found = await ask()
        if good(found):
            return found
        assert time.monotonic() < deadline, found
        await asyncio.sleep(0.1)
