"""Stripe tells that a charge is disputed: only what it signed is heard, and then read at Stripe."""

import json
import time
from typing import Any

from stripe import WebhookSignature

from domain.messages.disputes import DISPUTES_ID

PATH = "/api/webhooks/stripe"


def event(kind: str) -> str:
    return json.dumps(
        {
            "id": "evt_1",
            "type": kind,
            "created": int(time.time()),
            "livemode": False,
            "data": {"object": {"id": "dp_1"}},
        }
    )


def signed(body: str, secret: str) -> dict[str, str]:
    header = WebhookSignature.generate_signature_header(body, secret, timestamp=int(time.time()))
    return {"Stripe-Signature": str(header)}


async def test_only_what_stripe_signed_is_heard(nobody: Any, settings: Any) -> None:
    body, secret = event("payment_intent.succeeded"), settings.stripe_webhook_secret
    assert (await nobody.post(PATH, content=body)).status_code == 400
    forged = await nobody.post(PATH, content=body, headers=signed(body, "whsec_other"))
    assert forged.status_code == 400
    assert forged.json()["code"] == "bad_signature"
    heard = await nobody.post(PATH, content=body, headers=signed(body, secret))
    assert heard.status_code == 204
    # A dispute that nobody can follow at the moment is not said to be taken in.
    body = event("charge.dispute.created")
    away = await nobody.post(PATH, content=body, headers=signed(body, secret))
    assert away.status_code == 503


async def test_a_dispute_is_followed_as_soon_as_it_is_told(running: Any) -> None:
    body = event("charge.dispute.created")
    secret = running.settings.stripe_webhook_secret
    person = await running.make_person()
    answer = await person.http.post(PATH, content=body, headers=signed(body, secret))
    assert answer.status_code == 204, answer.text

    seen = await running.client.get_workflow_handle(DISPUTES_ID).result()
    assert seen == {"seen": 0, "changed": 0}
