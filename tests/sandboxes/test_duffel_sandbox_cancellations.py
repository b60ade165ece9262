"""Cancelling, the airline's own changes, and the webhooks that tell of it all."""

import hashlib
import hmac
import threading
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import pytest

from sandboxes.duffel.events import sign
from sandboxes.harness import Sandbox

NOW = "2026-12-01T09:00:00Z"


def send(
    duffel: httpx.Client, method: str, path: str, body: Any = None, now: str = NOW
) -> httpx.Response:
    wrapped = None if body is None else {"data": body}
    return duffel.request(method, path, json=wrapped, headers={"X-Sandbox-Now": now})


def make_order(
    duffel: httpx.Client,
    origin: str = "JFK",
    destination: str = "LHR",
    *,
    brand: str = "Standard",
    **changes: Any,
) -> dict[str, Any]:
    slices = [{"origin": origin, "destination": destination, "departure_date": "2027-03-03"}]
    body: dict[str, Any] = {"slices": slices, "passengers": [{"type": "adult"}]}
    offers = send(duffel, "POST", "/air/offer_requests", body).json()["data"]["offers"]
    offer = next(
        o
        for o in offers
        if o["owner"]["iata_code"] == "ZZ" and o["slices"][0]["fare_brand_name"] == brand
    )
    passenger = {
        "id": offer["passengers"][0]["id"],
        "title": "ms",
        "given_name": "Ada",
        "family_name": "Example",
        "gender": "f",
        "born_on": "1988-03-02",
        "email": "ada@example.com",
        "phone_number": "+442080160509",
    }
    payment = {"type": "balance", "amount": offer["total_amount"], "currency": "USD"}
    body = {
        "type": "instant",
        "selected_offers": [offer["id"]],
        "passengers": [passenger],
        "payments": [payment],
        **changes,
    }
    answer = send(duffel, "POST", "/air/orders", body)
    assert answer.status_code == 201, answer.text
    order: dict[str, Any] = answer.json()["data"]
    return order


def quote(duffel: httpx.Client, order: dict[str, Any], now: str = NOW) -> httpx.Response:
    return send(duffel, "POST", "/air/order_cancellations", {"order_id": order["id"]}, now)


def confirm(duffel: httpx.Client, quoted: dict[str, Any], now: str = NOW) -> httpx.Response:
    path = f"/air/order_cancellations/{quoted['id']}/actions/confirm"
    return send(duffel, "POST", path, now=now)


def code(answer: httpx.Response) -> str:
    return str(answer.json()["errors"][0]["code"])


def eventually(ready: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not ready():
        assert time.monotonic() < deadline, "it never came true"
        time.sleep(0.02)


@pytest.mark.parametrize(
    ("brand", "kept"), [("Basic", None), ("Standard", "40.00"), ("Flex", "0.00")]
)
def test_refunds_follow_the_conditions(
    sandbox: Sandbox, duffel: httpx.Client, brand: str, kept: str | None
):
    order = make_order(duffel, brand=brand)
    total = Decimal(order["total_amount"])
    quoted = quote(duffel, order).json()["data"]
    expected = Decimal(0) if kept is None else total - Decimal(kept)
    assert (Decimal(quoted["refund_amount"]), quoted["refund_to"]) == (expected, "balance")
    # A quote cancels nothing.
    assert sandbox.ledger()["duffel"]["orders"][0]["status"] == "live"
    done = confirm(duffel, quoted)
    assert (done.status_code, done.json()["data"]["confirmed_at"][:19]) == (200, NOW[:19])
    after = send(duffel, "GET", f"/air/orders/{order['id']}").json()["data"]
    assert after["cancelled_at"] is not None
    assert after["available_actions"] == ["update"]
    assert after["cancellation"]["id"] == quoted["id"]
    books = sandbox.ledger()["duffel"]
    assert books["orders"][0]["status"] == "cancelled"
    assert Decimal(books["balance"]["USD"]) == 1_000_000 - total + expected
    assert code(confirm(duffel, quoted)) == "already_cancelled"
    assert code(quote(duffel, order)) == "already_cancelled"


def test_only_the_newest_quote_within_its_hour(duffel: httpx.Client):
    order = make_order(duffel)
    first = quote(duffel, order).json()["data"]
    second = quote(duffel, order).json()["data"]
    assert code(confirm(duffel, first)) == "order_cancellation_stale"
    assert code(confirm(duffel, second, "2026-12-01T10:00:00Z")) == "order_cancellation_stale"
    assert confirm(duffel, second, "2026-12-01T09:59:59Z").status_code == 200
    rows = send(duffel, "GET", f"/air/order_cancellations?order_id={order['id']}").json()["data"]
    assert [row["id"] for row in rows] == [second["id"], first["id"]]
    path = f"/air/order_cancellations/{first['id']}"
    assert send(duffel, "GET", path).json()["data"]["confirmed_at"] is None
    assert code(quote(duffel, {"id": "ord_none"})) == "not_found"


def test_nothing_is_cancelled_after_departure(duffel: httpx.Client):
    order = make_order(duffel)
    assert code(quote(duffel, order, "2027-03-04T12:00:00Z")) == "order_not_cancellable"


def test_refunds_that_are_no_money(sandbox: Sandbox, duffel: httpx.Client):
    cases: list[tuple[str, Any, dict[str, Any]]] = [
        ("refund_to", "voucher", {"refund_to": "voucher"}),
        ("refund_to", "airline_credits", {"refund_to": "airline_credits"}),
        ("refund_amount_null", None, {"refund_amount": None}),
    ]
    for effect, value, expected in cases:
        order = make_order(duffel, brand="Flex")
        before = sandbox.ledger()["duffel"]["balance"]
        sandbox.fault("duffel", "create_order_cancellation", effect, value=value)
        quoted = quote(duffel, order).json()["data"]
        assert quoted.items() >= expected.items()
        assert all(credit["credit_code"] is None for credit in quoted["airline_credits"])
        done = confirm(duffel, quoted).json()["data"]
        assert all(credit["credit_code"] for credit in done["airline_credits"])
        assert sandbox.ledger()["duffel"]["balance"] == before


def test_penalties_and_refusals_can_be_set(sandbox: Sandbox, duffel: httpx.Client):
    order = make_order(duffel, brand="Flex")
    value = {"amount": "33.33"}
    sandbox.fault("duffel", "create_order_cancellation", "penalty", value=value)
    quoted = quote(duffel, order).json()["data"]
    total = Decimal(order["total_amount"])
    assert Decimal(quoted["refund_amount"]) == total - Decimal("33.33")
    sandbox.fault("duffel", "confirm_order_cancellation", "order_not_cancellable")
    assert code(confirm(duffel, quoted)) == "order_not_cancellable"
    assert confirm(duffel, quoted).status_code == 200


def test_credits_on_the_test_route_and_nothing_for_an_unpaid_hold(duffel: httpx.Client):
    order = make_order(duffel, "LTN", "SYD", brand="Flex")
    assert quote(duffel, order).json()["data"]["refund_to"] == "airline_credits"
    hold = make_order(duffel, "JFK", "EWR", type="hold", payments=[])
    quoted = quote(duffel, hold).json()["data"]
    assert (quoted["refund_amount"], quoted["refund_to"]) == ("0.00", "awaiting_payment")


def test_a_schedule_change_can_be_accepted_unless_stale(sandbox: Sandbox, duffel: httpx.Client):
    order = make_order(duffel)
    path = f"/duffel/orders/{order['id']}/schedule_change"
    first = sandbox.control("POST", path, {"minutes": 90})
    second = sandbox.control("POST", path, {"minutes": 120})
    listed = send(duffel, "GET", f"/air/airline_initiated_changes?order_id={order['id']}")
    assert [row["id"] for row in listed.json()["data"]] == [second["id"], first["id"]]
    base = "/air/airline_initiated_changes"
    stale = send(duffel, "POST", f"{base}/{first['id']}/actions/accept")
    assert code(stale) == "stale_airline_initiated_change_accept"
    accepted = send(duffel, "POST", f"{base}/{second['id']}/actions/accept").json()["data"]
    assert accepted["action_taken"] == "accepted"
    after = send(duffel, "GET", f"/air/orders/{order['id']}").json()["data"]
    was = datetime.fromisoformat(order["slices"][0]["segments"][0]["departing_at"])
    now = datetime.fromisoformat(after["slices"][0]["segments"][0]["departing_at"])
    assert now - was == timedelta(hours=2)
    assert [row["action_taken"] for row in after["airline_initiated_changes"]] == [
        None,
        "accepted",
    ]


def test_when_the_airline_cancels_all_money_comes_back(sandbox: Sandbox, duffel: httpx.Client):
    order = make_order(duffel, brand="Basic")
    change = sandbox.control("POST", f"/duffel/orders/{order['id']}/airline_cancel")
    assert (change["added"], len(change["removed"])) == ([], 1)
    body = {"action_taken": "cancelled"}
    path = f"/air/airline_initiated_changes/{change['id']}"
    assert send(duffel, "PATCH", path, body).json()["data"]["action_taken"] == "cancelled"
    quoted = quote(duffel, order).json()["data"]
    assert quoted["refund_amount"] == order["total_amount"]
    other = make_order(duffel, brand="Basic")
    settled = f"/duffel/orders/{other['id']}/airline_cancel"
    sandbox.control("POST", settled, {"settled": True})
    shown = send(duffel, "GET", f"/air/orders/{other['id']}").json()["data"]
    assert shown["cancelled_at"] is not None
    assert shown["cancellation"]["refund_amount"] == other["total_amount"]


def test_changes_on_the_test_route(duffel: httpx.Client):
    order = make_order(duffel, "LHR", "LTN")
    path = f"/air/airline_initiated_changes?order_id={order['id']}"
    assert len(send(duffel, "GET", path).json()["data"]) == 1
    assert len(send(duffel, "GET", path).json()["data"]) == 2


class Receiver:
    """A place for webhooks to go."""

    def __init__(self) -> None:
        self.got: list[tuple[dict[str, str], bytes]] = []
        self.statuses: list[int] = []
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                raw = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.got.append(({k.lower(): v for k, v in self.headers.items()}, raw))
                self.send_response(receiver.statuses.pop(0) if receiver.statuses else 200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/hooks"
        self.thread = threading.Thread(target=self.server.serve_forever)
        self.thread.start()

    def events(self) -> list[dict[str, Any]]:
        import json

        return [json.loads(raw) for _, raw in self.got]

    def types(self) -> list[str]:
        return [event["type"] for event in self.events()]

    def close(self) -> None:
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


@pytest.fixture
def receiver(sandbox: Sandbox) -> Iterator[Receiver]:
    found = Receiver()
    yield found
    sandbox.reset()
    found.close()


def listen(duffel: httpx.Client, receiver: Receiver) -> dict[str, Any]:
    events = ["order.created", "order.creation_failed", "order_cancellation.confirmed"]
    body = {"url": receiver.url, "events": [*events, "ping.triggered"]}
    answer = send(duffel, "POST", "/air/webhooks", body)
    assert answer.status_code == 201
    endpoint: dict[str, Any] = answer.json()["data"]
    return endpoint


def test_signs_as_the_official_vector_says():
    body = (
        b'{"created_at":"2022-01-08T18:44:56.129339Z","data":{"changes":{},"object":{}},'
        b'"id":"eve_0000AFEsrBKZAcKgGtZCnQ","live_mode":false,"object":"order",'
        b'"type":"order.updated"}'
    )
    at = datetime.fromtimestamp(1641667496).astimezone()
    digest = "691f25ffb1f206c0fda5bb7b1a9d60fafe42c5f42819d44a06a7cfe09486f102"
    assert sign("a_secret", body, at) == {"X-Duffel-Signature": f"t=1641667496,v1={digest}"}


def test_webhooks_are_signed_thin_and_repeated_until_taken(
    duffel: httpx.Client, receiver: Receiver
):
    endpoint = listen(duffel, receiver)
    receiver.statuses = [500]
    order = make_order(duffel)
    eventually(lambda: len(receiver.got) >= 2)
    first, second = receiver.events()[:2]
    assert first == second
    assert first["type"] == "order.created"
    assert first["idempotency_key"] == order["id"]
    subject = {"id": order["id"], "order_id": order["id"], "offer_id": order["offer_id"]}
    assert first["data"]["object"] == subject
    headers, raw = receiver.got[0]
    stamp, digest = (part.split("=")[1] for part in headers["x-duffel-signature"].split(","))
    key = endpoint["secret"].encode()
    assert hmac.new(key, stamp.encode() + b"." + raw, hashlib.sha256).hexdigest() == digest

    def tried() -> list[int]:
        rows = send(duffel, "GET", "/air/webhooks/deliveries").json()["data"]
        return [row["response_status_code"] for row in rows][-2:]

    eventually(lambda: tried() == [200, 500])


def test_late_creations_are_told_by_the_wall_clock(
    sandbox: Sandbox, duffel: httpx.Client, receiver: Receiver
):
    listen(duffel, receiver)
    for effect in ("order_202_then_created", "order_202_then_failed"):
        sandbox.fault("duffel", "create_order", effect, value={"seconds": 0.1})
        with pytest.raises(AssertionError, match="message"):
            make_order(duffel)
    eventually(lambda: len(receiver.got) == 2)
    assert set(receiver.types()) == {"order.created", "order.creation_failed"}
    failed = next(e for e in receiver.events() if e["type"] == "order.creation_failed")
    assert failed["idempotency_key"].startswith("failed-por_")
    assert set(failed["data"]["object"]) == {"offer_id"}


def test_deliveries_can_be_held_doubled_dropped_and_turned_round(
    sandbox: Sandbox, duffel: httpx.Client, receiver: Receiver
):
    listen(duffel, receiver)

    def mode(name: str) -> None:
        sandbox.control("POST", "/webhooks", {"vendor": "duffel", "mode": name})

    mode("reverse")
    order = make_order(duffel)
    confirm(duffel, quote(duffel, order).json()["data"])
    sandbox.control("POST", "/webhooks/flush", {"vendor": "duffel"})
    eventually(lambda: len(receiver.got) == 2)
    assert receiver.types() == ["order_cancellation.confirmed", "order.created"]
    mode("drop")
    make_order(duffel)
    mode("duplicate")
    kept = make_order(duffel)
    eventually(lambda: len(receiver.got) == 4)
    assert [e["idempotency_key"] for e in receiver.events()[2:]] == [kept["id"]] * 2
    mode("hold")
    make_order(duffel)
    states = [row["state"] for row in sandbox.control("GET", "/webhooks?vendor=duffel")]
    assert sorted(set(states)) == ["delivered", "dropped", "held"]
    assert sandbox.control("POST", "/webhooks/flush", {})["released"] == 1
    eventually(lambda: len(receiver.got) == 5)


def test_endpoints_are_managed_as_at_duffel(duffel: httpx.Client, receiver: Receiver):
    endpoint = listen(duffel, receiver)
    again = {"url": receiver.url, "events": ["order.created"]}
    assert code(send(duffel, "POST", "/air/webhooks", again)) == "unsafe_unique"
    listed = send(duffel, "GET", "/air/webhooks").json()["data"]
    assert [row["id"] for row in listed] == [endpoint["id"]]
    assert "secret" not in listed[0]
    path = f"/air/webhooks/{endpoint['id']}"
    ping = send(duffel, "POST", f"{path}/actions/ping", {})
    assert (ping.status_code, ping.content) == (204, b"")
    assert receiver.types() == ["ping.triggered"]
    receiver.statuses = [500]
    assert code(send(duffel, "POST", f"{path}/actions/ping", {})) == "webhook_client_error"
    quiet = send(duffel, "PATCH", path, {"active": False}).json()["data"]
    assert quiet["active"] is False
    make_order(duffel)
    events = send(duffel, "GET", "/air/webhooks/events").json()["data"]
    assert events[0]["type"] == "order.created"
    count = len(receiver.got)
    redeliver = f"/air/webhooks/events/{events[0]['id']}/actions/redeliver"
    assert send(duffel, "POST", redeliver).status_code == 204
    eventually(lambda: len(receiver.got) == count + 1)
    assert send(duffel, "DELETE", path).status_code == 204
    assert send(duffel, "GET", "/air/webhooks").json()["data"] == []
