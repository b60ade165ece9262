"""The Duffel stand-in: its routes, its books, its rules."""

from typing import Literal

from sandboxes.duffel import (
    balance,
    cancellations,
    changes,
    creation,
    endpoints,
    events,
    offers,
    orders,
    payments,
    reference,
)
from sandboxes.duffel.control_api import CONTROL_ROUTES
from sandboxes.duffel.errors import error_envelope
from sandboxes.duffel.wire import VENDOR, Answer, handler, rate_limited
from sandboxes.store import Json, Tx
from sandboxes.vendor import Operation, Vendor

_ORDER = "/air/orders/{id}"
_CANCELLATION = "/air/order_cancellations/{id}"
_CHANGE = "/air/airline_initiated_changes/{id}"
_WEBHOOK = "/air/webhooks/{id}"
_EVENT = "/air/webhooks/events/{id}"

# Where a fixed path and one with an id could both match, the fixed one comes first.
_ROUTES: tuple[tuple[str, str, Answer], ...] = (
    ("POST", "/air/offer_requests", offers.create_offer_request),
    ("GET", "/air/offer_requests", offers.list_offer_requests),
    ("GET", "/air/offer_requests/{id}", offers.get_offer_request),
    ("GET", "/air/offers", offers.list_offers),
    ("GET", "/air/offers/{id}", offers.get_offer),
    ("POST", "/air/offers/{id}/actions/price", offers.price_offer),
    ("POST", "/air/orders", creation.create_order),
    ("GET", "/air/orders", orders.list_orders),
    ("GET", _ORDER, orders.get_order),
    ("PATCH", _ORDER, orders.update_order),
    ("GET", f"{_ORDER}/available_services", orders.list_order_services),
    ("POST", "/air/order_cancellations", cancellations.create_order_cancellation),
    ("GET", "/air/order_cancellations", cancellations.list_order_cancellations),
    ("GET", _CANCELLATION, cancellations.get_order_cancellation),
    ("POST", f"{_CANCELLATION}/actions/confirm", cancellations.confirm_order_cancellation),
    ("GET", "/air/airline_initiated_changes", changes.list_airline_initiated_changes),
    ("POST", f"{_CHANGE}/actions/accept", changes.accept_airline_initiated_change),
    ("PATCH", _CHANGE, changes.update_airline_initiated_change),
    ("POST", "/air/payments", payments.create_payment),
    ("GET", "/air/payments", payments.list_payments),
    ("GET", "/air/payments/{id}", payments.get_payment),
    ("GET", "/air/airlines", reference.list_airlines),
    ("GET", "/air/airlines/{id}", reference.get_airline),
    ("GET", "/air/airports", reference.list_airports),
    ("GET", "/air/airports/{id}", reference.get_airport),
    ("GET", "/places/suggestions", reference.place_suggestions),
    ("POST", "/air/webhooks", endpoints.create_webhook),
    ("GET", "/air/webhooks", endpoints.list_webhooks),
    ("GET", "/air/webhooks/events", endpoints.list_webhook_events),
    ("POST", f"{_EVENT}/actions/redeliver", endpoints.redeliver_webhook_event),
    ("GET", "/air/webhooks/deliveries", endpoints.list_webhook_deliveries),
    ("PATCH", _WEBHOOK, endpoints.update_webhook),
    ("DELETE", _WEBHOOK, endpoints.delete_webhook),
)

BEHAVIOURS = creation.OUTCOMES | {
    "sold_out",
    "price_changed",
    "price_changed_at_create",
    "delayed_ticketing",
    "order_not_cancellable",
    "refund_to",
    "refund_amount_null",
    "penalty",
}


def build_vendor() -> Vendor:
    """Describe the stand-in to the frame; operations are named as their functions are."""
    routes = [
        Operation(_name(answer), method, path, handler(answer), _kind(method))
        for method, path, answer in _ROUTES
    ]
    ping = f"{_WEBHOOK}/actions/ping"
    routes.append(Operation("ping_webhook", "POST", ping, endpoints.ping_webhook, "write"))
    return Vendor(
        name=VENDOR,
        routes=routes,
        error_envelope=error_envelope,
        rate_limited=rate_limited,
        ledger=_ledger,
        behaviours=BEHAVIOURS,
        control_routes=CONTROL_ROUTES,
        sign_webhook=events.sign,
        tick=orders.tick,
        prepare=events.prepare,
    )


def _name(answer: Answer) -> str:
    return str(getattr(answer, "__name__", ""))


def _kind(method: str) -> Literal["read", "write"]:
    return "read" if method == "GET" else "write"


def _ledger(tx: Tx) -> Json:
    return {
        "orders": orders.ledger_rows(tx),
        "balance_transactions": balance.rows(tx),
        "balance": balance.totals(tx),
        "searches": tx.count(offers.REQUEST),
    }
