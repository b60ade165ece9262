"""The Stripe stand-in on a real port, a client for it, and the contract its answers must keep."""

import json
import socket
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import stripe
import uvicorn
from jsonschema import Draft202012Validator

from sandboxes.app import Config, build_app
from sandboxes.server import CuttableProtocol
from sandboxes.stripe.app import build_vendor
from sandboxes.vendor import Options

Json = dict[str, Any]
TOKEN = "control"
CONTRACT = Path(__file__).parents[2] / "contracts" / "stripe_spec.json"
_SCHEMAS = {
    "customer": "Customer", "payment_method": "PaymentMethod", "setup_intent": "SetupIntent",
    "payment_intent": "PaymentIntent", "charge": "Charge", "refund": "Refund",
    "checkout.session": "Session", "event": "Event", "dispute": "Dispute",
}  # fmt: skip


class Contract:
    """Stripe's schemas, as far as the contract has them."""

    def __init__(self) -> None:
        components = json.loads(CONTRACT.read_text(encoding="utf-8"))["components"]
        self._validators = {
            name: Draft202012Validator(
                {"$ref": f"#/components/schemas/{schema}", "components": components}
            )
            for name, schema in {**_SCHEMAS, "error": "ErrorEnvelope"}.items()
        }

    def check(self, body: Json) -> None:
        """Raise where a body, or anything inside it, is not what Stripe would send."""
        if "error" in body and "object" not in body:
            self._validators["error"].validate(body)
            for name in ("payment_intent", "setup_intent", "payment_method"):
                if name in body["error"]:
                    self.check(body["error"][name])
            return
        kind = body["object"]
        if kind in {"list", "search_result"}:
            for item in body["data"]:
                self.check(item)
        elif kind in self._validators:
            self._validators[kind].validate(body)
            if kind == "event":
                self.check(body["data"]["object"])
        for value in body.values():
            if isinstance(value, dict) and isinstance(value.get("object"), str):
                self.check(value)


@dataclass
class Api:
    """Plain HTTP calls whose every answer is held against the contract."""

    http: httpx.AsyncClient
    contract: Contract
    now: str | None = None
    """Instant sent along as the caller's own clock."""

    async def send(
        self, method: str, path: str, key: str | None = None, **fields: Any
    ) -> httpx.Response:
        headers = {"Authorization": "Bearer sk_test_1"}
        if self.now:
            headers["X-Sandbox-Now"] = self.now
        if key:
            headers["Idempotency-Key"] = key
        flat = dict(flatten(fields))
        where = {"data": flat} if method == "POST" else {"params": flat}
        response = await self.http.request(method, f"/stripe/v1/{path}", headers=headers, **where)
        self.contract.check(response.json())
        return response

    async def post(self, path: str, key: str | None = None, **fields: Any) -> Json:
        response = await self.send("POST", path, key, **fields)
        assert response.status_code == 200, response.text
        body: Json = response.json()
        return body

    async def get(self, path: str, **fields: Any) -> Json:
        response = await self.send("GET", path, **fields)
        assert response.status_code == 200, response.text
        body: Json = response.json()
        return body

    async def refused(
        self, path: str, key: str | None = None, method: str = "POST", **fields: Any
    ) -> Json:
        """Send a call that must not pass; give its error with the status."""
        response = await self.send(method, path, key, **fields)
        assert response.status_code >= 400, response.text
        error: Json = response.json()["error"]
        return {**error, "status": response.status_code}

    async def control(self, path: str, method: str = "POST", **body: Any) -> Any:
        response = await self.http.request(
            method,
            f"/_control/{path}",
            headers={"X-Sandbox-Control": TOKEN},
            json=body if method == "POST" else None,
        )
        assert response.status_code < 300, response.text
        return response.json() if response.content else None

    async def fault(self, operation: str, effect: str, **more: Any) -> None:
        await self.control("faults", vendor="stripe", operation=operation, effect=effect, **more)

    async def ledger(self) -> Json:
        whole = await self.control("ledger", "GET")
        books: Json = whole["stripe"]
        return books

    async def saved_card(self, token: str = "pm_card_visa") -> tuple[str, str]:
        """Make a customer with a card; give both ids."""
        customer = await self.post("customers", email="ada@example.com")
        method = await self.post(f"payment_methods/{token}/attach", customer=customer["id"])
        return customer["id"], method["id"]

    async def hold(self, amount: int = 10000, token: str = "pm_card_visa", **more: Any) -> Json:
        """Authorise an amount off session on a fresh card."""
        customer, method = await self.saved_card(token)
        intent = await self.post(
            "payment_intents", amount=amount, currency="usd", customer=customer,
            payment_method=method, capture_method="manual", **more,
        )  # fmt: skip
        return await self.post(f"payment_intents/{intent['id']}/confirm", off_session=True)


def flatten(fields: Any, prefix: str = "") -> Iterator[tuple[str, str]]:
    """Write nested values the way Stripe's clients do."""
    entries = enumerate(fields) if isinstance(fields, list) else fields.items()
    for name, value in entries:
        key = f"{prefix}[{name}]" if prefix else str(name)
        if isinstance(value, dict | list):
            yield from flatten(value, key)
        elif isinstance(value, bool):
            yield key, "true" if value else "false"
        else:
            yield key, str(value)


def serve(data_dir: Path, fee_basis_points: int = 0, **options: Any) -> Iterator[str]:
    """Run the stand-ins in a thread, on a free port."""
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    app = build_app(
        Config(
            data_dir=data_dir,
            control_token=TOKEN,
            vendors=(build_vendor(fee_basis_points),),
            options=Options(public_url=f"http://127.0.0.1:{port}", **options),
        )
    )
    server = uvicorn.Server(
        uvicorn.Config(app, http=CuttableProtocol, ws="none", log_level="error", access_log=False)
    )
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    deadline = time.monotonic() + 20
    while not server.started and time.monotonic() < deadline:
        threading.Event().wait(0.01)
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join()
        listener.close()


@pytest.fixture(scope="session")
def sandbox_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    yield from serve(tmp_path_factory.mktemp("stripe-sandbox"))


@pytest.fixture
def serving() -> Any:
    """Run stand-ins of a test's own: `with serving(data_dir) as url`."""
    return contextmanager(serve)


@pytest.fixture
def calling(contract: Contract) -> Any:
    """Call stand-ins of a test's own: `async with calling(url) as api`."""

    @asynccontextmanager
    async def call(url: str) -> AsyncIterator[Api]:
        async with httpx.AsyncClient(base_url=url, timeout=20) as http:
            yield Api(http, contract)

    return call


@pytest.fixture(scope="session")
def contract() -> Contract:
    return Contract()


@pytest.fixture
async def api(sandbox_url: str, contract: Contract) -> AsyncIterator[Api]:
    async with httpx.AsyncClient(base_url=sandbox_url, timeout=20) as http:
        made = Api(http, contract)
        await made.control("reset")
        yield made


@pytest.fixture
async def sdk(sandbox_url: str, api: Api) -> AsyncIterator[stripe.StripeClient]:
    """The official client, with its own retries."""
    transport = stripe.HTTPXClient(timeout=20)
    yield stripe.StripeClient(
        "sk_test_1",
        base_addresses={"api": f"{sandbox_url}/stripe"},
        http_client=transport,
        max_network_retries=2,
    )
    await transport.close_async()
