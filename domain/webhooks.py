"""Calling a traveller's own server: which addresses may be called, what is sent, when again.

An address that a stranger chose must never lead into our own network. So a name is looked up once,
every answer is judged, and the connection goes to the very address that was judged.
"""

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from domain.values import Value

Address = IPv4Address | IPv6Address

LONGEST_URL = 2000
LARGEST_BODY = 64 * 1024
# What the Standard Webhooks specification proposes, in all a little over three days.
_WAITS = (
    timedelta(seconds=5),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=5),
    timedelta(hours=10),
    timedelta(hours=14),
    timedelta(hours=20),
    timedelta(hours=24),
)
LONGEST_PAUSE = timedelta(hours=24)
# A secret that was replaced signs along for so long, until its owner has put the new one in place.
OLD_SECRET_LIVES = timedelta(hours=24)
# Fewer failures may be a quiet week with one bad night.
_FAILURES_BEFORE_OFF = 5

# Besides what the registry of special addresses calls not global: many speak for another address.
_NEVER: tuple[IPv4Network | IPv6Network, ...] = (
    IPv4Network("0.0.0.0/8"),
    IPv4Network("100.64.0.0/10"),
    IPv4Network("192.0.0.0/24"),
    IPv4Network("192.88.99.0/24"),
    IPv4Network("198.18.0.0/15"),
    IPv4Network("224.0.0.0/3"),
    IPv6Network("::/96"),
    IPv6Network("64:ff9b::/96"),
    IPv6Network("64:ff9b:1::/48"),
    IPv6Network("100::/64"),
    IPv6Network("2001::/23"),
    IPv6Network("2001:db8::/32"),
    IPv6Network("2002::/16"),
    IPv6Network("3fff::/20"),
    IPv6Network("5f00::/16"),
    IPv6Network("fc00::/7"),
    IPv6Network("fe80::/9"),
    IPv6Network("ff00::/8"),
)


_HOST = re.compile(r"[a-z0-9_](?:[a-z0-9._-]{0,250}[a-z0-9.])?|[0-9a-f:.]{2,45}")


class BadWebhookUrl(ValueError):
    """The address is none that we would call; the message says why."""


class Target(Value):
    """An address taken apart. `path` is all that follows the host, with the query."""

    scheme: str
    host: str
    port: int
    path: str

    @property
    def authority(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        standard = self.port == (443 if self.scheme == "https" else 80)
        return host if standard else f"{host}:{self.port}"


def target_of(url: str, *, loopback: bool = False) -> Target:
    """Take a webhook's address apart.

    `loopback` lets this very machine be called, also without TLS: for trying out, and for tests.

    Raises:
        BadWebhookUrl: with a sentence for whoever typed it.
    """
    if len(url) > LONGEST_URL:
        raise BadWebhookUrl(f"The address is longer than {LONGEST_URL} characters.")
    if any(ord(letter) <= 32 or ord(letter) == 127 for letter in url) or "\\" in url:
        raise BadWebhookUrl("The address has characters that no address has.")
    try:
        parts = urlsplit(url)
        host, port = (parts.hostname or "").encode("idna").decode(), parts.port
    except (UnicodeError, ValueError):
        raise BadWebhookUrl("This is not a web address.") from None
    # Some letters turn into blanks and strokes when a name is written in plain ones.
    if parts.scheme not in {"https", "http"} or not _HOST.fullmatch(host):
        raise BadWebhookUrl("Give a whole address that begins with https://.")
    if parts.username is not None or parts.password is not None:
        raise BadWebhookUrl("Leave out the user name and password; each call carries a signature.")
    if parts.fragment:
        raise BadWebhookUrl("Leave out what follows the #; it is not sent.")
    literal = _literal(host)
    if parts.scheme == "http" and not (loopback and _local_name(host, literal)):
        raise BadWebhookUrl("The address must begin with https://.")
    if literal is not None and not may_be_called(literal, loopback=loopback):
        raise BadWebhookUrl("This address is not one of the public internet.")
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    port = port or (443 if parts.scheme == "https" else 80)
    return Target(scheme=parts.scheme, host=host, port=port, path=path)


def may_be_called(address: Address, *, loopback: bool = False) -> bool:
    """Say whether an address is one of the public internet, and nobody's inside."""
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        return may_be_called(address.ipv4_mapped, loopback=loopback)
    if address.is_loopback:
        return loopback
    if isinstance(address, IPv6Address) and address.scope_id:
        return False
    return address.is_global and not any(
        address in network for network in _NEVER if network.version == address.version
    )


def _literal(host: str) -> Address | None:
    try:
        return ip_address(host)
    except ValueError:
        return None


def _local_name(host: str, literal: Address | None) -> bool:
    return host == "localhost" or (literal is not None and literal.is_loopback)


class Verdict(StrEnum):
    DELIVERED = "delivered"
    AGAIN = "again"
    GONE = "gone"  # the server says that nobody lives there any more


def verdict_on(status: int | None) -> Verdict:
    """Judge an answer by its status; None: there was none. A redirect is not followed."""
    if status is not None and 200 <= status < 300:
        return Verdict.DELIVERED
    return Verdict.GONE if status == 410 else Verdict.AGAIN


def next_try(tries: int, now: datetime, pause: timedelta | None = None) -> datetime | None:
    """Return when to call again after so many tries; None: enough.

    `pause` is what the server asked for.
    """
    if tries > len(_WAITS):
        return None
    wait = _WAITS[tries - 1]
    return now + max(wait, min(pause or timedelta(0), LONGEST_PAUSE))


def is_given_up(
    failing_since: datetime | None, failures: int, now: datetime, patience: timedelta
) -> bool:
    """Say whether a server has been silent for so long, and so often, that it is called no more."""
    if failing_since is None:
        return False
    return failures >= _FAILURES_BEFORE_OFF and now - failing_since >= patience


# Our events by the names that other people's programs see: in code a wish is a campaign.
TYPES: Mapping[str, str] = {
    "booked": "booking.booked",
    "ticketed": "booking.ticketed",
    "booking_cancelled": "booking.cancelled",
    "not_cancellable": "booking.not_cancelled",
    "schedule_changed": "booking.schedule_changed",
    "refunded": "booking.refunded",
    "refund_by_person": "booking.refund_by_person",
    "failed": "campaign.attempt_failed",
    "action_needed": "campaign.action_needed",
    "consent_needed": "campaign.consent_needed",
    "no_card": "campaign.action_needed",
    "authentication_required": "campaign.authentication_required",
    "approval_needed": "campaign.approval_needed",
    "fare_found": "campaign.fare_found",
    "allowance_ended": "campaign.allowance_ended",
    "expiring_soon": "campaign.expiring_soon",
    "expired": "campaign.expired",
    "card_expiring": "payment_method.expiring",
    "passport_expiring": "traveler.passport_expiring",
    "address_refused": "account.address_refused",
}
TEST_TYPE = "test"
# Facts that other people's programs get: ids and figures, never words about a person.
_TOLD = frozenset(
    {
        "booking_reference", "price_minor", "charged_minor", "amount_minor", "refund_minor",
        "currency", "reason", "cancelled_by", "proposal_id", "attempt_id", "payment_method_id",
        "traveler_id", "expires_at", "lapses_at", "ends_at", "days_left",
    }
)  # fmt: skip


def payload(
    kind: str,
    *,
    at: datetime,
    url: str,
    sandbox: bool,
    notice_id: UUID | None = None,
    campaign_id: UUID | None = None,
    booking_id: UUID | None = None,
    data: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Return what a webhook's body says: what happened, to what, and where to read more."""
    ids = {"notice_id": notice_id, "campaign_id": campaign_id, "booking_id": booking_id}
    facts = {name: value for name, value in (data or {}).items() if name in _TOLD}
    return {
        "type": kind,
        "timestamp": at.isoformat(),
        "data": {
            **{name: str(value) for name, value in ids.items() if value is not None},
            **facts,
            "url": url,
            "sandbox": sandbox,
        },
    }


def type_of(event: str) -> str:
    """Return the published name of an event; one without a name keeps its own."""
    return TYPES.get(event, f"account.{event}")
