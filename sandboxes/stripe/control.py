"""Stripe's part of the control plane, and its books in plain JSON."""

import json

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from sandboxes.store import Json, Tx
from sandboxes.stripe import disputes
from sandboxes.stripe.balance import totals
from sandboxes.stripe.books import Books, public
from sandboxes.vendor import Context, Operation

_FIELDS = frozenset({"decline_code", "expired", "requires_authentication"})


async def change_payment_method(request: Request, context: Context) -> Response:
    """Change how an existing card behaves; null takes a change back."""
    try:
        body = json.loads(context.body or b"{}")
    except ValueError:
        return JSONResponse({"error": "the body is not JSON"}, status_code=400)
    if not isinstance(body, dict) or not body.keys() <= _FIELDS:
        known = ", ".join(sorted(_FIELDS))
        return JSONResponse({"error": f"known fields: {known}"}, status_code=400)
    with context.store.transaction() as tx:
        books = Books(tx, context.webhooks, now=context.now, wall=context.wall)
        method = books.get("payment_method", request.path_params["id"])
        if method is None:
            return JSONResponse({"error": "no such payment method"}, status_code=404)
        for name in ("decline_code", "requires_authentication"):
            if name in body:
                method[f"_{name}"] = body[name]
        if "expired" in body:
            _expire(books, method, expired=bool(body["expired"]))
        return JSONResponse(public(books.put(method)))


async def change_settings(request: Request, context: Context) -> Response:  # noqa: ARG001
    """Set `search_lag`, the seconds until a search sees a change."""
    try:
        lag = json.loads(context.body or b"{}")["search_lag"]
    except (ValueError, TypeError, KeyError):
        return JSONResponse({"error": "search_lag is missing"}, status_code=400)
    if isinstance(lag, bool) or not isinstance(lag, int) or lag < 0:
        return JSONResponse({"error": "search_lag must be zero or more"}, status_code=400)
    with context.store.transaction() as tx:
        books = Books(tx, context.webhooks, now=context.now, wall=context.wall)
        books.change_settings(search_lag=lag)
    return JSONResponse({"search_lag": lag})


async def open_dispute(request: Request, context: Context) -> Response:
    """Have the card's bank dispute a payment that was taken: `reason`, and `amount` if not all."""
    try:
        body = json.loads(context.body or b"{}")
    except ValueError:
        return JSONResponse({"error": "the body is not JSON"}, status_code=400)
    with context.store.transaction() as tx:
        books = Books(tx, context.webhooks, now=context.now, wall=context.wall)
        intent = books.get("payment_intent", request.path_params["id"])
        charge = books.get("charge", intent["latest_charge"] or "") if intent else None
        if charge is None or not charge["amount_captured"]:
            return JSONResponse({"error": "no money was taken by this payment"}, status_code=404)
        amount = int(body.get("amount") or charge["amount_captured"])
        reason = str(body.get("reason") or "fraudulent")
        return JSONResponse(public(disputes.open_one(books, charge, reason, amount)))


async def end_dispute(request: Request, context: Context) -> Response:
    """Let the bank decide: `won` true or false."""
    try:
        won = json.loads(context.body or b"{}")["won"]
    except (ValueError, TypeError, KeyError):
        return JSONResponse({"error": "won is missing"}, status_code=400)
    with context.store.transaction() as tx:
        books = Books(tx, context.webhooks, now=context.now, wall=context.wall)
        dispute = books.get("dispute", request.path_params["id"])
        if dispute is None or dispute["status"] in {"won", "lost", "warning_closed"}:
            return JSONResponse({"error": "no such open dispute"}, status_code=404)
        return JSONResponse(public(disputes.decide(books, dispute, won=bool(won))))


def control_routes() -> tuple[Operation, ...]:
    return (
        Operation("open_dispute", "POST", "/payment_intents/{id}/dispute", open_dispute, "write"),
        Operation("end_dispute", "POST", "/disputes/{id}/end", end_dispute, "write"),
        Operation(
            "change_payment_method", "POST", "/payment_methods/{id}", change_payment_method,
            "write",
        ),
        Operation("change_settings", "POST", "/settings", change_settings, "write"),
    )  # fmt: skip


def ledger(tx: Tx) -> Json:
    """Show what was held, taken and given back, in minor units."""
    charges: dict[str, list[Json]] = {}
    for charge in tx.all("stripe.charge"):
        charges.setdefault(charge["payment_intent"], []).append(
            _only(charge, "id", "status", "amount", "captured", "amount_captured",
                  "amount_refunded", "disputed")
        )  # fmt: skip
    rows = tx.all("stripe.balance_transaction")
    return {
        "payment_intents": [
            _only(intent, "id", "customer", "amount", "currency", "status", "amount_capturable",
                  "amount_received", "metadata", "created", "canceled_at", "cancellation_reason")
            | {"charges": charges.get(intent["id"], [])}
            for intent in tx.all("stripe.payment_intent")
        ],
        "refunds": [
            _only(refund, "id", "payment_intent", "charge", "amount", "currency", "status",
                  "metadata", "created")
            for refund in tx.all("stripe.refund")
        ],
        "disputes": [
            _only(dispute, "id", "payment_intent", "charge", "amount", "currency", "status",
                  "reason")
            | {"withdrawn": -sum(row["amount"] for row in dispute["balance_transactions"])}
            for dispute in tx.all("stripe.dispute")
        ],
        "balance_transactions": [
            _only(row, "id", "type", "amount", "fee", "currency", "source") for row in rows
        ],
        "balance": totals(rows),
    }  # fmt: skip


def _expire(books: Books, method: Json, *, expired: bool) -> None:
    card = method["card"]
    if expired and "_expires" not in method:
        method["_expires"] = [card["exp_month"], card["exp_year"]]
        card |= {"exp_month": 1, "exp_year": books.time.year - 1}
    elif not expired and "_expires" in method:
        card["exp_month"], card["exp_year"] = method.pop("_expires")


def _only(data: Json, *names: str) -> Json:
    return {name: data[name] for name in names}
