"""Live pages: parts of a page sent again whenever what they show has changed.

A stream sends what is so now, not what happened, so that one that was interrupted goes on with the
present and repeats nothing. Each reading is a short transaction of its own. A stream closes when
its session ends: at once by a nudge, and by a look of its own where nudges do not arrive.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from fastapi import status
from fastapi.responses import JSONResponse, StreamingResponse
from fastapi.sse import format_sse_event
from starlette.responses import Response

from api.live import Subscription
from api.web.visits import Visit, is_live
from db.queries.web_sessions import get_session

HEARTBEAT_SECONDS = 15.0
# While nobody tells us that a session has ended, we look, often enough for five seconds.
CHECK_SECONDS = 4.0
# A booking goes through several states in a second; one reading serves them all.
_BREATH_SECONDS = 0.2
_RETRY_MILLISECONDS = 2000
_HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}


@dataclass(frozen=True)
class Part:
    """A piece of a page under its element's id; drawn only when its version is new."""

    version: str
    draw: Callable[[], str]


@dataclass(frozen=True)
class LivePage:
    """What a page shows now. `code` names the state that `say` announces when it changes."""

    version: str
    code: str
    say: str
    parts: Mapping[str, Part]
    at: datetime
    over: bool = False


ReadPage = Callable[[], Awaitable[LivePage | None]]


async def follow(visit: Visit, subject_id: UUID, read: ReadPage) -> Response:
    """Answer whoever follows a page: with a stream of its changes, or once, to a poll.

    The stream begins after the version that its reader has.
    """
    request = visit.request
    if "text/event-stream" not in request.headers.get("accept", ""):
        return await _polled(visit, read)
    seen = request.headers.get("last-event-id") or request.query_params.get("after")
    return StreamingResponse(
        _events(visit, subject_id, read, seen), media_type="text/event-stream", headers=_HEADERS
    )


async def _polled(visit: Visit, read: ReadPage) -> Response:
    """Answer a poll: the whole page, or that nothing has changed."""
    page = await read()
    if page is None:
        return Response(status_code=status.HTTP_404_NOT_FOUND)
    etag = f'"{page.version}"'
    if visit.request.headers.get("if-none-match") == etag:
        return Response(status_code=status.HTTP_304_NOT_MODIFIED, headers={"ETag": etag})
    return JSONResponse(_payload(page, {}, ""), headers={"ETag": etag})


async def _events(
    visit: Visit, subject_id: UUID, read: ReadPage, seen: str | None
) -> AsyncIterator[bytes]:
    """Yield the page's parts as they change, and a sign of life while they do not."""
    live, session_id = visit.services.live, visit.me.session_id
    sent: dict[str, str] = {}
    code = ""
    yield f"retry: {_RETRY_MILLISECONDS}\n\n".encode()
    # Listening begins before the first reading, so that nothing falls between the two.
    async with live.subscribe(subject_id, session_id=session_id, looks=True) as ear:
        while not ear.closing:
            if not await session_stands(visit):
                break
            page = await read()
            if page is None:
                yield _end("gone")
                return
            if page.version != seen:
                payload = _payload(page, sent, code)
                yield format_sse_event(data_str=json.dumps(payload), event="page", id=page.version)
                seen = page.version
            sent = {name: part.version for name, part in page.parts.items()}
            code = page.code
            if page.over:
                yield _end("over")
                return
            while not await _woken(visit, ear):
                yield _beat(visit)
    yield _end("signed_out" if not await session_stands(visit) else "later")


async def session_stands(visit: Visit) -> bool:
    """Say whether the session that opened the stream still holds."""
    services = visit.services
    async with visit.transaction() as session:
        row = await get_session(session, visit.me.session_id)
        return row is not None and is_live(row, services.settings.accounts, services.clock())


async def _woken(visit: Visit, ear: Subscription) -> bool:
    """Wait for a nudge until the next sign of life is due; a session that has ended wakes too."""
    waited = 0.0
    while waited < HEARTBEAT_SECONDS:
        step = HEARTBEAT_SECONDS if visit.services.live.listening else CHECK_SECONDS
        if await ear.wait(step):
            await asyncio.sleep(_BREATH_SECONDS)
            return True
        waited += step
        if not await session_stands(visit):
            ear.close()
            return True
    return False


def _payload(page: LivePage, sent: Mapping[str, str], code: str) -> dict[str, object]:
    return {
        "version": page.version,
        "code": page.code,
        "say": page.say if page.code != code else "",
        "at": page.at.isoformat(timespec="seconds"),
        "parts": {
            name: part.draw() for name, part in page.parts.items() if sent.get(name) != part.version
        },
    }


def _beat(visit: Visit) -> bytes:
    at = visit.services.clock().isoformat(timespec="seconds")
    return format_sse_event(data_str=json.dumps({"at": at}), event="beat")


def _end(why: str) -> bytes:
    """Tell the browser not to come back by itself."""
    return format_sse_event(data_str=json.dumps({"why": why}), event="end")
