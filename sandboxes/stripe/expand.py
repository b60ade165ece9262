"""`expand[]`: put whole objects where answers hold ids."""

from collections.abc import Sequence
from typing import Any

from sandboxes.store import Json
from sandboxes.stripe.books import Books, public
from sandboxes.stripe.errors import invalid

_DEEPEST = 4  # Stripe's own limit
_KIND_OF_PREFIX = {
    "cus": "customer", "pm": "payment_method", "pi": "payment_intent", "seti": "setup_intent",
    "ch": "charge", "re": "refund", "txn": "balance_transaction", "mandate": "mandate",
    "dp": "dispute",
}  # fmt: skip


def expand(books: Books, data: Json, paths: Sequence[str]) -> Json:
    """Follow each dotted path and replace the id at its end."""
    for path in paths:
        parts = path.split(".")
        if len(parts) > _DEEPEST:
            raise invalid(
                f"You cannot expand more than {_DEEPEST} levels of a property: {path}", "expand"
            )
        data = _follow(books, data, parts, path)
    return data


def _follow(books: Books, data: Json, parts: Sequence[str], path: str) -> Json:
    name, rest = parts[0], parts[1:]
    if name not in data:
        raise invalid(f"This property cannot be expanded ({name}).", "expand")
    return {**data, name: _replaced(books, data[name], rest, path)}


def _replaced(books: Books, value: Any, rest: Sequence[str], path: str) -> Any:
    match value:
        case None:
            return None
        case str():
            kind = _KIND_OF_PREFIX.get(value.split("_")[0])
            found = books.get(kind, value) if kind else None
            if found is None:
                raise invalid(f"This property cannot be expanded ({path}).", "expand")
            whole = public(found)
        case list():
            return [_replaced(books, item, rest, path) for item in value]
        case dict():
            whole = value
        case _:
            raise invalid(f"This property cannot be expanded ({path}).", "expand")
    return _follow(books, whole, rest, path) if rest else whole
