"""Events as a list to poll, and the endpoints they are sent to."""

import hashlib
import hmac
from datetime import datetime

from sandboxes.store import Json
from sandboxes.stripe import form
from sandboxes.stripe.books import API_VERSION, public
from sandboxes.stripe.calls import Call
from sandboxes.stripe.checkout import check_url
from sandboxes.stripe.errors import invalid
from sandboxes.stripe.lists import page

_MOST_TYPES = 20


def get_event(call: Call) -> Json:
    return call.books.require("event", call.id)


def list_events(call: Call) -> Json:
    """List events by type and time; `delivery_success` is taken and has no say here."""
    params = call.params
    types = params.get("types")
    if types and params.get("type"):
        raise invalid("You may only specify one of these parameters: type, types.")
    if types and len(types) > _MOST_TYPES:
        raise invalid(f"You may only specify up to {_MOST_TYPES} types.", "types")
    if params.get("type"):
        types = [params["type"]]
    events = call.books.find("event")
    return page(call, [e for e in events if types is None or _is_one_of(e["type"], types)])


def create_webhook_endpoint(call: Call) -> Json:
    books, params = call.books, call.params
    check_url(params["url"], "url")
    if params.get("api_version") not in (None, API_VERSION):
        raise invalid(f"Invalid API version: {params['api_version']}", "api_version")
    secret = f"whsec_{books.new_id('whsec', 32).partition('_')[2]}"
    endpoint = books.put(
        {
            "id": books.new_id("we"),
            "object": "webhook_endpoint",
            "api_version": params.get("api_version"),
            "application": None,
            "created": books.now,
            "description": params.get("description"),
            "enabled_events": _checked(params["enabled_events"]),
            "livemode": False,
            "metadata": form.merge_metadata({}, params.get("metadata")),
            "status": "enabled",
            "url": params["url"],
            "_secret": secret,
        }
    )
    return {**public(endpoint), "secret": secret}  # shown this once


def get_webhook_endpoint(call: Call) -> Json:
    return call.books.require("webhook_endpoint", call.id)


def list_webhook_endpoints(call: Call) -> Json:
    return page(call, call.books.find("webhook_endpoint"))


def update_webhook_endpoint(call: Call) -> Json:
    params = call.params
    endpoint = call.books.require("webhook_endpoint", call.id)
    if params.get("url"):
        check_url(params["url"], "url")
        endpoint["url"] = params["url"]
    if "description" in params:
        endpoint["description"] = params["description"]
    if params.get("enabled_events"):
        endpoint["enabled_events"] = _checked(params["enabled_events"])
    if params.get("disabled") is not None:
        endpoint["status"] = "disabled" if params["disabled"] else "enabled"
    endpoint["metadata"] = form.merge_metadata(endpoint["metadata"], params.get("metadata"))
    return call.books.put(endpoint)


def delete_webhook_endpoint(call: Call) -> Json:
    endpoint = call.books.require("webhook_endpoint", call.id)
    call.books.delete(endpoint)
    return {"id": endpoint["id"], "object": "webhook_endpoint", "deleted": True}


def sign(secret: str, body: bytes, wall: datetime) -> dict[str, str]:
    """Sign a delivery; https://docs.stripe.com/webhooks#verify-manually says how."""
    at = int(wall.timestamp())
    signed = hmac.new(secret.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()
    return {"Stripe-Signature": f"t={at},v1={signed}", "User-Agent": "Stripe/1.0"}


def _checked(types: list[str]) -> list[str]:
    if not types:
        raise invalid("At least one event is required.", "enabled_events")
    return types


def _is_one_of(type: str, wanted: list[str]) -> bool:  # noqa: A002
    return any(
        type.startswith(name.removesuffix("*")) if name.endswith("*") else type == name
        for name in wanted
    )
