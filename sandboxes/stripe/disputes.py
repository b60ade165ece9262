"""Disputes and early fraud warnings, which some test cards bring about when money is taken."""

from sandboxes.store import Json
from sandboxes.stripe import balance, form
from sandboxes.stripe.books import Books
from sandboxes.stripe.calls import Call
from sandboxes.stripe.cards import CardRow
from sandboxes.stripe.errors import bad_state
from sandboxes.stripe.lists import page

_TO_ANSWER = 7 * 86400
_EVIDENCE = (
    "access_activity_log", "billing_address", "cancellation_policy",
    "cancellation_policy_disclosure", "cancellation_rebuttal", "customer_communication",
    "customer_email_address", "customer_name", "customer_purchase_ip", "customer_signature",
    "duplicate_charge_documentation", "duplicate_charge_explanation", "duplicate_charge_id",
    "product_description", "receipt", "refund_policy", "refund_policy_disclosure",
    "refund_refusal_explanation", "service_date", "service_documentation", "shipping_address",
    "shipping_carrier", "shipping_date", "shipping_documentation", "shipping_tracking_number",
    "uncategorized_file", "uncategorized_text",
)  # fmt: skip
_OPEN = frozenset({"needs_response", "warning_needs_response"})


def open_for(books: Books, charge: Json, card: CardRow) -> None:
    """Open what the card stands for, against a charge just taken."""
    if card.fraud_warning:
        warning = {
            "id": books.new_id("issfr"),
            "object": "radar.early_fraud_warning",
            "actionable": True,
            "charge": charge["id"],
            "created": books.now,
            "fraud_type": "made_with_stolen_card",
            "livemode": False,
            "payment_intent": charge["payment_intent"],
        }
        books.event("radar.early_fraud_warning.created", books.put(warning))
    if card.dispute is None:
        return
    for _ in range(card.disputes):
        open_one(books, charge, card.dispute, charge["amount_captured"] // card.disputes)


def get_dispute(call: Call) -> Json:
    return call.books.require("dispute", call.id)


def list_disputes(call: Call) -> Json:
    wanted = {k: call.params[k] for k in ("charge", "payment_intent") if call.params.get(k)}
    return page(call, call.books.find("dispute", **wanted))


def update_dispute(call: Call) -> Json:
    """Take evidence; its text decides when it says `winning_evidence` or `losing_evidence`."""
    books, params = call.books, call.params
    dispute = _still_open(books, call.id)
    evidence = params.get("evidence") or {}
    dispute["evidence"] |= evidence
    dispute["metadata"] = form.merge_metadata(dispute["metadata"], params.get("metadata"))
    dispute["evidence_details"]["has_evidence"] = any(dispute["evidence"].values())
    if params.get("submit", True) and evidence:
        dispute["evidence_details"] |= {"submission_count": 1, "submission_method": "manual"}
        text = str(dispute["evidence"].get("uncategorized_text"))
        if "winning_evidence" in text:
            _close(books, dispute, won=True)
        elif "losing_evidence" in text:
            _close(books, dispute, won=False)
        else:
            warning = dispute["status"].startswith("warning")
            dispute["status"] = "warning_under_review" if warning else "under_review"
    books.event("charge.dispute.updated", dispute)
    return books.put(dispute)


def close_dispute(call: Call) -> Json:
    dispute = _still_open(call.books, call.id)
    _close(call.books, dispute, won=False)
    return call.books.put(dispute)


def _still_open(books: Books, id: str) -> Json:  # noqa: A002
    dispute = books.require("dispute", id)
    if dispute["status"] not in _OPEN:
        raise bad_state("This dispute is already closed.", "state_unsupported")
    return dispute


def open_one(books: Books, charge: Json, reason: str, amount: int) -> Json:
    """Have the bank dispute so much of a charge; all but an inquiry takes the money at once."""
    inquiry = reason == "inquiry"
    dispute: Json = {
        "id": books.new_id("dp"),
        "object": "dispute",
        "amount": amount,
        "balance_transactions": [],
        "charge": charge["id"],
        "created": books.now,
        "currency": charge["currency"],
        "enhanced_eligibility_types": [],
        "evidence": {**dict.fromkeys(_EVIDENCE), "enhanced_evidence": {}},
        "evidence_details": {
            "due_by": books.now + _TO_ANSWER,
            "enhanced_eligibility": {},
            "has_evidence": False,
            "past_due": False,
            "submission_count": 0,
            "submission_method": "not_submitted",
        },
        "is_charge_refundable": inquiry,
        "livemode": False,
        "metadata": {},
        "payment_intent": charge["payment_intent"],
        "payment_method_details": {
            "card": {
                "brand": charge["payment_method_details"]["card"]["brand"],
                "case_type": "inquiry" if inquiry else "chargeback",
                "network": charge["payment_method_details"]["card"]["network"],
                "network_reason_code": "10.4",
            },
            "type": "card",
        },
        "reason": "general" if inquiry else reason,
        "status": "warning_needs_response" if inquiry else "needs_response",
    }
    charge["disputed"] = True
    books.put(charge)
    if not inquiry:
        row = balance.post(books, "adjustment", -amount, source=dispute)
        dispute["balance_transactions"].append(row)
    books.event("charge.dispute.created", books.put(dispute))
    if not inquiry:
        books.event("charge.dispute.funds_withdrawn", dispute)
    return dispute


def decide(books: Books, dispute: Json, *, won: bool) -> Json:
    """Let the bank decide, whether anybody answered or not."""
    _close(books, dispute, won=won)
    return books.put(dispute)


def _close(books: Books, dispute: Json, *, won: bool) -> None:
    if dispute["status"].startswith("warning"):
        dispute["status"] = "warning_closed"
    else:
        dispute["status"] = "won" if won else "lost"
        if won:
            row = balance.post(books, "adjustment", dispute["amount"], source=dispute)
            dispute["balance_transactions"].append(row)
            books.event("charge.dispute.funds_reinstated", dispute)
    books.event("charge.dispute.closed", dispute)
