"""Until when the certificates are good that travellers and the providers show us."""

import asyncio
import ssl
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import urlsplit

from runtime.settings import Settings

_PATIENCE_SECONDS = 2.0


@dataclass(frozen=True)
class Certificate:
    """`until` is None where nobody answered, or with a certificate that does not hold."""

    host: str
    until: datetime | None


async def read_certificates(settings: Settings) -> list[Certificate]:
    """Ask every address that is spoken to by TLS."""
    addresses = (settings.base_url, settings.duffel_api_url, settings.stripe_api_url)
    hosts = dict.fromkeys(
        (url.hostname, url.port or 443)
        for url in map(urlsplit, addresses)
        if url.scheme == "https" and url.hostname
    )
    return list(await asyncio.gather(*(_ask(str(host), port) for host, port in hosts)))


async def _ask(host: str, port: int) -> Certificate:
    try:
        async with asyncio.timeout(_PATIENCE_SECONDS):
            _, writer = await asyncio.open_connection(host, port, ssl=ssl.create_default_context())
            shown = writer.get_extra_info("peercert") or {}
            writer.close()
    except (OSError, TimeoutError):
        return Certificate(host, None)
    return Certificate(host, _until(str(shown.get("notAfter", ""))))


def _until(text: str) -> datetime | None:
    try:
        return datetime.fromtimestamp(ssl.cert_time_to_seconds(text), UTC)
    except ValueError:
        return None
