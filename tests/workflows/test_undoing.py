"""The stack of undos by itself: what is undone, in which order, and what nobody could undo."""

import asyncio
from functools import partial

import pytest
from temporalio import workflow
from temporalio.exceptions import ActivityError, RetryState

from workflows.saga import Saga, finish


async def test_the_newest_is_undone_first_and_one_that_fails_goes_to_a_person(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Outside of a workflow there is nothing to replay.
    monkeypatch.setattr(workflow.logger, "log_during_replay", True)
    done: list[str] = []

    async def undo(name: str, *, fails: bool = False) -> None:
        done.append(name)
        if fails:
            raise ActivityError(
                "no answer", scheduled_event_id=1, started_event_id=2, identity="w",
                activity_type="void_payment", activity_id="1",
                retry_state=RetryState.MAXIMUM_ATTEMPTS_REACHED,
            )  # fmt: skip

    async def give_up(name: str) -> None:
        done.append(f"ask about {name}")

    saga = Saga(give_up)
    for name in ("first", "second", "third", "fourth"):
        saga.add(name, partial(undo, name, fails=name == "third"))
    saga.forget("second")
    saga.forget("never there")
    await saga.undo()
    await saga.undo()  # what was undone once is not undone again
    assert done == ["fourth", "third", "ask about third", "first"]


async def test_a_cancellation_is_heard_and_waited_out() -> None:
    heard: list[str] = []
    goes_on = asyncio.Event()

    async def book() -> str:
        await goes_on.wait()
        return "the end"

    ending = asyncio.create_task(
        finish(asyncio.create_task(book()), lambda: heard.append("cancelled"))
    )
    await asyncio.sleep(0)
    for _ in range(2):
        ending.cancel()
        await asyncio.sleep(0)
    goes_on.set()
    assert await ending == "the end"
    assert heard == ["cancelled"] * 2


async def test_what_was_cancelled_itself_has_no_end() -> None:
    async def book() -> None:
        await asyncio.Event().wait()

    booking = asyncio.create_task(book())
    ending = asyncio.create_task(finish(booking, lambda: None))
    await asyncio.sleep(0)
    booking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await ending
