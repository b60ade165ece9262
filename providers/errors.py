"""What a provider call may raise. Outcomes that a caller must tell apart are values, see ports.

ProviderError
├── ProviderUnavailable    nothing happened; trying again is safe
│   └── RateLimited        the same, with the instant from which it is worth trying
├── OutcomeUnknown         a write got no clear answer; ask before you try again
├── ProviderRefused        a clear no to something that should have worked (a bug or bad data)
│   └── CredentialsRefused the key is wrong: close booking for everyone and alert
└── BadAnswer              a read's answer that does not have the documented shape
"""

from datetime import datetime


class ProviderError(Exception):
    """Base of all failures of a provider call. Messages carry codes, never personal data."""

    def __init__(
        self, vendor: str, operation: str, code: str, request_id: str | None = None
    ) -> None:
        super().__init__(
            f"{vendor} {operation}: {code}" + (f" ({request_id})" if request_id else "")
        )
        self.vendor, self.operation, self.code, self.request_id = (
            vendor,
            operation,
            code,
            request_id,
        )


class ProviderUnavailable(ProviderError):
    """Nothing happened; trying again is safe."""


class RateLimited(ProviderUnavailable):
    """Refused for going too fast; `retry_at` is when the window opens again, if known."""

    def __init__(
        self, vendor: str, operation: str, retry_at: datetime | None, request_id: str | None = None
    ) -> None:
        super().__init__(vendor, operation, "rate_limited", request_id)
        self.retry_at = retry_at


class OutcomeUnknown(ProviderError):
    """A write that may or may not have taken effect."""


class ProviderRefused(ProviderError):
    """A clear no that no outcome type expresses."""


class CredentialsRefused(ProviderRefused):
    """The key is missing, wrong, expired or not allowed to do this."""


class BadAnswer(ProviderError):
    """The answer does not have the documented shape."""
