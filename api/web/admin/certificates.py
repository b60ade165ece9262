"""Until when the certificates are good that travellers, the providers and Temporal show us.

Each is checked as a client of ours would: one that does not hold is not good until any day.
"""

import asyncio
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NamedTuple
from urllib.parse import urlsplit

from runtime.settings import Settings

_PATIENCE_SECONDS = 2.0
_HTTPS, _SMTPS = 443, 465
_GOES_ON, _FINE = b"-", b"2"


@dataclass(frozen=True)
class Certificate:
    """`until` is None where nobody answered, or with one that does not hold; `wrong` says why."""

    host: str
    until: datetime | None
    wrong: str = ""


class _Place(NamedTuple):
    host: str
    port: int
    starttls: bool = False

    def __str__(self) -> str:
        return self.host if self.port == _HTTPS else f"{self.host}:{self.port}"


async def read_certificates(settings: Settings) -> list[Certificate]:
    """Ask every address that is spoken to by TLS, but for the database, whose driver checks."""
    places = dict.fromkeys(_spoken_to(settings))
    return list(await asyncio.gather(*(_ask(place) for place in places)))


def _spoken_to(settings: Settings) -> Iterator[_Place]:
    addresses = (
        settings.base_url,
        settings.duffel_api_url,
        settings.stripe_api_url,
        settings.oidc.issuer or "",
    )
    for url in map(urlsplit, addresses):
        if url.scheme == "https" and url.hostname:
            yield _Place(url.hostname, url.port or _HTTPS)
    if settings.smtp_port == _SMTPS or settings.smtp_starttls:
        yield _Place(settings.smtp_host, settings.smtp_port, settings.smtp_port != _SMTPS)
    if settings.temporal_tls:
        host, _, port = settings.temporal_address.rpartition(":")
        yield _Place(host, int(port))


async def _ask(place: _Place) -> Certificate:
    context = ssl.create_default_context()
    try:
        async with asyncio.timeout(_PATIENCE_SECONDS):
            secure = None if place.starttls else context
            reader, writer = await asyncio.open_connection(place.host, place.port, ssl=secure)
            try:
                if place.starttls:
                    await _start_tls(reader, writer, context, place.host)
                shown = writer.get_extra_info("peercert") or {}
            finally:
                writer.close()
    except ssl.SSLCertVerificationError as error:
        return Certificate(str(place), None, error.verify_message)
    except (OSError, ValueError, TimeoutError):
        return Certificate(str(place), None)
    return Certificate(str(place), _until(str(shown.get("notAfter", ""))))


async def _start_tls(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, context: ssl.SSLContext, host: str
) -> None:
    """Go over to TLS as mail servers do (RFC 3207)."""
    await _heard(reader)
    for line in (b"EHLO [127.0.0.1]\r\n", b"STARTTLS\r\n"):
        writer.write(line)
        await _heard(reader)
    await writer.start_tls(context, server_hostname=host)


async def _heard(reader: asyncio.StreamReader) -> None:
    """Read an answer to its last line."""
    while (line := await reader.readline())[3:4] == _GOES_ON:
        pass
    if not line.startswith(_FINE):
        raise ConnectionError("the mail server says no")


def _until(text: str) -> datetime | None:
    try:
        return datetime.fromtimestamp(ssl.cert_time_to_seconds(text), UTC)
    except ValueError:
        return None
