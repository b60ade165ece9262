"""Check that a webhook is Stripe's. What becomes of it: see `api/webhooks/stripe.py`."""

from datetime import UTC, datetime, timedelta

from pydantic import BaseModel, ConfigDict, ValidationError
from stripe import SignatureVerificationError, WebhookSignature

from domain.values import Value

# Stripe's own recommendation, here for both directions: the SDK lets future stamps pass.
_TOLERANCE = timedelta(minutes=5)


class WebhookRefused(Exception):
    """Not Stripe's, too old, or not an event; `code` says which."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class StripeEvent(Value):
    """A hint that an object has changed: read the object before acting on it."""

    event_id: str
    type: str
    object_ref: str | None
    api_version: str | None
    created_at: datetime
    live: bool


class _WireObject(BaseModel):
    model_config = ConfigDict(extra="ignore", strict=True)
    id: str | None = None


class _WireData(BaseModel):
    model_config = ConfigDict(extra="ignore", strict=True)
    object: _WireObject


class _WireEvent(BaseModel):
    model_config = ConfigDict(extra="ignore", strict=True)
    id: str
    type: str
    created: int
    livemode: bool
    api_version: str | None = None
    data: _WireData


def verify(payload: bytes, signature: str | None, secret: str, *, now: datetime) -> StripeEvent:
    """Read an event from the raw body that came, once the signature over it holds.

    Raises:
        WebhookRefused: bad_signature, too_old, not_an_event.
    """
    try:
        # Without a tolerance the SDK leaves the age to us, and our clock is passed in.
        WebhookSignature.verify_header(payload, signature, secret, tolerance=None)
    except (SignatureVerificationError, UnicodeDecodeError, TypeError):
        # Without the cause, which quotes the payload.
        raise WebhookRefused("bad_signature") from None
    if abs(now - _signed_at(signature or "")) > _TOLERANCE:
        raise WebhookRefused("too_old")
    try:
        event = _WireEvent.model_validate_json(payload)
    except ValidationError:
        raise WebhookRefused("not_an_event") from None
    return StripeEvent(
        event_id=event.id,
        type=event.type,
        object_ref=event.data.object.id,
        api_version=event.api_version,
        created_at=datetime.fromtimestamp(event.created, UTC),
        live=event.livemode,
    )


def _signed_at(signature: str) -> datetime:
    # The first stamp, as the SDK takes it: another one may have been added to an old signature.
    stamps = (part[2:] for part in signature.split(",") if part.startswith("t="))
    try:
        return datetime.fromtimestamp(int(next(stamps)), UTC)
    except (StopIteration, ValueError, OverflowError, OSError):
        raise WebhookRefused("bad_signature") from None
