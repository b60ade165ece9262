"""Holds, captures, releases and refunds, over HTTP, with every answer held to the contract."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from sandboxes.stripe.cards import CardRow, decline, tokens

DECLINING = [(token, card) for token, card in tokens() if card.decline and card.auth == "never"]


def at(**after: float) -> str:
    return (datetime(2027, 3, 1, 12, tzinfo=UTC) + timedelta(**after)).isoformat()


async def test_a_hold_is_captured_in_part_and_the_rest_let_go(api: Any) -> None:
    intent = await api.hold(10000, metadata={"attempt_id": "a1"})
    assert (intent["status"], intent["amount_capturable"]) == ("requires_capture", 10000)
    whole = await api.get(f"payment_intents/{intent['id']}", expand=["latest_charge"])
    details = whole["latest_charge"]["payment_method_details"]["card"]
    assert not whole["latest_charge"]["captured"]
    assert details["capture_before"] == whole["latest_charge"]["created"] + 4 * 86400 + 18 * 3600
    taken = await api.post(f"payment_intents/{intent['id']}/capture", amount_to_capture=7500)
    assert (taken["status"], taken["amount_received"]) == ("succeeded", 7500)
    assert taken["amount_capturable"] == 0
    books = await api.ledger()
    assert books["balance"] == {"usd": 7500}
    assert books["payment_intents"][0]["metadata"] == {"attempt_id": "a1"}
    assert books["payment_intents"][0]["charges"][0]["amount_captured"] == 7500


async def test_more_than_the_hold_cannot_be_captured_nor_twice(api: Any) -> None:
    intent = await api.hold(5000)
    path = f"payment_intents/{intent['id']}/capture"
    error = await api.refused(path, amount_to_capture=5001)
    assert (error["status"], error["code"]) == (400, "amount_too_large")
    await api.post(path)
    again = await api.refused(path)
    assert again["code"] == "payment_intent_unexpected_state"
    assert again["payment_intent"]["status"] == "succeeded"
    assert (await api.ledger())["balance"] == {"usd": 5000}


async def test_a_cancelled_hold_takes_nothing(api: Any) -> None:
    intent = await api.hold(5000)
    path = f"payment_intents/{intent['id']}"
    gone = await api.post(f"{path}/cancel", cancellation_reason="abandoned")
    assert (gone["status"], gone["amount_capturable"]) == ("canceled", 0)
    assert gone["cancellation_reason"] == "abandoned"
    for verb in ("cancel", "capture", "confirm"):
        error = await api.refused(f"{path}/{verb}")
        assert error["code"] == "payment_intent_unexpected_state"
    assert (await api.ledger())["balance"] == {}


@pytest.mark.parametrize(
    ("token", "off_session", "window"),
    [
        ("pm_card_visa", True, timedelta(days=4, hours=18)),
        ("pm_card_visa", False, timedelta(days=7)),
        ("pm_card_mastercard", True, timedelta(days=7)),
        ("pm_card_amex", True, timedelta(days=7)),
    ],
)
async def test_a_hold_ends_on_the_readers_clock(
    api: Any, token: str, off_session: bool, window: timedelta
) -> None:
    api.now = at()
    customer, method = await api.saved_card(token)
    intent = await api.post(
        "payment_intents", amount=900, currency="usd", customer=customer, payment_method=method,
        capture_method="manual", confirm=True,
        **({"off_session": True} if off_session else {}),
    )  # fmt: skip
    path = f"payment_intents/{intent['id']}"
    seconds = window.total_seconds()
    api.now = at(seconds=seconds - 1)
    assert (await api.get(path))["status"] == "requires_capture"
    api.now = at(seconds=seconds)
    error = await api.refused(f"{path}/capture")
    assert (error["status"], error["code"]) == (400, "charge_expired_for_capture")
    ended = await api.get(path)
    assert (ended["status"], ended["cancellation_reason"]) == ("canceled", "automatic")
    types = [event["type"] for event in (await api.get("events", limit=100))["data"]]
    assert {"charge.expired", "payment_intent.canceled"} <= set(types)


@pytest.mark.parametrize(("token", "card"), DECLINING, ids=[token for token, _ in DECLINING])
async def test_every_declining_card_declines_and_holds_nothing(
    api: Any, token: str, card: CardRow
) -> None:
    assert card.decline is not None
    wanted = decline(card.decline)
    intent = await api.post(
        "payment_intents", amount=2000, currency="usd", payment_method=token,
        capture_method="manual",
    )  # fmt: skip
    error = await api.refused(f"payment_intents/{intent['id']}/confirm", off_session=True)
    assert (error["status"], error["type"]) == (402, "card_error")
    assert error["code"] == wanted.code
    assert error["decline_code"] == wanted.decline_code
    assert error.get("advice_code") == wanted.advice
    assert error["payment_intent"]["status"] == "requires_payment_method"
    after = await api.get(f"payment_intents/{intent['id']}")
    assert after["last_payment_error"]["decline_code"] == wanted.decline_code
    charge = await api.get(f"charges/{after['latest_charge']}")
    assert (charge["status"], charge["paid"]) == ("failed", False)
    assert (charge["outcome"]["type"] == "blocked") is card.blocked
    # The same intent can be confirmed with another card.
    held = await api.post(f"payment_intents/{intent['id']}/confirm", payment_method="pm_card_visa")
    assert held["status"] == "requires_capture"
    assert held["last_payment_error"] is None


@pytest.mark.parametrize(
    "token",
    [token for token, card in tokens() if card.decline is None and card.auth == "never"],
)
async def test_every_other_card_is_charged(api: Any, token: str) -> None:
    intent = await api.hold(3100, token)
    assert intent["status"] == "requires_capture"
    await api.post(f"payment_intents/{intent['id']}/capture")


@pytest.mark.parametrize("token", [t for t, c in tokens() if not c.saves])
async def test_cards_that_decline_cannot_be_saved(api: Any, token: str) -> None:
    customer = await api.post("customers")
    error = await api.refused(f"payment_methods/{token}/attach", customer=customer["id"])
    assert (error["status"], error["type"]) == (402, "card_error")
    listed = await api.get("payment_methods", customer=customer["id"], type="card")
    assert listed["data"] == []


async def test_refunds_stop_at_what_was_taken(api: Any) -> None:
    intent = await api.hold(10000)
    id_ = intent["id"]
    early = await api.refused("refunds", payment_intent=id_)
    assert early["status"] == 400
    await api.post(f"payment_intents/{id_}/capture", amount_to_capture=8000)
    await api.post("refunds", payment_intent=id_, amount=3000, reason="requested_by_customer")
    error = await api.refused("refunds", payment_intent=id_, amount=5001)
    assert (error["status"], error["param"]) == (400, "amount")
    await api.post("refunds", payment_intent=id_, metadata={"refund_id": "r2"})
    done = await api.refused("refunds", payment_intent=id_, amount=1)
    assert done["code"] == "charge_already_refunded"
    charge = await api.get(f"charges/{(await api.get(f'payment_intents/{id_}'))['latest_charge']}")
    assert charge["refunded"]
    assert charge["amount_refunded"] == 8000
    books = await api.ledger()
    assert books["balance"] == {"usd": 0}
    assert [r["amount"] for r in books["refunds"]] == [3000, 5000]
    listed = await api.get("refunds", payment_intent=id_)
    assert [r["amount"] for r in listed["data"]] == [5000, 3000]


async def test_pending_and_failing_refunds_come_to_their_end(api: Any) -> None:
    api.now = at()
    for token, first, last, left in (
        ("pm_card_pendingRefund", "pending", "succeeded", 0),
        ("pm_card_refundFail", "succeeded", "failed", 700),
    ):
        await api.control("reset")
        intent = await api.hold(700, token)
        await api.post(f"payment_intents/{intent['id']}/capture")
        refund = await api.post("refunds", payment_intent=intent["id"])
        assert refund["status"] == first
        api.now = at(seconds=61)
        assert (await api.get(f"refunds/{refund['id']}"))["status"] == last
        assert (await api.ledger())["balance"] == {"usd": left}
        refusal = await api.refused(f"refunds/{refund['id']}/cancel")
        assert refusal["status"] == 400
        api.now = at()


@pytest.mark.parametrize(
    ("token", "count", "reason", "back"),
    [
        ("pm_card_createDispute", 1, "fraudulent", 2000),
        ("pm_card_createMultipleDisputes", 2, "fraudulent", 2000),
        ("pm_card_createDisputeInquiry", 1, "general", 0),
    ],
)
async def test_dispute_cards_take_the_money_back(
    api: Any, token: str, count: int, reason: str, back: int
) -> None:
    intent = await api.hold(2000, token)
    await api.post(f"payment_intents/{intent['id']}/capture")
    disputes = (await api.get("disputes", payment_intent=intent["id"]))["data"]
    assert [d["reason"] for d in disputes] == [reason] * count
    assert (await api.ledger())["balance"] == {"usd": 2000 - back}
    if reason == "fraudulent":
        error = await api.refused("refunds", payment_intent=intent["id"])
        assert error["code"] == "charge_disputed"
        won = await api.post(
            f"disputes/{disputes[0]['id']}", evidence={"uncategorized_text": "winning_evidence"}
        )
        assert won["status"] == "won"
        assert (await api.ledger())["balance"] == {"usd": 2000 // count}


async def test_a_captured_charge_shows_in_the_balance(api: Any) -> None:
    intent = await api.hold(4200, "pm_card_bypassPending")
    await api.post(f"payment_intents/{intent['id']}/capture")
    balance = await api.get("balance")
    assert balance["available"][0]["amount"] == 4200
    row = (await api.get("balance_transactions", type="charge"))["data"][0]
    assert (row["amount"], row["fee"], row["net"]) == (4200, 0, 4200)
    assert row["source"] == (await api.get(f"payment_intents/{intent['id']}"))["latest_charge"]


@pytest.mark.parametrize(
    ("fields", "code", "param"),
    [
        ({"amount": "10.5"}, "parameter_invalid_integer", "amount"),
        ({"amount": 49}, "amount_too_small", "amount"),
        ({"amount": 100_000_000}, "amount_too_large", "amount"),
        ({"amount": 0}, "parameter_invalid_integer", "amount"),
        ({"currency": "usx"}, None, "currency"),
        ({"typo": 1}, "parameter_unknown", "typo"),
        ({"payment_method_options": {"card": {"typo": 1}}}, "parameter_unknown",
         "payment_method_options[card][typo]"),
        ({"payment_method_types": ["card"]}, "payment_method_types_no_longer_supported",
         "payment_method_types"),
        ({"capture_method": "later"}, None, "capture_method"),
        ({"customer": "cus_none"}, "resource_missing", "customer"),
        ({"payment_method": "pm_none"}, "resource_missing", "payment_method"),
        ({"off_session": True}, None, "off_session"),
        ({"metadata": {"k" * 41: "v"}}, None, f"metadata[{'k' * 41}]"),
        ({"amount": 1050, "currency": "isk"}, "invalid_charge_amount_no_decimal_compatible",
         "amount"),
    ],
)  # fmt: skip
async def test_wrong_parameters_are_refused_by_name(
    api: Any, fields: dict[str, Any], code: str | None, param: str
) -> None:
    error = await api.refused("payment_intents", **{"amount": 1000, "currency": "usd", **fields})
    assert (error["status"], error.get("code"), error["param"]) == (400, code, param)
    assert (await api.ledger())["payment_intents"] == []


async def test_a_card_belongs_to_its_customer(api: Any) -> None:
    _, method = await api.saved_card()
    other = await api.post("customers")
    for customer in ({}, {"customer": other["id"]}):
        error = await api.refused(
            "payment_intents", amount=1000, currency="usd", payment_method=method, **customer
        )
        assert error["param"] == "payment_method"
    await api.post(f"payment_methods/{method}/detach")
    error = await api.refused(f"payment_methods/{method}/attach", customer=other["id"])
    assert error["status"] == 400


async def test_lists_turn_pages_both_ways(api: Any) -> None:
    made = [(await api.post("customers", name=str(n)))["id"] for n in range(7)]
    made.reverse()
    first = await api.get("customers", limit=3)
    assert ([c["id"] for c in first["data"]], first["has_more"]) == (made[:3], True)
    rest = await api.get("customers", limit=10, starting_after=made[2])
    assert ([c["id"] for c in rest["data"]], rest["has_more"]) == (made[3:], False)
    back = await api.get("customers", limit=2, ending_before=made[5])
    assert [c["id"] for c in back["data"]] == made[3:5]
    assert back["has_more"]
    for wrong in ({"limit": 101}, {"starting_after": "cus_none"}):
        assert (await api.refused("customers", method="GET", **wrong))["status"] == 400


async def test_a_search_sees_changes_only_after_its_lag(api: Any) -> None:
    api.now = at()
    intent = await api.hold(1000, metadata={"attempt_id": "find me"})
    query = "metadata['attempt_id']:'find me' AND status:'requires_capture'"
    await api.control("stripe/settings", search_lag=60)
    assert (await api.get("payment_intents/search", query=query))["data"] == []
    api.now = at(seconds=60)
    found = await api.get("payment_intents/search", query=query)
    assert [i["id"] for i in found["data"]] == [intent["id"]]
    assert (await api.refused("payment_intents/search", method="GET", query="nonsense"))[
        "param"
    ] == "query"


async def test_control_changes_how_a_saved_card_behaves(api: Any) -> None:
    customer, method = await api.saved_card()

    async def code() -> str | None:
        response = await api.send(
            "POST", "payment_intents", amount=1000, currency="usd", customer=customer,
            payment_method=method, confirm=True, off_session=True,
        )  # fmt: skip
        error = response.json().get("error")
        return error and error["decline_code"]

    assert await code() is None
    path = f"stripe/payment_methods/{method}"
    await api.control(path, decline_code="do_not_honor")
    assert await code() == "do_not_honor"
    await api.control(path, decline_code=None, expired=True)
    assert await code() == "expired_card"
    await api.control(path, expired=False, requires_authentication=True)
    assert await code() == "authentication_required"
    await api.control(path, requires_authentication=None)
    assert await code() is None
