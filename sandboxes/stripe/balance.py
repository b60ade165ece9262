"""Money on the account: one row per movement, and their sum."""

from collections.abc import Iterable

from sandboxes.store import Json
from sandboxes.stripe.books import Books, public
from sandboxes.stripe.calls import Call
from sandboxes.stripe.lists import page

_CATEGORIES = {
    "charge": "charge",
    "refund": "refund",
    "refund_failure": "refund_failure",
    "adjustment": "dispute",
}
_DAYS_UNTIL_AVAILABLE = 2
_DAY = 86400


def post(
    books: Books,
    type: str,  # noqa: A002
    amount: int,
    *,
    source: Json,
    description: str | None = None,
    at_once: bool = True,
) -> Json:
    """Write one movement; positive amounts come in. The fee is taken from charges only."""
    points = int(books.settings().get("fee_basis_points", 0))
    fee = (amount * points + 5000) // 10000 if type == "charge" else 0
    wait = 0 if at_once else _DAYS_UNTIL_AVAILABLE * _DAY
    return books.put(
        {
            "id": books.new_id("txn"),
            "object": "balance_transaction",
            "amount": amount,
            "available_on": books.now + wait,
            "balance_type": "payments",
            "created": books.now,
            "currency": source["currency"],
            "description": description,
            "exchange_rate": None,
            "fee": fee,
            "fee_details": [
                {
                    "amount": fee,
                    "application": None,
                    "currency": source["currency"],
                    "description": "Stripe processing fees",
                    "type": "stripe_fee",
                }
            ]
            if fee
            else [],
            "net": amount - fee,
            "reporting_category": _CATEGORIES[type],
            "source": source["id"],
            "status": "available" if at_once else "pending",
            "type": type,
        }
    )


def totals(rows: Iterable[Json]) -> dict[str, int]:
    """Sum the net of movements by currency."""
    sums: dict[str, int] = {}
    for row in rows:
        sums[row["currency"]] = sums.get(row["currency"], 0) + row["net"]
    return sums


def get_balance(call: Call) -> Json:
    rows = [_as_of(call.books, row) for row in call.books.find("balance_transaction")]
    balance: Json = {"object": "balance", "livemode": False}
    currencies = sorted({row["currency"] for row in rows} | {"usd"})
    for status in ("available", "pending"):
        sums = totals(row for row in rows if row["status"] == status)
        balance[status] = [
            {
                "amount": sums.get(currency, 0),
                "currency": currency,
                "source_types": {"card": sums.get(currency, 0)},
            }
            for currency in currencies
        ]
    return balance


def get_balance_transaction(call: Call) -> Json:
    return _as_of(call.books, call.books.require("balance_transaction", call.id))


def list_balance_transactions(call: Call) -> Json:
    wanted = {name: call.params[name] for name in ("source", "type") if call.params.get(name)}
    rows = [_as_of(call.books, row) for row in call.books.find("balance_transaction", **wanted)]
    currency = call.params.get("currency")
    return page(call, [row for row in rows if currency in (None, row["currency"])])


def _as_of(books: Books, row: Json) -> Json:
    due = row["available_on"] <= books.now
    return public(row) | {"status": "available" if due else "pending"}
