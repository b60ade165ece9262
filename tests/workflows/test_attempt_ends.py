"""The rarer courses of an attempt: providers that refuse us, orders that grew, runs that were lost.

Each story has a day of its own, so that one house holds them one after another.
"""

import itertools
from collections.abc import Awaitable, Callable
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from house import TESTS, House, eventually
from sqlalchemy import text
from temporalio.common import WorkflowIDReusePolicy
from temporalio.service import RPCError, RPCStatusCode

from domain.messages.attempt import AttemptInput, attempt_workflow_id
from domain.messages.campaign import NewCampaign
from domain.messages.order import OrderInput, order_workflow_id
from runtime.temporal import MAIN_QUEUE
from workflows.attempt import AttemptWorkflow
from workflows.order import OrderWorkflow

_days = itertools.count(1)
WAIT = 4.0  # seconds that a provider takes, for something else to happen meanwhile


async def story(house: House, card: str = "pm_card_visa") -> NewCampaign:
    day: date = house.wish().departure_from + timedelta(days=next(_days))
    return await house.wish_of_someone(card, departure_from=day, departure_until=day)


async def ends(house: House, new: NewCampaign) -> str:
    """Wait for the first attempt's end; return why it ended."""

    async def ended() -> str | None:
        first = (await house.attempts(new.campaign_id) or [{"state": "none"}])[0]
        over = first["state"] in {"failed", "captured"}
        return (first["failure_reason"] or first["state"]) if over else None

    return await eventually(ended)


async def while_it_is(
    house: House, vendor: str, operation: str, do: Callable[[Any], Awaitable[object]]
) -> NewCampaign:
    """Start a wish, and do something with its attempt while a provider takes its time."""
    house.fault(vendor, operation, "delay", seconds=WAIT)
    before = house.calls(vendor, operation)
    new = await story(house)

    async def under_way() -> dict[str, Any] | None:
        if house.calls(vendor, operation) == before:
            return None
        found = await house.attempts(new.campaign_id)
        return found[0] if found else None

    await do(await eventually(under_way))
    return new


def refuse_us(house: House, vendor: str, operation: str, **more: Any) -> None:
    house.fault(vendor, operation, "error_before", status=401, code="expired_access_token", **more)


async def test_a_provider_that_refuses_us_ends_the_attempt_and_leaves_no_order_unnoticed(
    house: House,
) -> None:
    refuse_us(house, "stripe", "create_payment_intent")
    new = await story(house)
    assert await ends(house, new) == "provider_unavailable"
    await house.in_order()

    # The money cannot be taken, and whether the order can be given back cannot be asked.
    refuse_us(house, "stripe", "capture_payment_intent")
    refuse_us(house, "duffel", "create_order_cancellation")
    new = await story(house)
    assert await ends(house, new) == "capture_refused"
    assert await house.tasks() == ["unpaid_order"]

    # A capture is refused, and the card says no to being held a second time.
    house.fault("stripe", "capture_payment_intent", "capture_refused")
    house.fault("stripe", "confirm_payment_intent", "decline", code="insufficient_funds", skip=1)
    new = await story(house)
    assert await ends(house, new) == "capture_refused"
    assert await house.tasks() == ["unpaid_order"] * 2
    await house.in_order()


async def test_an_order_that_grew_is_paid_within_the_limit_and_never_beyond(house: House) -> None:
    house.fare("400.00")
    house.fault("duffel", "create_order", "order_dearer", value={"amount": "2.00"})
    new = await story(house)
    await house.until(new.campaign_id, "booked")
    (booking,) = await house.rows("SELECT price_minor FROM bookings")
    matched = (await house.attempts(new.campaign_id))[0]["matched_minor"]
    assert booking["price_minor"] == matched + 200
    await house.in_order()
    assert sorted(house.intents()) == ["canceled", "succeeded"]

    house.fault("duffel", "create_order", "order_dearer", value={"amount": "9000.00"})
    new = await story(house)
    assert await ends(house, new) == "capture_refused"
    assert await house.tasks() == ["unpaid_order"]
    assert sorted(house.intents()) == ["canceled", "canceled", "succeeded"]


async def test_dearer_after_each_visit_to_the_bank_comes_to_an_end(house: House) -> None:
    house.fare("400.00")
    new = await house.wish_of_someone("pm_card_authenticationRequired")
    for number in range(1, 4):

        async def asked(number: int = number) -> bool:
            rows = await house.rows("SELECT state FROM payments ORDER BY round")
            return [r["state"] for r in rows][number - 1 :] == ["authentication_required"]

        await eventually(asked)
        attempt = await house.attempt_in(new.campaign_id, "awaiting_authentication")
        house.fare(f"{400 + number}.00")
        await house.at_the_bank(attempt["id"], "approve")
    assert await ends(house, new) == "price_rose"
    await house.in_order()
    assert house.intents() == ["canceled"] * 3


async def test_a_withdrawal_is_heeded_until_the_order_is_sent(house: House) -> None:
    async def withdraw(attempt: Any) -> None:
        await house.attempt(attempt["id"]).signal("withdraw")

    for vendor, operation in (("duffel", "get_offer"), ("stripe", "confirm_payment_intent")):
        new = await while_it_is(house, vendor, operation, withdraw)
        assert await ends(house, new) == "withdrawn"

    # What the rows say counts, though nobody told the process.
    async def revoke(attempt: Any) -> None:
        async with house.database.transaction(TESTS) as session:
            await session.execute(
                text("UPDATE mandates SET revoked_at = now() WHERE campaign_id = :id"),
                {"id": attempt["campaign_id"]},
            )

    new = await while_it_is(house, "stripe", "confirm_payment_intent", revoke)
    assert await ends(house, new) in {"withdrawn", "consent_needed"}

    async def too_late(attempt: Any) -> None:
        handle = house.attempt(attempt["id"])
        await handle.signal("withdraw")
        assert await handle.query("position") == "placing the order"
        assert await house.way_to_the_bank(attempt["id"]) is None

    new = await while_it_is(house, "duffel", "create_order", too_late)
    assert await ends(house, new) == "captured"


async def test_a_run_that_was_lost_goes_on_from_the_rows(house: House) -> None:
    async def lose(attempt: Any) -> None:
        handle = house.attempt(attempt["id"])
        first = (await handle.fetch_history()).events[0]
        words = first.workflow_execution_started_event_attributes.input.payloads
        (given,) = await house.client.data_converter.decode(words, [AttemptInput])
        # Its campaign is gone, and somebody looks after the order already.
        await house.campaign(given.campaign_id).terminate("lost")
        await handle.terminate("lost")
        await house.client.start_workflow(
            OrderWorkflow.run,
            OrderInput(booking_id=given.booking_id),
            id=order_workflow_id(given.booking_id),
            task_queue=MAIN_QUEUE,
        )
        await house.client.start_workflow(
            AttemptWorkflow.run,
            given,
            id=attempt_workflow_id(given.attempt_id),
            task_queue=MAIN_QUEUE,
            id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE,
        )

    new = await while_it_is(house, "duffel", "create_order", lose)
    assert await ends(house, new) == "captured"
    assert house.orders() == ["live"]
    assert house.intents() == ["succeeded"]
    (attempt,) = await house.attempts(new.campaign_id)
    closed = await house.attempt(attempt["id"]).result()
    assert closed["booked"]
    await house.in_order()


async def test_a_seller_that_was_away_at_every_try_is_asked_whether_it_has_an_order(
    simulated: House,
) -> None:
    house = simulated
    house.fault("duffel", "create_order", "order_503", times=6)
    new = await story(house)
    await house.attempt_in(new.campaign_id, "ordering")
    for _ in range(12):
        (attempt,) = await house.attempts(new.campaign_id)
        if attempt["state"] == "failed":
            break
        await skipped(house, attempt["id"], timedelta(minutes=30))
    assert await ends(house, new) == "provider_unavailable"
    assert house.orders() == []
    assert house.intents() == ["canceled"]
    await house.in_order()


async def skipped(house: House, attempt_id: UUID, span: timedelta) -> None:
    """Move an attempt's clock; one that has just ended needs none."""
    try:
        await house.skip(house.attempt(attempt_id), span)
    except RPCError as error:
        if error.status is not RPCStatusCode.NOT_FOUND:
            raise
