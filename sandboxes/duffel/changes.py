"""Changes that the airline makes by itself, and what the seller answers."""

import copy
from datetime import datetime, timedelta

from sandboxes.duffel.errors import refuse
from sandboxes.duffel.events import emit
from sandboxes.duffel.ids import new_id
from sandboxes.duffel.orders import ORDER, put_order
from sandboxes.duffel.scenarios import Scenario
from sandboxes.duffel.wire import Call, Reply, data, found, instant
from sandboxes.store import Json, Tx
from sandboxes.webhooks import Webhooks

CHANGE = "duffel_airline_initiated_change"
_ACTIONS = {"accepted", "cancelled", "changed"}


def add_change(
    tx: Tx, webhooks: Webhooks, order: Json, *, shift: timedelta | None, now: datetime
) -> Json:
    """Let the airline move the first slice, or take all of them away when `shift` is None."""
    slices = order["public"]["slices"]
    removed = slices[:1] if shift is not None else slices
    added = [] if shift is None else [_shifted(slices[0], shift)]
    change: Json = {
        "id": new_id("aic"),
        "order_id": order["id"],
        "added": added,
        "removed": copy.deepcopy(removed),
        "available_actions": ["accept", "cancel", "update"] if added else ["cancel", "update"],
        "action_taken": None,
        "action_taken_at": None,
        "travel_agent_ticket": None,
        "created_at": instant(now),
        "updated_at": instant(now),
    }
    # A flight that the airline moves or drops may be given back for all of its money.
    order["full_refund"] = True
    _put(tx, order, change)
    subject = {"id": change["id"], "order_id": order["id"]}
    name = "order.airline_initiated_change_detected"
    emit(tx, webhooks, name, subject, key=change["id"], now=now)
    return change


def _shifted(slice_: Json, shift: timedelta) -> Json:
    moved = copy.deepcopy(slice_)
    moved["id"] = new_id("sli")
    for segment in moved["segments"]:
        segment["id"] = new_id("seg")
        for name in ("departing_at", "arriving_at"):
            segment[name] = (datetime.fromisoformat(segment[name]) + shift).isoformat()
    return moved


def list_airline_initiated_changes(call: Call) -> Reply:
    """List changes; on the test route each look finds one more, each an hour later."""
    order_id = call.query("order_id")
    if order_id is not None:
        order = found(call.tx, ORDER, order_id)
        if order["scenario"] == Scenario.AIRLINE_CHANGES and not order["public"]["cancelled_at"]:
            hours = timedelta(hours=1 + len(call.tx.find(CHANGE, order_id=order_id)))
            add_change(call.tx, call.ctx.webhooks, order, shift=hours, now=call.now)
    keys = {"order_id": order_id} if order_id else {}
    return Reply(200, {"data": list(reversed(call.tx.find(CHANGE, **keys))), "meta": None})


def accept_airline_initiated_change(call: Call) -> Reply:
    """Take the new flights."""
    change, order = _open(call, "stale_airline_initiated_change_accept")
    if "accept" not in change["available_actions"]:
        raise refuse(422, "validation_inclusion")
    slices = order["public"]["slices"]
    order["public"]["slices"] = change["added"] + slices[len(change["removed"]) :]
    return _close(call, order, change, "accepted")


def update_airline_initiated_change(call: Call) -> Reply:
    """Write down what was done about it elsewhere."""
    change, order = _open(call, "stale_airline_initiated_change_update")
    action = call.data.get("action_taken")
    if action not in _ACTIONS:
        raise refuse(422, "validation_inclusion", pointer="/action_taken")
    return _close(call, order, change, action)


def _open(call: Call, stale_code: str) -> tuple[Json, Json]:
    change = found(call.tx, CHANGE, call.path("id"))
    order = found(call.tx, ORDER, change["order_id"])
    newest = call.tx.find(CHANGE, order_id=order["id"])[-1]
    if newest["id"] != change["id"] or change["action_taken"] is not None:
        raise refuse(422, stale_code)
    return change, order


def _close(call: Call, order: Json, change: Json, action: str) -> Reply:
    moment = instant(call.now)
    change |= {"action_taken": action, "action_taken_at": moment, "updated_at": moment}
    change["available_actions"] = []
    _put(call.tx, order, change)
    return data(change)


def _put(tx: Tx, order: Json, change: Json) -> None:
    tx.put(CHANGE, change["id"], change, keys={"order_id": order["id"]})
    order["public"]["airline_initiated_changes"] = tx.find(CHANGE, order_id=order["id"])
    put_order(tx, order)
