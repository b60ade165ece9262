"""Whether we live, whether we can serve, and how the providers are."""

import asyncio
from datetime import datetime, timedelta
from typing import Literal
from urllib.parse import urlsplit

from fastapi import APIRouter, Response, status
from pydantic import BaseModel, Field
from sqlalchemy.exc import SQLAlchemyError
from temporalio.service import RPCError

from api.dependencies import ServicesDep
from api.errors import ApiProblem
from api.services import Services
from runtime.settings import VENDORS, ProviderMode, Vendor
from runtime.temporal import RPC_TIMEOUT

router = APIRouter(tags=["health"])
_CONNECT_SECONDS = 2.0
_DEFAULT_PORTS = {"https": 443, "http": 80}


class Alive(BaseModel):
    status: Literal["ok"] = "ok"


class Readiness(BaseModel):
    status: Literal["ready", "not_ready"]
    postgres: bool
    temporal: bool


class ProviderHealth(BaseModel):
    name: Vendor
    mode: ProviderMode = Field(description="sandbox: our own stand-in; nothing is real.")
    reachable: bool
    checked_at: datetime


class Health(BaseModel):
    status: Literal["ok", "degraded"]
    sandbox: bool = Field(description="At least one provider is a stand-in.")
    providers: list[ProviderHealth]


class ProviderWatch:
    """Remembers the last answer for a while, so that asking us is not asking them."""

    kept_for = timedelta(seconds=10)

    def __init__(self) -> None:
        self._last: tuple[datetime, list[ProviderHealth]] | None = None
        self._asking = asyncio.Lock()
        self._refreshing: asyncio.Task[object] | None = None

    def known(self, services: Services) -> list[ProviderHealth]:
        """Return the last answer at once, for pages; what has grown old is asked for meanwhile."""
        stale = self._last is None or services.clock() - self._last[0] >= self.kept_for
        if stale and (self._refreshing is None or self._refreshing.done()):
            self._refreshing = asyncio.create_task(self.check(services), name="provider-watch")
        return self._last[1] if self._last else []

    async def check(self, services: Services) -> list[ProviderHealth]:
        async with self._asking:
            now = services.clock()
            if self._last is None or now - self._last[0] >= self.kept_for:
                found = await asyncio.gather(*(_check(services, vendor, now) for vendor in VENDORS))
                self._last = now, list(found)
            return self._last[1]


@router.get("/healthz", operation_id="check_alive")
async def healthz() -> Alive:
    """Say that the process runs."""
    return Alive()


@router.get(
    "/readyz",
    operation_id="check_ready",
    responses={503: {"model": Readiness, "description": "Something that we need is away."}},
)
async def readyz(response: Response, services: ServicesDep) -> Readiness:
    """Say whether Postgres and Temporal answer."""
    postgres, temporal = await asyncio.gather(_postgres(services), _temporal(services))
    ready = postgres and temporal
    if not ready:
        response.status_code = status.HTTP_503_SERVICE_UNAVAILABLE
        response.headers["Retry-After"] = "5"
    return Readiness(status="ready" if ready else "not_ready", postgres=postgres, temporal=temporal)


@router.get("/api/v1/health", operation_id="check_providers")
async def health(services: ServicesDep) -> Health:
    """Say which providers answer, and whether they are real."""
    providers = await services.providers_watch.check(services)
    return Health(
        status="ok" if all(one.reachable for one in providers) else "degraded",
        sandbox=services.settings.any_sandbox,
        providers=providers,
    )


async def _postgres(services: Services) -> bool:
    try:
        async with asyncio.timeout(_CONNECT_SECONDS):
            await services.database.ping()
    except (SQLAlchemyError, OSError, TimeoutError):
        return False
    return True


async def _temporal(services: Services) -> bool:
    try:
        client = await services.temporal.client()
        return await client.service_client.check_health(timeout=RPC_TIMEOUT)
    except (RPCError, ApiProblem):
        return False


async def _check(services: Services, vendor: Vendor, now: datetime) -> ProviderHealth:
    host, port = _address(services, vendor)
    try:
        async with asyncio.timeout(_CONNECT_SECONDS):
            _, writer = await asyncio.open_connection(host, port)
            writer.close()
            await writer.wait_closed()
        reachable = True
    except (OSError, TimeoutError):
        reachable = False
    return ProviderHealth(
        name=vendor,
        mode=services.settings.provider_mode(vendor),
        reachable=reachable,
        checked_at=now,
    )


def _address(services: Services, vendor: Vendor) -> tuple[str, int]:
    settings = services.settings
    match vendor:
        case "duffel":
            url = urlsplit(settings.duffel_api_url)
        case "stripe":
            url = urlsplit(settings.stripe_api_url)
        case "smtp":
            return settings.smtp_host, settings.smtp_port
    return url.hostname or "localhost", url.port or _DEFAULT_PORTS.get(url.scheme, 443)
