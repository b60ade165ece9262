"""What is kept of an event, whom it makes look, and when it is tried again."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from domain.provider_events import (
    MOST_TRIES,
    Owner,
    Refs,
    Teller,
    id_in,
    kinds_of,
    next_try,
    object_in,
    owner_of,
    redacted,
    refs_in,
)

INTENT = {
    "id": "evt_1Nabc",
    "object": "event",
    "type": "payment_intent.payment_failed",
    "created": 1_795_000_000,
    "livemode": False,
    "api_version": "2026-10-28.endive",
    "request": {"id": "req_1", "idempotency_key": "ana@example.com"},
    "data": {
        "object": {
            "id": "pi_3Nabc",
            "object": "payment_intent",
            "client_secret": "pi_3Nabc_secret_abc",
            "customer": "cus_9",
            "description": "Ana Souza",
            "receipt_email": "ana@example.com",
            "amount": 48_000,
            "status": "requires_payment_method",
            "metadata": {"ana": "souza", "id": "pi_4"},
            "last_payment_error": {
                "message": "Ana's card was declined",
                "payment_method": "pm_0",
                "source": {"id": "pm_1", "billing_details": {"name": "Ana Souza"}},
            },
            "charges": [{"id": "ch_1", "receipt_email": "ana@example.com"}],
            "Ana Souza": {"id": "ch_2"},
            "canceled_at": "Ana",
            "shipped_at": 12,
        },
        "previous_attributes": {"receipt_email": "ben@example.com"},
    },
}


def test_only_ids_kinds_and_instants_are_kept() -> None:
    kept = redacted(INTENT)
    assert kept == {
        "id": "evt_1Nabc",
        "object": "event",
        "type": "payment_intent.payment_failed",
        "created": 1_795_000_000,
        "livemode": False,
        "api_version": "2026-10-28.endive",
        "data": {"object": {"id": "pi_3Nabc", "object": "payment_intent"}},
    }
    assert redacted({"data": {"a": {"b": {"c": {"id": "pi_1"}}}}}) == {}, "too deep to be read"
    duffel = {
        "created_at": "2026-11-20T09:50:42.018113Z",
        "idempotency_key": "ord_1",
        "type": "A b",
    }
    assert redacted(duffel) == {name: duffel[name] for name in ("created_at", "idempotency_key")}


@pytest.mark.parametrize(
    ("about", "refs"),
    [
        ({"object": {"id": "aic_1", "order_id": "ord_1"}}, Refs(order="ord_1")),
        ({"object": {"id": "ord_1", "offer_id": "off_1"}}, Refs(order="ord_1", offer="off_1")),
        ({"id": "ord_2"}, Refs(order="ord_2")),
        ({"object": {"offer_id": "off_1"}}, Refs(offer="off_1")),
        ({"object": {"id": "pi_1"}}, Refs(intent="pi_1")),
        ({"object": {"id": "re_1", "payment_intent": "pi_1"}}, Refs(intent="pi_1")),
        ({}, Refs()),
    ],
)
def test_what_an_event_is_about_is_read_from_what_was_kept(about: object, refs: Refs) -> None:
    assert refs_in(redacted({"data": about})) == refs


def test_each_kind_makes_one_owner_look_and_most_make_nobody() -> None:
    assert owner_of(Teller.DUFFEL, "order.creation_failed") is Owner.NEW_ORDER
    assert owner_of(Teller.STRIPE, "charge.dispute.created") is Owner.DISPUTE
    # What we did ourselves, and have the answer of.
    for teller, kind in (
        (Teller.DUFFEL, "order_cancellation.created"),
        (Teller.DUFFEL, "ping.triggered"),
        (Teller.STRIPE, "payment_intent.created"),
        (Teller.STRIPE, "order.created"),
    ):
        assert owner_of(teller, kind) is None
        assert kind not in kinds_of(teller)


def test_an_event_is_tried_for_most_of_a_day() -> None:
    now = datetime(2026, 11, 26, 12, tzinfo=UTC)
    waits = [next_try(tries, now) - now for tries in range(1, MOST_TRIES + 1)]
    assert waits == sorted(waits)
    assert waits[0] == timedelta(seconds=10)
    assert timedelta(hours=18) < sum(waits[:-1], timedelta(0)) < timedelta(hours=24)


@pytest.mark.parametrize(
    "about",
    [
        "payment_intent",
        {"id": {"id": "pi_1"}},
        {"order_id": {"id": "ord_1"}, "offer_id": {"id": "off_1"}},
        {"payment_intent": {"id": "pi_1"}},
        {},
    ],
)
def test_a_signed_event_of_another_shape_names_nothing_and_breaks_nothing(about: Any) -> None:
    facts = redacted({"id": "evt_1", "data": {"object": about}})
    assert refs_in(facts) == Refs()
    assert id_in(object_in(facts), "id") is None
