"""What providers tell us of their own accord: that something changed, never what it is now.

An event may come twice, late, in any order or never. So it changes nothing by what it says: it
makes the process that owns the thing ask the provider. What is kept of it is ids, kinds and
instants; whatever else a provider sends about people is not written down.
"""

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from domain.values import Value


class Teller(StrEnum):
    DUFFEL = "duffel"
    STRIPE = "stripe"


class Signature(StrEnum):
    """What came of checking that an event is the provider's."""

    GOOD = "good"
    UNCHECKED = "no_secret"  # this installation was given nothing to check it with
    BAD = "bad_signature"
    TOO_OLD = "too_old"
    NOT_AN_EVENT = "not_an_event"  # signed, and yet nothing that can be read


class EventState(StrEnum):
    PENDING = "pending"  # to be worked on
    DONE = "done"  # whoever owns the thing was made to look
    LEFT = "left"  # nobody needs to look because of it
    DEAD = "dead"  # given up after the last try
    REFUSED = "refused"  # not signed as it must be: counted, and nothing of it kept


class Owner(StrEnum):
    """What an event is about, and so which process is made to look."""

    NEW_ORDER = "new order"  # the attempt that sent it
    ORDER = "order"
    HOLD = "hold"  # the attempt that waits for a traveller's bank
    REFUND = "refund"
    DISPUTE = "dispute"


_OWNERS: Mapping[Teller, tuple[tuple[str, Owner], ...]] = {
    Teller.DUFFEL: (
        ("order.created", Owner.NEW_ORDER),
        ("order.creation_failed", Owner.NEW_ORDER),
        ("order.airline_initiated_change_detected", Owner.ORDER),
        ("order.updated", Owner.ORDER),
        ("air.order.changed", Owner.ORDER),
        ("order_cancellation.confirmed", Owner.ORDER),
        ("air.payment.failed", Owner.ORDER),
        ("air.payment.cancelled", Owner.ORDER),
    ),
    Teller.STRIPE: (
        ("payment_intent.amount_capturable_updated", Owner.HOLD),
        ("payment_intent.payment_failed", Owner.HOLD),
        ("payment_intent.canceled", Owner.HOLD),
        ("refund.updated", Owner.REFUND),
        ("refund.failed", Owner.REFUND),
        ("charge.dispute.created", Owner.DISPUTE),
        ("charge.dispute.updated", Owner.DISPUTE),
        ("charge.dispute.closed", Owner.DISPUTE),
        ("charge.dispute.funds_withdrawn", Owner.DISPUTE),
        ("charge.dispute.funds_reinstated", Owner.DISPUTE),
    ),
}


def owner_of(teller: Teller, kind: str) -> Owner | None:
    """Return what an event of this kind is about; None where nobody needs to look."""
    return dict(_OWNERS[teller]).get(kind)


def kinds_of(teller: Teller) -> tuple[str, ...]:
    """Return the kinds that make somebody look: what to subscribe to."""
    return tuple(kind for kind, _ in _OWNERS[teller])


class ProviderEvent(Value):
    """An event whose signature held. `facts` is its body without all that is not ids and kinds."""

    event_ref: str
    kind: str
    object_ref: str | None
    happened_at: datetime | None
    facts: dict[str, Any]


class Refs(Value):
    """The provider's ids of what an event is about, as far as it names them."""

    order: str | None = None
    offer: str | None = None
    intent: str | None = None


def object_in(facts: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return what an event is about, as far as it was kept."""
    data = facts.get("data", {})
    found = data.get("object", data)
    return found if isinstance(found, Mapping) else {}


def id_in(found: Mapping[str, Any], name: str) -> str | None:
    """Return the id under a name; None where there is none, or a whole thing in its place."""
    value = found.get(name)
    return value if isinstance(value, str) else None


def refs_in(facts: Mapping[str, Any]) -> Refs:
    """Read the ids out of what was kept of an event."""
    found = object_in(facts)
    own = id_in(found, "id") or ""
    return Refs(
        order=id_in(found, "order_id") or _if_of("ord", own),
        offer=id_in(found, "offer_id"),
        intent=id_in(found, "payment_intent") or _if_of("pi", own),
    )


def _if_of(prefix: str, ref: str) -> str | None:
    return ref if ref.startswith(f"{prefix}_") else None


# How often an event is worked on, and how long after each try the next one is made.
_WAITS = (
    timedelta(seconds=10),
    timedelta(minutes=1),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=6),
    timedelta(hours=12),
)
MOST_TRIES = len(_WAITS) + 1


def next_try(tries: int, now: datetime) -> datetime:
    """Return when an event is worked on again whose n-th try has just begun."""
    return now + _WAITS[min(tries, len(_WAITS)) - 1]


# An id stands under a name that is for ids, and looks like one: neither is ever typed by anybody.
# A customer's and a card's are not among them: they stand for a person.
_PREFIXES = (
    "wev|eve|ord|off|orq|orc|ore|aic|pay|acd|end|sev|org|por|"
    "evt|pi|ch|py|re|pyr|du|dp|txn|acct|issfr|prv|we"
)
_ID = re.compile(rf"(?:{_PREFIXES})_[A-Za-z0-9]{{1,64}}")
_ID_NAMES = frozenset(
    {
        "id",
        "idempotency_key",
        "payment_intent",
        "charge",
        "latest_charge",
        "balance_transaction",
    }
)
_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?:Z|[+-]\d\d:\d\d)")
_KIND = re.compile(r"[a-z][a-z0-9_.]{0,79}")
_VERSION = re.compile(r"v\d|\d{4}-\d\d-\d\d(?:\.[a-z]{1,20})?")
_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")
_KINDS = frozenset({"object", "type"})
# What we or others write there is free text, keys and all.
_FREE = frozenset({"metadata", "previous_attributes", "request"})
_DEPTH = 4
_EARLIEST, _LATEST = 1_000_000_000, 10_000_000_000  # seconds that are an instant of our days


def redacted(body: Mapping[str, Any], depth: int = _DEPTH) -> dict[str, Any]:
    """Return ids, kinds and instants of an event's body: nothing that says who somebody is."""
    found: dict[str, Any] = {}
    for name, value in body.items():
        if name in _FREE or not _NAME.fullmatch(name):
            continue
        if isinstance(value, Mapping):
            inner = redacted(value, depth - 1) if depth > 1 else {}
            if inner:
                found[name] = inner
        elif _is_plain(name, value):
            found[name] = value
    return found


def _is_plain(name: str, value: object) -> bool:
    match value:
        case bool():
            return name in {"live_mode", "livemode"}
        case int():
            return (name == "created" or name.endswith("_at")) and _EARLIEST < value < _LATEST
        case str():
            if name in _KINDS:
                return _KIND.fullmatch(value) is not None
            if name == "api_version":
                return _VERSION.fullmatch(value) is not None
            if name in _ID_NAMES or name.endswith("_id"):
                return _ID.fullmatch(value) is not None
            return name.endswith("_at") and _INSTANT.fullmatch(value) is not None
        case _:
            return False
