"""What a stand-in for one provider has to bring, and what the frame hands to its handlers."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Literal

from starlette.requests import Request
from starlette.responses import Response

from sandboxes.store import Json, Store, Tx

if TYPE_CHECKING:
    from sandboxes.faults import Faults
    from sandboxes.webhooks import Webhooks


@dataclass(frozen=True, kw_only=True)
class Options:
    """Settings of the whole process that vendors may read."""

    public_url: str
    """Where browsers reach this process, without a trailing slash; for hosted pages."""
    search_rate: int = 120
    """Flight searches allowed in a minute of wall time."""
    currency: str = "USD"
    webhook_urls: Mapping[str, str] = field(default_factory=dict)
    """Receiver per vendor name, for endpoints that exist from the start."""
    webhook_secrets: Mapping[str, str] = field(default_factory=dict)
    """Signing secret per vendor name, for endpoints that exist from the start."""


@dataclass(frozen=True, kw_only=True)
class Context:
    """One call, as its handler sees it."""

    vendor: str
    operation: str
    now: datetime
    """The caller's now (UTC): what objects are stamped with and judged by."""
    wall: datetime
    """The machine's now (UTC): only for rate limits, delays and webhook signatures."""
    store: Store
    faults: "Faults"
    webhooks: "Webhooks"
    seed: int
    options: Options
    body: bytes
    """The request body, read in full before anything else happened."""


Handler = Callable[[Request, Context], Awaitable[Response]]


@dataclass(frozen=True)
class Operation:
    """One route of a vendor; `path` is relative to the vendor's prefix, in Starlette's notation."""

    name: str
    method: str
    path: str
    handler: Handler
    kind: Literal["read", "write"]


def no_tick(tx: Tx, webhooks: "Webhooks", wall: datetime) -> None:
    """Do nothing as time goes by."""


def no_signature(secret: str, body: bytes, wall: datetime) -> dict[str, str]:  # noqa: ARG001
    """Sign nothing."""
    return {}


def nothing_to_prepare(tx: Tx, options: Options) -> None:
    """Start with an empty store."""


@dataclass(frozen=True, kw_only=True)
class Vendor:
    """One provider's stand-in, mounted under `/{name}`."""

    name: str
    routes: Sequence[Operation]
    error_envelope: Callable[[int, str | None], tuple[Json, Mapping[str, str]]]
    """Body and headers of this vendor's own error for a status and, maybe, a code."""
    rate_limited: Callable[[Request, Context], Response]
    """The 429 this vendor gives."""
    ledger: Callable[[Tx], Json]
    """The vendor's books as plain JSON."""
    behaviours: frozenset[str] = frozenset()
    """Effects that handlers ask for by name; the control plane refuses any other."""
    control_routes: Sequence[Operation] = ()
    """Served below `/_control/{name}`, behind the control token."""
    extra_routes: Sequence[Operation] = ()
    """Hosted pages below `/{name}`: neither logged nor bent by faults."""
    sign_webhook: Callable[[str, bytes, datetime], dict[str, str]] = no_signature
    """Headers for one delivery: (secret, raw body, wall now)."""
    tick: Callable[[Tx, "Webhooks", datetime], None] = no_tick
    """Called about twice a second with the wall clock: let what is due become true."""
    prepare: Callable[[Tx, Options], None] = nothing_to_prepare
    """Called at each start and after a reset: put what must exist before the first call."""
