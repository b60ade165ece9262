"""The instant a caller lives in: sandbox time belongs to each request, never to the process."""

from datetime import UTC, datetime

from starlette.requests import Request

NOW_HEADER = "X-Sandbox-Now"


class BadInstantError(ValueError):
    """The header holds something that is not an ISO 8601 instant with an offset."""


def wall_now() -> datetime:
    """Tell the machine's own time, in UTC."""
    return datetime.now(UTC)


def parse_instant(text: str) -> datetime:
    """Read an ISO 8601 instant; one without an offset is refused, since it could mean anything."""
    try:
        instant = datetime.fromisoformat(text)
    except ValueError as error:
        raise BadInstantError(f"not an ISO 8601 instant: {text!r}") from error
    if instant.tzinfo is None:
        raise BadInstantError(f"instant without an offset: {text!r}")
    return instant.astimezone(UTC)


def now_of(request: Request) -> datetime:
    """Tell the caller's now: the header when it is there, the wall clock otherwise."""
    text = request.headers.get(NOW_HEADER)
    return parse_instant(text) if text else wall_now()


def to_text(instant: datetime) -> str:
    """Write an instant the way documents keep it: ISO 8601 with a Z, sortable as text."""
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def from_text(text: str) -> datetime:
    """Read back what `to_text` wrote."""
    return datetime.fromisoformat(text)
