"""Paying for an order that was held."""

from decimal import Decimal

from sandboxes.clock import from_text
from sandboxes.duffel import balance
from sandboxes.duffel.cancellations import linked_order
from sandboxes.duffel.errors import DuffelError, refuse
from sandboxes.duffel.events import emit
from sandboxes.duffel.ids import new_id
from sandboxes.duffel.order_rules import check_amount, payment_problems
from sandboxes.duffel.orders import put_order, tickets_of
from sandboxes.duffel.wire import Call, Reply, data, found, instant, page, whole_second
from sandboxes.store import Json

PAYMENT = "duffel_payment"


def create_payment(call: Call) -> Reply:
    """Pay the whole of a held order from the balance."""
    order = linked_order(call)
    payment = call.data.get("payment")
    problems = payment_problems(payment, "/payment")
    if problems or not isinstance(payment, dict):
        raise DuffelError(422, *problems)
    public = order["public"]
    status = public["payment_status"]
    if public["cancelled_at"] is not None:
        raise refuse(422, "already_cancelled")
    if status["paid_at"] is not None:
        raise refuse(422, "already_paid")
    if call.now >= from_text(status["payment_required_by"]):
        raise refuse(422, "past_payment_required_by_date")
    total, currency = Decimal(public["total_amount"]), public["total_currency"]
    check_amount(payment, total, currency, "/payment")
    if balance.amount_left(call.tx, currency, call.now) < total:
        raise refuse(422, "insufficient_balance")
    balance.move(call.tx, currency, -total, kind="order", order_id=order["id"], now=call.now)
    done: Json = {
        "id": new_id("pay"),
        "order_id": order["id"],
        "type": "balance",
        "status": "succeeded",
        "amount": f"{total:.2f}",
        "currency": currency,
        "failure_reason": None,
        "airline_credit_id": None,
        "live_mode": False,
        "created_at": instant(call.now),
    }
    call.tx.put(PAYMENT, done["id"], done, keys={"order_id": order["id"]})
    public["payment_status"] = status | {
        "awaiting_payment": False,
        "paid_at": whole_second(call.now),
    }
    public["documents"] = tickets_of(order)
    put_order(call.tx, order)
    subject = {"id": done["id"], "order_id": order["id"]}
    name = "air.payment.succeeded"
    emit(call.tx, call.ctx.webhooks, name, subject, key=done["id"], now=call.now)
    return data(done, 201)


def get_payment(call: Call) -> Reply:
    return data(found(call.tx, PAYMENT, call.path("id")))


def list_payments(call: Call) -> Reply:
    order_id = call.query("order_id")
    keys = {"order_id": order_id} if order_id else {}
    return page(call, list(reversed(call.tx.find(PAYMENT, **keys))))
