"""What to do while nobody knows whether an order exists: ask, wait, never order again."""

from collections.abc import Awaitable, Callable
from datetime import timedelta

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from domain.messages.attempt import OrderOutcome, OrderStatus

# Most late orders appear within a minute; some providers take an hour or two.
PAUSES = (5, 10, 15, 30, 60, 120, 300, 600)


async def settle(
    ask: Callable[[], Awaitable[OrderOutcome]], wait: Callable[[timedelta], Awaitable[None]]
) -> OrderOutcome:
    """Ask until the order is found, refused, or so late that it can no longer come to be.

    `wait` waits for so long, or until somebody wants it asked now.
    """
    asked = 0
    while True:
        outcome = await ask()
        if outcome.status not in {OrderStatus.UNKNOWN, OrderStatus.ABSENT}:
            return outcome
        settled_at = outcome.settled_at
        if outcome.status is OrderStatus.ABSENT and settled_at and workflow.now() >= settled_at:
            return outcome
        pause = timedelta(seconds=PAUSES[min(asked, len(PAUSES) - 1)])
        if settled_at and settled_at > workflow.now():
            pause = min(pause, settled_at - workflow.now() + timedelta(seconds=1))
        asked += 1
        await wait(pause)
