"""Holding, releasing and taking money where a step runs twice, or others were there before it."""

import asyncio
from dataclasses import dataclass

import httpx
import pytest
from activity_desk import Desk
from house import TESTS, eventually
from sqlalchemy import text
from temporalio.exceptions import ApplicationError

from domain.attempts import FailureReason
from domain.messages.attempt import (
    AttemptInput,
    AuthenticateInput,
    Authorisation,
    AuthorisationStatus,
    CaptureStatus,
    ChosenOffer,
    FailInput,
    PaymentStep,
)
from domain.money import Money

ASKS_THE_BANK = "pm_card_authenticationRequired"


@dataclass(frozen=True)
class Begun:
    """An attempt that knows what to book."""

    attempt: AttemptInput
    offer: ChosenOffer

    @property
    def payment(self) -> PaymentStep:
        return PaymentStep(attempt_id=self.attempt.attempt_id, round=1)


async def begin(desk: Desk, card: str = "pm_card_visa") -> Begun:
    attempt = await desk.attempt(card)
    return Begun(attempt, await desk.chosen(attempt))


async def payment_state(desk: Desk) -> str:
    (row,) = await desk.house.rows("SELECT state FROM payments")
    return str(row["state"])


# Holding


async def test_a_hold_whose_answer_got_lost_stands(desk: Desk) -> None:
    begun = await begin(desk)
    first = await desk.hold(begun.attempt, begun.offer.total)
    again = await desk.hold(begun.attempt, begun.offer.total)
    assert first.status is again.status is AuthorisationStatus.AUTHORISED
    assert first.amount == again.amount == begun.offer.total
    assert desk.house.intents() == ["requires_capture"]


async def test_the_banks_question_stands_when_it_is_asked_for_again(desk: Desk) -> None:
    begun = await begin(desk, ASKS_THE_BANK)
    for _ in range(2):
        asked = await desk.hold(begun.attempt, begun.offer.total)
        assert asked.status is AuthorisationStatus.NEEDS_CUSTOMER
        assert await desk.state_of(begun.attempt) == "awaiting_authentication"


@pytest.mark.parametrize(
    "operation", ["create_payment_intent", "get_payment_intent", "confirm_payment_intent"]
)
@pytest.mark.parametrize("effect", ["close_before", "close_after"])
async def test_a_hold_is_taken_up_where_it_was_left(
    desk: Desk, operation: str, effect: str
) -> None:
    begun = await begin(desk)
    desk.house.fault("stripe", operation, effect)
    with pytest.raises(ApplicationError):
        await desk.hold(begun.attempt, begun.offer.total)
    again = await desk.hold(begun.attempt, begun.offer.total)
    assert again.status is AuthorisationStatus.AUTHORISED
    assert desk.house.intents() == ["requires_capture"]


async def test_an_attempt_that_has_ended_holds_nothing(desk: Desk) -> None:
    begun = await begin(desk)
    end = FailInput(
        attempt_id=begun.attempt.attempt_id,
        campaign_id=begun.attempt.campaign_id,
        reason=FailureReason.WITHDRAWN,
    )
    await desk.take(desk.all.attempts.fail_attempt, end)
    late = await desk.hold(begun.attempt, begun.offer.total)
    assert late.status is AuthorisationStatus.VOIDED
    assert desk.house.intents() == []


async def test_a_card_that_was_taken_away_is_not_charged(desk: Desk) -> None:
    begun = await begin(desk)
    (card,) = await desk.house.rows("SELECT id FROM payment_methods")
    await desk.set("payment_methods", card["id"], status="detached")
    answer = await desk.hold(begun.attempt, begun.offer.total)
    assert answer.reason is FailureReason.CARD_DECLINED
    assert desk.house.intents() == []


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("do_not_honor", FailureReason.CARD_DECLINED),
        ("processing_error", FailureReason.CARD_TRY_LATER),
    ],
)
async def test_a_cards_no_stands_whatever_is_asked_later(
    desk: Desk, code: str, reason: FailureReason
) -> None:
    begun = await begin(desk)
    desk.house.fault("stripe", "confirm_payment_intent", "decline", code=code)
    first = await desk.hold(begun.attempt, begun.offer.total)
    assert (first.status, first.reason) == (AuthorisationStatus.DECLINED, reason)
    again = await desk.hold(begun.attempt, begun.offer.total)
    assert (again.status, again.reason) == (first.status, first.reason)
    checked = await desk.take(desk.all.payments.check_authorisation, begun.payment)
    assert (checked.status, checked.reason) == (first.status, first.reason)
    assert desk.house.calls("stripe", "confirm_payment_intent") == 1


async def test_a_card_is_tried_no_more_often_than_its_limit(desk: Desk) -> None:
    begun = await begin(desk)
    policy = desk.house.settings.policy.model_copy(update={"authorisations_per_card": 1})
    desk.all.payments._policy = policy
    assert (await desk.hold(begun.attempt, begun.offer.total)).amount == begun.offer.total
    more = await desk.hold(begun.attempt, begun.offer.total, 2)
    assert more.reason is FailureReason.CARD_TRY_LATER
    assert desk.house.intents() == ["requires_capture"]


async def test_a_customer_whom_nobody_knows_any_more_is_not_charged(desk: Desk) -> None:
    begun = await begin(desk)
    async with desk.house.database.transaction(TESTS) as session:
        await session.execute(text("DELETE FROM payment_customers"))
    with pytest.raises(ApplicationError, match="the card is gone") as refused:
        await desk.hold(begun.attempt, begun.offer.total)
    assert refused.value.non_retryable


async def test_a_hold_that_is_released_while_it_is_made_holds_nothing(desk: Desk) -> None:
    begun = await begin(desk)
    desk.house.fault("stripe", "create_payment_intent", "delay", seconds=1)
    holding = asyncio.create_task(desk.hold(begun.attempt, begun.offer.total))

    async def under_way() -> bool:
        return desk.house.calls("stripe", "create_payment_intent") == 1

    await eventually(under_way)
    await desk.take(desk.all.payments.void_payment, begun.payment)
    assert (await holding).status is AuthorisationStatus.VOIDED
    assert await payment_state(desk) == "voided"
    assert desk.house.intents() == ["requires_confirmation"]  # it holds no money


# The bank


async def test_a_payment_that_was_never_made_is_asked_nothing(desk: Desk) -> None:
    begun = await begin(desk)
    request = AuthenticateInput(
        attempt_id=begun.attempt.attempt_id, round=1, return_url="https://parker.example/back"
    )
    for step, word in (
        (desk.all.payments.check_authorisation, begun.payment),
        (desk.all.payments.begin_authentication, request),
    ):
        answer: Authorisation = await desk.take(step, word)
        assert answer.status is AuthorisationStatus.VOIDED
    assert await desk.take(desk.all.payments.void_payment, begun.payment) is None
    assert (await desk.capture(begun.attempt, begun.offer.total)).code == "no_payment"


async def test_the_traveller_is_led_to_the_bank_and_heard(desk: Desk) -> None:
    begun = await begin(desk, ASKS_THE_BANK)
    await desk.hold(begun.attempt, begun.offer.total)
    request = AuthenticateInput(
        attempt_id=begun.attempt.attempt_id, round=1, return_url="https://parker.example/back"
    )
    start: Authorisation = await desk.take(desk.all.payments.begin_authentication, request)
    assert start.redirect_url
    waiting = await desk.take(desk.all.payments.check_authorisation, begun.payment)
    assert waiting.status is AuthorisationStatus.NEEDS_CUSTOMER
    async with httpx.AsyncClient() as browser:
        await browser.post(start.redirect_url, data={"outcome": "approve"})
    for _ in range(2):
        agreed = await desk.take(desk.all.payments.check_authorisation, begun.payment)
        assert agreed.status is AuthorisationStatus.AUTHORISED
    assert await desk.state_of(begun.attempt) == "authorising"


async def test_a_hold_stays_held_however_often_the_bank_is_asked(desk: Desk) -> None:
    begun = await begin(desk)
    await desk.hold(begun.attempt, begun.offer.total)
    for _ in range(2):
        answer = await desk.take(desk.all.payments.check_authorisation, begun.payment)
        assert answer.status is AuthorisationStatus.AUTHORISED
    assert await payment_state(desk) == "authorised"


async def test_a_bank_that_agrees_after_the_release_is_not_heard(desk: Desk) -> None:
    begun = await begin(desk, ASKS_THE_BANK)
    await desk.hold(begun.attempt, begun.offer.total)
    await desk.take(desk.all.payments.void_payment, begun.payment)
    answer = await desk.take(desk.all.payments.check_authorisation, begun.payment)
    again = await desk.hold(begun.attempt, begun.offer.total)
    assert answer.status is again.status is AuthorisationStatus.VOIDED
    assert desk.house.intents() == ["canceled"]


# Releasing


@pytest.mark.parametrize(("effect", "left"), [("close_before", []), ("close_after", ["canceled"])])
async def test_a_hold_that_nobody_wrote_down_is_looked_for_and_released(
    desk: Desk, effect: str, left: list[str]
) -> None:
    begun = await begin(desk)
    desk.house.fault("stripe", "create_payment_intent", effect)
    with pytest.raises(ApplicationError):
        await desk.hold(begun.attempt, begun.offer.total)
    await desk.take(desk.all.payments.void_payment, begun.payment)
    assert await payment_state(desk) == "voided"
    assert desk.house.intents() == left


async def test_two_releases_at_once_release_once(desk: Desk) -> None:
    begun = await begin(desk)
    await desk.hold(begun.attempt, begun.offer.total)
    desk.house.fault("stripe", "cancel_payment_intent", "delay", seconds=1, times=2)
    void = desk.all.payments.void_payment
    await asyncio.gather(*(desk.take(void, begun.payment) for _ in range(2)))
    released = "SELECT 1 FROM campaign_events WHERE kind = 'payment.released'"
    assert len(await desk.house.rows(released)) == 1
    assert desk.house.intents() == ["canceled"]


async def test_money_that_was_taken_is_not_released(desk: Desk) -> None:
    attempt, offer = await desk.ready_to_order()
    await desk.order(attempt, offer)
    desk.house.fault("stripe", "capture_payment_intent", "close_after")
    with pytest.raises(ApplicationError):
        await desk.capture(attempt, offer.total)
    with pytest.raises(ApplicationError, match="captured payment") as refused:
        await desk.take(desk.all.payments.void_payment, Begun(attempt, offer).payment)
    assert refused.value.non_retryable
    assert (await desk.capture(attempt, offer.total)).status is CaptureStatus.CAPTURED
    assert await desk.state_of(attempt) == "captured"


# Taking


async def test_money_is_taken_once_however_often_it_is_asked_for(desk: Desk) -> None:
    attempt, offer = await desk.ready_to_order()
    await desk.order(attempt, offer)
    for _ in range(2):
        assert (await desk.capture(attempt, offer.total)).status is CaptureStatus.CAPTURED
    assert desk.house.calls("stripe", "capture_payment_intent") == 1
    assert desk.house.intents() == ["succeeded"]


async def test_money_that_two_take_at_once_is_written_down_once(desk: Desk) -> None:
    attempt, offer = await desk.ready_to_order()
    await desk.order(attempt, offer)
    desk.house.fault("stripe", "get_payment_intent", "delay", seconds=1, times=2)
    taken = await asyncio.gather(*(desk.capture(attempt, offer.total) for _ in range(2)))
    assert {each.status for each in taken} == {CaptureStatus.CAPTURED}
    told = "SELECT 1 FROM campaign_events WHERE kind IN ('payment.captured', 'attempt.captured')"
    assert len(await desk.house.rows(told)) == 2
    assert desk.house.intents() == ["succeeded"]


async def test_another_amount_than_agreed_is_no_payment(desk: Desk) -> None:
    attempt, offer = await desk.ready_to_order()
    await desk.order(attempt, offer)
    (payment,) = await desk.house.rows("SELECT intent_ref FROM payments")
    one_cent = Money(minor=1, currency=offer.total.currency)
    await desk.house.providers.payments.capture(payment["intent_ref"], one_cent, key="another")
    with pytest.raises(ApplicationError, match="another amount") as refused:
        await desk.capture(attempt, offer.total)
    assert refused.value.non_retryable
    assert await payment_state(desk) == "authorised"


async def test_a_second_hold_may_need_the_bank_while_the_order_stands(desk: Desk) -> None:
    attempt, offer = await desk.ready_to_order()
    await desk.order(attempt, offer)
    desk.house.fault("stripe", "capture_payment_intent", "capture_refused")
    assert (await desk.capture(attempt, offer.total)).status is CaptureStatus.REFUSED
    desk.house.fault("stripe", "confirm_payment_intent", "authentication_required")
    asked = await desk.hold(attempt, offer.total, 2)
    assert asked.status is AuthorisationStatus.NEEDS_CUSTOMER
    assert await desk.state_of(attempt) == "capturing"  # the attempt's position is the order's
