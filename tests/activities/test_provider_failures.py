"""What Temporal is told of a provider's failure."""

from datetime import UTC, datetime, timedelta

import pytest

from activities.failures import RATE_LIMIT_PAUSE, RATE_LIMIT_PAUSE_MAX, to_application_error
from providers.errors import (
    BadAnswer,
    CredentialsRefused,
    OutcomeUnknown,
    ProviderRefused,
    ProviderUnavailable,
    RateLimited,
)


@pytest.mark.parametrize(
    ("kind", "final"),
    [
        (ProviderUnavailable, False),
        (OutcomeUnknown, False),
        (BadAnswer, False),
        (ProviderRefused, True),
        (CredentialsRefused, True),
    ],
)
def test_its_name_and_whether_to_try_again(kind: type, final: bool) -> None:
    error = to_application_error(kind("duffel", "create_order", "code"))
    assert (error.type, error.non_retryable) == (kind.__name__, final)
    assert error.next_retry_delay is None


def test_a_limit_is_waited_for_within_reason() -> None:
    def pause(retry_at: datetime | None) -> timedelta | None:
        limited = RateLimited("duffel", "create_order", retry_at)
        return to_application_error(limited).next_retry_delay

    now = datetime.now(UTC)
    assert pause(None) == RATE_LIMIT_PAUSE
    assert pause(now - timedelta(hours=1)) == timedelta(seconds=1)
    assert pause(now + timedelta(hours=1)) == RATE_LIMIT_PAUSE_MAX
