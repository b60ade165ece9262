"""Paying by card, over HTTP against Stripe's stand-in: hold, take, release, give back."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from domain.money import Money
from domain.payments import DeclineClass
from providers.errors import OutcomeUnknown, ProviderRefused, ProviderUnavailable, RateLimited
from providers.ports import (
    AuthenticationRequired,
    CaptureRefused,
    IntentStatus,
    PaymentAuthorised,
    PaymentDeclined,
    PaymentIntent,
    PaymentRequest,
    Refund,
    RefundRequest,
    RefundStatus,
)
from providers.stripe.adapter import Confirmation, StripeCardPayments
from providers.stripe.client import StripeConnection, open_stripe
from providers.stripe.vault import StripeCardVault

# A year ahead of the wall, so that a clock that did not travel with the call is noticed.
NOW = datetime(2028, 2, 1, 12, 0, tzinfo=UTC)
PRICE = Money(minor=48720, currency="USD")


class Clock:
    def __init__(self) -> None:
        self.now = NOW

    def headers(self) -> dict[str, str]:
        return {"X-Sandbox-Now": self.now.isoformat()}


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def connection(sandbox: Any, clock: Clock) -> AsyncIterator[StripeConnection]:
    opened = await open_stripe(
        "sk_test_parker",
        f"{sandbox.url}/stripe",
        timeout_seconds=10,
        extra_headers=clock.headers,
    )
    yield opened
    await opened.aclose()


@pytest.fixture
async def behave(sandbox: Any) -> AsyncIterator[Callable[..., Awaitable[None]]]:
    async def add(operation: str, effect: str, **rule: Any) -> None:
        body = {"vendor": "stripe", "operation": operation, "effect": effect} | rule
        sandbox.control("POST", "/faults", json=body)

    yield add
    sandbox.control("DELETE", "/faults")


class Payer:
    """A traveller with a saved card, and one payment at a time."""

    def __init__(self, connection: StripeConnection) -> None:
        self.connection = connection
        self.payments = StripeCardPayments(connection)
        self.attempt = f"attempt-{uuid.uuid4()}"
        self.customer = ""
        self.method = ""

    async def save_card(self, card: str = "pm_card_visa") -> None:
        vault = StripeCardVault(self.connection)
        self.customer = await vault.create_customer(
            key=f"customer:{self.attempt}", user_reference=f"user-of-{self.attempt}"
        )
        attached = await self.connection.api.payment_methods.attach_async(
            card, {"customer": self.customer}
        )
        self.method = attached.id

    def request(self, **changes: Any) -> PaymentRequest:
        fields: dict[str, Any] = {
            "key": f"pi:{self.attempt}",
            "attempt_reference": self.attempt,
            "campaign_reference": "campaign-1",
            "customer_ref": self.customer,
            "method_ref": self.method,
            "amount": PRICE,
            "description": "Flight New York to Lisbon",
        }
        return PaymentRequest(**(fields | changes))

    async def create(self, card: str = "pm_card_visa") -> PaymentIntent:
        await self.save_card(card)
        return await self.payments.create(self.request())

    async def hold(self, card: str = "pm_card_visa") -> PaymentIntent:
        intent = await self.create(card)
        answer = await self.payments.confirm(intent.intent_ref, key=f"confirm:{self.attempt}")
        assert isinstance(answer, PaymentAuthorised)
        return answer.intent

    async def authenticate(self, intent_ref: str, method_ref: str) -> Confirmation:
        return await self.payments.begin_authentication(
            intent_ref,
            method_ref=method_ref,
            return_url="https://parker.example/pay/token",
            key=f"present:{self.attempt}",
        )

    async def take(self, amount: Money = PRICE) -> PaymentIntent:
        held = await self.hold()
        taken = await self.payments.capture(held.intent_ref, amount, key=f"capture:{self.attempt}")
        assert isinstance(taken, PaymentIntent)
        return taken

    async def refund(self, intent_ref: str, reference: str, minor: int, **more: Any) -> Refund:
        fields = {"key": f"refund:{reference}:{self.attempt}"} | more
        return await self.payments.refund(
            RefundRequest(
                refund_reference=reference,
                intent_ref=intent_ref,
                amount=Money(minor=minor, currency="USD"),
                **fields,
            )
        )


@pytest.fixture
def payer(connection: StripeConnection) -> Payer:
    return Payer(connection)


async def ledger_of(sandbox: Any, intent_ref: str) -> dict[str, Any]:
    books = (sandbox.control("GET", "/ledger"))["stripe"]
    (intent,) = [one for one in books["payment_intents"] if one["id"] == intent_ref]
    intent["refunds"] = [one for one in books["refunds"] if one["payment_intent"] == intent_ref]
    return dict(intent)


# Authorising


async def test_creates_a_payment_that_holds_nothing(sandbox: Any, payer: Payer) -> None:
    intent = await payer.create()

    assert intent.status is IntentStatus.NEW
    assert intent.amount == PRICE
    assert intent.authorised_minor == intent.captured_minor == 0
    booked = await ledger_of(sandbox, intent.intent_ref)
    assert booked["metadata"] == {"attempt_id": payer.attempt, "campaign_id": "campaign-1"}
    assert booked["charges"] == []


async def test_creating_again_with_the_same_key_gives_the_same_payment(payer: Payer) -> None:
    first = await payer.create()

    assert await payer.payments.create(payer.request()) == first


async def test_refuses_a_key_that_is_used_for_something_else(payer: Payer) -> None:
    await payer.create()

    with pytest.raises(ProviderRefused, match="idempotency_error"):
        await payer.payments.create(payer.request(description="Another flight"))


async def test_holds_the_money_until_the_instant_that_the_charge_tells(payer: Payer) -> None:
    held = await payer.hold()

    assert held.status is IntentStatus.AUTHORISED
    assert held.authorised_minor == PRICE.minor
    assert held.capture_before == NOW + timedelta(days=4, hours=18)  # Visa, traveller away
    assert await payer.payments.get(held.intent_ref) == held


async def test_finds_the_payments_of_an_attempt(payer: Payer) -> None:
    held = await payer.hold()
    other = payer.request(key=f"other:{payer.attempt}", attempt_reference="another-attempt")
    await payer.payments.create(other)

    assert await payer.payments.find(payer.customer, payer.attempt) == [held]
    assert await payer.payments.find(payer.customer, "never-made") == []


async def test_finds_a_payment_beyond_the_first_page(payer: Payer) -> None:
    first = await payer.create()
    for number in range(101):
        await payer.payments.create(
            payer.request(key=f"{number}:{payer.attempt}", attempt_reference="another-attempt")
        )

    assert await payer.payments.find(payer.customer, payer.attempt) == [first]


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("generic_decline", DeclineClass.ISSUER),
        ("insufficient_funds", DeclineClass.FUNDS),
        ("card_velocity_exceeded", DeclineClass.FUNDS),
        ("lost_card", DeclineClass.STOP),
        ("fraudulent", DeclineClass.STOP),
        ("expired_card", DeclineClass.REPLACE),
        ("incorrect_cvc", DeclineClass.REPLACE),
        ("processing_error", DeclineClass.TRY_LATER),
        ("invented_tomorrow", DeclineClass.STOP),
    ],
)
async def test_says_what_a_declined_card_asks_for(
    payer: Payer, behave: Any, code: str, kind: DeclineClass
) -> None:
    # Such a card cannot be saved; the one that is saved has become such a card since.
    intent = await payer.create()
    await behave("confirm_payment_intent", "decline", code=code)

    answer = await payer.payments.confirm(intent.intent_ref, key=f"confirm:{payer.attempt}")

    assert answer == PaymentDeclined(kind=kind, code=code)
    after = await payer.payments.get(intent.intent_ref)
    assert after.status is IntentStatus.DECLINED
    assert after.decline == answer
    again = await payer.payments.confirm(intent.intent_ref, key=f"confirm:{payer.attempt}")
    assert again == answer


async def test_a_card_that_fails_only_when_charged_is_declined(payer: Payer) -> None:
    intent = await payer.create("pm_card_chargeCustomerFail")

    answer = await payer.payments.confirm(intent.intent_ref, key=f"confirm:{payer.attempt}")

    assert isinstance(answer, PaymentDeclined)


async def test_knows_fraud_screening_from_an_issuers_refusal(payer: Payer) -> None:
    intent = await payer.create("pm_card_radarBlock")

    answer = await payer.payments.confirm(intent.intent_ref, key=f"confirm:{payer.attempt}")

    assert isinstance(answer, PaymentDeclined)
    assert answer.kind is DeclineClass.RADAR


async def test_the_bank_asks_for_its_customer(payer: Payer) -> None:
    intent = await payer.create("pm_card_authenticationRequired")

    answer = await payer.payments.confirm(intent.intent_ref, key=f"confirm:{payer.attempt}")

    assert answer == AuthenticationRequired(redirect_url=None)
    waiting = await payer.payments.get(intent.intent_ref)
    assert waiting.status is IntentStatus.NEEDS_CUSTOMER
    assert waiting.authorised_minor == 0


async def test_the_traveller_is_led_to_the_bank(payer: Payer) -> None:
    intent = await payer.create("pm_card_authenticationRequired")
    await payer.payments.confirm(intent.intent_ref, key=f"confirm:{payer.attempt}")

    answer = await payer.authenticate(intent.intent_ref, payer.method)

    assert isinstance(answer, AuthenticationRequired)
    assert answer.redirect_url is not None
    waiting = await payer.payments.get(intent.intent_ref)
    assert waiting.redirect_url == answer.redirect_url


@pytest.mark.parametrize(
    ("outcome", "status"),
    [("approve", IntentStatus.AUTHORISED), ("fail", IntentStatus.DECLINED)],
)
async def test_the_bank_decides_on_its_page(
    payer: Payer, outcome: str, status: IntentStatus
) -> None:
    intent = await payer.create("pm_card_authenticationRequired")
    answer = await payer.authenticate(intent.intent_ref, payer.method)
    assert isinstance(answer, AuthenticationRequired)
    assert answer.redirect_url is not None

    async with httpx.AsyncClient() as browser:
        await browser.post(answer.redirect_url, data={"outcome": outcome})

    assert (await payer.payments.get(intent.intent_ref)).status is status


async def test_an_earlier_confirmation_is_found_and_not_repeated(
    sandbox: Any, payer: Payer
) -> None:
    held = await payer.hold()

    answer = await payer.payments.confirm(held.intent_ref, key=f"second:{payer.attempt}")

    assert answer == PaymentAuthorised(intent=held)
    booked = await ledger_of(sandbox, held.intent_ref)
    assert len(booked["charges"]) == 1


async def test_two_confirmations_at_once_hold_the_money_once(sandbox: Any, payer: Payer) -> None:
    intent = await payer.create()
    keys = [f"same:{payer.attempt}"] * 3 + [f"other:{payer.attempt}"]

    answers = await asyncio.gather(
        *(payer.payments.confirm(intent.intent_ref, key=key) for key in keys),
        return_exceptions=True,
    )

    assert all(isinstance(one, PaymentAuthorised | ProviderUnavailable) for one in answers)
    assert any(isinstance(one, PaymentAuthorised) for one in answers)
    assert len((await ledger_of(sandbox, intent.intent_ref))["charges"]) == 1


@pytest.mark.parametrize(
    ("effect", "failure"), [("in_flight", ProviderUnavailable), ("lock_timeout", RateLimited)]
)
async def test_a_busy_payment_is_tried_again_with_the_same_key(
    sandbox: Any, payer: Payer, behave: Any, effect: str, failure: type[Exception]
) -> None:
    intent = await payer.create()
    await behave("confirm_payment_intent", effect)

    with pytest.raises(failure):
        await payer.payments.confirm(intent.intent_ref, key=f"confirm:{payer.attempt}")
    sandbox.control("DELETE", "/faults")
    answer = await payer.payments.confirm(intent.intent_ref, key=f"confirm:{payer.attempt}")

    assert isinstance(answer, PaymentAuthorised)


async def test_a_voided_payment_cannot_be_confirmed(payer: Payer) -> None:
    intent = await payer.create()
    await payer.payments.void(intent.intent_ref, key=f"void:{payer.attempt}")

    with pytest.raises(ProviderRefused, match="intent_voided"):
        await payer.payments.confirm(intent.intent_ref, key=f"confirm:{payer.attempt}")


async def test_an_old_refusal_does_not_hide_a_later_authorisation(payer: Payer) -> None:
    intent = await payer.create("pm_card_authenticationRequired")
    await payer.payments.confirm(intent.intent_ref, key=f"confirm:{payer.attempt}")
    visa = await payer.connection.api.payment_methods.attach_async(
        "pm_card_visa", {"customer": payer.customer}
    )
    present = await payer.authenticate(intent.intent_ref, visa.id)
    assert isinstance(present, PaymentAuthorised)

    answer = await payer.payments.confirm(intent.intent_ref, key=f"confirm:{payer.attempt}")

    assert isinstance(answer, PaymentAuthorised)


# Taking and releasing


async def test_takes_what_was_agreed_and_releases_the_rest(sandbox: Any, payer: Payer) -> None:
    taken = await payer.take(Money(minor=40000, currency="USD"))

    assert taken.status is IntentStatus.CAPTURED
    assert (taken.captured_minor, taken.authorised_minor) == (40000, 0)
    booked = await ledger_of(sandbox, taken.intent_ref)
    assert booked["amount_received"] == 40000


async def test_taking_again_answers_with_what_was_taken(payer: Payer) -> None:
    taken = await payer.take()

    same = await payer.payments.capture(taken.intent_ref, PRICE, key=f"capture:{payer.attempt}")
    other = await payer.payments.capture(taken.intent_ref, PRICE, key=f"another:{payer.attempt}")

    assert same == other == taken


async def test_cannot_take_more_than_is_held(payer: Payer) -> None:
    held = await payer.hold()

    answer = await payer.payments.capture(
        held.intent_ref, PRICE + Money(minor=1, currency="USD"), key=f"capture:{payer.attempt}"
    )

    assert isinstance(answer, CaptureRefused)
    assert (await payer.payments.get(held.intent_ref)).authorised_minor == PRICE.minor


async def test_cannot_take_what_has_lapsed(payer: Payer, clock: Clock) -> None:
    held = await payer.hold()
    clock.now += timedelta(days=5)

    answer = await payer.payments.capture(held.intent_ref, PRICE, key=f"capture:{payer.attempt}")

    assert isinstance(answer, CaptureRefused)
    assert (await payer.payments.get(held.intent_ref)).status is IntentStatus.VOIDED


async def test_a_refused_capture_is_an_answer(payer: Payer, behave: Any) -> None:
    held = await payer.hold()
    await behave("capture_payment_intent", "capture_refused")

    answer = await payer.payments.capture(held.intent_ref, PRICE, key=f"capture:{payer.attempt}")

    assert answer == CaptureRefused(code="charge_expired_for_capture")


async def test_releases_the_hold_once(payer: Payer) -> None:
    held = await payer.hold()

    released = await payer.payments.void(held.intent_ref, key=f"void:{payer.attempt}")
    again = await payer.payments.void(held.intent_ref, key=f"again:{payer.attempt}")

    assert released.status is IntentStatus.VOIDED
    assert released.authorised_minor == 0
    assert again == released


async def test_releasing_what_was_taken_leaves_it_taken(payer: Payer) -> None:
    taken = await payer.take()

    assert await payer.payments.void(taken.intent_ref, key=f"void:{payer.attempt}") == taken


async def test_a_payment_that_does_not_exist_is_our_mistake(payer: Payer) -> None:
    payments = payer.payments
    with pytest.raises(ProviderRefused, match="resource_missing"):
        await payments.get("pi_unknown")
    with pytest.raises(ProviderRefused, match="resource_missing"):
        await payments.capture("pi_unknown", PRICE, key=str(uuid.uuid4()))
    with pytest.raises(ProviderRefused, match="resource_missing"):
        await payments.void("pi_unknown", key=str(uuid.uuid4()))


# Giving back


async def test_gives_back_once_for_each_reference(sandbox: Any, payer: Payer) -> None:
    taken = await payer.take()

    first = await payer.refund(taken.intent_ref, "refund-1", 10000)
    again = await payer.refund(taken.intent_ref, "refund-1", 10000, key="a key of a later day")
    second = await payer.refund(taken.intent_ref, "refund-2", 5000)

    assert first == again
    assert first.status is RefundStatus.SUCCEEDED
    assert second.refund_ref != first.refund_ref
    booked = await ledger_of(sandbox, taken.intent_ref)
    assert sorted(one["amount"] for one in booked["refunds"]) == [5000, 10000]
    assert (await payer.payments.get(taken.intent_ref)).refunded_minor == 15000


async def test_a_reference_stands_for_one_amount(payer: Payer) -> None:
    taken = await payer.take()
    await payer.refund(taken.intent_ref, "refund-1", 10000)

    with pytest.raises(ProviderRefused, match="refund_reference_reused"):
        await payer.refund(taken.intent_ref, "refund-1", 20000)


async def test_cannot_give_back_more_than_was_taken(payer: Payer) -> None:
    taken = await payer.take()

    with pytest.raises(ProviderRefused):
        await payer.refund(taken.intent_ref, "refund-1", PRICE.minor + 1)


@pytest.mark.parametrize(
    ("effect", "status"),
    [("refund_pending", RefundStatus.PENDING), ("refund_failed", RefundStatus.FAILED)],
)
async def test_tells_how_a_refund_stands(
    payer: Payer, behave: Any, effect: str, status: RefundStatus
) -> None:
    taken = await payer.take()
    await behave("create_refund", effect)

    assert (await payer.refund(taken.intent_ref, "refund-1", 10000)).status is status


async def test_a_lost_refund_is_found_before_it_is_made_again(
    sandbox: Any, payer: Payer, behave: Any
) -> None:
    taken = await payer.take()
    await behave("create_refund", "close_after")

    with pytest.raises(OutcomeUnknown):
        await payer.refund(taken.intent_ref, "refund-1", 10000)
    await payer.refund(taken.intent_ref, "refund-1", 10000, key="a key of a later day")

    booked = await ledger_of(sandbox, taken.intent_ref)
    assert [one["amount"] for one in booked["refunds"]] == [10000]
