"""Where a provider's call can go wrong, and how; what the schedules draw their faults from."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

SILENCE_SECONDS = 7.0  # more than the worker's patience
SEARCH_SILENCE_SECONDS = 1.0  # nobody else's look may wait for it: then the connection is cut
LATE_SECONDS = 7.0
HOLD_SECONDS = 40.0  # a call hangs so long at most until its worker is killed

_BEFORE = ("timeout_before", "close_before", "error_before", "rate_limit", "no")
_WRITE = (*_BEFORE, "timeout_after", "close_after", "error_after", "late", "delay")
_ORDER = (
    "order_202_then_created",
    "order_202_then_failed",
    "order_200_without_order",
    "order_5xx_booked",
    "order_not_created_502",
    "order_503",
    "order_already_attempted",
    "order_duplicate_booking",
    "payment_declined",
    "sold_out",
    "price_changed",
)
# Each with whose call it is (what a rule can be aimed at), and what can happen to it.
PLACES: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "duffel.create_order": ("attempt", (*_WRITE, *_ORDER)),
    "stripe.confirm_payment_intent": ("attempt", (*_WRITE, "decline", "authentication_required")),
    "stripe.capture_payment_intent": ("attempt", (*_WRITE, "capture_refused")),
    "stripe.create_payment_intent": ("attempt", _WRITE),
    "stripe.list_payment_intents": ("attempt", _BEFORE),
    "stripe.get_payment_intent": ("attempt", _BEFORE),
    "duffel.create_offer_request": ("attempt", _BEFORE),
    "duffel.get_offer": ("attempt", (*_BEFORE, "delay")),
    "duffel.get_order": ("order", _BEFORE),
    "stripe.cancel_payment_intent": ("attempt", _WRITE),
    "duffel.list_orders": ("attempt", _BEFORE),
    "duffel.create_order_cancellation": ("order", _WRITE),
    "duffel.confirm_order_cancellation": ("order", (*_WRITE, "order_not_cancellable")),
    "stripe.create_refund": ("order", (*_WRITE, "refund_pending", "refund_failed")),
    "mail.deliver": ("person", ("close_before", "close_after", "error_before", "error_after")),
}
USUAL_PLACES = tuple(PLACES)[:9]  # where every booking comes by
# What only a person can settle: a provider that says no to what must be done.
ASKS_A_PERSON = frozenset({"no", "capture_refused", "order_not_cancellable", "refund_failed"})
_NO: Mapping[str, dict[str, Any]] = {
    "duffel": {"status": 422, "code": "invalid_data_param"},
    "stripe": {"status": 402, "code": "card_declined"},
}
_VALUES: Mapping[str, dict[str, Any]] = {
    "order_202_then_created": {"value": {"seconds": 2}},
    "order_202_then_failed": {"value": {"seconds": 2}},
    "order_200_without_order": {"value": {"seconds": 2}},
    "order_5xx_booked": {"status": 502},
    "order_already_attempted": {"value": {"booked": True}},
    "order_duplicate_booking": {"value": {"booked": True}},
    "price_changed": {"value": {"amount": "520.00"}},
    "refund_pending": {"value": {"seconds": 1}},
}


@dataclass(frozen=True)
class Aim:
    """What the calls of one wish of one schedule contain."""

    attempt: str
    order: str
    person: str

    def at(self, place: str) -> str:
        return str(getattr(self, PLACES[place][0]))


def rule(place: str, effect: str, contains: str, times: int) -> dict[str, Any]:
    """Return the sandboxes' rule for a fault."""
    vendor, operation = place.split(".")
    searching = operation == "create_offer_request"
    seconds = SEARCH_SILENCE_SECONDS if searching else SILENCE_SECONDS
    found: dict[str, Any] = {
        "vendor": vendor,
        "operation": operation,
        "contains": contains,
        "times": times,
        "effect": effect,
        "seconds": {"late": LATE_SECONDS, "delay": 0.5}.get(effect, seconds),
        "status": 451 if vendor == "mail" else 500,
    }
    if effect == "no":
        return found | {"effect": "error_before"} | _NO[vendor]
    return found | _VALUES.get(effect, {})


def hold(place: str, contains: str, *, after: bool) -> dict[str, Any]:
    """Return a rule that keeps a call hanging on one side of its effect, for a kill."""
    vendor, operation = place.split(".")
    return {
        "vendor": vendor,
        "operation": operation,
        "contains": contains,
        "effect": "timeout_after" if after else "timeout_before",
        "seconds": HOLD_SECONDS,
    }
