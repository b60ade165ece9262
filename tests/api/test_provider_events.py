"""What providers tell us: only what they signed just now is stored, once, and makes somebody look."""

import json
import time
from collections.abc import Awaitable, Callable, Iterator
from datetime import timedelta
from typing import Any

import httpx
import httpx2
import pytest
from asking import until
from sqlalchemy import text
from stripe import WebhookSignature

from db.session import Database, SystemActor
from domain.messages.disputes import DISPUTES_ID
from runtime.clock import system_now
from sandboxes.duffel.events import sign as duffel_sign

TESTS = SystemActor("tests")
STRIPE, DUFFEL = "/api/webhooks/stripe", "/api/webhooks/duffel"
Told = Callable[..., Awaitable[list[dict[str, Any]]]]


@pytest.fixture
def told(database: Database) -> Told:
    """Return the rows of what providers told, the first one first."""

    async def rows() -> list[dict[str, Any]]:
        query = text("SELECT * FROM provider_events ORDER BY received_at, id")
        async with database.transaction(TESTS) as session:
            return [dict(row) for row in (await session.execute(query)).mappings()]

    return rows


def stripe_event(kind: str, ref: str = "evt_1", age: int = 0) -> str:
    return json.dumps(
        {
            "id": ref,
            "type": kind,
            "created": int(time.time()) - age,
            "livemode": False,
            "data": {"object": {"id": "dp_1", "receipt_email": "ana@example.com"}},
        }
    )


def signed(body: str, secret: str, age: int = 0) -> dict[str, str]:
    stamp = int(time.time()) - age
    header = WebhookSignature.generate_signature_header(body, secret, timestamp=stamp)
    return {"Stripe-Signature": str(header)}


async def test_only_what_was_signed_just_now_is_stored_once_and_without_people(
    nobody: Any, settings: Any, told: Told
) -> None:
    secret = settings.stripe_webhook_secret
    body = stripe_event("payment_intent.succeeded")
    for headers, code in (
        ({}, "bad_signature"),
        (signed(body, "whsec_other"), "bad_signature"),
        (signed(body, secret, age=600), "too_old"),
        (signed(body, secret, age=-600), "too_old"),
    ):
        refused = await nobody.post(STRIPE, content=body, headers=headers)
        assert (refused.status_code, refused.json()["code"]) == (400, code)
    # One row for each reason however many come, and nothing of what they said.
    rows = {row["signature"]: row for row in await told()}
    assert {name: row["times"] for name, row in rows.items()} == {"bad_signature": 2, "too_old": 2}
    for row in rows.values():
        assert (row["state"], row["kind"], row["facts"]) == ("refused", "", {})

    for _ in range(3):
        heard = await nobody.post(STRIPE, content=body, headers=signed(body, secret))
        assert (heard.status_code, heard.content) == (204, b"")
    [row] = [row for row in await told() if row["signature"] == "good"]
    assert (row["event_ref"], row["times"], row["state"]) == ("evt_1", 3, "left")
    assert "ana@example.com" not in str(row)


async def test_an_event_is_ours_although_nobody_can_look_at_the_moment(
    nobody: Any, settings: Any, told: Told
) -> None:
    """Temporal is away: the row waits for the schedule that finds it."""
    body = stripe_event("charge.dispute.created")
    headers = signed(body, settings.stripe_webhook_secret)
    assert (await nobody.post(STRIPE, content=body, headers=headers)).status_code == 204
    [row] = await told()
    assert (row["state"], row["tries"]) == ("pending", 0)


async def test_without_a_secret_nothing_is_believed(
    make_settings: Any, api_serving: Any, database: Database, told: Told
) -> None:
    settings = make_settings(DUFFEL_API_TOKEN="duffel_test_x")
    assert settings.duffel_webhook_secret == ""
    body = b'{"id": "wev_1", "type": "order.created", "data": {}}'
    async with (
        api_serving(settings, database),
        httpx2.AsyncClient(base_url=f"http://127.0.0.1:{settings.api_port}") as http,
    ):
        forged = await http.post(DUFFEL, content=body, headers=duffel_sign("", body, system_now()))
    assert (forged.status_code, forged.json()["code"]) == (400, "no_secret")
    assert [row["signature"] for row in await told()] == ["no_secret"]


async def test_a_dispute_is_followed_as_soon_as_it_is_told(running: Any, told: Told) -> None:
    secret = running.settings.stripe_webhook_secret
    person = await running.make_person()
    # The older one comes last, and once more: each only makes somebody look.
    for ref, kind, age in (
        ("evt_2", "charge.dispute.closed", 0),
        ("evt_1", "charge.dispute.created", 60),
        ("evt_1", "charge.dispute.created", 60),
    ):
        body = stripe_event(kind, ref, age)
        answer = await person.http.post(STRIPE, content=body, headers=signed(body, secret))
        assert answer.status_code == 204, answer.text

    async def worked_on() -> Any:
        return {row["event_ref"]: row for row in await told()}

    rows = await until(
        worked_on, lambda found: {row["state"] for row in found.values()} == {"done"}
    )
    assert {ref: row["times"] for ref, row in rows.items()} == {"evt_1": 2, "evt_2": 1}
    assert rows["evt_1"]["outcome"] == "disputes: look_again"
    seen = await running.client.get_workflow_handle(DISPUTES_ID).result()
    assert seen == {"seen": 0, "changed": 0}


@pytest.fixture
def endpoint(stand_ins: Any) -> Iterator[Any]:
    """Have Duffel's stand-in call us, as an operator would: there is one endpoint in a mode."""
    headers = {"Authorization": "Bearer duffel_test_x", "Duffel-Version": "v2"}
    with httpx.Client(base_url=f"{stand_ins.url}/duffel", headers=headers) as duffel:
        events = ["order.created", "order.airline_initiated_change_detected"]
        sent = {"data": {"url": "http://127.0.0.1:1/", "events": events}}
        made = duffel.post("/air/webhooks", json=sent).raise_for_status().json()["data"]

        def calls(url: str) -> None:
            sent = {"data": {"url": f"{url}{DUFFEL}"}}
            duffel.patch(f"/air/webhooks/{made['id']}", json=sent).raise_for_status()

        yield made["secret"], calls
        duffel.delete(f"/air/webhooks/{made['id']}")


@pytest.fixture
def make_settings(make_settings: Any, request: pytest.FixtureRequest) -> Any:
    """Return settings that know the secret of the endpoint, for tests that have one."""
    if "endpoint" not in request.fixturenames:
        return make_settings
    secret, _ = request.getfixturevalue("endpoint")
    return lambda **more: make_settings(DUFFEL_WEBHOOK_SECRET=secret, **more)


async def test_a_moved_flight_reaches_the_booking_by_its_event_long_before_the_poll(
    endpoint: Any, cast: tuple[Any, Any], running: Any, database: Database, told: Told
) -> None:
    _, calls = endpoint
    calls(running.url)
    person, body = cast
    key = {"Idempotency-Key": "moved-flight"}
    made = await person.http.post("/api/autobooking/campaigns", json=body, headers=key)
    assert made.status_code == 201, made.text

    async def booking() -> Any:
        query = text("SELECT * FROM bookings WHERE user_id = :id")
        async with database.transaction(TESTS) as session:
            found = (await session.execute(query, {"id": person.user_id})).mappings().first()
        return dict(found) if found else {}

    ticketed = await until(booking, lambda row: row.get("state") == "ticketed")
    control = {"X-Sandbox-Control": running.stand_ins.control_token}
    async with httpx2.AsyncClient(
        base_url=f"{running.stand_ins.url}/_control", headers=control
    ) as stand_ins:
        # Each comes twice; what is done about it is done once.
        mode = {"vendor": "duffel", "mode": "duplicate"}
        assert (await stand_ins.post("/webhooks", json=mode)).status_code == 200
        order = f"/duffel/orders/{ticketed['duffel_order_id']}/schedule_change"
        assert (await stand_ins.post(order, json={"minutes": 90})).status_code == 200
        moved = await until(booking, lambda row: row["schedule_changes"] == 1)
        await stand_ins.post("/webhooks", json=mode | {"mode": "normal"})
    # The next look by itself would have been a day later.
    assert moved["checked_at"] - ticketed["checked_at"] < timedelta(minutes=10)

    async def changes() -> Any:
        rows = {row["kind"]: row for row in await told()}
        return rows["order.airline_initiated_change_detected"]

    row = await until(changes, lambda found: found["times"] == 2)
    assert (row["state"], row["outcome"]) == ("done", f"order:{ticketed['id']}: nudge")
    assert row["signature"] == "good"
    async with database.transaction(TESTS) as session:
        notices = await session.scalar(
            text(
                "SELECT count(*) FROM notices WHERE event = 'schedule_changed'"
                " AND channel = 'email'"
            )
        )
    assert notices == 1
