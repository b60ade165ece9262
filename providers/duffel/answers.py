"""What Duffel's answers come to, for all calls alike; orders have their own rules, see adapter."""

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from providers.duffel.errors import Failure, Meaning, read_failure
from providers.errors import (
    BadAnswer,
    CredentialsRefused,
    ProviderRefused,
    ProviderUnavailable,
    RateLimited,
)
from providers.http import Answer, NotSent, Reply, Unanswered
from providers.ports import RateWindow

VENDOR = "duffel"


def data_or_no(reply: Reply, operation: str) -> object | Failure:
    """Return the answer's `data`, or the clear no. For calls that are safe to repeat.

    Raises:
        ProviderUnavailable: no answer, or one of 5xx.
        RateLimited: 429.
        CredentialsRefused: 401, 403.
        BadAnswer: a success without `data`.
    """
    match reply:
        case NotSent() | Unanswered():
            raise ProviderUnavailable(VENDOR, operation, reply.code, reply.request_id)
        case Answer():
            pass
    raise_if_turned_away(reply, operation)
    if reply.status >= 500 or reply.status == 408:
        raise ProviderUnavailable(VENDOR, operation, code_of(reply), reply.request_id)
    if reply.status >= 300:
        return read_failure(reply) or Failure(code_of(reply), None)
    data = (reply.json or {}).get("data")
    if data is None:
        raise BadAnswer(VENDOR, operation, _without_data(reply), reply.request_id)
    return data


def data_of(reply: Reply, operation: str) -> object:
    """Return the answer's `data` where a no means that something is wrong on our side.

    Raises:
        ProviderRefused: a clear no; besides, everything that `data_or_no` raises.
    """
    data = data_or_no(reply, operation)
    if isinstance(data, Failure):
        raise ProviderRefused(VENDOR, operation, data.code, reply.request_id)
    return data


def raise_if_turned_away(answer: Answer, operation: str) -> None:
    """Raise for answers that come before Duffel looks at what was asked.

    Raises:
        RateLimited: 429.
        CredentialsRefused: 401, 403, or a code that says the same.
    """
    if answer.status == 429:
        raise RateLimited(VENDOR, operation, retry_at(answer.headers), answer.request_id)
    failure = read_failure(answer) if 400 <= answer.status < 500 else None
    refused = failure and failure.known and failure.known.meaning is Meaning.CREDENTIALS
    if answer.status in {401, 403} or refused:
        raise CredentialsRefused(VENDOR, operation, code_of(answer), answer.request_id)


def code_of(answer: Answer) -> str:
    failure = read_failure(answer)
    return failure.code if failure else f"http_{answer.status}"


def _without_data(answer: Answer) -> str:
    return "not_json" if answer.malformed else "no_data"


def rate_window(headers: Mapping[str, str]) -> RateWindow | None:
    """Read what is left of the quota; None if the headers do not say it in full."""
    resets_at = retry_at(headers)
    limit, remaining = headers.get("ratelimit-limit"), headers.get("ratelimit-remaining")
    if resets_at is None or not _is_count(limit) or not _is_count(remaining):
        return None
    return RateWindow(limit=int(limit or 0), remaining=int(remaining or 0), resets_at=resets_at)


def _is_count(text: str | None) -> bool:
    return text is not None and text.isascii() and text.isdigit() and len(text) < 10


def retry_at(headers: Mapping[str, str]) -> datetime | None:
    """Read `ratelimit-reset`: an HTTP date; ISO 8601 has been seen too."""
    text = headers.get("ratelimit-reset", "")
    for parse in (parsedate_to_datetime, datetime.fromisoformat):
        try:
            found = parse(text)
        except ValueError:
            continue
        return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
    return None
