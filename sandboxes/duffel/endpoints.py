"""Webhook endpoints: one in a mode, its events and what became of their deliveries."""

import base64
import secrets

from starlette.requests import Request
from starlette.responses import Response

from sandboxes.duffel.errors import DuffelError, envelope, refuse
from sandboxes.duffel.events import ENDPOINT, EVENT, TYPES, event_json, queue
from sandboxes.duffel.ids import new_id, new_request_id
from sandboxes.duffel.wire import (
    VENDOR,
    Call,
    Reply,
    check_door,
    data,
    found,
    instant,
    page,
    to_response,
)
from sandboxes.store import Json
from sandboxes.vendor import Context
from sandboxes.webhooks import attempts_of


def create_webhook(call: Call) -> Reply:
    """Make the endpoint; its secret is shown this once."""
    url, events = _read(call.data, {})
    if call.tx.count(ENDPOINT):
        raise refuse(422, "unsafe_unique", pointer="/url")
    endpoint: Json = {
        "id": new_id("end"),
        "url": url,
        "events": events,
        "active": True,
        "live_mode": False,
        "secret": base64.b64encode(secrets.token_bytes(16)).decode(),
        "created_at": instant(call.now),
        "updated_at": instant(call.now),
    }
    call.tx.put(ENDPOINT, endpoint["id"], endpoint)
    return data(endpoint, 201)


def list_webhooks(call: Call) -> Reply:
    return page(call, [_public(row) for row in call.tx.all(ENDPOINT)])


def update_webhook(call: Call) -> Reply:
    endpoint = found(call.tx, ENDPOINT, call.path("id"))
    url, events = _read(call.data, endpoint)
    active = call.data.get("active", endpoint["active"])
    if not isinstance(active, bool):
        raise refuse(422, "validation_type", pointer="/active")
    endpoint |= {"url": url, "events": events, "active": active, "updated_at": instant(call.now)}
    call.tx.put(ENDPOINT, endpoint["id"], endpoint)
    return data(_public(endpoint))


def delete_webhook(call: Call) -> Reply:
    found(call.tx, ENDPOINT, call.path("id"))
    call.tx.delete(ENDPOINT, call.path("id"))
    return Reply(204, None)


async def ping_webhook(request: Request, ctx: Context) -> Response:
    """Send a ping and wait for the receiver, so not inside a transaction."""
    request_id = new_request_id()
    headers = {"x-request-id": request_id}
    try:
        check_door(request)
        with ctx.store.transaction() as tx:
            endpoint = found(tx, ENDPOINT, request.path_params["id"])
            subject = {"id": endpoint["id"]}
            event = event_json("ping.triggered", subject, key=endpoint["id"], now=ctx.now)
            tx.put(EVENT, event["id"], event)
        status = await ctx.webhooks.post(
            vendor=VENDOR,
            endpoint_id=endpoint["id"],
            event_id=event["id"],
            type=event["type"],
            url=endpoint["url"],
            secret=endpoint["secret"],
            body=event,
        )
        if status is None or not 200 <= status < 300:
            raise refuse(422, "webhook_client_error")
    except DuffelError as error:
        body = envelope(error.status, error.entries, request_id)
        return to_response(Reply(error.status, body), headers)
    return to_response(Reply(204, None), headers)


def list_webhook_events(call: Call) -> Reply:
    return page(call, list(reversed(call.tx.all(EVENT))))


def redeliver_webhook_event(call: Call) -> Reply:
    """Queue an event again for whoever listens now."""
    event = found(call.tx, EVENT, call.path("id"))
    for endpoint in call.tx.all(ENDPOINT):
        queue(call.tx, call.ctx.webhooks, endpoint, event)
    return Reply(204, None)


def list_webhook_deliveries(call: Call) -> Reply:
    """List attempts, newest first."""
    names = ("endpoint_id", "event_id", "type", "url", "response_status_code", "response_body")
    rows = [
        {"id": f"del_{row['id']}", "live_mode": False, "created_at": row["created_at"]}
        | {name: row[name] for name in names}
        for row in reversed(attempts_of(call.tx, VENDOR))
    ]
    for name in ("endpoint_id", "type"):
        if wanted := call.query(name):
            rows = [row for row in rows if row[name] == wanted]
    if success := call.query("delivery_success"):
        rows = [row for row in rows if _delivered(row) == (success == "true")]
    return page(call, rows)


def _delivered(row: Json) -> bool:
    status = row["response_status_code"]
    return status is not None and 200 <= status < 300


def _read(body: Json, known: Json) -> tuple[str, list[str]]:
    url, events = body.get("url", known.get("url")), body.get("events", known.get("events"))
    # The real service wants https; a stand-in's receivers are on this machine.
    if not isinstance(url, str) or not url.startswith(("http://", "https://")):
        raise refuse(422, "validation_format", pointer="/url")
    if not isinstance(events, list) or not events or set(events) - set(TYPES):
        raise refuse(422, "validation_inclusion", pointer="/events")
    return url, events


def _public(endpoint: Json) -> Json:
    return {name: value for name, value in endpoint.items() if name != "secret"}
