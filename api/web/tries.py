"""Saying that something was tried too often, and when it may be tried again."""

from datetime import datetime
from math import ceil

from starlette.responses import Response

from api.web.words import span_of


def too_many(again: datetime, now: datetime) -> str:
    """Say when the next try may be made."""
    seconds = max(ceil((again - now).total_seconds()), 1)
    return f"This was tried too often. Try again in {span_of(seconds)}, at {again:%H:%M:%S} UTC."


def wait_until(response: Response, again: datetime, now: datetime) -> Response:
    """Tell programs too when to come back."""
    response.headers["Retry-After"] = str(max(ceil((again - now).total_seconds()), 1))
    return response
