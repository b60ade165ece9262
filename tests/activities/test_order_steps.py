"""Placing an order and finding out what became of it, where the rows are ahead of the step."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from activity_desk import Desk
from house import TESTS, eventually
from sqlalchemy import text
from temporalio.exceptions import ApplicationError

from db.queries.switches import stop_booking
from domain.attempts import FailureReason
from domain.messages.attempt import (
    AttemptInput,
    ChosenOffer,
    OrderOutcome,
    OrderStatus,
    ResolveInput,
    UndoOrderInput,
)
from runtime.clock import system_now

SETTLED = timedelta(hours=4)  # past the offer, and past the longest that an order may take


def question(attempt: AttemptInput, number: int = 1) -> ResolveInput:
    return ResolveInput(
        attempt_id=attempt.attempt_id,
        campaign_id=attempt.campaign_id,
        booking_id=attempt.booking_id,
        round=number,
    )


async def resolve(
    desk: Desk, attempt: AttemptInput, number: int = 1, *, after: timedelta = timedelta(0)
) -> OrderOutcome:
    found: OrderOutcome = await desk.take(
        desk.all.orders.resolve_order, question(attempt, number), after=after
    )
    return found


async def call_state(desk: Desk) -> str:
    (row,) = await desk.house.rows("SELECT state FROM provider_calls WHERE kind = 'create_order'")
    return str(row["state"])


async def call_id(desk: Desk) -> Any:
    (row,) = await desk.house.rows("SELECT id FROM provider_calls WHERE kind = 'create_order'")
    return row["id"]


async def execute(desk: Desk, statement: str) -> None:
    async with desk.house.database.transaction(TESTS) as session:
        await session.execute(text(statement))


# Before the point of no return


async def test_an_order_of_nobodys_attempt_is_not_placed(desk: Desk) -> None:
    attempt, offer = await desk.ready_to_order()
    stranger = attempt.model_copy(update={"campaign_id": uuid4(), "attempt_id": uuid4()})
    assert (await desk.order(stranger, offer)).status is OrderStatus.WITHDRAWN
    assert (await resolve(desk, stranger)).status is OrderStatus.WITHDRAWN
    assert desk.house.orders() == []


@pytest.mark.parametrize(
    "meanwhile",
    [
        "UPDATE autobooking_campaigns SET status = 'paused'",
        "UPDATE autobooking_campaigns SET criteria_version = 2",
        "UPDATE autobooking_campaigns SET ends_at = now() - interval '1 hour'",
        "UPDATE booking_attempts SET failure_reason = 'withdrawn'",
        "UPDATE mandates SET revoked_at = now()",
        "UPDATE mandates SET cap_minor = 1",
        "UPDATE payments SET amount_minor = amount_minor - 1",
        "UPDATE payments SET state = 'voided'",
        "UPDATE payments SET round = 2",
    ],
)
async def test_what_has_changed_meanwhile_forbids_the_order(desk: Desk, meanwhile: str) -> None:
    attempt, offer = await desk.ready_to_order()
    await execute(desk, meanwhile)
    outcome = await desk.order(attempt, offer)
    tampered = "cap_minor" in meanwhile
    reason = FailureReason.CONSENT_NEEDED if tampered else FailureReason.WITHDRAWN
    assert (outcome.status, outcome.reason) == (OrderStatus.WITHDRAWN, reason)
    assert await desk.house.rows("SELECT 1 FROM mandate_uses") == []
    assert desk.house.calls("duffel", "create_order") == 0
    assert await desk.house.rows("SELECT 1 FROM provider_calls WHERE kind = 'create_order'") == []


async def test_the_switch_the_cap_and_a_currency_without_one_stop_the_order(desk: Desk) -> None:
    attempt, offer = await desk.ready_to_order()
    orders = desk.all.orders
    for cap in ({}, {"USD": 1}):
        orders._policy = desk.house.settings.policy.model_copy(update={"spending_cap_daily": cap})
        assert (await desk.order(attempt, offer)).reason is FailureReason.BOOKING_STOPPED
    orders._policy = desk.house.settings.policy
    async with desk.house.database.transaction(TESTS) as session:
        await stop_booking(session, "a test", "tests", system_now())
    assert (await desk.order(attempt, offer)).reason is FailureReason.BOOKING_STOPPED
    assert desk.house.orders() == []


async def test_an_offer_for_more_people_than_travel_is_not_ordered(desk: Desk) -> None:
    attempt, offer = await desk.ready_to_order()
    crowd = offer.model_copy(update={"passenger_refs": (*offer.passenger_refs, "pas_another")})
    assert (await desk.order(attempt, crowd)).reason is FailureReason.TRAVELLER_DATA


# After it


async def test_an_order_is_placed_once_however_often_it_is_asked_for(desk: Desk) -> None:
    attempt, offer = await desk.ready_to_order()
    for _ in range(2):
        assert (await desk.order(attempt, offer)).status is OrderStatus.PLACED
    assert (await resolve(desk, attempt)).status is OrderStatus.PLACED
    assert desk.house.orders() == ["live"]


async def test_what_did_not_happen_is_tried_again(desk: Desk) -> None:
    attempt, offer = await desk.ready_to_order()
    desk.house.fault("duffel", "create_order", "order_503")
    with pytest.raises(ApplicationError, match="ProviderUnavailable"):
        await desk.order(attempt, offer)
    asked = await resolve(desk, attempt)
    assert (asked.status, asked.reason) == (
        OrderStatus.REFUSED,
        FailureReason.PROVIDER_UNAVAILABLE,
    )
    assert (await desk.order(attempt, offer)).status is OrderStatus.PLACED


@pytest.mark.parametrize("effect", ["sold_out", "payment_declined", "insufficient_balance"])
async def test_a_refusal_stands_for_its_round(desk: Desk, effect: str) -> None:
    attempt, offer = await desk.ready_to_order()
    desk.house.fault("duffel", "create_order", effect)
    first = await desk.order(attempt, offer)
    assert first.status is OrderStatus.REFUSED
    assert first == await desk.order(attempt, offer) == await resolve(desk, attempt)
    if effect == "insufficient_balance":
        assert await desk.house.tasks() == ["booking_stopped"]
        return
    # Another round has an order of its own.
    assert (await desk.order(attempt, await desk.chosen(attempt), 2)).status is OrderStatus.PLACED


async def test_refused_credentials_pull_the_brake(desk: Desk) -> None:
    attempt, offer = await desk.ready_to_order()
    desk.house.fault(
        "duffel", "create_order", "error_before", status=401, code="expired_access_token"
    )
    assert (await desk.order(attempt, offer)).reason is FailureReason.BOOKING_STOPPED
    assert await call_state(desk) == "refused"
    assert await desk.house.tasks() == ["booking_stopped"]


async def test_an_order_without_an_answer_is_asked_about_and_never_sent_again(desk: Desk) -> None:
    attempt, offer = await desk.ready_to_order()
    desk.house.fault("duffel", "create_order", "close_after")
    for _ in range(2):
        assert (await desk.order(attempt, offer)).status is OrderStatus.UNKNOWN
    assert await desk.state_of(attempt) == "order_unknown"
    assert (await resolve(desk, attempt)).status is OrderStatus.PLACED
    assert desk.house.calls("duffel", "create_order") == 1
    assert desk.house.orders() == ["live"]


async def test_an_absent_order_is_given_up_once_it_can_no_longer_come_to_be(desk: Desk) -> None:
    attempt, offer = await desk.ready_to_order()
    desk.house.fault("duffel", "create_order", "close_before")
    assert (await desk.order(attempt, offer)).status is OrderStatus.UNKNOWN
    early = await resolve(desk, attempt)
    assert early.status is OrderStatus.ABSENT
    assert await call_state(desk) == "unknown"
    for _ in range(2):
        late = await resolve(desk, attempt, after=SETTLED)
        assert late.settled_at == early.settled_at
        assert await call_state(desk) == "absent"
    assert (await desk.order(attempt, offer)).status is OrderStatus.UNKNOWN  # the door is closed


# While its answer is on its way


async def test_who_finds_the_order_first_writes_it_down(desk: Desk) -> None:
    attempt, offer = await desk.ready_to_order()
    asked = asyncio.ensure_future(_found(desk, attempt))
    late = await desk.while_ordering(attempt, offer, asked, effect="timeout_after", seconds=5)
    assert late.status is OrderStatus.UNKNOWN  # to be resolved; the rows know already
    assert await call_state(desk) == "answered"
    assert (await resolve(desk, attempt)).status is OrderStatus.PLACED
    assert len(await desk.house.rows("SELECT 1 FROM bookings")) == 1


async def _found(desk: Desk, attempt: AttemptInput) -> None:
    while (await resolve(desk, attempt)).status is not OrderStatus.PLACED:
        pass


async def test_an_order_that_appears_after_its_attempt_has_ended_is_a_persons_task(
    desk: Desk,
) -> None:
    attempt, offer = await desk.ready_to_order()
    ended = execute(desk, "UPDATE booking_attempts SET state = 'failed'")
    outcome = await desk.while_ordering(attempt, offer, ended)
    assert outcome.status is OrderStatus.UNKNOWN
    assert await desk.house.tasks() == ["late_order"]
    assert await desk.house.rows("SELECT 1 FROM bookings") == []


async def test_an_answer_that_belongs_to_no_call_is_an_error(desk: Desk) -> None:
    attempt, offer = await desk.ready_to_order()
    lost = execute(desk, "DELETE FROM provider_calls WHERE kind = 'create_order'")
    with pytest.raises(LookupError, match="has lost its order call"):
        await desk.while_ordering(attempt, offer, lost)


@pytest.mark.parametrize("effect", ["sold_out", "order_503"])
async def test_what_was_settled_meanwhile_is_not_settled_again(desk: Desk, effect: str) -> None:
    attempt, offer = await desk.ready_to_order()
    desk.house.fault("duffel", "create_order", effect)
    given_up = execute(
        desk,
        "UPDATE provider_calls SET state = 'absent' WHERE kind = 'create_order';"
        "UPDATE booking_attempts SET state = 'order_unknown'",
    )
    try:
        outcome = await desk.while_ordering(attempt, offer, given_up)
        assert outcome.status is OrderStatus.REFUSED
    except ApplicationError:
        assert effect == "order_503"
    assert await call_state(desk) == "absent"
    assert await desk.state_of(attempt) == "order_unknown"


# Giving it back


async def test_an_order_that_would_cost_something_to_give_back_is_kept(desk: Desk) -> None:
    attempt, offer = await desk.ready_to_order(refundable_only=True)
    await desk.order(attempt, offer)
    undo = UndoOrderInput(attempt_id=attempt.attempt_id, booking_id=attempt.booking_id)
    undone = await desk.take(desk.all.unpaid.cancel_unpaid_order, undo)
    assert undone.status == "not_in_full"
    assert desk.house.orders() == ["live"]


async def ordered(desk: Desk) -> tuple[AttemptInput, ChosenOffer, UndoOrderInput]:
    attempt, offer = await desk.ready_to_order(refundable_only=True)
    desk.house.fault(
        "duffel", "create_order_cancellation", "penalty", value={"amount": "0.00"}, times=None
    )
    await desk.order(attempt, offer)
    undo = UndoOrderInput(attempt_id=attempt.attempt_id, booking_id=attempt.booking_id)
    return attempt, offer, undo


async def test_an_order_is_given_back_once(desk: Desk) -> None:
    attempt, offer, undo = await ordered(desk)
    for _ in range(2):
        undone = await desk.take(desk.all.unpaid.cancel_unpaid_order, undo)
        assert undone.status == "cancelled"
    assert desk.house.calls("duffel", "confirm_order_cancellation") == 1
    again = await desk.order(attempt, offer)
    assert again.reason is FailureReason.CAPTURE_REFUSED


async def test_an_order_that_was_never_placed_has_nothing_to_give_back(desk: Desk) -> None:
    attempt, _ = await desk.ready_to_order()
    undo = UndoOrderInput(attempt_id=attempt.attempt_id, booking_id=attempt.booking_id)
    assert (await desk.take(desk.all.unpaid.cancel_unpaid_order, undo)).status == "cancelled"


async def test_a_return_whose_answer_got_lost_is_found(desk: Desk) -> None:
    _, _, undo = await ordered(desk)
    desk.house.fault("duffel", "confirm_order_cancellation", "close_after")
    with pytest.raises(ApplicationError):
        await desk.take(desk.all.unpaid.cancel_unpaid_order, undo)
    assert (await desk.take(desk.all.unpaid.cancel_unpaid_order, undo)).status == "cancelled"
    assert desk.house.orders() == ["cancelled"]


async def test_a_return_that_another_has_written_down_is_not_written_again(desk: Desk) -> None:
    _, _, undo = await ordered(desk)
    give_back = desk.all.unpaid.cancel_unpaid_order
    desk.house.fault("duffel", "get_order", "delay", seconds=1)
    before = desk.house.calls("duffel", "get_order")
    slow = asyncio.create_task(desk.take(give_back, undo))

    async def under_way() -> bool:
        return desk.house.calls("duffel", "get_order") > before

    await eventually(under_way)
    assert (await desk.take(give_back, undo)).status == "cancelled"
    assert (await slow).status == "cancelled"
    told = "SELECT 1 FROM campaign_events WHERE kind = 'order.given_back'"
    assert len(await desk.house.rows(told)) == 1


@pytest.mark.parametrize("step", ["create_order_cancellation", "confirm_order_cancellation"])
async def test_an_order_that_the_airline_keeps_stays_an_order(desk: Desk, step: str) -> None:
    _, _, undo = await ordered(desk)
    if step == "create_order_cancellation":
        desk.house.sandbox.control("DELETE", "/faults")
    desk.house.fault("duffel", step, "order_not_cancellable")
    undone = await desk.take(desk.all.unpaid.cancel_unpaid_order, undo)
    assert undone.status == "refused"
    assert desk.house.orders() == ["live"]
