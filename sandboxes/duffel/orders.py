"""Orders: how they are kept, how time changes them, reading and updating them."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from sandboxes.clock import from_text
from sandboxes.duffel.errors import DuffelError, invalid, refuse
from sandboxes.duffel.events import emit
from sandboxes.duffel.order_rules import metadata_problems
from sandboxes.duffel.places import airports
from sandboxes.duffel.wire import Call, Reply, data, found, instant, page, whole_second
from sandboxes.store import Json, Tx
from sandboxes.webhooks import Webhooks

ORDER = "duffel_order"
PENDING = "duffel_pending_order"


def put_order(tx: Tx, order: Json) -> None:
    """Keep an order: `public` is what callers see, the rest is ours."""
    waiting = isinstance(order["tickets_due"], dict)
    keys = {
        "offer_id": order["offer_id"],
        "offer_request_id": order["offer_request_id"],
        "booking_reference": order["public"]["booking_reference"],
        "waiting": "yes" if waiting else "no",
    }
    tx.put(ORDER, order["id"], order, keys=keys)


def put_pending(tx: Tx, pending: Json) -> None:
    """Keep a creation under way; its outcome is decided, its moment has yet to come."""
    keys = {"offer_request_id": pending["offer_request_id"], "state": pending["state"]}
    tx.put(PENDING, pending["id"], pending, keys=keys)


def due_after(seconds: float, now: datetime, wall: datetime) -> Json:
    """Name a moment on both clocks; it comes when either has reached it."""
    later = timedelta(seconds=seconds)
    return {"caller": instant(now + later), "wall": instant(wall + later)}


def is_due(due: Json, now: datetime | None, wall: datetime) -> bool:
    reached = now is not None and now >= from_text(due["caller"])
    return reached or wall >= from_text(due["wall"])


def settle(tx: Tx, webhooks: Webhooks, now: datetime | None, wall: datetime) -> None:
    """Let every delayed creation and ticket whose moment has come become true."""
    for pending in tx.find(PENDING, state="pending"):
        if is_due(pending["due"], now, wall):
            _finish(tx, webhooks, pending)
    for order in tx.find(ORDER, waiting="yes"):
        if is_due(order["tickets_due"], now, wall):
            issue_tickets(tx, order, from_text(order["tickets_due"]["caller"]))


def tick(tx: Tx, webhooks: Webhooks, wall: datetime) -> None:
    """Let wall time pass."""
    settle(tx, webhooks, None, wall)


def _finish(tx: Tx, webhooks: Webhooks, pending: Json) -> None:
    moment = from_text(pending["due"]["caller"])
    if pending["order"] is None:
        put_pending(tx, pending | {"state": "failed"})
        subject = {"offer_id": pending["offer_id"]}
        key = f"failed-{pending['id']}"
        emit(tx, webhooks, "order.creation_failed", subject, key=key, now=moment)
        return
    order = pending["order"]
    order["public"] |= {"created_at": instant(moment), "synced_at": whole_second(moment)}
    put_order(tx, order)
    tx.delete(PENDING, pending["id"])
    announce(tx, webhooks, order, moment)


def announce(tx: Tx, webhooks: Webhooks, order: Json, now: datetime) -> None:
    """Tell that an order exists."""
    subject = {"id": order["id"], "order_id": order["id"], "offer_id": order["offer_id"]}
    emit(tx, webhooks, "order.created", subject, key=order["id"], now=now)


def issue_tickets(tx: Tx, order: Json, now: datetime) -> None:
    """Issue one ticket a passenger, unless that has happened or the order is gone."""
    order["tickets_due"] = None
    public = order["public"]
    if not public["documents"] and public["cancelled_at"] is None:
        public["documents"] = tickets_of(order)
        public["synced_at"] = whole_second(now)
    put_order(tx, order)


def tickets_of(order: Json) -> list[Json]:
    """Number the tickets by order, so that they are never the same twice."""
    number = sum(ord(letter) * 31**place for place, letter in enumerate(order["id"])) % 10**9
    return [
        {
            "type": "electronic_ticket",
            "unique_identifier": f"909-{number:09d}{place}",
            "passenger_ids": [person["id"]],
        }
        for place, person in enumerate(order["public"]["passengers"], start=1)
    ]


def first_departure(order: Json) -> datetime:
    """Tell the instant of the first flight as it is now planned."""
    segment = order["public"]["slices"][0]["segments"][0]
    airport = airports()[segment["origin"]["iata_code"]]
    return airport.instant(datetime.fromisoformat(segment["departing_at"]))


def shown(order: Json, now: datetime) -> Json:
    """Write an order as it is at the caller's now."""
    public: Json = order["public"]
    status = public["payment_status"]
    required_by = status["payment_required_by"]
    if status["awaiting_payment"] and required_by and now >= from_text(required_by):
        # A lapsed hold looks like this at Duffel too: not awaiting, and never paid.
        return public | {"payment_status": status | {"awaiting_payment": False}}
    return public


def get_order(call: Call) -> Reply:
    settle(call.tx, call.ctx.webhooks, call.now, call.ctx.wall)
    return data(shown(found(call.tx, ORDER, call.path("id")), call.now))


def update_order(call: Call) -> Reply:
    """Replace metadata as a whole, or users."""
    order = found(call.tx, ORDER, call.path("id"))
    body = call.data
    if isinstance(body.get("options"), dict):  # the official JavaScript client wraps once too often
        body = body["options"]
    problems = metadata_problems(body.get("metadata"))
    if problems:
        raise DuffelError(422, *problems)
    if "metadata" in body:
        order["public"]["metadata"] = body["metadata"] or {}
    if "users" in body:
        order["public"]["users"] = body["users"] or []
    put_order(call.tx, order)
    return data(shown(order, call.now))


def list_order_services(call: Call) -> Reply:
    """Offer nothing after booking, as Duffel Airways does."""
    found(call.tx, ORDER, call.path("id"))
    return Reply(200, {"data": [], "meta": None})


def list_orders(call: Call) -> Reply:
    """List orders, newest first; there is no filter on metadata."""
    settle(call.tx, call.ctx.webhooks, call.now, call.ctx.wall)
    keys = {
        name: value for name in ("offer_id", "booking_reference") if (value := call.query(name))
    }
    rows = call.tx.find(ORDER, **keys) if keys else call.tx.all(ORDER)
    public = [shown(row, call.now) for row in reversed(rows)]
    chosen = [row for row in public if _passes(row, call)]
    sort = call.query("sort")
    if sort is not None:
        chosen.sort(key=_sort_key(sort.removeprefix("-")), reverse=sort.startswith("-"))
    return page(call, chosen)


def _sort_key(name: str) -> Any:
    match name:
        case "created_at":
            return lambda row: row["created_at"]
        case "total_amount":
            return lambda row: Decimal(row["total_amount"])
        case "payment_required_by":
            return lambda row: row["payment_status"]["payment_required_by"] or "9"
        case "next_departure":
            return lambda row: row["slices"][0]["segments"][0]["departing_at"]
        case _:
            message = "Field 'sort' has a value that is not known"
            raise DuffelError(422, invalid("validation_inclusion", "/sort", message))


def _passes(row: Json, call: Call) -> bool:
    query = call.request.query_params
    awaiting = call.query("awaiting_payment")
    if awaiting is not None:
        if awaiting not in {"true", "false"}:
            raise refuse(422, "validation_inclusion", pointer="/awaiting_payment")
        if row["payment_status"]["awaiting_payment"] != (awaiting == "true"):
            return False
    if call.query("requires_action") == "true" and not any(
        change["action_taken"] is None for change in row["airline_initiated_changes"]
    ):
        return False
    if user := call.query("user_id"):
        return user in row["users"]
    first, last = row["slices"][0], row["slices"][-1]
    lists = (
        ("owner_id[]", {row["owner"]["id"]}),
        ("origin_id[]", {first["origin"]["id"]}),
        ("destination_id[]", {first["destination"]["id"]}),
        ("passenger_name[]", _names(row)),
    )
    if any(query.getlist(name) and not set(query.getlist(name)) & have for name, have in lists):
        return False
    times = (
        ("created_at", row["created_at"]),
        ("departing_at", first["segments"][0]["departing_at"]),
        ("arriving_at", last["segments"][-1]["arriving_at"]),
    )
    return all(_between(query, name, value) for name, value in times)


def _names(row: Json) -> set[str]:
    people = row["passengers"]
    full = {f"{person['given_name']} {person['family_name']}" for person in people}
    return full | {person["family_name"] for person in people}


def _between(query: Any, name: str, value: str) -> bool:
    after, before = query.get(f"{name}[after]"), query.get(f"{name}[before]")
    try:
        moment = datetime.fromisoformat(value).replace(tzinfo=None)
        return (after is None or moment >= datetime.fromisoformat(after).replace(tzinfo=None)) and (
            before is None or moment <= datetime.fromisoformat(before).replace(tzinfo=None)
        )
    except ValueError as error:
        raise refuse(422, "validation_format", pointer=f"/{name}") from error


def ledger_rows(tx: Tx) -> list[Json]:
    """List every order, pending creation and failed creation for the books."""
    rows = [_ledger_row(order) for order in tx.all(ORDER)]
    for pending in tx.all(PENDING):
        order = pending["order"]
        if order is not None:
            rows.append(_ledger_row(order) | {"status": "pending"})
            continue
        rows.append(
            {
                "id": pending["id"],
                "offer_id": pending["offer_id"],
                "offer_request_id": pending["offer_request_id"],
                "booking_reference": None,
                "metadata": pending["metadata"],
                "total_amount": pending["total_amount"],
                "currency": pending["currency"],
                "status": pending["state"],
                "refund_amount": None,
                "refund_to": None,
                "created_at": pending["created_at"],
                "paid_at": None,
                "tickets": [],
            }
        )
    return rows


def _ledger_row(order: Json) -> Json:
    public = order["public"]
    cancellation = public["cancellation"] or {}
    return {
        "id": order["id"],
        "offer_id": order["offer_id"],
        "offer_request_id": order["offer_request_id"],
        "booking_reference": public["booking_reference"],
        "metadata": public["metadata"],
        "total_amount": public["total_amount"],
        "currency": public["total_currency"],
        "status": "live" if public["cancelled_at"] is None else "cancelled",
        "refund_amount": cancellation.get("refund_amount"),
        "refund_to": cancellation.get("refund_to"),
        "created_at": public["created_at"],
        "paid_at": public["payment_status"]["paid_at"],
        "tickets": [document["unique_identifier"] for document in public["documents"]],
    }
