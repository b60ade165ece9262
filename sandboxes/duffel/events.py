"""Events: written down with the change they tell of, signed and queued for the endpoint."""

import hashlib
import hmac
from datetime import datetime

from sandboxes.duffel.ids import new_id
from sandboxes.duffel.wire import VENDOR, instant
from sandboxes.store import Json, Tx
from sandboxes.vendor import Options
from sandboxes.webhooks import Webhooks

EVENT = "duffel_event"
ENDPOINT = "duffel_webhook"
TYPES = (
    "order.created",
    "order.creation_failed",
    "order.airline_initiated_change_detected",
    "air.order.changed",
    "order_cancellation.created",
    "order_cancellation.confirmed",
    "air.payment.pending",
    "air.payment.succeeded",
    "air.payment.failed",
    "air.payment.cancelled",
    "ping.triggered",
)
_CONFIGURED = "end_0000sandboxconfigured0"
_ORGANISATION = "org_0000sandboxorganisatn0"


def sign(secret: str, body: bytes, wall: datetime) -> dict[str, str]:
    """Sign one delivery: HMAC-SHA256 over the time, a dot and the raw body."""
    stamp = str(int(wall.timestamp()))
    digest = hmac.new(secret.encode(), stamp.encode() + b"." + body, hashlib.sha256).hexdigest()
    return {"X-Duffel-Signature": f"t={stamp},v1={digest}"}


def prepare(tx: Tx, options: Options) -> None:
    """Make the endpoint that the process was started with."""
    url = options.webhook_urls.get(VENDOR)
    if url is None:
        tx.delete(ENDPOINT, _CONFIGURED)
        return
    known = tx.get(ENDPOINT, _CONFIGURED)
    created = known["created_at"] if known else "2026-01-01T00:00:00.000000Z"
    endpoint = {
        "id": _CONFIGURED,
        "url": url,
        "events": list(TYPES),
        "active": True,
        "live_mode": False,
        "secret": options.webhook_secrets.get(VENDOR, ""),
        "created_at": created,
        "updated_at": created,
    }
    tx.put(ENDPOINT, _CONFIGURED, endpoint)


def event_json(type: str, subject: Json, *, key: str, now: datetime) -> Json:  # noqa: A002
    """Write an event; v2 events carry ids only."""
    return {
        "id": new_id("wev"),
        "api_version": "v2",
        "type": type,
        "live_mode": False,
        "idempotency_key": key,
        "identity_organisation_id": _ORGANISATION,
        "created_at": instant(now),
        "data": {"object": subject},
    }


def emit(
    tx: Tx,
    webhooks: Webhooks,
    type: str,  # noqa: A002
    subject: Json,
    *,
    key: str,
    now: datetime,
) -> None:
    """Write an event down and queue it for whoever listens to its type."""
    event = event_json(type, subject, key=key, now=now)
    tx.put(EVENT, event["id"], event)
    for endpoint in tx.all(ENDPOINT):
        if endpoint["active"] and type in endpoint["events"]:
            queue(tx, webhooks, endpoint, event)


def queue(tx: Tx, webhooks: Webhooks, endpoint: Json, event: Json) -> None:
    webhooks.enqueue(
        tx,
        vendor=VENDOR,
        endpoint_id=endpoint["id"],
        event_id=event["id"],
        type=event["type"],
        url=endpoint["url"],
        secret=endpoint["secret"],
        body=event,
    )
