"""The cookies of the pages. Each is bound to this host, unseen by scripts, and sent to us alone."""

import base64
import binascii

from starlette.requests import Request
from starlette.responses import Response

SESSION = "__Host-session"
VISIT = "__Host-visit"
SAYING = "__Host-say"
_SAYING_SECONDS = 60
_LONGEST_SAYING = 500


def keep(response: Response, name: str, value: str, *, seconds: int | None = None) -> None:
    response.set_cookie(
        name, value, max_age=seconds, path="/", secure=True, httponly=True, samesite="lax"
    )


def forget(response: Response, name: str) -> None:
    response.delete_cookie(name, path="/", secure=True, httponly=True, samesite="lax")


def say(response: Response, sentence: str) -> None:
    """Let the next page begin with a sentence, once."""
    packed = base64.urlsafe_b64encode(sentence[:_LONGEST_SAYING].encode()).decode()
    keep(response, SAYING, packed, seconds=_SAYING_SECONDS)


def said(request: Request) -> str | None:
    """Return what the page before wanted to be said here."""
    packed = request.cookies.get(SAYING)
    if not packed:
        return None
    try:
        return base64.urlsafe_b64decode(packed.encode()).decode()
    except (binascii.Error, ValueError):
        return None
