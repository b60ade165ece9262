"""What wraps every request: a size limit, safe headers, and a reference for what went wrong."""

import logging
import re
import secrets

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect, Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.errors import ApiProblem, problem_response

_log = logging.getLogger("api")
MAX_BODY_BYTES = 128 * 1024
FORM_AROUND_FILE = 16 * 1024
_TAKES_FILES = re.compile(r"/travelers/[0-9a-f-]{36}/files")
_SAFE_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "DENY",
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "geolocation=(self), camera=(), microphone=(), payment=()",
}
_ONLY_HTTPS = {"Strict-Transport-Security": "max-age=63072000; includeSubDomains"}


class _TooLarge(Exception):
    pass


class BodyLimit:
    """Refuse bodies above the limit, declared or not, before they are kept in memory.

    `files` is the limit of the addresses to which files are posted.
    """

    def __init__(
        self, app: ASGIApp, *, limit: int = MAX_BODY_BYTES, files: int = MAX_BODY_BYTES
    ) -> None:
        self._app, self._limit, self._files = app, limit, files

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        declared = Headers(scope=scope).get("content-length", "0")
        limit = self._files if _TAKES_FILES.fullmatch(scope["path"]) else self._limit
        seen, started = 0, False

        async def counted() -> Message:
            nonlocal seen
            message = await receive()
            seen += len(message.get("body", b""))
            if seen > limit:
                raise _TooLarge
            return message

        async def watched(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        problem = ApiProblem(
            413, "too_large", f"This is larger than {limit // 1024} KiB. Nothing was kept."
        )
        refusal = problem_response(Request(scope), problem)
        if not declared.isdigit() or int(declared) > limit:
            await refusal(scope, receive, send)
            return
        try:
            await self._app(scope, counted, watched)
        except _TooLarge:
            if started:
                raise
            await refusal(scope, receive, send)


class Heads:
    """Answer HEAD as GET is answered, without the body: routes are declared for GET alone."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "HEAD" or _wants_stream(scope):
            await self._app(scope, receive, send)
            return

        async def bodiless(message: Message) -> None:
            await send({**message, "body": b""} if "body" in message else message)

        await self._app({**scope, "method": "GET"}, receive, bodiless)


def _wants_stream(scope: Scope) -> bool:
    """Say whether the answer to GET would not end."""
    return "text/event-stream" in Headers(scope=scope).get("accept", "")


class SafeHeaders:
    """Add headers that hold for every answer unless the route says otherwise."""

    def __init__(self, app: ASGIApp, *, https: bool = False) -> None:
        self._app = app
        self._headers = _SAFE_HEADERS | (_ONLY_HTTPS if https else {})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in self._headers.items():
                    headers.setdefault(name, value)
            await send(message)

        await self._app(scope, receive, with_headers)


class UnknownErrors:
    """Answer what nobody foresaw with a reference; the log gets the place, never the values."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = False

        async def watched(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self._app(scope, receive, watched)
        except _TooLarge:
            raise
        except ClientDisconnect:
            return  # nobody is there to be told, and nothing was done
        except Exception as error:
            reference = secrets.token_hex(4).upper()
            _log.error(
                "request failed reference=%s error=%s at=%s",
                reference,
                type(error).__name__,
                _place(error),
            )
            if started or scope["type"] != "http":
                raise
            problem = ApiProblem(
                500,
                "internal",
                "Something went wrong on our side. Quote the reference if you write to us.",
                extra={"reference": reference},
            )
            await problem_response(Request(scope), problem)(scope, receive, send)


def _place(error: Exception) -> str:
    frames = []
    trace = error.__traceback__
    while trace is not None:
        frames.append(f"{trace.tb_frame.f_code.co_qualname}:{trace.tb_lineno}")
        trace = trace.tb_next
    return " < ".join(reversed(frames[-4:]))
