"""The path of every vendor call: log, rule, handler, rule, log."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response

from sandboxes.clock import BadInstantError, now_of, to_text, wall_now
from sandboxes.faults import MARK_HEADER, Faults, Rule, text_of
from sandboxes.server import (
    CutResponse,
    HeadersOnlyResponse,
    HugeResponse,
    read_body,
)
from sandboxes.store import Store
from sandboxes.vendor import Context, Operation, Options, Vendor
from sandboxes.webhooks import Webhooks

Endpoint = Callable[[Request], Awaitable[Response]]
_HTML = "<!doctype html><title>Bad gateway</title><h1>502 Bad gateway</h1><p>edge proxy"


@dataclass(frozen=True, kw_only=True)
class Frame:
    """What every call shares."""

    store: Store
    faults: Faults
    webhooks: Webhooks
    options: Options
    seed: int

    def context(self, vendor: str, operation: str, request: Request, body: bytes) -> Context:
        return Context(
            vendor=vendor,
            operation=operation,
            now=now_of(request),
            wall=wall_now(),
            store=self.store,
            faults=self.faults,
            webhooks=self.webhooks,
            seed=self.seed,
            options=self.options,
            body=body,
        )


def plain_endpoint(frame: Frame, vendor: Vendor, operation: Operation) -> Endpoint:
    """Serve an operation without log or faults: hosted pages and the control plane."""

    async def endpoint(request: Request) -> Response:
        try:
            body = await read_body(request)
            context = frame.context(vendor.name, operation.name, request, body)
        except BadInstantError as error:
            return JSONResponse({"error": str(error)}, status_code=400)
        except ClientDisconnect:
            return CutResponse()
        return await operation.handler(request, context)

    return endpoint


def vendor_endpoint(frame: Frame, vendor: Vendor, operation: Operation) -> Endpoint:
    """Serve an operation as the vendor would, bent by the rules that are set."""

    async def endpoint(request: Request) -> Response:
        try:
            body = await read_body(request)
            context = frame.context(vendor.name, operation.name, request, body)
        except BadInstantError as error:
            return JSONResponse({"error": str(error)}, status_code=400)
        except ClientDisconnect:
            return CutResponse()
        log_id = _log_start(frame.store, vendor.name, operation, request, context)
        rule = frame.faults.transport(vendor.name, operation.name, text_of(request))

        async def perform() -> Response:
            # A late call is done on the same clock that it was sent on.
            return await operation.handler(request, context)

        if rule is None:
            response = await perform()
        else:
            response = await _bend(
                rule,
                perform,
                vendor=vendor,
                operation=operation,
                request=request,
                context=context,
            )
        log_finish(frame.store, log_id, response.status_code, rule.effect if rule else None)
        return response

    return endpoint


async def _bend(
    rule: Rule,
    perform: Callable[[], Awaitable[Response]],
    *,
    vendor: Vendor,
    operation: Operation,
    request: Request,
    context: Context,
) -> Response:
    match rule.effect:
        case "delay" | "late":
            # Both wait first. The handler runs even if the client has gone meanwhile: `late` is
            # the name for a wait meant to outlast the client's patience.
            await asyncio.sleep(rule.seconds)
            return await perform()
        case "timeout_before":
            return CutResponse(silence=rule.seconds)
        case "timeout_after":
            await perform()
            return CutResponse(silence=rule.seconds)
        case "close_before":
            return CutResponse()
        case "close_after":
            await perform()
            return CutResponse()
        case "error_before":
            return _vendor_error(vendor, rule)
        case "error_after":
            await perform()
            return _vendor_error(vendor, rule)
        case "rate_limit":
            return vendor.rate_limited(request, context)
        case _:
            # A read has no effect to withhold, so its garbage is made of the true answer.
            done = rule.value == "after" or operation.kind == "read"
            return _garbage(rule, await perform() if done else None)


def _vendor_error(vendor: Vendor, rule: Rule) -> Response:
    status = rule.status or 500
    body, headers = vendor.error_envelope(status, rule.code)
    return JSONResponse(body, status_code=status, headers=dict(headers))


def _garbage(rule: Rule, real: Response | None) -> Response:
    status = 200 if real is None else real.status_code
    raw = b'{"data":{"id":"0000","live_mode":false}}' if real is None else bytes(real.body)
    match rule.effect:
        case "hang_headers":
            return HeadersOnlyResponse(silence=rule.seconds)
        case "garbage_huge":
            return HugeResponse()
        case "garbage_html":
            return Response(_HTML, status_code=200, media_type="text/html")
        case "garbage_truncated":
            half = raw[: max(1, len(raw) // 2)]
            return Response(half, status_code=status, media_type="application/json")
        case "garbage_types":
            return JSONResponse(_wrong_types(_parse(raw)), status_code=status)
        case "garbage_missing":
            return JSONResponse(_with_gaps(_parse(raw)), status_code=status)
        case "garbage_items":
            return JSONResponse(_spoilt_items(_parse(raw)), status_code=status)
        case effect:
            raise AssertionError(f"an effect without an implementation: {effect}")


def _parse(raw: bytes) -> Any:
    return json.loads(raw) if raw else {}


def _wrong_types(value: Any) -> Any:
    match value:
        case dict():
            wrapped = {"data", "object"} & value.keys()
            return {k: _wrong_types(v) if k in wrapped else _swapped(v) for k, v in value.items()}
        case list():
            return [_wrong_types(item) for item in value]
        case _:
            return _swapped(value)


def _swapped(value: Any) -> Any:
    match value:
        case bool():
            return "maybe"
        case str():
            return {"value": value}
        case int() | float():
            return [value]
        case list():
            return "none"
        case dict():
            return 7
        case _:
            return True


def _with_gaps(value: Any) -> Any:
    """Drop every second field below the wrapper, the first one included."""
    match value:
        case {"data": inner, **rest}:
            return {**rest, "data": _with_gaps(inner)}
        case dict():
            return {k: v for place, (k, v) in enumerate(value.items()) if place % 2}
        case list():
            return [_with_gaps(item) for item in value]
        case _:
            return value


def _spoilt_items(value: Any) -> Any:
    """Swap the types within every second item of the answer's lists; what is around them holds."""
    match value:
        case {"data": inner, **rest}:
            return {**rest, "data": _spoilt_items(inner)}
        case dict():
            return {k: _spoilt_items(v) if isinstance(v, list) else v for k, v in value.items()}
        case list():
            return [_wrong_types(item) if place % 2 else item for place, item in enumerate(value)]
        case _:
            return value


def _log_start(
    store: Store, vendor: str, operation: Operation, request: Request, context: Context
) -> int:
    return log_start(
        store,
        vendor=vendor,
        operation=operation.name,
        method=request.method,
        path=request.url.path,
        at=to_text(context.wall),
        caller_now=to_text(context.now),
        mark=request.headers.get(MARK_HEADER, ""),
    )


def log_start(store: Store, **row: str) -> int:
    """Write down that a call came in, before anything is done about it."""
    with store.transaction() as tx:
        cursor = tx.sql.execute(
            "INSERT INTO requests (vendor, operation, method, path, at, caller_now, mark)"
            " VALUES (:vendor, :operation, :method, :path, :at, :caller_now, :mark)",
            {"mark": "", **row},
        )
        return int(cursor.lastrowid or 0)


def log_finish(store: Store, log_id: int, status: int, fault: str | None) -> None:
    """Write down how it ended; a cut connection has no status."""
    with store.transaction() as tx:
        tx.sql.execute(
            "UPDATE requests SET status = ?, fault = ? WHERE id = ?",
            (None if status == 499 else status, fault, log_id),
        )
