"""Only what Duffel signed, just now, over exactly these bytes, is an event."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from domain.provider_events import Refs, refs_in
from providers.duffel.webhooks import verify
from providers.signed_events import EventRefused
from sandboxes.duffel.events import sign as sandbox_sign

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
SECRET = "QKfUULLQh+8SegYmIsF6kA=="
EVENT = {
    "id": "wev_0000B2wTestEventAAAA01",
    "api_version": "v2",
    "type": "order.created",
    "live_mode": False,
    "idempotency_key": "ord_0000B2wTestOrderAAAA01",
    "created_at": "2026-11-21T11:59:42.018113Z",
    "data": {
        "object": {"id": "ord_0000B2wTestOrderAAAA01", "offer_id": "off_0000B2wTestOfferAAAA01"}
    },
}
BODY = json.dumps(EVENT).encode()
# The test vector of Duffel's own Ruby library.
VECTOR = (
    b'{"created_at":"2022-01-08T18:44:56.129339Z","data":{"changes":{},"object":{}},'
    b'"id":"eve_0000AFEsrBKZAcKgGtZCnQ","live_mode":false,"object":"order","type":"order.updated"}'
)
VECTOR_DIGEST = "691f25ffb1f206c0fda5bb7b1a9d60fafe42c5f42819d44a06a7cfe09486f102"


def signed(body: bytes = BODY, at: datetime = NOW, secret: str = SECRET) -> str:
    return sandbox_sign(secret, body, at)["X-Duffel-Signature"]


def refusal(body: bytes, signature: str | None, secret: str = SECRET) -> str:
    with pytest.raises(EventRefused) as caught:
        verify(body, signature, secret, now=NOW)
    return caught.value.signature.value


def test_reads_what_duffels_own_library_signed() -> None:
    at = datetime.fromtimestamp(1641667496, UTC)
    event = verify(VECTOR, f"t=1641667496,v1={VECTOR_DIGEST}", "a_secret", now=at)
    assert (event.event_ref, event.kind) == ("eve_0000AFEsrBKZAcKgGtZCnQ", "order.updated")
    assert event.object_ref is None


def test_reads_an_event_with_what_it_is_about() -> None:
    event = verify(BODY, signed(), SECRET, now=NOW)
    assert event.object_ref == "ord_0000B2wTestOrderAAAA01"
    assert refs_in(event.facts) == Refs(
        order="ord_0000B2wTestOrderAAAA01", offer="off_0000B2wTestOfferAAAA01"
    )
    assert event.happened_at == datetime(2026, 11, 21, 11, 59, 42, 18113, tzinfo=UTC)


@pytest.mark.parametrize(
    "signature",
    [
        None, "", "t=1", f"t=x,v1={VECTOR_DIGEST}", f"t=1,v1={VECTOR_DIGEST[:-1]}", "nonsense",
        signed(secret="another"), signed().upper(), f"{signed()},v1={VECTOR_DIGEST}",
    ],
)  # fmt: skip
def test_refuses_what_duffel_did_not_sign(signature: str | None) -> None:
    assert refusal(BODY, signature) == "bad_signature"


def test_refuses_other_bytes_and_what_is_signed_with_nothing() -> None:
    assert refusal(json.dumps(EVENT, indent=1).encode(), signed()) == "bad_signature"
    assert refusal(BODY, signed(secret=""), secret="") == "no_secret"


@pytest.mark.parametrize("off", [timedelta(seconds=301), timedelta(seconds=-301)])
def test_refuses_a_stamp_far_from_now(off: timedelta) -> None:
    assert refusal(BODY, signed(at=NOW - off)) == "too_old"


@pytest.mark.parametrize(
    "change",
    [{"id": 1}, {"id": "Ana Souza"}, {"type": "x" * 90}, {"created_at": None}, {"data": []}],
)
def test_refuses_a_signed_body_that_is_no_event(change: dict[str, object]) -> None:
    body = json.dumps(EVENT | change).encode()
    assert refusal(body, signed(body)) == "not_an_event"


@pytest.mark.parametrize("body", [b"", b"[]", b"no json", b"[" * 100_000])
def test_refuses_what_cannot_be_read(body: bytes) -> None:
    assert refusal(body, signed(body)) == "not_an_event"
