"""The HTTP server, with a way for a handler to cut the connection without any answer."""

import asyncio

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

_TRANSPORT = "sandbox.transport"


class CuttableProtocol(H11Protocol):
    """Puts the connection's transport within the handlers' reach."""

    def handle_events(self) -> None:
        super().handle_events()
        # The request's task was only scheduled, so it will find the transport in its scope.
        if self.scope is not None:
            self.scope[_TRANSPORT] = self.transport  # type: ignore[literal-required]


def abort(scope: Scope) -> None:
    """Close a request's connection at once, whatever has been sent."""
    transport: asyncio.Transport | None = scope.get(_TRANSPORT)
    if transport is not None:
        transport.abort()


async def cut(scope: Scope) -> None:
    """Close the connection at once; nothing more reaches the client."""
    if _TRANSPORT not in scope:
        raise RuntimeError("this server cannot cut connections: run it with CuttableProtocol")
    abort(scope)
    # Let the loss of the connection reach the server before it sees that no answer was given.
    await asyncio.sleep(0)
    await asyncio.sleep(0)


async def wait_for_leave(receive: Receive, seconds: float) -> None:
    """Wait until the client has gone, or that long."""

    async def leave() -> None:
        while (await receive())["type"] != "http.disconnect":
            pass

    try:
        await asyncio.wait_for(leave(), timeout=seconds)
    except TimeoutError:
        return


class CutResponse(Response):
    """No answer: the connection is closed, after a silence if one is asked for."""

    def __init__(self, *, silence: float = 0) -> None:
        super().__init__(status_code=499)
        self._silence = silence

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002
        if self._silence:
            await wait_for_leave(receive, self._silence)
        await cut(scope)


class HeadersOnlyResponse(Response):
    """Headers promise a body that never comes."""

    def __init__(self, *, silence: float) -> None:
        super().__init__(status_code=200, media_type="application/json")
        self._silence = silence

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = [(b"content-type", b"application/json"), (b"content-length", b"4096")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await wait_for_leave(receive, self._silence)
        await cut(scope)


class HugeResponse(Response):
    """A body of well-formed JSON far too big to keep."""

    def __init__(self, *, size: int = 100 * 1024 * 1024) -> None:
        super().__init__(status_code=200, media_type="application/json")
        self._size = size

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002
        headers = [(b"content-type", b"application/json")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        chunk = b"x" * 65536
        await send({"type": "http.response.body", "body": b'{"data":"', "more_body": True})
        for _ in range(self._size // len(chunk)):
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
        await send({"type": "http.response.body", "body": b'"}', "more_body": False})


async def read_body(request: Request) -> bytes:
    """Read the whole body once and keep it where `Request.state` shows it."""
    body = await request.body()
    request.state.body = body
    return body
