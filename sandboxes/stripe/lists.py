"""Pages of objects: newest first, with cursors."""

from collections.abc import Sequence

from sandboxes.store import Json
from sandboxes.stripe.books import public
from sandboxes.stripe.calls import Call
from sandboxes.stripe.errors import invalid, missing

_DEFAULT_LIMIT = 10
_MAX_LIMIT = 100


def page(call: Call, oldest_first: Sequence[Json]) -> Json:
    """Cut one page out of all that match, by the call's own parameters."""
    newest_first = [data for data in reversed(oldest_first) if _in_range(call, data)]
    limit = limit_of(call)
    after, before = call.params.get("starting_after"), call.params.get("ending_before")
    if after and before:
        raise invalid(
            "You may only specify one of these parameters: ending_before, starting_after."
        )
    ids = [data["id"] for data in newest_first]
    if before:
        end = _place(ids, before, "ending_before")
        start = max(0, end - limit)
        rows, more = newest_first[start:end], start > 0
    else:
        start = _place(ids, after, "starting_after") + 1 if after else 0
        rows, more = newest_first[start : start + limit], start + limit < len(ids)
    return {
        "object": "list",
        "data": [public(row) for row in rows],
        "has_more": more,
        "url": call.request.url.path.removeprefix("/stripe"),
    }


def limit_of(call: Call) -> int:
    """Read `limit`, 1 to 100."""
    limit = call.params.get("limit")
    if limit is None:
        return _DEFAULT_LIMIT
    if limit > _MAX_LIMIT:
        raise invalid(
            f"This value must be less than or equal to {_MAX_LIMIT}.",
            "limit",
            "parameter_invalid_integer",
        )
    if limit < 1:
        raise invalid(
            "This value must be greater than or equal to 1.", "limit", "parameter_invalid_integer"
        )
    return int(limit)


def _place(ids: Sequence[str], cursor: str, param: str) -> int:
    try:
        return ids.index(cursor)
    except ValueError as error:
        raise missing("object", cursor, param) from error


def _in_range(call: Call, data: Json) -> bool:
    wanted = call.params.get("created")
    if wanted is None:
        return True
    at = int(data["created"])
    if isinstance(wanted, int):
        return at == wanted
    return (
        ("gt" not in wanted or at > wanted["gt"])
        and ("gte" not in wanted or at >= wanted["gte"])
        and ("lt" not in wanted or at < wanted["lt"])
        and ("lte" not in wanted or at <= wanted["lte"])
    )
