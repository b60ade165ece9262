"""Cancelling: a quote first, then its confirmation."""

from datetime import datetime, timedelta
from decimal import Decimal

from sandboxes.clock import from_text
from sandboxes.duffel import balance
from sandboxes.duffel.errors import DuffelError, entry, refuse
from sandboxes.duffel.events import emit
from sandboxes.duffel.ids import new_id, new_reference
from sandboxes.duffel.orders import ORDER, first_departure, put_order, settle
from sandboxes.duffel.scenarios import Scenario
from sandboxes.duffel.wire import Call, Reply, data, found, instant, page, whole_second
from sandboxes.store import Json, Tx
from sandboxes.vendor import Context

CANCELLATION = "duffel_order_cancellation"
QUOTE_LIFE = timedelta(hours=1)


def create_order_cancellation(call: Call) -> Reply:
    """Quote: nothing is cancelled yet."""
    settle(call.tx, call.ctx.webhooks, call.now, call.ctx.wall)
    order = linked_order(call)
    _check_cancellable(call, order)
    amount, refund_to = _refund(call, order)
    quote: Json = {
        "id": new_id("ore"),
        "order_id": order["id"],
        "live_mode": False,
        "created_at": instant(call.now),
        "expires_at": whole_second(call.now + QUOTE_LIFE),
        "confirmed_at": None,
        "refund_amount": None if amount is None else f"{amount:.2f}",
        "refund_currency": order["public"]["total_currency"],
        "refund_to": refund_to,
        "airline_credits": _credits(order, amount, call.now)
        if refund_to == "airline_credits"
        else [],
    }
    put_cancellation(call.tx, quote)
    subject = {"id": quote["id"], "order_id": order["id"]}
    emit(
        call.tx,
        call.ctx.webhooks,
        "order_cancellation.created",
        subject,
        key=quote["id"],
        now=call.now,
    )
    return data(quote, 201)


def linked_order(call: Call) -> Json:
    """Fetch the order that the body names, or refuse as for any linked record."""
    order = call.tx.get(ORDER, str(call.data.get("order_id")))
    if order is None:
        source = {"field": "order_id", "pointer": "/order_id"}
        problem = entry("not_found", title="Linked record(s) not found", source=source)
        raise DuffelError(422, problem | {"type": "validation_error"})
    return order


def _check_cancellable(call: Call, order: Json) -> None:
    if order["public"]["cancelled_at"] is not None:
        raise refuse(422, "already_cancelled")
    if call.behaviour("order_not_cancellable") or call.now >= first_departure(order):
        raise refuse(422, "order_not_cancellable")


def _refund(call: Call, order: Json) -> tuple[Decimal | None, str]:
    public = order["public"]
    if public["payment_status"]["paid_at"] is None:
        return Decimal(0), "awaiting_payment"
    total = Decimal(public["total_amount"])
    terms = public["conditions"]["refund_before_departure"]
    if order["full_refund"]:
        amount = total
    elif terms is None or not terms["allowed"]:
        amount = Decimal(0)
    else:
        amount = max(Decimal(0), total - Decimal(terms["penalty_amount"] or 0))
    if rule := call.behaviour("penalty"):
        amount = max(Decimal(0), total - Decimal(str(rule.option("amount", "0"))))
    to = "balance"
    if order["scenario"] == Scenario.REFUND_AIRLINE_CREDITS:
        to = "airline_credits"
    if rule := call.behaviour("refund_to"):
        to = str(rule.option("refund_to", rule.value))
    if call.behaviour("refund_amount_null"):
        return None, to
    return amount, to


def _credits(order: Json, amount: Decimal | None, now: datetime) -> list[Json]:
    people = order["public"]["passengers"]
    total = amount or Decimal(0)
    part = (total / len(people)).quantize(Decimal("0.01"))
    amounts = [part] * (len(people) - 1)
    amounts.append(total - sum(amounts, Decimal(0)))
    return [
        {
            "id": new_id("acd"),
            "credit_name": "Sandbox travel credit",
            "credit_code": None,
            "credit_amount": f"{share:.2f}",
            "credit_currency": order["public"]["total_currency"],
            "issued_on": now.date().isoformat(),
            "passenger_id": person["id"],
        }
        for person, share in zip(people, amounts, strict=True)
    ]


def confirm_order_cancellation(call: Call) -> Reply:
    """Cancel on the terms of the newest quote, within its hour."""
    quote = found(call.tx, CANCELLATION, call.path("id"))
    order = found(call.tx, ORDER, quote["order_id"])
    _check_cancellable(call, order)
    newest = call.tx.find(CANCELLATION, order_id=order["id"])[-1]
    if newest["id"] != quote["id"] or call.now >= from_text(quote["expires_at"]):
        raise refuse(422, "order_cancellation_stale")
    for credit in quote["airline_credits"]:
        credit["credit_code"] = new_reference()
    finish(call.tx, call.ctx, order, quote)
    return data(quote)


def finish(tx: Tx, ctx: Context, order: Json, quote: Json) -> None:
    """Cancel an order and pay its refund on the terms given."""
    now = ctx.now
    quote["confirmed_at"] = instant(now)
    put_cancellation(tx, quote)
    if quote["refund_to"] == "balance" and Decimal(quote["refund_amount"] or 0) > 0:
        balance.move(
            tx,
            quote["refund_currency"],
            Decimal(quote["refund_amount"]),
            kind="refund",
            order_id=order["id"],
            now=now,
        )
    order["tickets_due"] = None
    order["public"] |= {
        "cancelled_at": instant(now),
        "synced_at": whole_second(now),
        "cancellation": quote,
        "available_actions": ["update"],
    }
    status = order["public"]["payment_status"]
    order["public"]["payment_status"] = status | {"awaiting_payment": False}
    put_order(tx, order)
    subject = {"id": quote["id"], "order_id": order["id"]}
    name = "order_cancellation.confirmed"
    emit(tx, ctx.webhooks, name, subject, key=quote["id"], now=now)


def get_order_cancellation(call: Call) -> Reply:
    return data(found(call.tx, CANCELLATION, call.path("id")))


def list_order_cancellations(call: Call) -> Reply:
    order_id = call.query("order_id")
    keys = {"order_id": order_id} if order_id else {}
    return page(call, list(reversed(call.tx.find(CANCELLATION, **keys))))


def put_cancellation(tx: Tx, quote: Json) -> None:
    tx.put(CANCELLATION, quote["id"], quote, keys={"order_id": quote["order_id"]})
