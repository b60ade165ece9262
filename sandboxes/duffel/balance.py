"""The prepaid balance: finite, and every movement is a row."""

from datetime import datetime
from decimal import Decimal
from typing import Literal

from sandboxes.duffel.ids import new_id
from sandboxes.duffel.wire import instant
from sandboxes.store import Json, Tx

OPENING = Decimal("1000000.00")
_ROW = "duffel_balance_transaction"
_SUM = "duffel_balance"


def amount_left(tx: Tx, currency: str, now: datetime) -> Decimal:
    """Tell the balance; a currency never touched before is funded first."""
    row = tx.get(_SUM, currency)
    if row is None:
        move(tx, currency, OPENING, kind="funding", order_id=None, now=now)
        return OPENING
    return Decimal(row["amount"])


def set_amount(tx: Tx, currency: str, amount: Decimal, now: datetime) -> None:
    """Fund or drain the balance to an amount."""
    difference = amount - amount_left(tx, currency, now)
    if difference:
        move(tx, currency, difference, kind="funding", order_id=None, now=now)


def move(
    tx: Tx,
    currency: str,
    amount: Decimal,
    *,
    kind: Literal["order", "refund", "funding"],
    order_id: str | None,
    now: datetime,
) -> None:
    """Book a signed amount: negative when an order is paid."""
    row_id = new_id("btx")
    row = {
        "id": row_id,
        "order_id": order_id,
        "type": kind,
        "amount": f"{amount:.2f}",
        "currency": currency,
        "at": instant(now),
    }
    tx.put(_ROW, row_id, row)
    known = tx.get(_SUM, currency)
    total = (Decimal(known["amount"]) if known else Decimal(0)) + amount
    tx.put(_SUM, currency, {"currency": currency, "amount": f"{total:.2f}"})


def rows(tx: Tx) -> list[Json]:
    return tx.all(_ROW)


def totals(tx: Tx) -> dict[str, str]:
    return {row["currency"]: row["amount"] for row in tx.all(_SUM)}
