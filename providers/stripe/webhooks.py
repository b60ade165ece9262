"""Check that an event is Stripe's. What becomes of it: see `api/webhooks/events.py`."""

from datetime import datetime

from stripe import SignatureVerificationError, WebhookSignature

from domain.provider_events import ProviderEvent, Signature
from providers.signed_events import EventRefused, check_age, check_secret, read_event

HEADER = "stripe-signature"


def verify(payload: bytes, signature: str | None, secret: str, *, now: datetime) -> ProviderEvent:
    """Read an event from the raw body that came, once the signature over it holds.

    Raises:
        EventRefused: with what came of the check.
    """
    check_secret(secret)
    try:
        # Without a tolerance the SDK leaves the age to us, and our clock is passed in.
        WebhookSignature.verify_header(payload, signature, secret, tolerance=None)
    except (SignatureVerificationError, UnicodeDecodeError, TypeError):
        # Without the cause, which quotes the payload.
        raise EventRefused(Signature.BAD) from None
    check_age(_stamp_in(signature or ""), now)
    return read_event(payload, "created")


def _stamp_in(signature: str) -> str:
    # The first stamp, as the SDK takes it: another one may have been added to an old signature.
    stamps = (part[2:] for part in signature.split(",") if part.startswith("t="))
    return next(stamps, "")
