"""Charges: one per attempt to take money, whether the bank agreed or not."""

from typing import Any

from sandboxes.store import Json
from sandboxes.stripe.books import Books
from sandboxes.stripe.calls import Call
from sandboxes.stripe.cards import Decline
from sandboxes.stripe.issuer import card_of
from sandboxes.stripe.lists import page

_DAY = 86400
_VISA_OFF_SESSION = 4 * _DAY + 18 * 3600
_WINDOW = 7 * _DAY
_DESCRIPTOR = "PARKER FLIGHT"  # as in the account, so that it is what travellers are told


def hold_window(brand: str, *, off_session: bool) -> int:
    """Tell how many seconds a hold lasts."""
    return _VISA_OFF_SESSION if brand == "visa" and off_session else _WINDOW


def build(books: Books, intent: Json, method: Json, *, off_session: bool) -> Json:
    """Build the charge of one attempt, before anyone was asked."""
    window = hold_window(method["card"]["brand"], off_session=off_session)
    suffix = intent["statement_descriptor_suffix"]
    return {
        "id": books.new_id("ch"),
        "object": "charge",
        "amount": intent["amount"],
        "amount_captured": 0,
        "amount_refunded": 0,
        "application": None,
        "application_fee": None,
        "application_fee_amount": None,
        "balance_transaction": None,
        "billing_details": method["billing_details"],
        "calculated_statement_descriptor": f"{_DESCRIPTOR}* {suffix}"[:22]
        if suffix
        else _DESCRIPTOR,
        "captured": False,
        "created": books.now,
        "currency": intent["currency"],
        "customer": intent["customer"],
        "description": intent["description"],
        "disputed": False,
        "failure_balance_transaction": None,
        "failure_code": None,
        "failure_message": None,
        "fraud_details": {},
        "livemode": False,
        "metadata": dict(intent["metadata"]),
        "on_behalf_of": None,
        "outcome": None,
        "paid": False,
        "payment_intent": intent["id"],
        "payment_method": method["id"],
        "payment_method_details": {
            "card": _card_details(intent, method, books.now + window),
            "type": "card",
        },
        "receipt_email": intent["receipt_email"],
        "receipt_number": None,
        "receipt_url": None,
        "refunded": False,
        "review": None,
        "shipping": intent["shipping"],
        "source_transfer": None,
        "statement_descriptor": intent["statement_descriptor"],
        "statement_descriptor_suffix": suffix,
        "status": "pending",
        "transfer_data": None,
        "transfer_group": intent["transfer_group"],
    }


def approve(charge: Json, method: Json, *, capture_manually: bool, authenticated: bool) -> None:
    """Write down that the bank agreed."""
    card, details = card_of(method), charge["payment_method_details"]["card"]
    elevated = card.risk_level == "elevated"
    charge |= {"paid": True, "status": "succeeded"}
    charge["outcome"] = {
        "advice_code": None,
        "network_advice_code": None,
        "network_decline_code": None,
        "network_status": "approved_by_network",
        "reason": "elevated_risk_level" if elevated else None,
        "risk_level": card.risk_level,
        "risk_score": 66 if elevated else 12,
        "seller_message": "Payment complete.",
        "type": "manual_review" if elevated else "authorized",
    }
    details["authorization_code"] = charge["id"][-6:].upper()
    details["network_transaction_id"] = charge["id"][-15:].upper()
    if not capture_manually:
        details["capture_before"] = None
    if authenticated:
        details["three_d_secure"] = {
            "authentication_flow": "challenge",
            "electronic_commerce_indicator": "05",
            "exemption_indicator": None,
            "result": "authenticated",
            "result_reason": None,
            "transaction_id": None,
            "version": "2.2.0",
        }


def refuse(charge: Json, method: Json, decline: Decline, *, blocked: bool) -> None:
    """Write down that the bank, or Radar before it, said no."""
    charge |= {
        "status": "failed",
        "failure_code": decline.code,
        "failure_message": decline.message,
    }
    charge["payment_method_details"]["card"]["capture_before"] = None
    charge["outcome"] = {
        "advice_code": decline.advice,
        "network_advice_code": None,
        "network_decline_code": None,
        "network_status": "not_sent_to_network" if blocked else "declined_by_network",
        "reason": "highest_risk_level" if blocked else decline.decline_code,
        "risk_level": card_of(method).risk_level,
        "risk_score": 95 if blocked else 25,
        "seller_message": "Stripe blocked this payment as too risky."
        if blocked
        else "The bank did not return any further details with this decline.",
        "type": "blocked" if blocked else "issuer_declined",
    }


def get_charge(call: Call) -> Json:
    return call.books.require("charge", call.id)


def list_charges(call: Call) -> Json:
    wanted = {k: call.params[k] for k in ("customer", "payment_intent") if call.params.get(k)}
    return page(call, call.books.find("charge", **wanted))


def _card_details(intent: Json, method: Json, capture_before: int) -> Json:
    card = method["card"]
    options: dict[str, Any] = (intent["payment_method_options"] or {}).get("card") or {}
    return {
        "amount_authorized": intent["amount"],
        "authorization_code": None,
        "brand": card["brand"],
        "capture_before": capture_before,
        "checks": card["checks"],
        "country": card["country"],
        "exp_month": card["exp_month"],
        "exp_year": card["exp_year"],
        "extended_authorization": {"status": "disabled"},
        "fingerprint": card["fingerprint"],
        "funding": card["funding"],
        "incremental_authorization": {"status": "unavailable"},
        "installments": None,
        "last4": card["last4"],
        "mandate": None,
        "multicapture": {"status": "unavailable"},
        "network": card["brand"],
        "network_token": {"used": False},
        "network_transaction_id": None,
        "overcapture": {"maximum_amount_capturable": intent["amount"], "status": "unavailable"},
        "regulated_status": card["regulated_status"],
        "setup_credential_usage": options.get("setup_credential_usage"),
        "stored_credential_usage": options.get("stored_credential_usage"),
        "three_d_secure": None,
        "wallet": None,
    }
