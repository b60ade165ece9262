"""Check that an event is Duffel's. What becomes of it: see `api/webhooks/events.py`."""

import hashlib
import hmac
import re
from datetime import datetime

from domain.provider_events import ProviderEvent, Signature
from providers.signed_events import EventRefused, check_age, check_secret, read_event

HEADER = "x-duffel-signature"
# Duffel's own readers take this shape and no other.
_HEADER = re.compile(r"t=([0-9]{1,12}),v1=([0-9a-f]{64})")


def verify(payload: bytes, signature: str | None, secret: str, *, now: datetime) -> ProviderEvent:
    """Read an event from the raw body that came, once the signature over it holds.

    Raises:
        EventRefused: with what came of the check.
    """
    check_secret(secret)
    found = _HEADER.fullmatch(signature or "")
    if found is None:
        raise EventRefused(Signature.BAD)
    stamp, digest = found.groups()
    # The secret is used as it was given, though it looks like base64.
    signed = hmac.new(secret.encode(), f"{stamp}.".encode() + payload, hashlib.sha256).hexdigest()
    if not hmac.compare_digest(signed, digest):
        raise EventRefused(Signature.BAD)
    # Nobody at Duffel says how old one may be; one that is sent again is signed again.
    check_age(stamp, now)
    return read_event(payload, "created_at")
