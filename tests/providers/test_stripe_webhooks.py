"""Only what Stripe signed, just now, over exactly these bytes, is an event."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from stripe import WebhookSignature

from providers.signed_events import EventRefused
from providers.stripe.webhooks import verify

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
SECRET = "whsec_of_the_test"
EVENT = {
    "id": "evt_1",
    "object": "event",
    "type": "payment_intent.canceled",
    "created": int(NOW.timestamp()) - 2,
    "livemode": False,
    "api_version": "2026-10-28.endive",
    "data": {"object": {"id": "pi_1", "object": "payment_intent"}},
}
BODY = json.dumps(EVENT).encode()


def sign(body: bytes = BODY, at: datetime = NOW, secret: str = SECRET) -> str:
    stamp = int(at.timestamp())
    return str(WebhookSignature.generate_signature_header(body.decode(), secret, timestamp=stamp))


def refusal(body: bytes, signature: str | None, secret: str = SECRET) -> str:
    with pytest.raises(EventRefused) as caught:
        verify(body, signature, secret, now=NOW)
    return caught.value.signature.value


def test_reads_an_event_that_stripe_signed() -> None:
    event = verify(BODY, sign(), SECRET, now=NOW)

    assert (event.event_ref, event.kind) == ("evt_1", "payment_intent.canceled")
    assert event.object_ref == "pi_1"
    assert event.happened_at == NOW - timedelta(seconds=2)
    assert event.facts == EVENT


def test_reads_an_event_signed_with_the_old_and_the_new_secret() -> None:
    stamp, old = sign(secret="whsec_before").split(",")
    signature = f"{stamp},{old},{sign().split(',')[1]}"

    assert verify(BODY, signature, SECRET, now=NOW).event_ref == "evt_1"


@pytest.mark.parametrize(
    "signature",
    [None, "", "t=1", "v1=abc", "t=x,v1=abc", "nonsense", "t=1,v1=é", sign(secret="whsec_other")],
)
def test_refuses_what_stripe_did_not_sign(signature: str | None) -> None:
    assert refusal(BODY, signature) == "bad_signature"


def test_refuses_a_stamp_that_is_no_time() -> None:
    header = WebhookSignature.generate_signature_header(BODY.decode(), SECRET, timestamp=10**17)

    assert refusal(BODY, header) == "bad_signature"


def test_refuses_a_body_that_was_written_anew() -> None:
    assert refusal(json.dumps(EVENT, indent=1).encode(), sign()) == "bad_signature"
    assert refusal(b"\xff\xfe", sign()) == "bad_signature"


def test_refuses_everything_where_there_is_no_secret() -> None:
    # Signed with nothing, as anybody could.
    assert refusal(BODY, sign(secret=""), secret="") == "no_secret"


@pytest.mark.parametrize("off", [timedelta(seconds=301), timedelta(seconds=-301)])
def test_refuses_a_stamp_far_from_now(off: timedelta) -> None:
    assert refusal(BODY, sign(at=NOW - off)) == "too_old"


def test_a_second_stamp_does_not_make_an_old_signature_young() -> None:
    old = sign(at=NOW - timedelta(days=1))

    assert refusal(BODY, f"{old},t={int(NOW.timestamp())}") == "too_old"


@pytest.mark.parametrize("body", [b"{}", b"[]", b"no json", b'{"id": 1, "data": {"object": 1}}'])
def test_refuses_a_signed_body_that_is_no_event(body: bytes) -> None:
    assert refusal(body, sign(body)) == "not_an_event"
