"""What each way of not getting an answer from Stripe is called, and that no money moves twice."""

import socket
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
import stripe

from domain.money import Money
from providers.errors import (
    BadAnswer,
    CredentialsRefused,
    OutcomeUnknown,
    ProviderError,
    ProviderRefused,
    ProviderUnavailable,
    RateLimited,
)
from providers.ports import (
    AuthenticationRequired,
    CaptureRefused,
    PaymentAuthorised,
    PaymentIntent,
    PaymentRequest,
    RefundRequest,
)
from providers.stripe.adapter import StripeCardPayments
from providers.stripe.client import StripeConnection, open_stripe
from providers.stripe.errors import from_stripe
from providers.stripe.vault import StripeCardVault

PRICE = Money(minor=48720, currency="USD")
Work = Callable[[StripeCardPayments], Awaitable[object]]

WRITES: dict[str, Work] = {
    "create": lambda payments: payments.create(make_request()),
    "confirm": lambda payments: payments.confirm("pi_1", key="k"),
    "begin_authentication": lambda payments: payments.begin_authentication(
        "pi_1", method_ref="pm_1", return_url="https://parker.example/pay", key="k"
    ),
    "capture": lambda payments: payments.capture("pi_1", PRICE, key="k"),
    "void": lambda payments: payments.void("pi_1", key="k"),
}
READS: dict[str, Work] = {
    "get": lambda payments: payments.get("pi_1"),
    "find": lambda payments: payments.find("cus_1", "attempt-1"),
    "refund": lambda payments: payments.refund(make_refund("pi_1")),  # asks before it writes
}


def make_request(**changes: Any) -> PaymentRequest:
    fields: dict[str, Any] = {
        "key": "k",
        "attempt_reference": "attempt-1",
        "campaign_reference": "campaign-1",
        "customer_ref": "cus_1",
        "method_ref": "pm_1",
        "amount": PRICE,
        "description": "Flight New York to Lisbon",
    }
    return PaymentRequest(**(fields | changes))


def make_refund(intent_ref: str) -> RefundRequest:
    return RefundRequest(key="k", refund_reference="refund-1", intent_ref=intent_ref, amount=PRICE)


def make_intent(**changes: Any) -> dict[str, Any]:
    return {
        "id": "pi_1",
        "object": "payment_intent",
        "status": "requires_capture",
        "amount": PRICE.minor,
        "amount_capturable": PRICE.minor,
        "amount_received": 0,
        "currency": "usd",
        "metadata": {},
        "latest_charge": None,
        "next_action": None,
        "last_payment_error": None,
    } | changes


def make_error(kind: str, **detail: str) -> dict[str, Any]:
    return {"error": {"type": kind, "message": "zoe@example.com said no", **detail}}


async def connect(url: str, timeout_seconds: float = 1) -> StripeConnection:
    return await open_stripe(
        "sk_test_parker", url, timeout_seconds=timeout_seconds, extra_headers=dict
    )


@pytest.fixture
async def talk(scripted: Any) -> AsyncIterator[StripeCardPayments]:
    connection = await connect(scripted.url)
    yield StripeCardPayments(connection)
    await connection.aclose()


async def failure_of(work: Work, payments: StripeCardPayments) -> ProviderError:
    with pytest.raises(ProviderError) as caught:
        await work(payments)
    assert caught.value.vendor == "stripe"
    assert "zoe" not in str(caught.value)
    assert caught.value.__cause__ is None or "zoe" not in str(caught.value.__cause__)
    return caught.value


# Transport

HTML = b"<html>zoe@example.com</html>"
LOST = [b"", b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 90\r\n\r\n{"]
GARBAGE = [
    (200, HTML),
    (200, b'{"id": "pi_1", "sta'),
    (200, b"[]"),
    (200, b"null"),
    (200, {}),
    (200, make_intent(amount="48720")),
    (200, make_intent(amount=487.2)),
    (200, make_intent(id=None)),
    (200, make_intent(latest_charge=[1])),
    (200, {"object": 7, "data": 7, "id": {"a": []}}),
    (200, b"[" * 100_000),
    (302, HTML),
]


@pytest.mark.parametrize("raw", LOST)
@pytest.mark.parametrize("name", WRITES)
async def test_a_write_whose_answer_is_lost_is_unknown(
    scripted: Any, talk: StripeCardPayments, name: str, raw: bytes
) -> None:
    scripted.sends(raw, then_close=True)

    assert type(await failure_of(WRITES[name], talk)) is OutcomeUnknown


@pytest.mark.parametrize("raw", LOST)
@pytest.mark.parametrize("name", READS)
async def test_a_read_whose_answer_is_lost_can_be_repeated(
    scripted: Any, talk: StripeCardPayments, name: str, raw: bytes
) -> None:
    scripted.sends(raw, then_close=True)

    assert type(await failure_of(READS[name], talk)) is ProviderUnavailable


async def test_silence_is_not_an_answer(scripted: Any) -> None:
    scripted.sends(b"")
    connection = await connect(scripted.url, timeout_seconds=0.2)
    payments = StripeCardPayments(connection)

    assert type(await failure_of(WRITES["confirm"], payments)) is OutcomeUnknown
    assert type(await failure_of(READS["get"], payments)) is ProviderUnavailable
    await connection.aclose()


@pytest.mark.parametrize("name", WRITES | READS)
async def test_nothing_happened_when_nobody_listens(name: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as held:
        port = held.getsockname()[1]
    connection = await connect(f"http://127.0.0.1:{port}")

    failure = await failure_of((WRITES | READS)[name], StripeCardPayments(connection))

    assert type(failure) is ProviderUnavailable
    await connection.aclose()


@pytest.mark.parametrize(("status", "body"), GARBAGE)
async def test_garbage_after_a_write_is_unknown(
    scripted: Any, talk: StripeCardPayments, status: int, body: object
) -> None:
    scripted.answers(status, body)

    assert type(await failure_of(WRITES["confirm"], talk)) is OutcomeUnknown


@pytest.mark.parametrize(("status", "body"), GARBAGE)
async def test_garbage_after_a_read_is_a_bad_answer(
    scripted: Any, talk: StripeCardPayments, status: int, body: object
) -> None:
    scripted.answers(status, body)

    assert type(await failure_of(READS["get"], talk)) is BadAnswer


async def test_an_endless_answer_is_not_read_to_its_end(
    scripted: Any, talk: StripeCardPayments
) -> None:
    scripted.answers(200, b" " * (9 * 1024 * 1024))

    failure = await failure_of(READS["get"], talk)

    assert (type(failure), failure.code) == (BadAnswer, "answer_too_large")


# Error answers

ANSWERS = [
    (401, make_error("invalid_request_error"), CredentialsRefused, CredentialsRefused),
    (403, make_error("invalid_request_error"), CredentialsRefused, CredentialsRefused),
    (429, make_error("invalid_request_error", code="rate_limit"), RateLimited, RateLimited),
    (429, make_error("invalid_request_error", code="lock_timeout"), RateLimited, RateLimited),
    (429, HTML, RateLimited, RateLimited),
    (
        409,
        make_error("idempotency_error", code="idempotency_key_in_use"),
        ProviderUnavailable,
        ProviderUnavailable,
    ),
    (409, make_error("api_error"), OutcomeUnknown, BadAnswer),
    (400, make_error("idempotency_error"), ProviderRefused, ProviderRefused),
    (
        400,
        make_error("invalid_request_error", code="parameter_unknown"),
        ProviderRefused,
        ProviderRefused,
    ),
    (
        404,
        make_error("invalid_request_error", code="resource_missing"),
        ProviderRefused,
        ProviderRefused,
    ),
    (500, make_error("api_error"), OutcomeUnknown, ProviderUnavailable),
    (503, HTML, OutcomeUnknown, ProviderUnavailable),
    (502, b"", OutcomeUnknown, ProviderUnavailable),
]


@pytest.mark.parametrize(("status", "body", "kinds"), [(s, b, (w, r)) for s, b, w, r in ANSWERS])
async def test_error_answers_have_one_meaning_each(
    scripted: Any,
    talk: StripeCardPayments,
    status: int,
    body: object,
    kinds: tuple[type[ProviderError], type[ProviderError]],
) -> None:
    written, read = kinds
    scripted.answers(status, body, {"Request-Id": "req_7"})

    for work in WRITES.values():
        failure = await failure_of(work, talk)
        assert (type(failure), failure.request_id) == (written, "req_7")
    for work in READS.values():
        failure = await failure_of(work, talk)
        assert (type(failure), failure.request_id) == (read, "req_7")


def test_an_error_of_the_package_itself_says_nothing_of_what_happened() -> None:
    raised = stripe.APIConnectionError("it broke")
    assert type(from_stripe(raised, "create_refund", write=True)) is OutcomeUnknown
    assert type(from_stripe(raised, "list_refunds", write=False)) is BadAnswer


async def test_never_repeats_a_call_by_itself(scripted: Any, talk: StripeCardPayments) -> None:
    scripted.answers(500, make_error("api_error"), {"Stripe-Should-Retry": "true"})

    await failure_of(WRITES["confirm"], talk)

    assert len(scripted.requests) == 1


async def test_sends_only_what_was_agreed(scripted: Any) -> None:
    scripted.answers(200, make_intent(status="requires_confirmation", amount_capturable=0))
    connection = await open_stripe(
        "sk_test_parker",
        scripted.url + "/",
        timeout_seconds=1,
        extra_headers=lambda: {"X-Sandbox-Now": "2028-01-01T00:00:00+00:00"},
    )
    await StripeCardPayments(connection).create(make_request())
    await connection.aclose()

    ((line, headers, content),) = scripted.requests
    assert line == "POST /vendor/v1/payment_intents HTTP/1.1"
    assert headers["idempotency-key"] == "k"
    assert headers["stripe-version"] == "2026-10-28.endive"
    assert headers["x-sandbox-now"] == "2028-01-01T00:00:00+00:00"
    assert "x-stripe-client-telemetry" not in headers
    sent = content.decode()
    assert "amount=48720&" in sent
    assert "capture_method=manual" in sent
    assert "payment_method_types" not in sent.replace("allowed_payment_method_types", "")


async def test_a_refusal_by_the_card_is_an_answer_even_if_its_details_cannot_be_read(
    scripted: Any, talk: StripeCardPayments
) -> None:
    declined = make_error("card_error", code="card_declined", decline_code="insufficient_funds")
    scripted.answers(402, declined)
    scripted.answers(500, make_error("api_error"))

    answer = await talk.confirm("pi_1", key="k")

    assert not isinstance(answer, PaymentAuthorised | AuthenticationRequired)
    assert answer.code == "insufficient_funds"


async def test_a_status_that_nobody_knows_is_not_guessed_at(
    scripted: Any, talk: StripeCardPayments
) -> None:
    scripted.answers(200, make_intent(status="requires_prayer"))

    assert type(await failure_of(WRITES["confirm"], talk)) is OutcomeUnknown
    assert type(await failure_of(READS["get"], talk)) is BadAnswer


async def test_processing_is_not_an_answer_yet(scripted: Any, talk: StripeCardPayments) -> None:
    scripted.answers(200, make_intent(status="processing", amount_capturable=0))

    assert type(await failure_of(WRITES["confirm"], talk)) is OutcomeUnknown


async def test_a_refused_capture_that_took_the_money_all_the_same_is_taken(
    scripted: Any, talk: StripeCardPayments
) -> None:
    refusal = make_error("invalid_request_error", code="payment_intent_unexpected_state")
    scripted.answers(400, refusal)
    scripted.answers(
        200, make_intent(status="succeeded", amount_capturable=0, amount_received=PRICE.minor)
    )

    answer = await talk.capture("pi_1", PRICE, key="k")

    assert isinstance(answer, PaymentIntent)
    assert answer.captured_minor == PRICE.minor


async def test_a_hold_that_cannot_be_released_is_not_called_released(
    scripted: Any, talk: StripeCardPayments
) -> None:
    scripted.answers(400, make_error("invalid_request_error", code="something_new"))
    scripted.answers(200, make_intent())

    assert type(await failure_of(WRITES["void"], talk)) is ProviderRefused


# The same against the stand-in: an effect that happened unseen is found, never doubled.

UNSEEN = ["close", "timeout", "error"]


@pytest.fixture
async def real(sandbox: Any) -> AsyncIterator[StripeConnection]:
    connection = await connect(f"{sandbox.url}/stripe", timeout_seconds=1)
    yield connection
    sandbox.control("DELETE", "/faults")
    await connection.aclose()


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("fault", UNSEEN)
async def test_every_lost_step_can_be_repeated_without_doubling(
    sandbox: Any, real: StripeConnection, fault: str, moment: str
) -> None:
    payments, attempt = StripeCardPayments(real), str(uuid.uuid4())
    customer = await StripeCardVault(real).create_customer(key=f"c:{attempt}", user_reference="u")
    method = await real.api.payment_methods.attach_async("pm_card_visa", {"customer": customer})
    request = make_request(
        key=f"pi:{attempt}", attempt_reference=attempt, customer_ref=customer, method_ref=method.id
    )

    async def twice(operation: str, step: Callable[[], Awaitable[Any]]) -> Any:
        rule = {"vendor": "stripe", "operation": operation, "effect": f"{fault}_{moment}"}
        sandbox.control("POST", "/faults", json=rule | {"seconds": 3, "status": 500})
        with pytest.raises(OutcomeUnknown):
            await step()
        return await step()

    intent = await twice("create_payment_intent", lambda: payments.create(request))
    ref = intent.intent_ref
    held = await twice("confirm_payment_intent", lambda: payments.confirm(ref, key=f"y:{attempt}"))
    assert isinstance(held, PaymentAuthorised)
    taken = await twice(
        "capture_payment_intent", lambda: payments.capture(ref, PRICE, key=f"t:{attempt}")
    )
    assert not isinstance(taken, CaptureRefused)
    refund = make_refund(ref).model_copy(update={"key": f"r:{attempt}"})
    await twice("create_refund", lambda: payments.refund(refund))

    books = sandbox.control("GET", "/ledger")["stripe"]
    (booked,) = [one for one in books["payment_intents"] if one["customer"] == customer]
    assert len(booked["charges"]) == 1
    assert booked["amount_received"] == PRICE.minor
    refunds = [one["amount"] for one in books["refunds"] if one["payment_intent"] == ref]
    assert refunds == [PRICE.minor]
