"""Where an attempt stands and how it ends, where a step runs twice or the rows are ahead."""

from uuid import uuid4

import pytest
from activity_desk import Desk

from domain.attempts import AttemptState, FailureReason
from domain.messages.attempt import (
    AttemptClosed,
    AttemptInput,
    AttemptStep,
    AuthorisationStatus,
    FailInput,
    OperatorTaskInput,
)
from domain.messages.operator import Doubt


async def fail(desk: Desk, attempt: AttemptInput, reason: FailureReason) -> AttemptClosed:
    request = FailInput(
        attempt_id=attempt.attempt_id, campaign_id=attempt.campaign_id, reason=reason
    )
    closed: AttemptClosed = await desk.take(desk.all.attempts.fail_attempt, request)
    return closed


async def step(desk: Desk, attempt: AttemptInput, **words: object) -> None:
    record = AttemptStep(attempt_id=attempt.attempt_id, state=AttemptState.COMPENSATING, **words)
    await desk.take(desk.all.attempts.record_step, record)


async def told(desk: Desk, kind: str) -> list[dict[str, object]]:
    rows = await desk.house.rows(
        "SELECT data FROM campaign_events WHERE kind = :kind ORDER BY seq", kind=kind
    )
    return [row["data"] for row in rows]


async def campaign_of(desk: Desk, attempt: AttemptInput) -> dict[str, object]:
    return await desk.house.row("autobooking_campaigns", attempt.campaign_id)


async def test_a_step_is_written_down_once_and_of_an_attempt_that_is_there(desk: Desk) -> None:
    attempt = await desk.attempt()
    for _ in range(2):
        await step(desk, attempt, reason=FailureReason.OFFER_GONE)
    (event,) = await told(desk, "attempt.compensating")
    assert event["reason"] == "offer_gone"
    await step(desk, attempt.model_copy(update={"attempt_id": uuid4()}))
    other = await desk.attempt(departure_until=desk.house.wish().departure_until)
    await step(desk, other)
    assert "reason" not in (await told(desk, "attempt.compensating"))[-1]


async def test_an_attempt_ends_once_with_its_first_reason(desk: Desk) -> None:
    attempt = await desk.attempt()
    first = await fail(desk, attempt, FailureReason.PRICE_ROSE)
    again = await fail(desk, attempt, FailureReason.OFFER_GONE)
    assert first == again == AttemptClosed(booked=False, reason=FailureReason.PRICE_ROSE)
    assert len(await told(desk, "attempt.failed")) == 1
    nobodys = attempt.model_copy(update={"attempt_id": uuid4(), "campaign_id": uuid4()})
    assert (await fail(desk, nobodys, FailureReason.OFFER_GONE)).reason is FailureReason.OFFER_GONE


async def test_an_attempt_that_has_booked_does_not_fail(desk: Desk) -> None:
    attempt, offer = await desk.ready_to_order()
    await desk.order(attempt, offer)
    await desk.capture(attempt, offer.total)
    assert await fail(desk, attempt, FailureReason.WITHDRAWN) == AttemptClosed(booked=True)
    await step(desk, attempt)
    assert await desk.state_of(attempt) == "captured"


async def test_an_order_that_stands_unpaid_stops_the_wish(desk: Desk) -> None:
    attempt, offer = await desk.ready_to_order()
    await desk.order(attempt, offer)
    await fail(desk, attempt, FailureReason.PROVIDER_UNAVAILABLE)
    assert len(await told(desk, "attempt.compensating")) == 1  # on the way, if nobody said so
    campaign = await campaign_of(desk, attempt)
    assert (campaign["status"], campaign["action_reason"]) == (
        "needs_action",
        "provider_unavailable",
    )
    assert await desk.house.notices(attempt.campaign_id) == ["failed", "action_needed"]


@pytest.mark.parametrize(
    ("reason", "waits", "ignored"),
    [
        (FailureReason.OFFER_GONE, False, True),
        (FailureReason.WITHDRAWN, False, False),
        (FailureReason.CARD_TRY_LATER, True, False),
        (FailureReason.PRICE_ROSE, True, True),
        (FailureReason.PROVIDER_UNAVAILABLE, True, False),
    ],
)
async def test_the_wish_goes_on_after_its_attempt_has_failed(
    desk: Desk, reason: FailureReason, waits: bool, ignored: bool
) -> None:
    attempt = await desk.attempt()
    await fail(desk, attempt, reason)
    campaign = await campaign_of(desk, attempt)
    assert campaign["status"] == "active"
    assert (campaign["hold_off_until"] is not None) == waits
    (row,) = await desk.house.attempts(attempt.campaign_id)
    assert (row["ignore_until"] is not None) == ignored


async def test_a_wish_that_was_cancelled_meanwhile_stays_cancelled(desk: Desk) -> None:
    attempt = await desk.attempt()
    await desk.ask(desk.all.campaigns.cancel_campaign, attempt.campaign_id)
    await fail(desk, attempt, FailureReason.WITHDRAWN)
    assert (await campaign_of(desk, attempt))["status"] == "cancelled"


async def test_a_person_is_asked_once_for_each_key(desk: Desk) -> None:
    attempt = await desk.attempt()
    words = {"kind": "void", "detail": "could not be settled"}
    requests = (
        OperatorTaskInput(key="void:1", attempt_id=attempt.attempt_id, **words),
        OperatorTaskInput(key="void:1", attempt_id=attempt.attempt_id, **words),
        OperatorTaskInput(key="void:2", booking_id=attempt.booking_id, **words),
    )
    for request in requests:
        await desk.take(desk.all.attempts.open_operator_task, request)
    assert await desk.house.tasks() == ["void", "void"]


async def test_behind_a_closed_door_every_hold_is_known_and_none_is_added(desk: Desk) -> None:
    """An operator ends an attempt: a step of its stopped process may still hold money meanwhile."""
    attempt = await desk.attempt()
    offer = await desk.chosen(attempt)
    held = await desk.hold(attempt, offer.total)
    assert held.status is AuthorisationStatus.AUTHORISED
    doubt = await desk.take(desk.all.operating.close_door, attempt.attempt_id)
    assert doubt == Doubt(payments=1)
    late = await desk.hold(attempt, offer.total, 2)
    assert late.status is AuthorisationStatus.VOIDED
    assert await desk.take(desk.all.operating.close_door, attempt.attempt_id) == doubt
