"""Creating an order, in each of the ways in which that can end."""

from dataclasses import dataclass
from decimal import Decimal

from sandboxes.clock import from_text
from sandboxes.duffel import balance
from sandboxes.duffel.airlines import airline_json
from sandboxes.duffel.brands import brand_of, conditions
from sandboxes.duffel.errors import DuffelError, entry, envelope, refuse
from sandboxes.duffel.ids import new_id, new_reference, new_request_id
from sandboxes.duffel.offers import OFFER, check_alive, move_price
from sandboxes.duffel.order_rules import OrderRequest, check_fit, order_passenger, read_order
from sandboxes.duffel.orders import (
    ORDER,
    PENDING,
    announce,
    due_after,
    put_order,
    put_pending,
    settle,
    tickets_of,
)
from sandboxes.duffel.render import payment_requirements, services_json, slices_json
from sandboxes.duffel.scenarios import Scenario
from sandboxes.duffel.wire import Call, Reply, data, instant, whole_second
from sandboxes.faults import Rule
from sandboxes.store import Json

OUTCOMES = frozenset(
    {
        "order_202_then_created", "order_202_then_failed", "order_200_without_order",
        "order_5xx_booked", "order_not_created_502", "order_airline_unknown_502", "order_503",
        "order_already_attempted", "order_duplicate_booking", "insufficient_balance",
        "payment_declined", "order_dearer",
    }
)  # fmt: skip
_SCENARIOS = {
    Scenario.CREATION_ERROR: "order_airline_unknown_502",
    Scenario.INSUFFICIENT_BALANCE: "insufficient_balance",
    Scenario.CREATED_LATER_200: "order_200_without_order",
    Scenario.CREATED_LATER_202: "order_202_then_created",
    Scenario.CREATION_FAILS_202: "order_202_then_failed",
}
_LATER_SECONDS = 30.0
_REFUSALS = {
    # effect -> (status, code); nothing is booked by any of these
    "order_not_created_502": (502, "order_not_created"),
    "order_airline_unknown_502": (502, "airline_unknown"),
    "order_503": (503, "service_unavailable"),
    "insufficient_balance": (422, "insufficient_balance"),
    "payment_declined": (422, "payment_declined"),
}


@dataclass(frozen=True)
class _Plan:
    """A creation that passed every rule."""

    order: OrderRequest
    offer: Json
    total: Decimal


def create_order(call: Call) -> Reply:
    """Book an offer, once for each offer request."""
    settle(call.tx, call.ctx.webhooks, call.now, call.ctx.wall)
    request = read_order(call.data)
    offer = call.tx.get(OFFER, request.offer_id)
    if offer is None:
        problem = entry(
            "not_found",
            title="Linked record(s) not found",
            source={"field": "selected_offers", "pointer": "/selected_offers/0"},
        )
        raise DuffelError(422, problem | {"type": "validation_error"})
    _check_not_booked(call, offer)
    check_alive(call, offer)
    move_price(call, offer)
    plan = _Plan(request, offer, check_fit(request, offer))
    rule = call.behaviour(*OUTCOMES)
    scenario = Scenario(offer["scenario"]) if offer["scenario"] else None
    effect = rule.effect if rule else _SCENARIOS.get(scenario) if scenario else None
    if effect is None or effect not in _REFUSALS:
        _check_funds(call, plan)
    return _carry_out(call, plan, effect, rule)


def _check_not_booked(call: Call, offer: Json) -> None:
    key = offer["offer_request_id"]
    if call.tx.find(ORDER, offer_request_id=key):
        raise refuse(422, "offer_request_already_booked", pointer="/selected_offers")
    if call.tx.find(PENDING, offer_request_id=key, state="pending"):
        raise refuse(422, "order_creation_already_attempted", pointer="/selected_offers")


def _check_funds(call: Call, plan: _Plan) -> None:
    if plan.order.kind == "hold":
        return
    if balance.amount_left(call.tx, plan.offer["currency"], call.now) < plan.total:
        raise refuse(422, "insufficient_balance")


def _carry_out(call: Call, plan: _Plan, effect: str | None, rule: Rule | None) -> Reply:
    match effect:
        case None:
            return data(_book(call, plan)["public"], 201)
        case "order_202_then_created" | "order_200_without_order":
            _book_later(call, plan, _seconds(rule))
            return _accepted(200 if effect == "order_200_without_order" else 202, rule)
        case "order_202_then_failed":
            _fail_later(call, plan, _seconds(rule))
            return _accepted(202, rule)
        case "order_dearer":
            dearer = Decimal(str(rule.option("amount", "1.00"))) if rule else Decimal(0)
            return data(_book(call, plan, dearer)["public"], 201)
        case "order_5xx_booked":
            _book(call, plan)
            status = rule.status if rule and rule.status else 500
            codes = {502: "airline_unknown", 504: "gateway_timeout_error"}
            return _error(status, (rule and rule.code) or codes.get(status, _UNKNOWN_OUTCOME))
        case "order_already_attempted" | "order_duplicate_booking":
            if rule is not None and rule.option("booked", False):
                _book(call, plan)
            attempted = effect == "order_already_attempted"
            return _error(
                422, "order_creation_already_attempted" if attempted else "duplicate_booking"
            )
        case _:
            status, code = _REFUSALS[effect]
            return _error(status, code)


_UNKNOWN_OUTCOME = "internal_server_error"


def _error(status: int, code: str) -> Reply:
    # Answered and not raised: what was booked before it stands.
    return Reply(status, envelope(status, (entry(code),), new_request_id()))


def _seconds(rule: Rule | None) -> float:
    return float(rule.option("seconds", rule.seconds)) if rule else _LATER_SECONDS


def _accepted(status: int, rule: Rule | None) -> Reply:
    """Answer without an order; `value.body` lets tests vary what nobody has written down."""
    default = {"data": {"message": "The order is being created"}}
    return Reply(status, rule.option("body", default) if rule else default)


def _book(call: Call, plan: _Plan, dearer: Decimal = Decimal(0)) -> Json:
    """Make the order; `dearer`: the airline writes more on it than it was offered for."""
    order = _build(call, plan)
    order["public"]["total_amount"] = f"{plan.total + dearer:.2f}"
    _pay(call, plan, order)
    put_order(call.tx, order)
    announce(call.tx, call.ctx.webhooks, order, call.now)
    return order


def _book_later(call: Call, plan: _Plan, seconds: float) -> None:
    order = _build(call, plan)
    # The airline has taken the money from the start; only the order cannot be seen yet.
    _pay(call, plan, order)
    _put_pending(call, plan, seconds, order)


def _fail_later(call: Call, plan: _Plan, seconds: float) -> None:
    _put_pending(call, plan, seconds, None)


def _put_pending(call: Call, plan: _Plan, seconds: float, order: Json | None) -> None:
    pending = {
        "id": new_id("por"),
        "state": "pending",
        "offer_id": plan.offer["id"],
        "offer_request_id": plan.offer["offer_request_id"],
        "metadata": plan.order.metadata,
        "total_amount": f"{plan.total:.2f}",
        "currency": plan.offer["currency"],
        "created_at": instant(call.now),
        "due": due_after(seconds, call.now, call.ctx.wall),
        "order": order,
    }
    put_pending(call.tx, pending)


def _pay(call: Call, plan: _Plan, order: Json) -> None:
    if plan.order.kind == "instant":
        balance.move(
            call.tx,
            plan.offer["currency"],
            -plan.total,
            kind="order",
            order_id=order["id"],
            now=call.now,
        )


def _build(call: Call, plan: _Plan) -> Json:
    offer, request, now = plan.offer, plan.order, call.now
    searched = {person["id"]: person for person in offer["passengers"]}
    reference = new_reference()
    owner = airline_json(offer["carrier"])
    currency = offer["currency"]
    base = Decimal(offer["base"])
    services = _services(offer, request)
    extras = sum((Decimal(s["total_amount"]) * s["quantity"] for s in services), Decimal(0))
    public: Json = {
        "id": new_id("ord"),
        "live_mode": False,
        "type": request.kind,
        "content": "managed",
        "created_at": instant(now),
        "synced_at": whole_second(now),
        "cancelled_at": None,
        "void_window_ends_at": None,
        "booking_reference": reference,
        "booking_references": [{"booking_reference": reference, "carrier": owner}],
        "offer_id": offer["id"],
        "owner": owner,
        "total_amount": f"{plan.total:.2f}",
        "total_currency": currency,
        "base_amount": f"{base:.2f}",
        "base_currency": currency,
        "tax_amount": f"{plan.total - extras - base:.2f}",
        "tax_currency": currency,
        "payment_status": _payment_status(call, plan),
        "available_actions": ["cancel", "update"],
        "conditions": conditions(
            brand_of(offer["carrier"], offer["cabin"], offer["brand"]), currency
        ),
        "slices": slices_json(offer, ordered=True),
        "passengers": [order_passenger(p, searched[p["id"]]) for p in request.passengers],
        "services": services,
        "documents": [],
        "cancellation": None,
        "changes": [],
        "airline_initiated_changes": [],
        "metadata": request.metadata,
        "users": request.users,
    }
    order: Json = {
        "id": public["id"],
        "offer_id": offer["id"],
        "offer_request_id": offer["offer_request_id"],
        "scenario": offer["scenario"],
        "tickets_due": None,
        "full_refund": False,
        "public": public,
    }
    if request.kind == "instant":
        _plan_tickets(call, order)
    return order


def _plan_tickets(call: Call, order: Json) -> None:
    rule = call.behaviour("delayed_ticketing")
    if rule is None:
        order["public"]["documents"] = tickets_of(order)
        return
    seconds = rule.value if rule.value == "never" else rule.option("seconds", rule.seconds)
    never = seconds == "never"
    due = "never" if never else due_after(float(seconds), call.now, call.ctx.wall)
    order["tickets_due"] = due


def _payment_status(call: Call, plan: _Plan) -> Json:
    if plan.order.kind == "instant":
        paid_at = whole_second(call.now)
        times = {"payment_required_by": None, "price_guarantee_expires_at": None}
        return {"awaiting_payment": False, **times, "paid_at": paid_at}
    terms = payment_requirements(plan.offer, from_text(plan.offer["created_at"]))
    return {
        "awaiting_payment": True,
        "payment_required_by": terms["payment_required_by"],
        "price_guarantee_expires_at": terms["price_guarantee_expires_at"],
        "paid_at": None,
    }


def _services(offer: Json, request: OrderRequest) -> list[Json]:
    known = {service["id"]: service for service in services_json(offer)}
    copied = ("type", "total_amount", "total_currency", "passenger_ids", "segment_ids", "metadata")
    return [
        {"id": new_id("ser"), "quantity": row["quantity"]}
        | {name: known[row["id"]][name] for name in copied}
        for row in request.services
    ]
