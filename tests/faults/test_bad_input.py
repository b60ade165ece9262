"""Providers that answer garbage: no wrong booking, no endless repeating, and a reason that says so.

What Schemathesis sends to our own door is in tests/api/test_schemathesis.py.
"""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from house import House, eventually
from sandbox import Sandbox
from skipping import house_of_its_own
from temporalio.service import RPCError, RPCStatusCode

from domain.ids import CampaignId
from domain.messages.campaign import NewCampaign
from worker import simulated_clock

EFFECTS = (
    "garbage_truncated",
    "garbage_types",
    "garbage_missing",
    "garbage_html",
    "garbage_huge",
    "hang_headers",
)
# What a clean run calls, once the look has found something; a test holds this list to the truth.
SAGA_CALLS = (
    ("duffel", "create_offer_request"),
    ("duffel", "get_offer"),
    ("stripe", "list_payment_intents"),
    ("stripe", "create_payment_intent"),
    ("stripe", "confirm_payment_intent"),
    ("duffel", "create_order"),
    ("stripe", "get_payment_intent"),
    ("stripe", "capture_payment_intent"),
    ("duffel", "get_order"),
)
PATIENCE = 1.0
HANG = {"seconds": 2}


@pytest.fixture
async def house(database_url: str, clean_sandbox: Sandbox) -> AsyncIterator[House]:
    async with house_of_its_own(
        database_url, clean_sandbox, extra_headers=simulated_clock, patience=PATIENCE
    ) as opened:
        yield opened


async def test_the_saga_makes_the_calls_that_are_bent_here(house: House) -> None:
    new = await house.wish_of_someone()
    await house.until(new.campaign_id, "booked")
    await eventually(lambda: _ticketed(house))
    made = {(r["vendor"], r["operation"]) for r in house.sandbox.control("GET", "/requests")}
    set_up = {
        ("stripe", "create_customer"),
        ("stripe", "attach_payment_method"),
        ("mail", "deliver"),
    }
    assert made - set_up == set(SAGA_CALLS)


@pytest.mark.parametrize("effect", EFFECTS)
async def test_a_look_that_gets_garbage_says_so_and_the_next_one_books(
    house: House, effect: str
) -> None:
    house.fault("duffel", "create_offer_request", effect, times=None, **HANG)
    new = await house.wish_of_someone()

    async def looked() -> list[dict[str, Any]]:
        await _pass_time(house, timedelta(minutes=1), new.campaign_id)
        return await house.rows("SELECT failed, offers, cheapest_minor FROM looks")

    (look,) = await eventually(looked)
    assert look["failed"]
    assert (look["offers"], look["cheapest_minor"]) == (0, None)
    assert house.calls("duffel", "create_offer_request") <= 4
    assert await house.state(new.campaign_id) == "active"
    assert await house.attempts(new.campaign_id) == []

    house.sandbox.control("DELETE", "/faults")
    await house.later(timedelta(hours=2), new.campaign_id)
    await house.until(new.campaign_id, "booked")
    await house.in_order()


@pytest.mark.parametrize("effect", EFFECTS)
async def test_garbage_once_at_every_call_still_books_once(house: House, effect: str) -> None:
    """Each write has happened, and its answer cannot be read; each read fails once."""
    rules = [
        house.fault(
            vendor,
            operation,
            effect,
            value="after",
            skip=1 if operation == "create_offer_request" else 0,
            **HANG,
        )
        for vendor, operation in SAGA_CALLS
    ]
    new = await house.wish_of_someone()
    await _until_over(house, new)
    assert await house.state(new.campaign_id) == "booked"
    await eventually(lambda: _ticketed(house))
    await house.in_order()
    assert house.orders() == ["live"]
    _all_fired(house, rules)


@pytest.mark.parametrize("effect", EFFECTS)
async def test_writes_that_answer_garbage_and_did_nothing_book_nothing_twice(
    house: House, effect: str
) -> None:
    rules = [
        house.fault(vendor, operation, effect, **HANG)
        for vendor, operation in SAGA_CALLS
        if operation.startswith(("create_", "confirm_", "capture_"))
        and operation != "create_offer_request"
    ]
    new = await house.wish_of_someone()
    await _until_over(house, new)
    # Nobody knew of an order; once it could no longer come to be, the hold was released.
    first, *_ = await house.attempts(new.campaign_id)
    assert first["failure_reason"] == "order_never_happened"
    await _until_over(house, new, "booked")
    await house.in_order()
    assert len(house.orders()) == 1
    _all_fired(house, rules)


@pytest.mark.parametrize(
    ("vendor", "operation", "effect", "most"),
    [
        ("duffel", "create_offer_request", "garbage_html", 60),
        ("duffel", "get_offer", "garbage_missing", 60),
        ("stripe", "create_payment_intent", "garbage_truncated", 60),
        # A hold is looked for until it is released, for three days, and then by a person.
        ("stripe", "list_payment_intents", "garbage_types", 600),
    ],
)
async def test_garbage_for_ever_ends_the_attempt_with_a_reason(
    house: House, vendor: str, operation: str, effect: str, most: int
) -> None:
    skip = 1 if operation == "create_offer_request" else 0
    rule = house.fault(vendor, operation, effect, times=None, skip=skip)
    new = await house.wish_of_someone()
    await _until_over(house, new)
    attempts = await house.attempts(new.campaign_id)
    assert attempts
    assert all(one["failure_reason"] for one in attempts)
    assert house.orders() == []
    assert await house.state(new.campaign_id) in {"active", "needs_action", "paused"}
    _all_fired(house, [rule])
    # Growing pauses: no storm, however long it lasts.
    assert house.calls(vendor, operation) < most
    assert bool(await house.tasks()) is (operation == "list_payment_intents")


async def _until_over(house: House, new: NewCampaign, *states: str) -> None:
    """Let time pass for the campaign and its attempts until none of them is under way."""
    steps = iter([timedelta(minutes=20)] * 15 + [timedelta(hours=6)] * 1000)

    async def over() -> bool:
        attempts = await house.attempts(new.campaign_id)
        live = [a for a in attempts if a["state"] not in {"captured", "failed"}]
        if (
            attempts
            and not live
            and (await house.state(new.campaign_id))
            in (states or ("booked", "active", "needs_action", "paused"))
        ):
            return True
        for attempt in live:
            await _skip(house, house.attempt(attempt["id"]), next(steps))
        if states and not live:
            await _pass_time(house, timedelta(hours=12), new.campaign_id)
        return False

    async def told() -> object:
        return await house.events(new.campaign_id)

    await eventually(over, seconds=60, told=told)


async def _pass_time(house: House, span: timedelta, campaign_id: CampaignId) -> None:
    await house.later(span, campaign_id)


async def _skip(house: House, handle: Any, span: timedelta) -> None:
    try:
        await house.skip(handle, span)
    except RPCError as error:
        if error.status is not RPCStatusCode.NOT_FOUND:
            raise
    await asyncio.sleep(0)


async def _ticketed(house: House) -> bool:
    rows = await house.rows("SELECT id, state FROM bookings")
    if rows and rows[0]["state"] != "ticketed":
        await _skip(house, house.order(rows[0]["id"]), timedelta(minutes=10))
    return bool(rows) and rows[0]["state"] == "ticketed"


def _all_fired(house: House, rules: list[str]) -> None:
    fired = {rule["id"]: rule["fired"] for rule in house.sandbox.control("GET", "/faults")}
    calls = {rule["id"]: rule["operation"] for rule in house.sandbox.control("GET", "/faults")}
    assert [calls[rule] for rule in rules if not fired[rule]] == []
