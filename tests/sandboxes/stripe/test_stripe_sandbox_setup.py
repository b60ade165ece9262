"""Saving cards, by the API and on the hosted page, and the bank's question (3D Secure)."""

from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from sandboxes.stripe.cards import by_token

BACK = "http://127.0.0.1:9/back"


async def answer(api: Any, url: str, outcome: str) -> Any:
    page = await api.http.get(url)
    assert page.status_code == 200
    assert "SANDBOX" in page.text
    return await api.http.post(url, data={"outcome": outcome})


async def new_session(api: Any, **more: Any) -> Any:
    customer = await api.post("customers", email="ada@example.com")
    return await api.post(
        "checkout/sessions", mode="setup", customer=customer["id"], currency="usd",
        success_url=f"{BACK}?session={{CHECKOUT_SESSION_ID}}", cancel_url=f"{BACK}?left=1",
        allowed_payment_method_types=["card"],
        setup_intent_data={"metadata": {"user_id": "u1"}}, **more,
    )  # fmt: skip


async def test_a_card_saved_at_checkout_can_be_charged_off_session(api: Any) -> None:
    session = await new_session(api)
    page = await api.http.get(session["url"])
    assert "SANDBOX" in page.text
    assert "4242 4242 4242 4242" in page.text
    done = await api.http.post(session["url"], data={"card": "4242424242424242"})
    assert done.status_code == 303
    assert done.headers["location"] == f"{BACK}?session={session['id']}"
    after = await api.get(f"checkout/sessions/{session['id']}", expand=["setup_intent"])
    intent = after["setup_intent"]
    assert (after["status"], intent["status"]) == ("complete", "succeeded")
    assert intent["metadata"] == {"user_id": "u1"}
    mandate = await api.get(f"mandates/{intent['mandate']}")
    assert mandate["status"] == "active"
    saved = await api.get(f"customers/{session['customer']}/payment_methods")
    assert [m["id"] for m in saved["data"]] == [intent["payment_method"]]
    held = await api.post(
        "payment_intents", amount=1000, currency="usd", customer=session["customer"],
        payment_method=intent["payment_method"], confirm=True, off_session=True,
        payment_method_options={"card": {"stored_credential_usage": "unscheduled"}},
    )  # fmt: skip
    assert held["status"] == "succeeded"
    gone = await api.http.post(session["url"] or page.url, data={"card": "4242424242424242"})
    assert gone.status_code == 410


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"number": "4111 1111 1111 1111"}, 400),
        ({"number": "x"}, 400),
        ({}, 400),
        ({"card": "4242424242424242", "exp_month": "13"}, 400),
        ({"card": "4000000000000002"}, 402),
        ({"card": "4242424242424242", "exp_month": "1", "exp_year": "2020"}, 402),
    ],
)
async def test_the_page_refuses_what_is_no_good_test_card(
    api: Any, fields: dict[str, str], status: int
) -> None:
    session = await new_session(api)
    response = await api.http.post(session["url"], data=fields)
    assert response.status_code == status
    assert 'role="alert"' in response.text
    after = await api.get(f"checkout/sessions/{session['id']}")
    assert after["status"] == "open"
    typed = await api.http.post(session["url"], data={"number": "5555 5555 5555 4444"})
    assert typed.status_code == 303


async def test_the_page_can_be_left_and_a_session_expires(api: Any) -> None:
    start = datetime(2027, 3, 1, tzinfo=UTC)
    api.now = start.isoformat()
    session = await new_session(api)
    left = await api.http.post(session["url"], data={"action": "cancel"})
    assert left.headers["location"] == f"{BACK}?left=1"
    # A browser brings no clock: the page judges by the session's own.
    assert (await api.http.get(session["url"])).status_code == 200
    api.now = (start + timedelta(hours=24)).isoformat()
    after = await api.get(f"checkout/sessions/{session['id']}", expand=["setup_intent"])
    assert (after["status"], after["setup_intent"]["status"]) == ("expired", "canceled")
    assert (await api.http.get(session["url"])).status_code == 410
    other = await new_session(api)
    closed = await api.post(f"checkout/sessions/{other['id']}/expire")
    assert closed["status"] == "expired"
    listed = await api.get("checkout/sessions", status="expired")
    assert len(listed["data"]) == 2


@pytest.mark.parametrize(
    "token", ["pm_card_authenticationRequiredOnSetup", "pm_card_authenticationRequired"]
)
async def test_checkout_leads_through_the_banks_check(api: Any, token: str) -> None:
    card = by_token(token)
    assert card is not None
    session = await new_session(api)
    asked = await api.http.post(session["url"], data={"card": card.number})
    failed = await answer(api, asked.headers["location"], "fail")
    assert failed.status_code == 402
    asked = await api.http.post(session["url"], data={"card": card.number})
    passed = await answer(api, asked.headers["location"], "approve")
    assert passed.headers["location"] == f"{BACK}?session={session['id']}"
    saved = await api.get("payment_methods", customer=session["customer"], type="card")
    response = await api.send(
        "POST", "payment_intents", amount=1000, currency="usd", customer=session["customer"],
        payment_method=saved["data"][0]["id"], confirm=True, off_session=True,
    )  # fmt: skip
    needs = card.auth == "always"
    assert response.status_code == (402 if needs else 200)


@pytest.mark.parametrize("outcome", ["approve", "fail"])
async def test_a_payment_that_needs_the_customer_is_finished_with_them(
    api: Any, outcome: str
) -> None:
    customer, method = await api.saved_card("pm_card_authenticationRequired")
    intent = await api.post(
        "payment_intents", amount=1000, currency="usd", customer=customer, payment_method=method,
        capture_method="manual",
    )  # fmt: skip
    path = f"payment_intents/{intent['id']}"
    error = await api.refused(f"{path}/confirm", off_session=True)
    assert (error["status"], error["code"]) == (402, "authentication_required")
    assert error["decline_code"] == "authentication_required"
    assert error["payment_method"]["id"] == method
    assert error["payment_intent"]["status"] == "requires_payment_method"
    waiting = await api.post(f"{path}/confirm", payment_method=method, return_url=f"{BACK}?a=1")
    assert waiting["status"] == "requires_action"
    redirect = waiting["next_action"]["redirect_to_url"]
    assert redirect["return_url"] == f"{BACK}?a=1"
    bare = redirect["url"].partition("?")[0]
    assert (await api.http.post(bare, data={"outcome": "approve"})).status_code == 404
    back = await answer(api, redirect["url"], outcome)
    query = parse_qs(urlsplit(back.headers["location"]).query)
    assert query["payment_intent"] == [intent["id"]]
    assert query["a"] == ["1"]
    after = await api.get(path)
    if outcome == "approve":
        assert query["redirect_status"] == ["succeeded"]
        assert (after["status"], after["amount_capturable"]) == ("requires_capture", 1000)
    else:
        assert query["redirect_status"] == ["failed"]
        assert after["last_payment_error"]["code"] == "payment_intent_authentication_failure"
        assert after["status"] == "requires_payment_method"
    assert (await api.http.get(redirect["url"])).status_code == 410


@pytest.mark.parametrize(
    ("token", "decline_code"),
    [
        ("pm_card_authenticationRequiredChargeDeclinedInsufficientFunds", "insufficient_funds"),
        ("pm_card_threeDSecureRequiredChargeDeclined", "generic_decline"),
        ("pm_card_threeDSecureRequiredProcessingError", "processing_error"),
    ],
)
async def test_a_passed_check_may_still_be_declined(
    api: Any, token: str, decline_code: str
) -> None:
    waiting = await api.post(
        "payment_intents", amount=1000, currency="usd", payment_method=token, confirm=True
    )
    await answer(api, waiting["next_action"]["redirect_to_url"]["url"], "approve")
    after = await api.get(f"payment_intents/{waiting['id']}")
    assert after["last_payment_error"]["decline_code"] == decline_code


async def test_the_card_that_asks_only_on_session_passes_off_session(api: Any) -> None:
    token = "pm_card_authenticationRequiredSetupForOffSession"
    assert (await api.hold(1000, token))["status"] == "requires_capture"
    waiting = await api.post(
        "payment_intents", amount=1000, currency="usd", payment_method=token, confirm=True
    )
    assert waiting["status"] == "requires_action"


async def test_a_setup_intent_saves_by_the_api_too(api: Any) -> None:
    customer = (await api.post("customers"))["id"]
    intent = await api.post(
        "setup_intents", customer=customer, usage="off_session",
        allowed_payment_method_types=["card"],
        payment_method_options={"card": {"setup_credential_usage": "unscheduled"}},
    )  # fmt: skip
    path = f"setup_intents/{intent['id']}"
    error = await api.refused(f"{path}/confirm", payment_method="pm_card_visa_chargeDeclined")
    assert (error["status"], error["setup_intent"]["status"]) == (402, "requires_payment_method")
    asked = await api.post(
        f"{path}/confirm", payment_method="pm_card_threeDSecure2Required", return_url=BACK
    )
    assert asked["status"] == "requires_action"
    back = await answer(api, asked["next_action"]["redirect_to_url"]["url"], "approve")
    assert "redirect_status=succeeded" in back.headers["location"]
    done = await api.get(path)
    assert done["status"] == "succeeded"
    assert (await api.refused(f"{path}/cancel"))["code"] == "setup_intent_unexpected_state"
    method = await api.get(f"payment_methods/{done['payment_method']}")
    assert method["customer"] == customer
    listed = await api.get("setup_intents", customer=customer)
    assert [i["id"] for i in listed["data"]] == [intent["id"]]
    other = await api.post("setup_intents", customer=customer)
    cancelled = await api.post(
        f"setup_intents/{other['id']}/cancel", cancellation_reason="abandoned"
    )
    assert cancelled["status"] == "canceled"


@pytest.mark.parametrize("off_session", [True, False])
async def test_rules_make_any_card_decline_or_ask(api: Any, off_session: bool) -> None:
    customer, method = await api.saved_card()
    fields = {"off_session": True} if off_session else {}
    intent = await api.post(
        "payment_intents", amount=1000, currency="usd", customer=customer, payment_method=method
    )
    path = f"payment_intents/{intent['id']}/confirm"
    await api.fault("confirm_payment_intent", "decline", code="stolen_card")
    assert (await api.refused(path, **fields))["decline_code"] == "stolen_card"
    await api.fault("confirm_payment_intent", "authentication_required")
    response = await api.send("POST", path, payment_method=method, **fields)
    if off_session:
        assert response.json()["error"]["code"] == "authentication_required"
    else:
        assert response.json()["status"] == "requires_action"


async def test_an_action_can_be_unwelcome(api: Any) -> None:
    error = await api.refused(
        "payment_intents", amount=1000, currency="usd", confirm=True,
        payment_method="pm_card_threeDSecure2Required", error_on_requires_action=True,
    )  # fmt: skip
    assert (error["status"], error["code"]) == (402, "authentication_required")
    assert error["payment_intent"]["status"] == "requires_payment_method"


async def test_rules_refuse_captures_and_bend_refunds(api: Any) -> None:
    intent = await api.hold(1000)
    path = f"payment_intents/{intent['id']}/capture"
    await api.fault("capture_payment_intent", "capture_refused")
    assert (await api.refused(path))["code"] == "charge_expired_for_capture"
    await api.fault("capture_payment_intent", "capture_refused", status=402, code="card_declined")
    assert (await api.refused(path))["status"] == 402
    await api.post(path)
    await api.fault("create_refund", "refund_failed")
    failed = await api.post("refunds", payment_intent=intent["id"])
    assert (failed["status"], (await api.ledger())["balance"]) == ("failed", {"usd": 1000})
    await api.fault("create_refund", "refund_pending", value={"seconds": 0})
    done = await api.post("refunds", payment_intent=intent["id"])
    assert (done["status"], (await api.ledger())["balance"]) == ("succeeded", {"usd": 0})
