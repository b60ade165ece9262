"""Keys: what is answered again, what is a mistake, and what happens in a race."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

START = datetime(2027, 3, 1, 12, tzinfo=UTC)
CREATE = {"amount": 1000, "currency": "usd"}


async def test_the_same_call_is_answered_again_and_done_once(api: Any) -> None:
    first = await api.send("POST", "payment_intents", "k1", **CREATE)
    again = await api.send("POST", "payment_intents", "k1", **CREATE)
    assert again.content == first.content
    assert "idempotent-replayed" not in first.headers
    assert again.headers["idempotent-replayed"] == "true"
    assert again.headers["original-request"] == first.headers["request-id"]
    assert again.headers["request-id"] != first.headers["request-id"]
    assert len((await api.ledger())["payment_intents"]) == 1


async def test_a_key_with_other_parameters_or_path_is_refused(api: Any) -> None:
    await api.post("payment_intents", "k1", **CREATE)
    for path, fields in (("payment_intents", {**CREATE, "amount": 1001}), ("customers", {})):
        error = await api.refused(path, "k1", **fields)
        assert (error["status"], error["type"]) == (400, "idempotency_error")


async def test_a_decline_is_kept_and_a_validation_error_is_not(api: Any) -> None:
    intent = await api.post("payment_intents", payment_method="pm_card_chargeDeclined", **CREATE)
    path = f"payment_intents/{intent['id']}/confirm"
    for replayed in (None, "true"):
        response = await api.send("POST", path, "k1", off_session=True)
        assert response.status_code == 402
        assert response.headers.get("idempotent-replayed") == replayed
    charges = await api.get("charges", payment_intent=intent["id"])
    assert len(charges["data"]) == 1
    for _ in range(2):
        response = await api.send("POST", "payment_intents", "k2", amount=1, currency="usd")
        assert response.status_code == 400
        assert "idempotent-replayed" not in response.headers


async def test_a_refusal_by_state_is_kept_even_when_the_state_has_changed(api: Any) -> None:
    customer, method = await api.saved_card()
    intent = await api.post(
        "payment_intents", customer=customer, payment_method=method, capture_method="manual",
        **CREATE,
    )  # fmt: skip
    path = f"payment_intents/{intent['id']}"
    await api.refused(f"{path}/capture", "k1")
    await api.post(f"{path}/confirm", off_session=True)
    assert (await api.refused(f"{path}/capture", "k1"))["code"] == "payment_intent_unexpected_state"
    assert (await api.post(f"{path}/capture", "k2"))["status"] == "succeeded"


async def test_keys_are_forgotten_after_a_day_on_the_callers_clock(api: Any) -> None:
    api.now = START.isoformat()
    first = await api.post("payment_intents", "k1", **CREATE)
    api.now = (START + timedelta(hours=24) - timedelta(seconds=1)).isoformat()
    assert (await api.post("payment_intents", "k1", **CREATE))["id"] == first["id"]
    api.now = (START + timedelta(hours=24)).isoformat()
    assert (await api.post("payment_intents", "k1", **CREATE))["id"] != first["id"]


async def test_a_key_in_use_is_refused_until_the_first_call_is_done(api: Any) -> None:
    await api.fault("create_payment_intent", "slow", seconds=3)
    done, refused = sorted(
        await asyncio.gather(
            *(api.send("POST", "payment_intents", "k1", **CREATE) for _ in range(2))
        ),
        key=lambda response: response.status_code,
    )
    assert (done.status_code, refused.status_code) == (200, 409)
    assert refused.json()["error"]["code"] == "idempotency_key_in_use"
    assert refused.headers["stripe-should-retry"] == "true"
    after = await api.post("payment_intents", "k1", **CREATE)
    assert after["id"] == done.json()["id"]
    assert len((await api.ledger())["payment_intents"]) == 1


async def test_a_race_on_one_key_makes_one_intent(api: Any) -> None:
    answers = await asyncio.gather(
        *(api.send("POST", "payment_intents", "k1", **CREATE) for _ in range(12))
    )
    assert {answer.status_code for answer in answers} <= {200, 409}
    assert len({answer.json()["id"] for answer in answers if answer.status_code == 200}) == 1
    assert len((await api.ledger())["payment_intents"]) == 1


@pytest.mark.parametrize("done", [True, False])
async def test_an_internal_error_is_kept_whether_or_not_it_took_effect(
    api: Any, done: bool
) -> None:
    await api.fault("create_payment_intent", "api_error", value={"done": done})
    for _ in range(2):
        error = await api.refused("payment_intents", "k1", **CREATE)
        assert (error["status"], error["type"]) == (500, "api_error")
    assert len((await api.ledger())["payment_intents"]) == int(done)


async def test_a_lost_answer_is_given_again(api: Any) -> None:
    intent = await api.hold(1000)
    await api.fault("capture_payment_intent", "error_after", status=500)
    path = f"payment_intents/{intent['id']}/capture"
    assert (await api.refused(path, "k1"))["status"] == 500
    again = await api.send("POST", path, "k1")
    assert again.json()["status"] == "succeeded"
    assert again.headers["idempotent-replayed"] == "true"
    assert (await api.ledger())["balance"] == {"usd": 1000}


@pytest.mark.parametrize(
    ("effect", "status", "code"),
    [
        ("in_flight", 409, "idempotency_key_in_use"),
        ("lock_timeout", 429, "lock_timeout"),
        ("rate_limit", 429, "rate_limit"),
    ],
)
async def test_calls_refused_before_they_begin_do_nothing_and_are_not_kept(
    api: Any, effect: str, status: int, code: str
) -> None:
    await api.fault("*", effect)
    error = await api.refused("payment_intents", "k1", **CREATE)
    assert (error["status"], error["code"]) == (status, code)
    assert (await api.ledger())["payment_intents"] == []
    await api.post("payment_intents", "k1", **CREATE)


@pytest.mark.parametrize("key", ["", "sk_live_1", "pk_test_1", "sk_test_"])
async def test_only_secret_test_keys_are_let_in(api: Any, key: str) -> None:
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    response = await api.http.get("/stripe/v1/balance", headers=headers)
    assert response.status_code == 401
    assert response.headers["www-authenticate"]
    api.contract.check(response.json())
    basic = await api.http.get("/stripe/v1/balance", auth=("sk_test_1", ""))
    assert basic.status_code == 200
    assert basic.headers["stripe-version"] == "2026-10-28.endive"


async def test_other_versions_paths_and_bodies_are_refused(api: Any) -> None:
    headers = {"Authorization": "Bearer sk_test_1"}
    old = await api.http.get(
        "/stripe/v1/balance", headers={**headers, "Stripe-Version": "2020-08-27"}
    )
    lost = await api.http.get("/stripe/v1/nothing", headers=headers)
    wrong = await api.http.post("/stripe/v1/customers", headers=headers, json={"name": "x"})
    assert [old.status_code, lost.status_code, wrong.status_code] == [400, 404, 400]
    for response in (old, lost, wrong):
        api.contract.check(response.json())
    long_key = await api.refused("customers", "k" * 256)
    assert long_key["status"] == 400
