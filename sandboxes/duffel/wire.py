"""What every Duffel call shares: token, version, wrapper, rate limits, pages, errors."""

import base64
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import format_datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from sandboxes.clock import to_text
from sandboxes.duffel.errors import DuffelError, entry, envelope, invalid, refuse
from sandboxes.duffel.ids import new_request_id
from sandboxes.faults import Rule
from sandboxes.store import Json, Tx
from sandboxes.vendor import Context, Handler

VENDOR = "duffel"
GENERAL_RATE = 4000  # a minute; observed on a test token
SEARCH_OPERATION = "create_offer_request"
_BODY_METHODS = {"POST", "PATCH", "PUT"}


@dataclass(frozen=True)
class Call:
    """One call that passed the door: its transaction, request and unwrapped body."""

    tx: Tx
    request: Request
    ctx: Context
    data: Json

    @property
    def now(self) -> datetime:
        return self.ctx.now

    def path(self, name: str) -> str:
        return str(self.request.path_params[name])

    def query(self, name: str) -> str | None:
        return self.request.query_params.get(name)

    def behaviour(self, *effects: str, operation: str | None = None) -> Rule | None:
        """Take a behaviour set for this operation, or for another one that shows here too."""
        name = operation or self.ctx.operation
        return self.ctx.faults.behaviour(self.tx, VENDOR, name, self.request, effects)


@dataclass(frozen=True)
class Reply:
    """What a handler answers: `body` is sent as it is, none for 204."""

    status: int
    body: Json | None


Answer = Callable[[Call], Reply]


def data(value: Any, status: int = 200) -> Reply:
    """Wrap a resource."""
    return Reply(status, {"data": value})


def handler(answer: Answer) -> Handler:
    """Make a frame handler of a Duffel one: everything it changes is one transaction."""

    async def handle(request: Request, ctx: Context) -> Response:
        with ctx.store.transaction() as tx:
            limits, reply = _run(tx, request, ctx, answer)
        return to_response(reply, limits)

    return handle


def _run(tx: Tx, request: Request, ctx: Context, answer: Answer) -> tuple[dict[str, str], Reply]:
    request_id = new_request_id()
    headers = {"x-request-id": request_id}
    try:
        check_door(request)
        limits = _count(tx, ctx)
        headers |= limits
        if limits["ratelimit-remaining"] == "-1":
            headers["ratelimit-remaining"] = "0"
            raise refuse(429, "rate_limit_exceeded")
        body = _unwrap(request, ctx)
        return headers, answer(Call(tx, request, ctx, body))
    except DuffelError as error:
        # Caught inside the transaction: rules that were used up stay used up.
        return headers, Reply(error.status, envelope(error.status, error.entries, request_id))


def to_response(reply: Reply, headers: dict[str, str]) -> Response:
    if reply.body is None:
        return Response(status_code=reply.status, headers=headers)
    return JSONResponse(reply.body, status_code=reply.status, headers=headers)


def check_door(request: Request) -> None:
    """Refuse a call without a test token or a version."""
    authorization = request.headers.get("authorization")
    if authorization is None:
        raise refuse(401, "missing_authorization_header")
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise refuse(401, "invalid_authorization_header")
    if not token.strip().startswith("duffel_test_"):
        raise refuse(401, "access_token_not_found")
    version = request.headers.get("duffel-version")
    if version is None:
        raise refuse(400, "missing_version_header")
    if version != "v2":
        raise refuse(400, "unsupported_version")


def _unwrap(request: Request, ctx: Context) -> Json:
    if request.method not in _BODY_METHODS or not ctx.body:
        return {}
    if "json" not in request.headers.get("content-type", ""):
        raise refuse(400, "invalid_content_type_header")
    try:
        body = json.loads(ctx.body)
    except ValueError as error:
        raise refuse(400, "bad_request") from error
    if not isinstance(body, dict) or "data" not in body:
        raise refuse(400, "missing_data_param")
    if not isinstance(body["data"], dict):
        raise refuse(400, "invalid_data_param")
    found: Json = body["data"]
    return found


def _count(tx: Tx, ctx: Context) -> dict[str, str]:
    search = ctx.operation == SEARCH_OPERATION
    limit = ctx.options.search_rate if search else GENERAL_RATE
    used = tx.next_number(f"duffel {'search' if search else 'call'} {ctx.wall:%Y-%m-%dT%H:%M}")
    return _limits(ctx.wall, limit, limit - used if used <= limit else -1)


def _limits(wall: datetime, limit: int, remaining: int) -> dict[str, str]:
    reset = wall.replace(second=0, microsecond=0) + timedelta(minutes=1)
    return {
        "ratelimit-limit": str(limit),
        "ratelimit-remaining": str(remaining),
        "ratelimit-reset": format_datetime(reset, usegmt=True),
    }


def rate_limited(request: Request, ctx: Context) -> Response:  # noqa: ARG001
    """Give the 429 that a spent limit would."""
    search = ctx.operation == SEARCH_OPERATION
    limit = ctx.options.search_rate if search else GENERAL_RATE
    request_id = new_request_id()
    body = envelope(429, (entry("rate_limit_exceeded"),), request_id)
    return to_response(Reply(429, body), _limits(ctx.wall, limit, 0) | {"x-request-id": request_id})


def page(call: Call, rows: Sequence[Json]) -> Reply:
    """Cut one page out of rows that are in their final order."""
    limit_text = call.query("limit") or "50"
    if not limit_text.isdigit() or not 1 <= int(limit_text) <= 200:
        problem = invalid("validation_inclusion", "/limit", "Field 'limit' must be 1 to 200")
        raise DuffelError(422, problem)
    limit = int(limit_text)
    ids = [row["id"] for row in rows]
    start, end = 0, len(rows)
    if (after := call.query("after")) is not None:
        start = _place(ids, after, "after") + 1
    elif (before := call.query("before")) is not None:
        end = _place(ids, before, "before")
        start = max(0, end - limit)
    chosen = rows[start : min(start + limit, end)]
    last = start + len(chosen)
    meta = {
        "limit": limit,
        "before": _cursor(chosen[0]) if chosen and start > 0 else None,
        "after": _cursor(chosen[-1]) if chosen and last < len(rows) else None,
    }
    return Reply(200, {"data": list(chosen), "meta": meta})


def _cursor(row: Json) -> str:
    return base64.urlsafe_b64encode(f"duffel:{row['id']}".encode()).decode()


def _place(ids: list[str], cursor: str, name: str) -> int:
    try:
        row_id = base64.urlsafe_b64decode(cursor.encode()).decode().removeprefix("duffel:")
        return ids.index(row_id)
    except ValueError as error:
        message = f"Field '{name}' is not a cursor of this list"
        raise DuffelError(422, invalid("validation_format", f"/{name}", message)) from error


def found(tx: Tx, kind: str, resource_id: str) -> Json:
    """Fetch a document or answer 404."""
    row = tx.get(kind, resource_id)
    if row is None:
        raise refuse(404, "not_found")
    return row


def instant(moment: datetime) -> str:
    """Write an instant with microseconds."""
    return to_text(moment)


def whole_second(moment: datetime) -> str:
    """Write an instant that airlines know to the second only."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
