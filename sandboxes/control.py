"""The control plane: faults, logs, webhooks and books, behind a token of its own."""

import json
import secrets
from collections.abc import Callable, Iterable, Sequence
from functools import wraps

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sandboxes.faults import TRANSPORT_EFFECTS, BadRuleError
from sandboxes.pipeline import Endpoint, Frame, plain_endpoint
from sandboxes.store import Json
from sandboxes.vendor import Vendor
from sandboxes.webhooks import Mode

CONTROL_HEADER = "X-Sandbox-Control"


def control_routes(frame: Frame, vendors: Sequence[Vendor], token: str) -> list[Route]:
    """Build every `/_control` route, the vendors' own among them."""
    plane = _Plane(frame, vendors)
    guard = _guard(token)
    routes = [
        ("GET", "/operations", plane.operations),
        ("POST", "/faults", plane.add_fault),
        ("GET", "/faults", plane.list_faults),
        ("DELETE", "/faults", plane.clear_faults),
        ("DELETE", "/faults/{id}", plane.delete_fault),
        ("GET", "/requests", plane.requests),
        ("GET", "/requests/count", plane.count_requests),
        ("GET", "/ledger", plane.ledger),
        ("POST", "/reset", plane.reset),
        ("GET", "/webhooks", plane.webhooks),
        ("POST", "/webhooks", plane.set_webhook_mode),
        ("POST", "/webhooks/flush", plane.flush_webhooks),
    ]
    built = [
        Route(f"/_control{path}", guard(endpoint), methods=[method])
        for method, path, endpoint in routes
    ]
    for vendor in vendors:
        built += [
            Route(
                f"/_control/{vendor.name}{operation.path}",
                guard(plain_endpoint(frame, vendor, operation)),
                methods=[operation.method],
            )
            for operation in vendor.control_routes
        ]
    return built


def _guard(token: str) -> Callable[[Endpoint], Endpoint]:
    def guarded(endpoint: Endpoint) -> Endpoint:
        @wraps(endpoint)
        async def checked(request: Request) -> Response:
            shown = request.headers.get(CONTROL_HEADER, "")
            if not secrets.compare_digest(shown.encode(), token.encode()):
                return _refusal(403, f"{CONTROL_HEADER} is missing or wrong")
            return await endpoint(request)

        return checked

    return guarded


def _refusal(status: int, message: str) -> Response:
    return JSONResponse({"error": message}, status_code=status)


class _Plane:
    def __init__(self, frame: Frame, vendors: Sequence[Vendor]) -> None:
        self._frame = frame
        self._vendors = {vendor.name: vendor for vendor in vendors}

    async def operations(self, request: Request) -> Response:  # noqa: ARG002
        rows = [
            {
                "vendor": vendor.name,
                "operation": operation.name,
                "method": operation.method,
                "path": f"/{vendor.name}{operation.path}",
                "kind": operation.kind,
            }
            for vendor in self._vendors.values()
            for operation in vendor.routes
        ]
        return JSONResponse(rows)

    async def add_fault(self, request: Request) -> Response:
        body = await _json_object(request)
        if body is None:
            return _refusal(422, "the body must be a JSON object")
        vendor = self._vendors.get(str(body.get("vendor")))
        if vendor is None:
            return _refusal(422, f"unknown vendor; known: {', '.join(self._vendors)}")
        operation = body.get("operation", "*")
        names = {known.name for known in vendor.routes}
        if operation != "*" and operation not in names:
            return _refusal(422, f"unknown operation {operation!r} of {vendor.name}")
        try:
            rule_id = self._frame.faults.add(body, TRANSPORT_EFFECTS | vendor.behaviours)
        except BadRuleError as error:
            return _refusal(422, str(error))
        return JSONResponse({"id": rule_id}, status_code=201)

    async def list_faults(self, request: Request) -> Response:  # noqa: ARG002
        return JSONResponse(self._frame.faults.rules())

    async def clear_faults(self, request: Request) -> Response:  # noqa: ARG002
        self._frame.faults.clear()
        return Response(status_code=204)

    async def delete_fault(self, request: Request) -> Response:
        if not self._frame.faults.delete(request.path_params["id"]):
            return _refusal(404, "no such fault")
        return Response(status_code=204)

    async def requests(self, request: Request) -> Response:
        query = request.query_params
        since = query.get("since_id", "0")
        if not since.isdigit():
            return _refusal(422, "since_id must be a number")
        with self._frame.store.transaction() as tx:
            rows = tx.sql.execute(
                "SELECT id, vendor, operation, method, path, status, fault, at, caller_now, mark"
                " FROM requests WHERE id > :since"
                " AND (:vendor IS NULL OR vendor = :vendor)"
                " AND (:operation IS NULL OR operation = :operation) ORDER BY id",
                {
                    "since": int(since),
                    "vendor": query.get("vendor"),
                    "operation": query.get("operation"),
                },
            ).fetchall()
        names = (
            "id", "vendor", "operation", "method", "path", "status", "fault", "at", "now", "mark",
        )  # fmt: skip
        return JSONResponse([dict(zip(names, row, strict=True)) for row in rows])

    async def count_requests(self, request: Request) -> Response:
        vendor = request.query_params.get("vendor")
        with self._frame.store.transaction() as tx:
            rows = tx.sql.execute(
                "SELECT vendor, operation, count(*) FROM requests"
                " WHERE :vendor IS NULL OR vendor = :vendor"
                " GROUP BY vendor, operation ORDER BY vendor, operation",
                {"vendor": vendor},
            ).fetchall()
        counts: dict[str, dict[str, int]] = {}
        for name, operation, count in rows:
            counts.setdefault(name, {})[operation] = count
        return JSONResponse(counts)

    async def ledger(self, request: Request) -> Response:  # noqa: ARG002
        with self._frame.store.transaction() as tx:
            books = {name: vendor.ledger(tx) for name, vendor in self._vendors.items()}
        return JSONResponse(books)

    async def reset(self, request: Request) -> Response:  # noqa: ARG002
        self._frame.store.reset()
        prepare(self._frame, self._vendors.values())
        return Response(status_code=204)

    async def webhooks(self, request: Request) -> Response:
        return JSONResponse(self._frame.webhooks.deliveries(request.query_params.get("vendor")))

    async def set_webhook_mode(self, request: Request) -> Response:
        body = await _json_object(request) or {}
        vendor, mode = body.get("vendor"), body.get("mode")
        if vendor not in self._vendors or mode not in set(Mode):
            return _refusal(422, f"vendor and mode ({', '.join(Mode)}) are needed")
        self._frame.webhooks.set_mode(str(vendor), Mode(mode))
        return JSONResponse({"vendor": vendor, "mode": mode})

    async def flush_webhooks(self, request: Request) -> Response:
        body = await _json_object(request) or {}
        return JSONResponse({"released": self._frame.webhooks.flush(body.get("vendor"))})


def prepare(frame: Frame, vendors: Iterable[Vendor]) -> None:
    """Let every vendor put what must exist before the first call."""
    with frame.store.transaction() as tx:
        for vendor in vendors:
            vendor.prepare(tx, frame.options)


async def _json_object(request: Request) -> Json | None:
    try:
        body = json.loads(await request.body())
    except ValueError:
        return None
    return body if isinstance(body, dict) else None
