"""Stripe's failures in our words: what may have happened decides, not what went wrong."""

import stripe

from providers.errors import (
    BadAnswer,
    CredentialsRefused,
    OutcomeUnknown,
    ProviderError,
    ProviderRefused,
    ProviderUnavailable,
    RateLimited,
)
from providers.stripe.transport import Fault, TransportError

VENDOR = "stripe"

# An earlier call has changed the intent, so the intent itself holds the answer.
UNEXPECTED_STATE = "payment_intent_unexpected_state"
AUTHENTICATION_REQUIRED = "authentication_required"

_RATE_CODES = frozenset({"rate_limit", "lock_timeout"})


class CardRefused(ProviderRefused):
    """The card said no (402), with all that Stripe tells about why."""

    def __init__(
        self,
        operation: str,
        code: str,
        *,
        decline_code: str | None,
        advice_code: str | None,
        request_id: str | None,
    ) -> None:
        super().__init__(VENDOR, operation, code, request_id)
        self.decline_code, self.advice_code = decline_code, advice_code

    @property
    def needs_customer(self) -> bool:
        return AUTHENTICATION_REQUIRED in (self.code, self.decline_code)


def from_transport(error: TransportError, operation: str, *, write: bool) -> ProviderError:
    """Name a call that got no answer of Stripe's."""
    if error.fault is Fault.NOT_SENT:
        return ProviderUnavailable(VENDOR, operation, error.code)
    if error.status == 429:
        return RateLimited(VENDOR, operation, None, error.request_id)
    if write:
        return OutcomeUnknown(VENDOR, operation, error.code, error.request_id)
    if error.fault is Fault.UNANSWERED or (error.status or 0) >= 500:
        return ProviderUnavailable(VENDOR, operation, error.code, error.request_id)
    return BadAnswer(VENDOR, operation, error.code, error.request_id)


def from_stripe(error: stripe.StripeError, operation: str, *, write: bool) -> ProviderError:
    """Name an error answer.

    The SDK leaves `code` empty for several classes, so the envelope is read instead.
    """
    detail = _envelope(error)
    status = error.http_status or 0
    code = detail.get("code") or detail.get("type") or f"http_{status}"
    place = (VENDOR, operation, code, error.request_id)
    if status in {401, 403}:
        return CredentialsRefused(*place)
    if status == 429 or code in _RATE_CODES:
        return RateLimited(VENDOR, operation, None, error.request_id)
    if status == 409 and code == "idempotency_key_in_use":
        # The first call with this key is still running: the same key is safe to send again.
        return ProviderUnavailable(*place)
    if status == 402:
        return CardRefused(
            operation,
            code,
            decline_code=detail.get("decline_code"),
            advice_code=detail.get("advice_code"),
            request_id=error.request_id,
        )
    if 400 <= status < 500 and status != 409:
        return ProviderRefused(*place)
    if write:
        return OutcomeUnknown(*place)
    return ProviderUnavailable(*place) if status >= 500 else BadAnswer(*place)


def _envelope(error: stripe.StripeError) -> dict[str, str]:
    body = error.json_body
    detail = body.get("error") if isinstance(body, dict) else None
    if not isinstance(detail, dict):
        return {}
    return {name: value for name, value in detail.items() if isinstance(value, str)}
