"""Signing a browser in and out: a row, and the cookie that it is known by."""

from datetime import datetime
from uuid import UUID, uuid4

from sqlalchemy.ext.asyncio import AsyncSession
from starlette.requests import Request
from starlette.responses import Response

from api.services import Services
from api.web import cookies
from db.queries.web_sessions import add_session, get_session
from domain.ids import UserId
from runtime.web_tokens import new_token, session_hash

_BROWSERS = (
    ("Edg/", "Edge"),
    ("Firefox/", "Firefox"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
)
_SYSTEMS = (
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Mac OS X", "macOS"),
    ("Windows", "Windows"),
    ("Linux", "Linux"),
)


async def begin_session(
    session: AsyncSession,
    services: Services,
    request: Request,
    user_id: UserId,
    *,
    stepped_up_at: datetime | None = None,
    factors_open_until: datetime | None = None,
) -> str:
    """Sign a browser in, on its owner's transaction; return the token for `keep_session`."""
    token = new_token()
    await add_session(
        session,
        session_id=uuid4(),
        user_id=user_id,
        token_hash=session_hash(services.settings.api_key_pepper, token),
        device=device_of(request),
        now=services.clock(),
        lasts=services.settings.accounts.session,
        stepped_up_at=stepped_up_at,
        factors_open_until=factors_open_until,
    )
    return token


def keep_session(response: Response, services: Services, token: str) -> None:
    """Give the browser its cookie; what it had as somebody unknown is forgotten."""
    seconds = int(services.settings.accounts.session.total_seconds())
    cookies.keep(response, cookies.SESSION, token, seconds=seconds)
    cookies.forget(response, cookies.VISIT)


async def rotate_session(
    session: AsyncSession, services: Services, session_id: UUID, *, stepped_up: bool = False
) -> str:
    """Give a session a new token, so that an old one that leaked is worth nothing."""
    row = await get_session(session, session_id)
    if row is None:
        raise LookupError("no such session")
    token = new_token()
    row.token_hash = session_hash(services.settings.api_key_pepper, token)
    if stepped_up:
        row.stepped_up_at = services.clock()
    return token


def device_of(request: Request) -> str:
    """Name the browser and its system as people would, and nothing more."""
    agent = request.headers.get("user-agent", "")
    browser = next((name for mark, name in _BROWSERS if mark in agent), "A browser")
    system = next((name for mark, name in _SYSTEMS if mark in agent), None)
    return f"{browser} on {system}" if system else browser
