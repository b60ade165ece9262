"""What tests and demos may do to this vendor: set fares, move airlines, fill the balance."""

import json
from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal, InvalidOperation

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from sandboxes.clock import BadInstantError, parse_instant, to_text
from sandboxes.duffel import balance
from sandboxes.duffel.airlines import airlines
from sandboxes.duffel.cancellations import finish
from sandboxes.duffel.changes import add_change
from sandboxes.duffel.generate import FARE_KIND
from sandboxes.duffel.ids import new_id
from sandboxes.duffel.orders import ORDER, issue_tickets, settle
from sandboxes.duffel.places import resolve
from sandboxes.duffel.wire import whole_second
from sandboxes.store import Json, Tx
from sandboxes.vendor import Context, Handler, Operation

_Act = Callable[[Tx, Request, Context, Json], tuple[int, Json]]


class _RefusedError(Exception):
    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


def _handler(act: _Act) -> Handler:
    async def handle(request: Request, ctx: Context) -> Response:
        try:
            body = _object(ctx.body)
            with ctx.store.transaction() as tx:
                status, answer = act(tx, request, ctx, body)
        except _RefusedError as error:
            return JSONResponse({"error": str(error)}, status_code=error.status)
        except (ValueError, InvalidOperation, BadInstantError) as error:
            return JSONResponse({"error": str(error)}, status_code=422)
        return JSONResponse(answer, status_code=status)

    return handle


def _object(raw: bytes) -> Json:
    body = json.loads(raw) if raw else {}
    if not isinstance(body, dict):
        raise _RefusedError(422, "the body must be a JSON object")
    return body


def _add_fare(tx: Tx, request: Request, ctx: Context, body: Json) -> tuple[int, Json]:  # noqa: ARG001
    for name in ("origin", "destination"):
        if not resolve(str(body.get(name))):
            raise _RefusedError(422, f"{name} is not a known place")
    airline = body.get("airline")
    if airline is not None and airline not in airlines():
        raise _RefusedError(422, "airline is not known")
    amount, multiplier = body.get("amount"), body.get("multiplier")
    if amount is None and multiplier is None:
        raise _RefusedError(422, "amount or multiplier is needed")
    day, since, until = body.get("departure_date"), body.get("from"), body.get("until")
    fare: Json = {
        "id": f"far_{tx.next_number('duffel_fare')}",
        "origin": body["origin"],
        "destination": body["destination"],
        "departure_date": date.fromisoformat(day).isoformat() if day else None,
        "airline": airline,
        "amount": None if amount is None else f"{_positive(amount):.2f}",
        "multiplier": None if multiplier is None else str(_positive(multiplier)),
        "from": to_text(parse_instant(since)) if since else None,
        "until": to_text(parse_instant(until)) if until else None,
    }
    tx.put(FARE_KIND, fare["id"], fare)
    return 201, fare


def _positive(value: object) -> Decimal:
    number = Decimal(str(value))
    if not number.is_finite() or number <= 0:
        raise _RefusedError(422, "amount and multiplier must be more than zero")
    return number


def _list_fares(tx: Tx, request: Request, ctx: Context, body: Json) -> tuple[int, Json]:  # noqa: ARG001
    return 200, {"fares": tx.all(FARE_KIND)}


def _clear_fares(tx: Tx, request: Request, ctx: Context, body: Json) -> tuple[int, Json]:  # noqa: ARG001
    fares = tx.all(FARE_KIND)
    for fare in fares:
        tx.delete(FARE_KIND, fare["id"])
    return 200, {"deleted": len(fares)}


def _live_order(tx: Tx, request: Request, ctx: Context) -> Json:
    settle(tx, ctx.webhooks, ctx.now, ctx.wall)
    order = tx.get(ORDER, request.path_params["id"])
    if order is None:
        raise _RefusedError(404, "no such order")
    if order["public"]["cancelled_at"] is not None:
        raise _RefusedError(409, "the order is cancelled")
    return order


def _airline_cancel(tx: Tx, request: Request, ctx: Context, body: Json) -> tuple[int, Json]:
    """Take all flights away; with `settled`, cancel the order and give the money back as well."""
    order = _live_order(tx, request, ctx)
    change = add_change(tx, ctx.webhooks, order, shift=None, now=ctx.now)
    if body.get("settled"):
        public = order["public"]
        paid = public["payment_status"]["paid_at"] is not None
        quote: Json = {
            "id": new_id("ore"),
            "order_id": order["id"],
            "live_mode": False,
            "created_at": to_text(ctx.now),
            "expires_at": whole_second(ctx.now),
            "confirmed_at": None,
            "refund_amount": public["total_amount"] if paid else "0.00",
            "refund_currency": public["total_currency"],
            "refund_to": "balance" if paid else "awaiting_payment",
            "airline_credits": [],
        }
        finish(tx, ctx, order, quote)
    return 200, change


def _schedule_change(tx: Tx, request: Request, ctx: Context, body: Json) -> tuple[int, Json]:
    """Move the first slice by `minutes` (60 if not given)."""
    order = _live_order(tx, request, ctx)
    shift = timedelta(minutes=int(body.get("minutes", 60)))
    return 200, add_change(tx, ctx.webhooks, order, shift=shift, now=ctx.now)


def _issue_tickets(tx: Tx, request: Request, ctx: Context, body: Json) -> tuple[int, Json]:  # noqa: ARG001
    order = _live_order(tx, request, ctx)
    issue_tickets(tx, order, ctx.now)
    return 200, {"documents": order["public"]["documents"]}


def _set_balance(tx: Tx, request: Request, ctx: Context, body: Json) -> tuple[int, Json]:  # noqa: ARG001
    currency = str(body.get("currency", ctx.options.currency))
    amount = Decimal(str(body.get("amount")))
    if not amount.is_finite() or amount < 0:
        raise _RefusedError(422, "amount must be zero or more")
    balance.set_amount(tx, currency, amount.quantize(Decimal("0.01")), ctx.now)
    return 200, balance.totals(tx)


CONTROL_ROUTES = (
    Operation("add_fare", "POST", "/fares", _handler(_add_fare), "write"),
    Operation("list_fares", "GET", "/fares", _handler(_list_fares), "read"),
    Operation("clear_fares", "DELETE", "/fares", _handler(_clear_fares), "write"),
    Operation(
        "airline_cancel", "POST", "/orders/{id}/airline_cancel", _handler(_airline_cancel), "write"
    ),
    Operation(
        "schedule_change",
        "POST",
        "/orders/{id}/schedule_change",
        _handler(_schedule_change),
        "write",
    ),
    Operation(
        "issue_tickets", "POST", "/orders/{id}/issue_tickets", _handler(_issue_tickets), "write"
    ),
    Operation("set_balance", "POST", "/balance", _handler(_set_balance), "write"),
)
