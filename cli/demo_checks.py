"""The demo's verdict: what must hold, each with what was seen in the sandboxes' own books."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from cli.invariants import Rows, Violation, check
from domain.money import Money

_CURRENCY = "USD"  # what every wish of the demo is priced in
_LONGEST_HISTORY = 2_000
_PROMISES = {
    1: "No wish ever holds two live orders",
    2: "What was charged is what the live orders cost; no hold is left over",
    3: "What was taken is what was agreed, within the consent",
    4: "Nothing that was accepted is lost",
}


@dataclass(frozen=True)
class Line:
    """One promise, whether it holds, and what was seen."""

    promise: str
    holds: bool
    seen: str


@dataclass(frozen=True)
class Year:
    """What a simulated year cost."""

    days: int
    looks: int
    events: int


def verdict(
    ledger: dict[str, Any],
    rows: Rows,
    accepted: Collection[UUID],
    year: Year,
    surprises: Collection[str],
) -> tuple[Line, ...]:
    """Hold the books against our rows, and the outcomes against those that were wanted."""
    broken = check(ledger, rows, accepted)
    seen = {
        1: _orders(ledger),
        2: _money(ledger),
        3: _consents(ledger, rows),
        4: f"{len(accepted)} wishes accepted, {len(rows.campaigns)} found",
    }
    promises = tuple(
        _line(promise, [v for v in broken if v.invariant == number], seen[number])
        for number, promise in _PROMISES.items()
    )
    return (
        *promises,
        Line(
            "Every wish ended as it should",
            not surprises,
            "; ".join(surprises) or f"{len(accepted)} of {len(accepted)}",
        ),
        Line(
            f"A year's history stays under {_LONGEST_HISTORY:,} events",
            0 < year.events < _LONGEST_HISTORY,
            f"{year.events} events, {year.looks} looks, {year.days} days",
        ),
    )


def _line(promise: str, broken: list[Violation], seen: str) -> Line:
    return Line(promise, not broken, "; ".join(map(str, broken)) or seen)


def _live(ledger: dict[str, Any]) -> list[dict[str, Any]]:
    return [order for order in ledger["duffel"]["orders"] if order["status"] == "live"]


def _orders(ledger: dict[str, Any]) -> str:
    wishes = {order["metadata"]["campaign_id"] for order in _live(ledger)}
    return f"{len(_live(ledger))} live orders for {len(wishes)} wishes"


def _money(ledger: dict[str, Any]) -> str:
    intents = ledger["stripe"]["payment_intents"]
    charged = Money(minor=sum(one["amount_received"] for one in intents), currency=_CURRENCY)
    held = Money(minor=sum(one["amount_capturable"] for one in intents), currency=_CURRENCY)
    ordered = sum(Money.parse(one["total_amount"], _CURRENCY).minor for one in _live(ledger))
    return f"{charged} charged, {Money(minor=ordered, currency=_CURRENCY)} ordered, {held} held"


def _consents(ledger: dict[str, Any], rows: Rows) -> str:
    taken = sum(1 for one in ledger["stripe"]["payment_intents"] if one["amount_received"])
    return f"{taken} charges against {len(rows.mandates)} consents"
