"""The official SDK, unchanged, against the stand-in; and the webhooks it verifies."""

import asyncio
import queue
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
import stripe

SECRET = "whsec_sandbox"
# The SDK hands its form body to httpx under the name that httpx has deprecated for text.
pytestmark = pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning")


class Receiver(ThreadingHTTPServer):
    """Remembers what is posted to it, and refuses the first delivery."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.got: queue.Queue[tuple[bytes, str]] = queue.Queue()
        self.refusals = 1


class _Handler(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        refuse = self.server.refusals > 0
        self.server.refusals -= refuse
        if not refuse:
            self.server.got.put((body, self.headers["stripe-signature"]))
        self.send_response(500 if refuse else 200)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *arguments: object) -> None:
        """Say nothing."""


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    server = Receiver()
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


async def test_a_booking_runs_from_card_to_refund(sdk: stripe.StripeClient, api: Any) -> None:
    v1 = sdk.v1
    customer = await v1.customers.create_async({"email": "ada@example.com"})
    setup = await v1.setup_intents.create_async(
        {
            "customer": customer.id,
            "usage": "off_session",
            "confirm": True,
            "payment_method": "pm_card_visa",
        }
    )
    assert setup.status == "succeeded"
    intent = await v1.payment_intents.create_async(
        {
            "amount": 48000, "currency": "usd", "customer": customer.id,
            "payment_method": str(setup.payment_method), "capture_method": "manual",
            "allowed_payment_method_types": ["card"], "description": "Flight",
            "statement_descriptor_suffix": "FLIGHT",
            "payment_details": {"order_reference": "o1"},
            "metadata": {"attempt_id": "a1"},
            "payment_method_options": {
                "card": {"request_extended_authorization": "if_available"}
            },
        },
        {"idempotency_key": "pi:a1"},
    )  # fmt: skip
    confirm: Any = {
        "off_session": True,
        "expand": ["latest_charge"],
        "payment_method_options": {"card": {"stored_credential_usage": "unscheduled"}},
    }
    held = await v1.payment_intents.confirm_async(intent.id, confirm, {"idempotency_key": "c:a1"})
    again = await v1.payment_intents.confirm_async(intent.id, confirm, {"idempotency_key": "c:a1"})
    assert again.last_response.headers["idempotent-replayed"] == "true"
    assert held.to_dict() == again.to_dict()
    api.contract.check(held.to_dict())
    charge: Any = held.latest_charge
    assert charge.payment_method_details.card.extended_authorization.status == "disabled"
    await v1.payment_intents.capture_async(intent.id, {"amount_to_capture": 47000})
    refund = await v1.refunds.create_async({"payment_intent": intent.id, "amount": 7000})
    assert refund.status == "succeeded"
    listed = await v1.refunds.list_async({"payment_intent": intent.id})
    assert [r.id for r in listed.data] == [refund.id]
    assert (await api.ledger())["balance"] == {"usd": 40000}


async def test_errors_arrive_as_the_sdks_own(sdk: stripe.StripeClient, api: Any) -> None:
    intents = sdk.v1.payment_intents
    with pytest.raises(stripe.CardError) as declined:
        await intents.create_async(
            {"amount": 1000, "currency": "usd", "confirm": True,
             "payment_method": "pm_card_chargeDeclinedInsufficientFunds"},
        )  # fmt: skip
    assert declined.value.code == "card_declined"
    error: Any = declined.value.error
    assert (error.decline_code, error.advice_code) == ("insufficient_funds", "try_again_later")
    with pytest.raises(stripe.InvalidRequestError) as unknown:
        await intents.retrieve_async("pi_none")
    assert unknown.value.code == "resource_missing"
    await intents.create_async({"amount": 1000, "currency": "usd"}, {"idempotency_key": "k"})
    with pytest.raises(stripe.IdempotencyError):
        await intents.create_async({"amount": 1001, "currency": "usd"}, {"idempotency_key": "k"})
    await api.fault("get_balance", "rate_limit")
    with pytest.raises(stripe.RateLimitError):
        await sdk.v1.balance.retrieve_async()
    live = stripe.StripeClient(
        "sk_live_1", base_addresses={"api": f"{api.http.base_url}/stripe"},
        http_client=stripe.HTTPXClient(timeout=5),
    )  # fmt: skip
    with pytest.raises(stripe.AuthenticationError):
        await live.v1.balance.retrieve_async()
    await live._requestor._get_http_client().close_async()


async def test_the_sdks_retries_find_the_answer_they_lost(
    sdk: stripe.StripeClient, api: Any
) -> None:
    await api.fault("create_payment_intent", "close_after")
    await api.fault("create_payment_intent", "in_flight", skip=1)
    intent = await sdk.v1.payment_intents.create_async({"amount": 1000, "currency": "usd"})
    assert intent.last_response.headers["idempotent-replayed"] == "true"
    assert len((await api.ledger())["payment_intents"]) == 1


async def test_the_sdk_turns_pages(sdk: stripe.StripeClient, api: Any) -> None:
    for number in range(5):
        await sdk.v1.customers.create_async({"name": str(number)})
    pages = await sdk.v1.customers.list_async({"limit": 2})
    assert [c.name async for c in pages.auto_paging_iter()] == ["4", "3", "2", "1", "0"]


async def test_webhooks_are_signed_and_sent_again_until_taken(
    sdk: stripe.StripeClient, api: Any, receiver: Receiver
) -> None:
    endpoint = await api.post(
        "webhook_endpoints", url=f"http://127.0.0.1:{receiver.server_port}/hook",
        enabled_events=["payment_intent.succeeded"], api_version="2026-10-28.endive",
    )  # fmt: skip
    intent = await api.hold(1000)
    await api.post(f"payment_intents/{intent['id']}/capture")
    body, signature = await asyncio.to_thread(receiver.got.get, timeout=30)
    event = sdk.construct_event(body, signature, endpoint["secret"])
    assert event.type == "payment_intent.succeeded"
    assert event.api_version == endpoint["api_version"]
    polled = await api.get(f"events/{event.id}")
    assert polled["data"]["object"]["id"] == intent["id"]
    with pytest.raises(stripe.SignatureVerificationError):
        sdk.construct_event(body, signature, SECRET)
    changed = await api.post(f"webhook_endpoints/{endpoint['id']}", disabled=True)
    assert changed["status"] == "disabled"
    gone = await api.send("DELETE", f"webhook_endpoints/{endpoint['id']}")
    assert gone.json()["deleted"]
    assert (await api.get("webhook_endpoints"))["data"] == []


async def test_events_tell_of_every_step(api: Any) -> None:
    intent = await api.hold(1000)
    await api.post(f"payment_intents/{intent['id']}/capture")
    await api.post("refunds", payment_intent=intent["id"])
    events = (await api.get("events", limit=100, delivery_success=False))["data"]
    assert [event["type"] for event in reversed(events)] == [
        "customer.created",
        "payment_method.attached",
        "payment_intent.created",
        "charge.succeeded",
        "payment_intent.amount_capturable_updated",
        "charge.captured",
        "payment_intent.succeeded",
        "refund.created",
        "charge.refunded",
    ]
    some = await api.get("events", types=["refund.created", "charge.captured"])
    assert len(some["data"]) == 2
    none = await api.get("events", created={"gt": events[0]["created"]})
    assert none["data"] == []
