"""Every provider, built once for a process: the one line per vendor that the rest never sees."""

from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from types import MappingProxyType
from typing import Protocol

from domain.order_details import OrderDetails
from providers.breaker import CircuitBreaker
from providers.changes import ScheduleChanges
from providers.clamav.adapter import ClamdAddress, ClamdScanner
from providers.disputes import CardDisputes
from providers.duffel.adapter import (
    DuffelFlightOrders,
    DuffelFlightSearch,
    DuffelOrderCancellations,
    DuffelScheduleChanges,
)
from providers.duffel.client import DuffelClient, Timeouts
from providers.duffel.order_details import read_order_details
from providers.http import HeaderHook, HttpClient
from providers.oidc.adapter import OidcIdentities
from providers.ports import (
    CardPayments,
    CardVault,
    FileScanner,
    FlightOrders,
    FlightSearch,
    MailSender,
    OrderCancellations,
)
from providers.smtp.adapter import SmtpMailSender, SmtpServer
from providers.stripe.adapter import StripeCardPayments
from providers.stripe.client import open_stripe
from providers.stripe.disputes import StripeDisputes
from providers.stripe.vault import StripeCardVault
from runtime.oidc_settings import OidcSettings
from runtime.settings import VENDORS, ProviderMode, Vendor

# Stripe answers a card's confirmation within seconds; what takes longer must be asked about.
STRIPE_TIMEOUT_SECONDS = 30.0
# RFC 5321 would wait minutes for some answers; a notice can be sent again, so it need not.
SMTP_TIMEOUT_SECONDS = 30.0


class ProviderSettings(Protocol):
    """What building the providers takes from the settings. URLs come without a final slash."""

    @property
    def duffel_api_url(self) -> str: ...
    @property
    def duffel_api_token(self) -> str: ...
    @property
    def stripe_api_url(self) -> str: ...
    @property
    def stripe_secret_key(self) -> str: ...
    @property
    def smtp_host(self) -> str: ...
    @property
    def smtp_port(self) -> int: ...
    @property
    def smtp_username(self) -> str | None: ...
    @property
    def smtp_password(self) -> str | None: ...
    @property
    def smtp_starttls(self) -> bool: ...
    @property
    def mail_from(self) -> str: ...
    def provider_mode(self, vendor: Vendor) -> ProviderMode: ...


@dataclass(frozen=True, kw_only=True)
class Providers:
    """One adapter a capability, and who serves it. Belongs to one event loop."""

    search: FlightSearch
    orders: FlightOrders
    cancellations: OrderCancellations
    payments: CardPayments
    disputes: CardDisputes
    changes: ScheduleChanges
    vault: CardVault
    mail: MailSender
    names: Mapping[str, Vendor]
    """Vendor by capability (the names of the fields above)."""
    modes: Mapping[Vendor, ProviderMode]
    connections: AsyncExitStack

    async def aclose(self) -> None:
        """Close all connections; calls under way fail."""
        await self.connections.aclose()


_NAMES: Mapping[str, Vendor] = MappingProxyType(
    {
        "search": "duffel",
        "orders": "duffel",
        "cancellations": "duffel",
        "payments": "stripe",
        "disputes": "stripe",
        "changes": "duffel",
        "vault": "stripe",
        "mail": "smtp",
    }
)


_ORDER_READERS: Mapping[str, Callable[[str], OrderDetails]] = MappingProxyType(
    {"duffel": read_order_details}
)


def read_order(seller: str, raw: str) -> OrderDetails:
    """Read a kept order of the seller's for people; one that nobody can read tells nothing."""
    reader = _ORDER_READERS.get(seller)
    return reader(raw) if reader else OrderDetails()


def file_scanner(address: str | None) -> FileScanner | None:
    """Return who checks uploads; None where nobody does."""
    return ClamdScanner(ClamdAddress.parse(address)) if address else None


def open_identity(settings: OidcSettings) -> OidcIdentities | None:
    """Build the identity provider, where one is set; the caller closes it. No call is made."""
    return OidcIdentities(settings) if settings.enabled else None


def no_extra_headers() -> Mapping[str, str]:
    """Add nothing to a call, as production does; a simulation adds its clock."""
    return {}


def no_breaker(_vendor: str) -> CircuitBreaker | None:
    """Ask a vendor whatever came of it before, as whoever asks seldom does."""
    return None


async def build_providers(
    settings: ProviderSettings,
    extra_headers: HeaderHook = no_extra_headers,
    *,
    breaker: Callable[[str], CircuitBreaker | None] = no_breaker,
    duffel_timeouts: Timeouts | None = None,
    stripe_timeout_seconds: float = STRIPE_TIMEOUT_SECONDS,
) -> Providers:
    """Build every adapter for the running event loop. No call is made.

    Shorter time-outs are for tests that let a provider fall silent.
    """
    async with AsyncExitStack() as opened:
        http = HttpClient(
            "duffel",
            settings.duffel_api_url,
            on_request=[extra_headers],
            breaker=breaker("duffel"),
        )
        opened.push_async_callback(http.aclose)
        duffel = DuffelClient(http, settings.duffel_api_token, timeouts=duffel_timeouts)
        stripe = await open_stripe(
            settings.stripe_secret_key,
            settings.stripe_api_url,
            timeout_seconds=stripe_timeout_seconds,
            extra_headers=extra_headers,
            breaker=breaker("stripe"),
        )
        opened.push_async_callback(stripe.aclose)
        server = SmtpServer(
            host=settings.smtp_host,
            port=settings.smtp_port,
            username=settings.smtp_username,
            password=settings.smtp_password,
            starttls=settings.smtp_starttls,
            timeout_seconds=SMTP_TIMEOUT_SECONDS,
        )
        return Providers(
            search=DuffelFlightSearch(duffel),
            orders=DuffelFlightOrders(duffel),
            cancellations=DuffelOrderCancellations(duffel),
            changes=DuffelScheduleChanges(duffel),
            payments=StripeCardPayments(stripe),
            disputes=StripeDisputes(stripe),
            vault=StripeCardVault(stripe),
            mail=SmtpMailSender(server, settings.mail_from, breaker=breaker("smtp")),
            names=_NAMES,
            modes=MappingProxyType({vendor: settings.provider_mode(vendor) for vendor in VENDORS}),
            connections=opened.pop_all(),
        )
