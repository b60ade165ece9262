"""The calls on PaymentIntents; what happens to the money is in `payments.py`."""

import re
from typing import Any

from sandboxes.store import Json
from sandboxes.stripe import form, payments
from sandboxes.stripe.amounts import check_amount, check_currency
from sandboxes.stripe.books import Books, public
from sandboxes.stripe.calls import Answer, Call, card_refusal
from sandboxes.stripe.errors import StripeError, bad_state, invalid
from sandboxes.stripe.lists import limit_of, page
from sandboxes.stripe.payment_methods import usable

_COPIED = (
    "application_fee_amount", "description", "payment_details", "receipt_email",
    "setup_future_usage", "shipping", "statement_descriptor", "statement_descriptor_suffix",
    "transfer_group",
)  # fmt: skip
_CLAUSE = re.compile(
    r"\s*(?:metadata\[(?P<q>['\"])(?P<key>[^'\"]+)(?P=q)\]|(?P<field>status|customer|currency))"
    r"\s*:\s*(?P<v>['\"])(?P<value>[^'\"]*)(?P=v)\s*"
)


def create_payment_intent(call: Call) -> Json | Answer:
    books, params = call.books, call.params
    currency = check_currency(params["currency"])
    check_amount(params["amount"], currency)
    if params.get("off_session") is not None and not params.get("confirm"):
        raise invalid("`off_session` can only be used when `confirm` is true.", "off_session")
    if params.get("return_url") and not params.get("confirm"):
        raise invalid("`return_url` can only be used when `confirm` is true.", "return_url")
    if params.get("customer"):
        books.require("customer", params["customer"], "customer")
    intent = _new(books, params, currency)
    _apply(intent, params)
    if params.get("payment_method"):
        method = usable(books, params["payment_method"], intent["customer"])
        intent |= {"payment_method": method["id"], "status": "requires_confirmation"}
    books.event("payment_intent.created", books.put(intent))
    return _confirm(call, intent) if params.get("confirm") else intent


def get_payment_intent(call: Call) -> Json:
    return call.books.require("payment_intent", call.id)


def update_payment_intent(call: Call) -> Json:
    books, params = call.books, call.params
    intent = books.require("payment_intent", call.id)
    fixed = {"amount", "currency", "customer", "payment_method", "capture_method"} & params.keys()
    if fixed and intent["status"] not in payments.CONFIRMABLE:
        raise payments.unexpected_state(intent, "updated", payments.CONFIRMABLE)
    if params.get("currency"):
        intent["currency"] = check_currency(params["currency"])
    if params.get("amount") is not None:
        intent["amount"] = params["amount"]
    check_amount(intent["amount"], intent["currency"])
    if params.get("customer"):
        intent["customer"] = books.require("customer", params["customer"], "customer")["id"]
    _apply(intent, params)
    if params.get("payment_method"):
        method = usable(books, params["payment_method"], intent["customer"])
        intent |= {
            "payment_method": method["id"],
            "status": "requires_confirmation",
            "next_action": None,
        }
    return books.put(intent)


def confirm_payment_intent(call: Call) -> Json | Answer:
    intent = call.books.require("payment_intent", call.id)
    if intent["status"] not in payments.CONFIRMABLE:
        raise payments.unexpected_state(intent, "confirmed", payments.CONFIRMABLE)
    asked = call.params.get("amount_to_confirm")
    if asked is not None and asked != intent["amount"]:
        raise bad_state(
            f"The amount of this PaymentIntent is {intent['amount']}, not {asked}.",
            "payment_intent_unexpected_state",
            payment_intent=public(intent),
        )
    _apply(intent, call.params)
    return _confirm(call, intent)


def capture_payment_intent(call: Call) -> Json | Answer:
    books, params = call.books, call.params
    intent = books.require("payment_intent", call.id)
    if intent.get("_expired"):
        raise _capture_refused("charge_expired_for_capture", intent)
    if intent["status"] != "requires_capture":
        raise payments.unexpected_state(intent, "captured", frozenset({"requires_capture"}))
    if rule := call.behaviour("capture_refused"):
        code = rule.code or "charge_expired_for_capture"
        refusal = _capture_refused(code, intent, rule.status or 400)
        return Answer(status=refusal.status, body={"error": refusal.error})
    if params.get("final_capture") is False:
        raise invalid(
            "Multicapture is not available for this PaymentIntent, so `final_capture` cannot be"
            " false.",
            "final_capture",
        )
    amount = params.get("amount_to_capture")
    if amount is None:
        amount = intent["amount_capturable"]
    if amount < 1:
        raise invalid(
            "This value must be greater than or equal to 1.",
            "amount_to_capture",
            "parameter_invalid_integer",
        )
    if amount > intent["amount_capturable"]:
        raise StripeError(
            400,
            f"The provided capture amount {amount} is greater than the amount this PaymentIntent"
            f" can capture: {intent['amount_capturable']}.",
            code="amount_too_large",
            param="amount_to_capture",
            stored=True,
        )
    _apply(intent, params)
    payments.capture(books, intent, amount)
    return intent


def cancel_payment_intent(call: Call) -> Json:
    intent = call.books.require("payment_intent", call.id)
    if intent["status"] not in payments.CANCELABLE:
        raise payments.unexpected_state(intent, "canceled", payments.CANCELABLE)
    reason = call.params.get("cancellation_reason")
    payments.cancel(call.books, intent, reason)
    return intent


def list_payment_intents(call: Call) -> Json:
    customer = call.params.get("customer")
    wanted = {"customer": customer} if customer else {}
    return page(call, call.books.find("payment_intent", **wanted))


def search_payment_intents(call: Call) -> Json:
    """Find by status, customer, currency or metadata; sees changes only after the index's lag."""
    books, query = call.books, call.params["query"]
    clauses = [_clause(part) for part in re.split(r"\s+AND\s+", query.strip())]
    lag = int(books.settings()["search_lag"])
    known = [
        intent
        for intent in books.find("payment_intent")
        if max(books.now - intent["_clock"][0], books.wall - intent["_clock"][1]) >= lag
        and all(_holds(intent, clause) for clause in clauses)
    ]
    start = int(call.params.get("page") or 0)
    limit = limit_of(call)
    known.reverse()
    more = start + limit < len(known)
    return {
        "object": "search_result",
        "data": [public(intent) for intent in known[start : start + limit]],
        "has_more": more,
        "next_page": str(start + limit) if more else None,
        "url": "/v1/payment_intents/search",
    }


def _new(books: Books, params: Json, currency: str) -> Json:
    id_ = books.new_id("pi")
    given = params.get("automatic_payment_methods")
    types = params.get("allowed_payment_method_types")
    intent: Json = {
        "id": id_,
        "object": "payment_intent",
        "allowed_payment_method_types": types,
        "amount": params["amount"],
        "amount_capturable": 0,
        "amount_details": {"tip": {}},
        "amount_received": 0,
        "application": None,
        "application_fee_amount": None,
        "automatic_payment_methods": {
            "allow_redirects": (given or {}).get("allow_redirects", "always"),
            "enabled": (given or {}).get("enabled", True),
        }
        if given or not types
        else None,
        "canceled_at": None,
        "cancellation_reason": None,
        "capture_method": "automatic_async",
        "client_secret": f"{id_}_secret_{books.new_id('secret').partition('_')[2]}",
        "confirmation_method": params.get("confirmation_method") or "automatic",
        "created": books.now,
        "currency": currency,
        "customer": params.get("customer"),
        "customer_account": None,
        "description": None,
        "excluded_payment_method_types": None,
        "last_payment_error": None,
        "latest_charge": None,
        "livemode": False,
        "metadata": {},
        "next_action": None,
        "on_behalf_of": None,
        "payment_details": None,
        "payment_method": None,
        "payment_method_configuration_details": None,
        "payment_method_options": {},
        "payment_method_types": types or ["card"],
        "processing": None,
        "receipt_email": None,
        "review": None,
        "setup_future_usage": None,
        "shipping": None,
        "source": None,
        "statement_descriptor": None,
        "statement_descriptor_suffix": None,
        "status": "requires_payment_method",
        "transfer_data": None,
        "transfer_group": None,
        "_off_session": False,
        "_return_url": None,
    }
    return intent


def _apply(intent: Json, params: Json) -> None:
    for name in _COPIED:
        if name in params:
            intent[name] = params[name]
    if params.get("capture_method"):
        intent["capture_method"] = params["capture_method"]
    intent["metadata"] = form.merge_metadata(intent["metadata"], params.get("metadata"))
    card: dict[str, Any] = (params.get("payment_method_options") or {}).get("card") or {}
    if card:
        old = intent["payment_method_options"].get("card") or {
            "request_three_d_secure": "automatic"
        }
        intent["payment_method_options"]["card"] = {**old, **card}
        if card.get("capture_method"):
            intent["capture_method"] = card["capture_method"]
    merged = intent["payment_method_options"].get("card") or {}
    if merged.get("stored_credential_usage") and intent["setup_future_usage"]:
        raise invalid(
            "`stored_credential_usage` cannot be combined with `setup_future_usage`.",
            "payment_method_options[card][stored_credential_usage]",
            "parameters_exclusive",
        )
    suffix = intent["statement_descriptor_suffix"]
    if suffix is not None and (len(suffix) > 22 or not re.search("[A-Za-z]", suffix)):
        raise invalid(
            "The statement descriptor suffix must have at most 22 characters and one letter.",
            "statement_descriptor_suffix",
        )


def _confirm(call: Call, intent: Json) -> Json | Answer:
    books, params = call.books, call.params
    off_session = bool(params.get("off_session"))
    card = (params.get("payment_method_options") or {}).get("card") or {}
    if card.get("stored_credential_usage") and not off_session:
        raise invalid(
            "`stored_credential_usage` can only be used when `off_session` is true.",
            "payment_method_options[card][stored_credential_usage]",
        )
    named = params.get("payment_method")
    if (
        named
        and named != intent["payment_method"]
        and call.context.operation != "create_payment_intent"
    ):
        intent["payment_method"] = usable(books, named, intent["customer"])["id"]
    if intent["payment_method"] is None:
        raise bad_state(
            "You cannot confirm this PaymentIntent because it's missing a payment method. You can"
            " either update the PaymentIntent with a payment method and then confirm it again, or"
            " confirm it again directly with a payment method or ConfirmationToken.",
            "payment_intent_unexpected_state",
            payment_intent=public(intent),
        )
    method = usable(books, intent["payment_method"], intent["customer"])
    intent["_return_url"] = params.get("return_url")
    error = payments.attempt(
        books,
        intent,
        method,
        off_session=off_session,
        rule=call.behaviour("decline", "authentication_required"),
        challenge_url=_challenge_url(call, intent),
    )
    if error is not None:
        return card_refusal(error)
    if intent["status"] == "requires_action" and params.get("error_on_requires_action"):
        return card_refusal(payments.refuse_action(books, intent, method))
    return intent


def _challenge_url(call: Call, intent: Json) -> str:
    base = call.context.options.public_url
    return payments.with_query(
        f"{base}/stripe/hosted/3ds/{intent['id']}", client_secret=intent["client_secret"]
    )


def _capture_refused(code: str, intent: Json, status: int = 400) -> StripeError:
    return StripeError(
        status,
        "This PaymentIntent could not be captured because its authorization has expired."
        if "expired" in code
        else "This PaymentIntent could not be captured.",
        type="card_error" if status == 402 else "invalid_request_error",
        code=code,
        stored=True,
        charge=intent["latest_charge"],
        payment_intent=public(intent),
    )


def _clause(text: str) -> re.Match[str]:
    match = _CLAUSE.fullmatch(text)
    if match is None:
        raise invalid(f"We were unable to parse your search query near: {text}", "query")
    return match


def _holds(intent: Json, clause: re.Match[str]) -> bool:
    if clause["key"]:
        return bool(intent["metadata"].get(clause["key"]) == clause["value"])
    return bool(intent[clause["field"]] == clause["value"])
