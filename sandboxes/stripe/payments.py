"""The life of a payment: asking the bank, holding, capturing, letting go.

Every change of a PaymentIntent's status is made here, and each writes its events and its money.
"""

from collections.abc import Mapping
from urllib.parse import urlencode, urlsplit, urlunsplit

from sandboxes.faults import Rule
from sandboxes.store import Json
from sandboxes.stripe import balance, charges, disputes
from sandboxes.stripe.books import Books, public
from sandboxes.stripe.cards import decline
from sandboxes.stripe.errors import StripeError, bad_state, error_body
from sandboxes.stripe.issuer import (
    Approved,
    NeedsAuthentication,
    Refused,
    Verdict,
    card_of,
    judge_charge,
)
from sandboxes.stripe.payment_methods import attach, decline_error

CONFIRMABLE = frozenset({"requires_payment_method", "requires_confirmation", "requires_action"})
CANCELABLE = CONFIRMABLE | {"requires_capture"}


def unexpected_state(intent: Json, verb: str, allowed: frozenset[str]) -> StripeError:
    """Refuse what the intent's status does not allow."""
    words = ", ".join(sorted(allowed))
    return bad_state(
        f"This PaymentIntent could not be {verb} because it has a status of {intent['status']}."
        f" Only a PaymentIntent with one of the following statuses may be {verb}: {words}.",
        "payment_intent_unexpected_state",
        payment_intent=public(intent),
    )


def attempt(
    books: Books,
    intent: Json,
    method: Json,
    *,
    off_session: bool,
    authenticated: bool = False,
    rule: Rule | None = None,
    challenge_url: str = "",
) -> Json | None:
    """Ask the bank once; give the error of a refusal, which leaves its traces on the intent."""
    options = (intent["payment_method_options"] or {}).get("card") or {}
    verdict: Verdict = judge_charge(
        method,
        books.time,
        off_session=off_session,
        authenticated=authenticated,
        challenge=options.get("request_three_d_secure") in {"any", "challenge"},
    )
    if rule is not None:
        verdict = _forced(rule, off_session=off_session)
    intent |= {"payment_method": method["id"], "next_action": None, "_off_session": off_session}
    match verdict:
        case NeedsAuthentication():
            _challenge(books, intent, challenge_url)
            return None
        case Refused():
            return _refuse(books, intent, method, verdict)
        case Approved():
            _approve(books, intent, method, authenticated=authenticated)
            return None


def capture(books: Books, intent: Json, amount: int) -> None:
    """Take what was held, or less; the rest is let go."""
    charge = books.require("charge", intent["latest_charge"])
    intent |= {
        "status": "succeeded",
        "amount_capturable": 0,
        "amount_received": amount,
        "_hold": None,
    }
    _take(books, intent, charge, amount)
    books.event("charge.captured", charge)
    books.event("payment_intent.succeeded", books.put(intent))


def cancel(books: Books, intent: Json, reason: str | None) -> None:
    """End a payment that took nothing, and let go of what it holds."""
    intent |= {
        "status": "canceled",
        "amount_capturable": 0,
        "canceled_at": books.now,
        "cancellation_reason": reason,
        "next_action": None,
        "_hold": None,
    }
    books.event("payment_intent.canceled", books.put(intent))


def expire_hold(books: Books, intent: Json) -> None:
    """Cancel an intent whose hold is past its time on the reader's clock."""
    if intent.get("_hold") != "open":
        return
    charge = books.require("charge", intent["latest_charge"])
    until = charge["payment_method_details"]["card"]["capture_before"]
    if books.now < until:
        return
    books.event("charge.expired", charge)
    cancel(books, intent, "automatic")
    intent |= {"canceled_at": until, "_expired": True}
    books.put(intent)


def settle(books: Books, path: Mapping[str, str], params: Json) -> None:
    """Let holds that ran out be over, before a call looks at them."""
    named = [path.get("id"), params.get("payment_intent"), params.get("charge")]
    ids = [id_ for id_ in named if isinstance(id_, str)]
    if not ids:
        for intent in books.find("payment_intent", _hold="open"):
            expire_hold(books, intent)
        return
    for id_ in ids:
        charge = books.get("charge", id_)
        found = books.get("payment_intent", charge["payment_intent"] if charge else id_)
        if found is not None:
            expire_hold(books, found)


def authentication_failed(books: Books, intent: Json) -> None:
    """Write down that the cardholder did not pass the bank's check."""
    error = error_body(
        "The provided PaymentMethod has failed authentication. You can provide payment_method_data"
        " or a new PaymentMethod to attempt to fulfill this PaymentIntent again.",
        code="payment_intent_authentication_failure",
    )
    _back_to_start(books, intent, books.require("payment_method", intent["payment_method"]), error)


def refuse_action(books: Books, intent: Json, method: Json) -> Json:
    """Give up on a payment that needs the customer, as `error_on_requires_action` wants."""
    error = error_body(
        "This payment required an authentication action to complete, but"
        " `error_on_requires_action` was set.",
        type="card_error",
        code="authentication_required",
        decline_code="authentication_not_handled",
    )
    return _back_to_start(books, intent, method, error)


def with_query(url: str, **more: str) -> str:
    """Add parameters to an address that may have some already."""
    parts = urlsplit(url)
    query = "&".join(part for part in (parts.query, urlencode(more)) if part)
    return urlunsplit(parts._replace(query=query))


def _forced(rule: Rule, *, off_session: bool) -> Verdict:
    if rule.effect == "decline":
        return Refused(decline(rule.code or "generic_decline"))
    if off_session:
        return Refused(decline("authentication_required"))
    return NeedsAuthentication()


def _challenge(books: Books, intent: Json, url: str) -> None:
    intent |= {
        "status": "requires_action",
        "next_action": {
            "type": "redirect_to_url",
            "redirect_to_url": {"return_url": intent["_return_url"], "url": url},
        },
    }
    books.event("payment_intent.requires_action", books.put(intent))


def _refuse(books: Books, intent: Json, method: Json, refused: Refused) -> Json:
    charge = charges.build(books, intent, method, off_session=intent["_off_session"])
    charges.refuse(charge, method, refused.decline, blocked=refused.blocked)
    books.event("charge.failed", books.put(charge))
    intent["latest_charge"] = charge["id"]
    error = decline_error(refused.decline, charge=charge["id"])
    return _back_to_start(books, intent, method, error)


def _back_to_start(books: Books, intent: Json, method: Json, error: Json) -> Json:
    error = {**error, "payment_method": public(method)}
    intent |= {
        "status": "requires_payment_method",
        "payment_method": None,
        "next_action": None,
        "last_payment_error": error,
    }
    books.event("payment_intent.payment_failed", books.put(intent))
    return {**error, "payment_intent": public(intent)}


def _approve(books: Books, intent: Json, method: Json, *, authenticated: bool) -> None:
    manual = intent["capture_method"] == "manual"
    charge = charges.build(books, intent, method, off_session=intent["_off_session"])
    charges.approve(charge, method, capture_manually=manual, authenticated=authenticated)
    intent |= {"latest_charge": charge["id"], "last_payment_error": None}
    if intent["setup_future_usage"] and intent["customer"] and method["customer"] is None:
        method["_set_up"] = True
        attach(books, method, intent["customer"])
    if manual:
        intent |= {
            "status": "requires_capture",
            "amount_capturable": intent["amount"],
            "_hold": "open",
        }
        books.event("charge.succeeded", books.put(charge))
        books.event("payment_intent.amount_capturable_updated", books.put(intent))
        return
    intent |= {"status": "succeeded", "amount_received": intent["amount"]}
    _take(books, intent, charge, intent["amount"])
    books.event("charge.succeeded", charge)
    books.event("payment_intent.succeeded", books.put(intent))


def _take(books: Books, intent: Json, charge: Json, amount: int) -> None:
    card = card_of(books.require("payment_method", charge["payment_method"]))
    charge |= {"captured": True, "amount_captured": amount}
    charge["payment_method_details"]["card"]["capture_before"] = None
    row = balance.post(
        books,
        "charge",
        amount,
        source=charge,
        description=intent["description"],
        at_once="card_bypassPending" in card.names,
    )
    charge["balance_transaction"] = row["id"]
    books.put(charge)
    disputes.open_for(books, charge, card)
