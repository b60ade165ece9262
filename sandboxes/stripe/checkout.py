"""Checkout sessions that save a card (`mode=setup`); the page itself is in `pages.py`."""

from collections.abc import Mapping
from urllib.parse import urlsplit

from sandboxes.store import Json
from sandboxes.stripe import form
from sandboxes.stripe.books import Books
from sandboxes.stripe.calls import Call
from sandboxes.stripe.errors import bad_state, invalid
from sandboxes.stripe.lists import page
from sandboxes.stripe.setup_intents import new_setup_intent

_DAY = 86400
_HALF_HOUR = 1800
_KIND = "checkout.session"


def create_checkout_session(call: Call) -> Json:
    books, params = call.books, call.params
    if params["mode"] != "setup":
        raise invalid("This stand-in knows only `mode=setup`.", "mode")
    if params.get("ui_mode") not in (None, "hosted_page"):
        raise invalid("This stand-in knows only `ui_mode=hosted_page`.", "ui_mode")
    if params.get("success_url") is None:
        raise invalid("Missing required param: success_url.", "success_url", "parameter_missing")
    for name in ("success_url", "cancel_url"):
        check_url(params.get(name), name)
    if params.get("customer"):
        books.require("customer", params["customer"], "customer")
    expires_at = params.get("expires_at") or books.now + _DAY
    if not books.now + _HALF_HOUR <= expires_at <= books.now + _DAY:
        raise invalid(
            "The `expires_at` timestamp must be between 30 minutes and 24 hours from now.",
            "expires_at",
        )
    id_ = f"cs_test_{books.new_id('cs', 40).partition('_')[2]}"
    intent = _intent_of(books, params)
    intent["_session"] = id_
    books.event("setup_intent.created", books.put(intent))
    base = call.context.options.public_url
    url = f"{base}/stripe/hosted/checkout/{id_}"
    return books.put(_new(books, params, id_, intent, expires_at=expires_at, url=url))


def get_checkout_session(call: Call) -> Json:
    return call.books.require(_KIND, call.id)


def expire_checkout_session(call: Call) -> Json:
    session = call.books.require(_KIND, call.id)
    if session["status"] != "open":
        raise bad_state(
            'Only Checkout Sessions with a status in ["open"] can be expired. This Checkout'
            f" Session has a status of {session['status']}.",
            "state_unsupported",
        )
    _expire(call.books, session)
    return session


def list_checkout_sessions(call: Call) -> Json:
    wanted = {"customer": call.params["customer"]} if call.params.get("customer") else {}
    status = call.params.get("status")
    rows = call.books.find(_KIND, **wanted)
    return page(call, [row for row in rows if status in (None, row["status"])])


def complete(books: Books, session: Json) -> None:
    """End a session whose card is saved."""
    session |= {"status": "complete", "url": None}
    books.event("checkout.session.completed", books.put(session))


def settle(books: Books, path: Mapping[str, str], params: Json) -> None:  # noqa: ARG001
    """Let sessions past their time be over, before a call looks at them."""
    named = books.get(_KIND, path["id"]) if "id" in path else None
    for session in [named] if named else books.find(_KIND):
        if session["status"] == "open" and books.now >= session["expires_at"]:
            _expire(books, session)


def _expire(books: Books, session: Json) -> None:
    session |= {"status": "expired", "url": None}
    books.event("checkout.session.expired", books.put(session))
    intent = books.require("setup_intent", session["setup_intent"])
    if intent["status"] != "succeeded":
        intent |= {"status": "canceled", "next_action": None}
        books.event("setup_intent.canceled", books.put(intent))


def check_url(url: str | None, name: str) -> None:
    """Refuse what a browser or a receiver could not be sent to."""
    if url is None:
        return
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.netloc:
        raise invalid("Not a valid URL", name, "url_invalid")


def _intent_of(books: Books, params: Json) -> Json:
    data = params.get("setup_intent_data") or {}
    return new_setup_intent(
        books,
        {
            "customer": params.get("customer"),
            "description": data.get("description"),
            "metadata": data.get("metadata"),
            "allowed_payment_method_types": params.get("allowed_payment_method_types"),
            "payment_method_options": params.get("payment_method_options"),
        },
    )


def _new(
    books: Books,
    params: Json,
    id: str,  # noqa: A002
    intent: Json,
    *,
    expires_at: int,
    url: str,
) -> Json:
    return {
        "id": id,
        "object": _KIND,
        "after_expiration": None,
        "allow_promotion_codes": None,
        "allowed_payment_method_types": params.get("allowed_payment_method_types"),
        "amount_subtotal": None,
        "amount_total": None,
        "automatic_tax": {"enabled": False, "liability": None, "provider": None, "status": None},
        "billing_address_collection": params.get("billing_address_collection"),
        "cancel_url": params.get("cancel_url"),
        "client_reference_id": params.get("client_reference_id"),
        "client_secret": None,
        "consent": None,
        "created": books.now,
        "currency": params.get("currency"),
        "custom_fields": [],
        "custom_text": {
            "after_submit": None,
            "shipping_address": None,
            "submit": None,
            "terms_of_service_acceptance": None,
        },
        "customer": params.get("customer"),
        "customer_creation": None,
        "customer_details": None,
        "customer_email": params.get("customer_email"),
        "expires_at": expires_at,
        "invoice": None,
        "invoice_creation": None,
        "livemode": False,
        "locale": params.get("locale"),
        "metadata": form.merge_metadata({}, params.get("metadata")),
        "mode": "setup",
        "payment_intent": None,
        "payment_link": None,
        "payment_method_collection": "always",
        "payment_method_options": {"card": {"request_three_d_secure": "automatic"}},
        "payment_method_types": params.get("allowed_payment_method_types") or ["card"],
        "payment_status": "no_payment_required",
        "recovered_from": None,
        "setup_intent": intent["id"],
        "shipping_cost": None,
        "shipping_options": [],
        "status": "open",
        "submit_type": None,
        "subscription": None,
        "success_url": params["success_url"],
        "total_details": None,
        "ui_mode": "hosted_page",
        "url": url,
    }
