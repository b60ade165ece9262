"""Put the vendors, the inbox and the control plane into one application."""

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from sandboxes import mail
from sandboxes.clock import wall_now
from sandboxes.control import control_routes, prepare
from sandboxes.duffel.app import build_vendor as build_duffel
from sandboxes.faults import Faults
from sandboxes.pipeline import Endpoint, Frame, plain_endpoint, vendor_endpoint
from sandboxes.server import abort
from sandboxes.store import Store
from sandboxes.stripe.app import build_vendor as build_stripe
from sandboxes.vendor import Options, Vendor
from sandboxes.webhooks import Webhooks

_TICK_SECONDS = 0.5
_LOG = logging.getLogger("sandboxes")


@dataclass(frozen=True, kw_only=True)
class Config:
    """How this process was started."""

    data_dir: Path
    control_token: str
    options: Options
    host: str = "127.0.0.1"
    smtp_port: int | None = None
    """No inbox by SMTP when None."""
    seed: int = 1
    vendors: Sequence[Vendor] = field(
        default_factory=lambda: (build_duffel(), build_stripe(), mail.build_vendor())
    )


def build_app(config: Config) -> ASGIApp:
    """Open the store and build the application; its lifespan runs mail, webhooks and ticks."""
    store = Store(config.data_dir / "sandboxes.db")
    webhooks = Webhooks(store, {vendor.name: vendor.sign_webhook for vendor in config.vendors})
    frame = Frame(
        store=store,
        faults=Faults(store),
        webhooks=webhooks,
        options=config.options,
        seed=config.seed,
    )
    prepare(frame, config.vendors)

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:  # noqa: ARG001
        tasks = [
            asyncio.create_task(webhooks.run()),
            asyncio.create_task(_tick(frame, config.vendors)),
        ]
        for task in tasks:
            task.add_done_callback(_tell_if_failed)
        smtp = None
        if config.smtp_port is not None:
            smtp = await mail.start_smtp(frame, config.host, config.smtp_port)
        try:
            yield
        finally:
            if smtp is not None:
                smtp.close()
            for task in tasks:
                task.cancel()
            for task in tasks:
                with suppress(asyncio.CancelledError, Exception):
                    await task
            store.close()

    return _Edge(Starlette(routes=_routes(frame, config), lifespan=lifespan))


def _routes(frame: Frame, config: Config) -> list[BaseRoute]:
    routes: list[BaseRoute] = [Route("/healthz", _healthz)]
    routes += control_routes(frame, config.vendors, config.control_token)
    for vendor in config.vendors:
        prefix = f"/{vendor.name}"
        routes += [
            Route(
                (prefix + operation.path).rstrip("/"),
                plain_endpoint(frame, vendor, operation),
                methods=[operation.method],
            )
            for operation in vendor.extra_routes
        ]
        routes += [
            Route(
                prefix + operation.path,
                vendor_endpoint(frame, vendor, operation),
                methods=[operation.method],
            )
            for operation in vendor.routes
            if operation.method != "SMTP"
        ]
        routes.append(
            Route(f"{prefix}/{{path:path}}", _not_found(vendor), methods=list(_ALL_METHODS))
        )
    return routes


_ALL_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")


def _not_found(vendor: Vendor) -> Endpoint:
    async def endpoint(request: Request) -> Response:  # noqa: ARG001
        body, headers = vendor.error_envelope(404, "not_found")
        return JSONResponse(body, status_code=404, headers=dict(headers))

    return endpoint


async def _healthz(request: Request) -> Response:  # noqa: ARG001
    return PlainTextResponse("ok")


async def _tick(frame: Frame, vendors: Sequence[Vendor]) -> None:
    while True:
        for vendor in vendors:
            with frame.store.transaction() as tx:
                vendor.tick(tx, frame.webhooks, wall_now())
        await asyncio.sleep(_TICK_SECONDS)


def _tell_if_failed(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and (error := task.exception()) is not None:
        _LOG.error("a background task ended; restart the process", exc_info=error)


class _Edge:
    """What every request meets first and last."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"] != "/":
            # Providers take a path with or without its last slash; routes are written without.
            scope["path"] = scope["path"].rstrip("/") or "/"
        try:
            await self._app(scope, receive, send)
        except asyncio.CancelledError:
            # The process is asked to stop while a call hangs: it must not turn into a 500.
            abort(scope)
            raise
