"""Refunds: never more than was taken, at once or late, and sometimes failing."""

from collections.abc import Mapping

from sandboxes.store import Json
from sandboxes.stripe import balance, form, payments
from sandboxes.stripe.books import Books
from sandboxes.stripe.calls import Call
from sandboxes.stripe.errors import StripeError, bad_state, invalid
from sandboxes.stripe.issuer import card_of
from sandboxes.stripe.lists import page

_DEFAULT_WAIT = 60.0  # seconds until a pending refund is through or a doomed one fails
_FAILURE = "expired_or_canceled_card"


def create_refund(call: Call) -> Json:
    books, params = call.books, call.params
    charge = _charge_of(call)
    if charge["disputed"] and not _may_refund_disputed(books, charge):
        raise bad_state(
            f"Charge {charge['id']} has been charged back; cannot issue a refund.",
            "charge_disputed",
        )
    left = charge["amount_captured"] - charge["amount_refunded"]
    if left == 0:
        raise bad_state(
            f"Charge {charge['id']} has already been refunded.", "charge_already_refunded"
        )
    amount = params.get("amount")
    amount = left if amount is None else amount
    if amount < 1:
        raise invalid("Invalid positive integer", "amount", "parameter_invalid_integer")
    if amount > left:
        raise StripeError(
            400,
            f"Refund amount ({amount}) is greater than unrefunded amount on charge ({left})",
            param="amount",
            stored=True,
        )
    refund = _new(books, charge, params, amount)
    charge["amount_refunded"] += amount
    charge["refunded"] = charge["amount_refunded"] == charge["amount_captured"]
    refund["balance_transaction"] = balance.post(books, "refund", -amount, source=refund)["id"]
    _decide(call, charge, refund)
    books.put(charge)
    books.event("refund.created", books.put(refund))
    books.event("charge.refunded", charge)
    settle_refund(books, refund)
    return refund


def get_refund(call: Call) -> Json:
    return call.books.require("refund", call.id)


def update_refund(call: Call) -> Json:
    refund = call.books.require("refund", call.id)
    refund["metadata"] = form.merge_metadata(refund["metadata"], call.params.get("metadata"))
    call.books.event("refund.updated", refund)
    return call.books.put(refund)


def cancel_refund(call: Call) -> Json:
    """Refuse: only refunds that wait for the customer can be cancelled, and no card's does."""
    refund = call.books.require("refund", call.id)
    raise bad_state(
        f"Refund {refund['id']} has a status of {refund['status']}. Only refunds with a status of"
        " requires_action can be canceled.",
        "state_unsupported",
    )


def list_refunds(call: Call) -> Json:
    wanted = {k: call.params[k] for k in ("charge", "payment_intent") if call.params.get(k)}
    return page(call, call.books.find("refund", **wanted))


def settle(books: Books, path: Mapping[str, str], params: Json) -> None:
    """Let refunds whose time has come be through or fail, before a call looks at them."""
    payments.settle(books, path, params)
    for refund in books.find("refund", _due="yes"):
        settle_refund(books, refund)


def settle_refund(books: Books, refund: Json) -> None:
    """Finish one refund if it is due on the reader's clock or on the wall's."""
    if refund["_due"] != "yes":
        return
    if books.now < refund["_due_at"] and books.wall < refund["_due_wall"]:
        return
    refund["_due"] = None
    if refund["_fate"] == "succeeded":
        refund |= {"status": "succeeded", "pending_reason": None}
        books.event("refund.updated", books.put(refund), {"status": "pending"})
        return
    row = balance.post(books, "refund_failure", refund["amount"], source=refund)
    charge = books.require("charge", refund["charge"])
    charge["amount_refunded"] -= refund["amount"]
    charge["refunded"] = False
    books.put(charge)
    refund |= {
        "status": "failed",
        "failure_reason": _FAILURE,
        "failure_balance_transaction": row["id"],
        "pending_reason": None,
    }
    books.event("refund.failed", books.put(refund))


def _charge_of(call: Call) -> Json:
    books, params = call.books, call.params
    if params.get("charge"):
        charge = books.require("charge", params["charge"], "charge")
    elif params.get("payment_intent"):
        intent = books.require("payment_intent", params["payment_intent"], "payment_intent")
        found = books.get("charge", intent["latest_charge"]) if intent["latest_charge"] else None
        if found is None or found["status"] != "succeeded":
            raise bad_state(
                f"This PaymentIntent ({intent['id']}) does not have a successful charge to refund.",
                "payment_intent_unexpected_state",
            )
        charge = found
    else:
        raise invalid(
            "One of the following params should be provided for this request: payment_intent or"
            " charge.",
            code="parameter_missing",
        )
    if not charge["captured"]:
        raise bad_state(
            f"Charge {charge['id']} was not captured, so there is nothing to refund. Cancel its"
            " PaymentIntent instead.",
            "charge_not_refundable",
        )
    return charge


def _may_refund_disputed(books: Books, charge: Json) -> bool:
    return all(d["is_charge_refundable"] for d in books.find("dispute", charge=charge["id"]))


def _new(books: Books, charge: Json, params: Json, amount: int) -> Json:
    return {
        "id": books.new_id("re"),
        "object": "refund",
        "amount": amount,
        "balance_transaction": None,
        "charge": charge["id"],
        "created": books.now,
        "currency": charge["currency"],
        "customer": charge["customer"],
        "destination_details": {
            "card": {
                "reference_status": "pending",
                "reference_type": "acquirer_reference_number",
                "type": "refund",
            },
            "type": "card",
        },
        "metadata": form.merge_metadata({}, params.get("metadata")),
        "payment_intent": charge["payment_intent"],
        "payment_method": charge["payment_method"],
        "reason": params.get("reason"),
        "receipt_number": None,
        "source_transfer_reversal": None,
        "status": "succeeded",
        "transfer_reversal": None,
        "_due": None,
    }


def _decide(call: Call, charge: Json, refund: Json) -> None:
    """Let the card or a rule say whether the refund waits or fails."""
    books = call.books
    rule = call.behaviour("refund_pending", "refund_failed")
    card = card_of(books.require("payment_method", charge["payment_method"]))
    if rule is not None:
        pending = rule.effect == "refund_pending"
        wait = float(rule.option("seconds", _DEFAULT_WAIT if pending else 0))
    elif card.refund is not None:
        pending, wait = card.refund == "pending", _DEFAULT_WAIT
    else:
        return
    if pending:
        refund |= {"status": "pending", "pending_reason": "processing"}
    refund |= {
        "_due": "yes",
        "_due_at": books.now + wait,
        "_due_wall": books.wall + wait,
        "_fate": "succeeded" if pending else "failed",
    }
