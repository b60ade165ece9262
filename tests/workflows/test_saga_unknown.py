"""No clear answer at each step: it is found out, never guessed, and nothing is done twice.

Each story has travellers of its own and a departure day of its own, so that many run side by side
in one house; its fault is aimed at it by the campaign's id in the call, where the call has one.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from house import House, eventually
from stories import dreamt, holds_of, make, orders_of, skip

from domain.ids import attempt_id_for
from domain.messages.campaign import NewCampaign

SETTLED = timedelta(hours=4)  # past the offer and the three hours of the longest creation
A_WHILE = timedelta(minutes=2)


@dataclass(frozen=True)
class Fault:
    effect: str
    more: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return " ".join([self.effect, *(f"{k}={v}" for k, v in self.more.items())])


def fault(effect: str, **more: Any) -> Fault:
    return Fault(effect, more)


EXISTS = (
    fault("order_202_then_created", value={"seconds": 20}),
    fault("order_200_without_order", value={"seconds": 20}),
    fault("order_200_without_order", value={"seconds": 20, "body": {}}),
    fault("order_5xx_booked", status=500),
    fault("order_5xx_booked", status=502),
    fault("order_5xx_booked", status=504),
    fault("timeout_after", seconds=5),
    fault("close_after"),
    fault("error_after", status=500),
    fault("error_after", status=408),
    fault("late", seconds=2.5),
    fault("order_already_attempted", value={"booked": True}),
    fault("order_duplicate_booking", value={"booked": True}),
    fault("garbage_truncated", value="after"),
    fault("garbage_types", value="after"),
    fault("garbage_missing", value="after"),
    fault("garbage_html", value="after"),
)
NEVER_WAS = (
    fault("order_202_then_failed", value={"seconds": 20}),
    fault("order_200_without_order", value={"seconds": 9e9}),
    fault("order_already_attempted"),
    fault("order_duplicate_booking"),
    fault("order_airline_unknown_502"),
    fault("timeout_before", seconds=5),
    fault("close_before"),
    fault("error_before", status=500),
    fault("error_before", status=504),
    fault("garbage_html"),
    fault("hang_headers", seconds=5),
)
NOTHING_HAPPENED = (
    fault("order_503"),
    fault("order_not_created_502"),
    fault("rate_limit"),
)


async def story(
    house: House, number: int, operation: str = "create_order", bend: Fault | None = None
) -> NewCampaign:
    """Start a wish of somebody new on a day of its own; `bend` is its seller's fault."""
    return await begun(house, await dreamt(house, number), operation, bend)


async def paid(
    house: House, number: int, operation: str, unclear: Fault, bend: Fault | None = None
) -> NewCampaign:
    """Start another whose processor does not answer clearly, once."""
    new = await dreamt(house, number)
    caller = f"attempt:{attempt_id_for(new.campaign_id, 1)}"
    house.fault("stripe", operation, unclear.effect, contains=caller, **unclear.more)
    return await begun(house, new, "create_order", bend)


async def begun(house: House, new: NewCampaign, operation: str, bend: Fault | None) -> NewCampaign:
    if bend:
        house.fault("duffel", operation, bend.effect, contains=str(new.campaign_id), **bend.more)
    await make(house, new)
    return new


async def move_on(house: House, new: NewCampaign, span: timedelta) -> None:
    """Move the clock of the wish's newest attempt; one that has ended needs none."""
    attempt = (await house.attempts(new.campaign_id))[-1]
    await skip(house, house.attempt(attempt["id"]), span)


def fired(house: House) -> list[int]:
    """Return how often each fault came about."""
    return [rule["fired"] for rule in house.sandbox.control("GET", "/faults")]


async def calls_of(house: House, new: NewCampaign) -> int:
    rows = await house.rows(
        "SELECT 1 FROM provider_calls c JOIN booking_attempts a ON a.id = c.attempt_id"
        " WHERE a.campaign_id = :id AND c.kind = 'create_order'",
        id=new.campaign_id,
    )
    return len(rows)


# The order


async def test_an_order_whose_answer_was_lost_is_adopted(simulated: House) -> None:
    house = simulated
    tales = {str(f): await story(house, n, bend=f) for n, f in enumerate(EXISTS)}
    for name, new in tales.items():
        await house.attempt_in(new.campaign_id, "order_unknown", "capturing", "captured")
        await move_on(house, new, A_WHILE)
        await house.until(new.campaign_id, "booked")
        assert await orders_of(house, new) == ["live"], name
        assert await holds_of(house, new) == ["succeeded"], name
        assert "order.unknown" in await house.events(new.campaign_id), name
    assert house.calls("duffel", "create_order") == len(tales)
    await house.in_order()


async def test_an_order_that_never_was_releases_the_money_once_that_is_sure(
    simulated: House,
) -> None:
    house = simulated
    tales = {str(f): await story(house, n, bend=f) for n, f in enumerate(NEVER_WAS)}
    for name, new in tales.items():
        await house.attempt_in(new.campaign_id, "order_unknown")
        await move_on(house, new, timedelta(hours=2))
        unsure = (await house.attempts(new.campaign_id))[-1]
        assert unsure["state"] == "order_unknown", name  # absent, but not yet for sure
        assert await holds_of(house, new) == ["requires_capture"], name
    for name, new in tales.items():
        await move_on(house, new, SETTLED)
        failed = await house.attempt_in(new.campaign_id, "failed")
        assert failed["failure_reason"] == "order_never_happened", name
        await house.until(new.campaign_id, "active")
        assert await holds_of(house, new) == ["canceled"], name
        assert "live" not in await orders_of(house, new), name
        assert await calls_of(house, new) == 1, name
        assert "failed" in await house.notices(new.campaign_id), name
    assert house.calls("duffel", "create_order") == len(tales)


async def test_an_order_call_that_certainly_did_nothing_is_sent_again(simulated: House) -> None:
    house = simulated
    tales = {str(f): await story(house, n, bend=f) for n, f in enumerate(NOTHING_HAPPENED)}
    for name, new in tales.items():
        # Longer than the seller's minute, after which a refusal for haste is over.
        await house.until(new.campaign_id, "booked", seconds=120)
        assert await orders_of(house, new) == ["live"], name
        assert "order.unknown" not in await house.events(new.campaign_id), name
    assert house.calls("duffel", "create_order") == 2 * len(tales)
    await house.in_order()


async def test_not_being_allowed_to_ask_is_no_answer(simulated: House) -> None:
    """Without a valid key nobody knows whether the order exists: wait for a person's help."""
    house = simulated
    house.fault("duffel", "list_orders", "error_before", status=401, code="expired_access_token")
    new = await story(house, 0, bend=fault("close_after"))

    async def asked() -> bool:
        return "unknown_order" in await house.tasks()

    await eventually(asked)
    attempt = (await house.attempts(new.campaign_id))[-1]
    assert attempt["state"] == "order_unknown"
    assert await holds_of(house, new) == ["requires_capture"]
    await move_on(house, new, A_WHILE)
    await house.until(new.campaign_id, "booked")
    assert await orders_of(house, new) == ["live"]


async def test_asking_goes_on_while_the_answers_are_unclear(simulated: House) -> None:
    house = simulated
    for effect in ("timeout_before", "close_before", "garbage_html", "garbage_truncated"):
        house.fault("duffel", "list_orders", effect, seconds=3)
    house.fault("duffel", "list_orders", "error_before", status=500)
    new = await story(house, 0, bend=fault("close_after"))
    await house.attempt_in(new.campaign_id, "order_unknown", "capturing", "captured")
    await move_on(house, new, timedelta(minutes=30))
    await house.until(new.campaign_id, "booked")
    assert house.calls("duffel", "list_orders") >= 6
    assert await orders_of(house, new) == ["live"]
    await house.in_order()


async def test_cancelling_while_nobody_knows_is_answered_truly(simulated: House) -> None:
    house = simulated
    new = await story(house, 0, bend=fault("order_202_then_created", value={"seconds": 20}))
    await house.attempt_in(new.campaign_id, "order_unknown")
    for request in ("cancel", "pause"):
        assert (await house.update(new.campaign_id, request)).code == "being_booked"
    await move_on(house, new, A_WHILE)
    await house.until(new.campaign_id, "booked")
    await house.in_order()


# The search


@pytest.mark.parametrize("operation", ["create_offer_request", "get_offer"])
async def test_a_search_without_an_answer_is_repeated(simulated: House, operation: str) -> None:
    house = simulated
    bends = (
        fault("timeout_before", seconds=1.5),
        fault("close_before"),
        fault("error_before", status=500),
        fault("error_before", status=504),
        fault("garbage_truncated"),
    )
    # The first search is the look's; a look that fails is tried again as well.
    for each in bends:
        house.fault("duffel", operation, each.effect, skip=1, **each.more)
    new = await story(house, 0)
    await house.until(new.campaign_id, "booked", "active", seconds=1)
    for _ in range(4):
        if await house.attempts(new.campaign_id):
            await move_on(house, new, A_WHILE)
    await house.until(new.campaign_id, "booked")
    assert await orders_of(house, new) == ["live"]
    await house.in_order()


# The money

UNCLEAR = (
    fault("timeout_before", seconds=5),
    fault("timeout_after", seconds=5),
    fault("close_before"),
    fault("close_after"),
    fault("error_before", status=500),
    fault("error_after", status=500),
    fault("error_after", status=503),
    fault("in_flight"),
    fault("lock_timeout"),
    fault("api_error", value={"done": False}),
    fault("api_error", value={"done": True}),
    fault("garbage_html"),
    fault("garbage_truncated", value="after"),
    fault("garbage_missing", value="after"),
)


@pytest.mark.parametrize(
    "operation",
    ["create_payment_intent", "confirm_payment_intent", "capture_payment_intent"],
)
async def test_a_payment_step_without_an_answer_happens_once(
    simulated: House, operation: str
) -> None:
    house = simulated
    tales = {str(f): await paid(house, n, operation, f) for n, f in enumerate(UNCLEAR)}
    for name, new in tales.items():
        await house.until(new.campaign_id, "booked", seconds=60)
        held = await holds_of(house, new)
        # An unconfirmed payment whose creation went unseen holds nothing.
        assert held.count("succeeded") == 1, f"{name}: {held}"
        assert "requires_capture" not in held, f"{name}: {held}"
        assert await orders_of(house, new) == ["live"], name
    assert fired(house) == [1] * len(tales)
    await house.in_order()


async def test_a_release_without_an_answer_happens_all_the_same(simulated: House) -> None:
    house = simulated
    tales = {
        str(f): await paid(house, n, "cancel_payment_intent", f, bend=fault("payment_declined"))
        for n, f in enumerate(UNCLEAR)
    }
    for name, new in tales.items():
        await house.attempt_in(new.campaign_id, "failed")
        assert await holds_of(house, new) == ["canceled"], name
        assert await orders_of(house, new) == [], name
    await house.in_order()


async def test_a_processor_that_is_down_holds_up_but_loses_nothing(simulated: House) -> None:
    house = simulated
    rule = house.fault("stripe", "capture_payment_intent", "error_before", status=500, times=None)
    new = await story(house, 0)
    await house.attempt_in(new.campaign_id, "capturing")

    async def tried() -> bool:
        return house.calls("stripe", "capture_payment_intent") >= 3

    await eventually(tried)
    assert (await house.update(new.campaign_id, "cancel")).code == "being_booked"
    house.sandbox.control("DELETE", f"/faults/{rule}")
    await move_on(house, new, timedelta(minutes=5))
    await house.until(new.campaign_id, "booked")
    await house.in_order()
