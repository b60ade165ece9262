"""Stripe's stand-in as the frame mounts it: every route, and what it does."""

import os
from datetime import datetime
from typing import Literal

from sandboxes.store import Tx
from sandboxes.stripe import (
    balance,
    charges,
    checkout,
    control,
    customers,
    disputes,
    events,
    payment_intents,
    payment_methods,
    payments,
    refunds,
    setup_intents,
)
from sandboxes.stripe.books import VENDOR, Books, clock_of
from sandboxes.stripe.calls import ANY_CALL, Desk, Prepare, Work, rate_limited
from sandboxes.stripe.errors import error_envelope
from sandboxes.stripe.pages import hosted_pages
from sandboxes.vendor import Operation, Vendor
from sandboxes.webhooks import Webhooks

_BEHAVIOURS = ANY_CALL | {
    "decline", "authentication_required", "capture_refused", "refund_pending", "refund_failed",
}  # fmt: skip
_Row = tuple[Literal["GET", "POST", "DELETE"], str, Work, Prepare | None]

# Order matters where a fixed path could be read as an id.
_ROUTES: tuple[_Row, ...] = (
    ("POST", "customers", customers.create_customer, None),
    ("GET", "customers", customers.list_customers, None),
    ("GET", "customers/{id}", customers.get_customer, None),
    ("POST", "customers/{id}", customers.update_customer, None),
    ("GET", "customers/{customer}/payment_methods",
     payment_methods.list_customer_payment_methods, None),
    ("GET", "customers/{customer}/payment_methods/{id}",
     payment_methods.get_customers_payment_method, None),
    ("GET", "payment_methods", payment_methods.list_payment_methods, None),
    ("GET", "payment_methods/{id}", payment_methods.get_payment_method, None),
    ("POST", "payment_methods/{id}", payment_methods.update_payment_method, None),
    ("POST", "payment_methods/{id}/attach", payment_methods.attach_payment_method, None),
    ("POST", "payment_methods/{id}/detach", payment_methods.detach_payment_method, None),
    ("GET", "mandates/{id}", payment_methods.get_mandate, None),
    ("POST", "setup_intents", setup_intents.create_setup_intent, None),
    ("GET", "setup_intents", setup_intents.list_setup_intents, None),
    ("GET", "setup_intents/{id}", setup_intents.get_setup_intent, None),
    ("POST", "setup_intents/{id}/confirm", setup_intents.confirm_setup_intent, None),
    ("POST", "setup_intents/{id}/cancel", setup_intents.cancel_setup_intent, None),
    ("POST", "checkout/sessions", checkout.create_checkout_session, None),
    ("GET", "checkout/sessions", checkout.list_checkout_sessions, checkout.settle),
    ("GET", "checkout/sessions/{id}", checkout.get_checkout_session, checkout.settle),
    ("POST", "checkout/sessions/{id}/expire", checkout.expire_checkout_session, checkout.settle),
    ("POST", "payment_intents", payment_intents.create_payment_intent, None),
    ("GET", "payment_intents", payment_intents.list_payment_intents, payments.settle),
    ("GET", "payment_intents/search", payment_intents.search_payment_intents, payments.settle),
    ("GET", "payment_intents/{id}", payment_intents.get_payment_intent, payments.settle),
    ("POST", "payment_intents/{id}", payment_intents.update_payment_intent, payments.settle),
    ("POST", "payment_intents/{id}/confirm",
     payment_intents.confirm_payment_intent, payments.settle),
    ("POST", "payment_intents/{id}/capture",
     payment_intents.capture_payment_intent, payments.settle),
    ("POST", "payment_intents/{id}/cancel",
     payment_intents.cancel_payment_intent, payments.settle),
    ("GET", "charges", charges.list_charges, refunds.settle),
    ("GET", "charges/{id}", charges.get_charge, refunds.settle),
    ("POST", "refunds", refunds.create_refund, refunds.settle),
    ("GET", "refunds", refunds.list_refunds, refunds.settle),
    ("GET", "refunds/{id}", refunds.get_refund, refunds.settle),
    ("POST", "refunds/{id}", refunds.update_refund, refunds.settle),
    ("POST", "refunds/{id}/cancel", refunds.cancel_refund, refunds.settle),
    ("GET", "disputes", disputes.list_disputes, None),
    ("GET", "disputes/{id}", disputes.get_dispute, None),
    ("POST", "disputes/{id}", disputes.update_dispute, None),
    ("POST", "disputes/{id}/close", disputes.close_dispute, None),
    ("GET", "events", events.list_events, None),
    ("GET", "events/{id}", events.get_event, None),
    ("GET", "balance", balance.get_balance, refunds.settle),
    ("GET", "balance_transactions", balance.list_balance_transactions, refunds.settle),
    ("GET", "balance_transactions/{id}", balance.get_balance_transaction, refunds.settle),
    ("POST", "webhook_endpoints", events.create_webhook_endpoint, None),
    ("GET", "webhook_endpoints", events.list_webhook_endpoints, None),
    ("GET", "webhook_endpoints/{id}", events.get_webhook_endpoint, None),
    ("POST", "webhook_endpoints/{id}", events.update_webhook_endpoint, None),
    ("DELETE", "webhook_endpoints/{id}", events.delete_webhook_endpoint, None),
)  # fmt: skip


def build_vendor(fee_basis_points: int | None = None) -> Vendor:
    """Build the stand-in; the fee on charges comes from the environment if not given."""
    if fee_basis_points is None:
        fee_basis_points = int(os.environ.get("SANDBOX_STRIPE_FEE_BASIS_POINTS", "0"))
    desk = Desk(fee_basis_points)
    return Vendor(
        name=VENDOR,
        routes=[_operation(desk, row) for row in _ROUTES],
        error_envelope=error_envelope,
        rate_limited=rate_limited,
        ledger=control.ledger,
        behaviours=frozenset(_BEHAVIOURS),
        control_routes=control.control_routes(),
        extra_routes=hosted_pages(),
        sign_webhook=events.sign,
        tick=tick,
    )


def tick(tx: Tx, webhooks: Webhooks, wall: datetime) -> None:
    """Finish refunds that wait, on the wall clock; holds end only on their readers' clocks."""
    for refund in tx.find("stripe.refund", _due="yes"):
        # The refund's own clock, so that its events fit into its owner's time.
        books = Books(tx, webhooks, now=clock_of(refund, wall), wall=wall)
        refunds.settle_refund(books, refund)


def _operation(desk: Desk, row: _Row) -> Operation:
    method, path, work, prepare = row
    return desk.operation(work.__name__, method, f"/v1/{path}", work, prepare=prepare)
