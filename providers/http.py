"""HTTP to the outside world, and the one place that says what a failed call means.

The only module that imports httpx. It never retries: retries belong to Temporal, and repeating a
write whose answer was lost is a decision for those who know what the write does.
"""

import asyncio
import json
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus

import httpx

from providers.breaker import LEFT_ALONE, CircuitBreaker

# Duffel's largest recorded search answer is 1.5 MB; nobody we talk to has a reason for twenty
# times that, and a worker must not be felled by one broken answer.
MAX_BODY_BYTES = 32 * 1024 * 1024
# A healthy vendor accepts a connection in well under a second; what takes longer is down.
CONNECT_SECONDS = 5.0
_EXCERPT_CHARACTERS = 200
_BROKEN = HTTPStatus.INTERNAL_SERVER_ERROR  # from here on the vendor itself does not work
_REQUEST_ID_HEADERS = ("x-request-id", "request-id")
_LOG = logging.getLogger("providers")
# httpx would log every address with its query at INFO; ours is the only line about a call.
logging.getLogger("httpx").setLevel(logging.WARNING)

_NOT_SENT = (
    httpx.ConnectError,  # refused, unreachable, no such host, no TLS
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.ProxyError,
    httpx.UnsupportedProtocol,
    httpx.LocalProtocolError,
)

JsonObject = dict[str, object]
HeaderHook = Callable[[], Mapping[str, str]]


@dataclass(frozen=True)
class NotSent:
    """The request never left: nothing happened, trying again is safe."""

    code: str
    request_id: None = None


@dataclass(frozen=True)
class Unanswered:
    """The request went out, and no readable answer came: anything may have happened."""

    code: str
    request_id: str | None = None


@dataclass(frozen=True)
class Answer:
    """A whole answer. `json` is None unless the body is a JSON object.

    `malformed` tells a body that is something else (HTML, cut JSON, a list) from an empty one;
    `text_excerpt` is its beginning, which may hold personal data and must not be logged.
    """

    status: int
    headers: Mapping[str, str]
    json: JsonObject | None = field(repr=False)
    request_id: str | None = None
    malformed: bool = False
    text_excerpt: str = field(default="", repr=False)


Reply = Answer | NotSent | Unanswered


def longest_call_seconds(read_seconds: float, connect_seconds: float = CONNECT_SECONDS) -> float:
    """Return how long a call may last in all: waiting for a connection, opening it, the answer."""
    return 2 * connect_seconds + read_seconds


class HttpClient:
    """Calls one vendor. `on_request` hooks add headers to each call."""

    def __init__(
        self,
        vendor: str,
        base_url: str,
        *,
        headers: Mapping[str, str] | None = None,
        on_request: Sequence[HeaderHook] = (),
        connect_seconds: float = CONNECT_SECONDS,
        max_body_bytes: int = MAX_BODY_BYTES,
        breaker: CircuitBreaker | None = None,
    ) -> None:
        self.vendor = vendor
        self._connect_seconds = connect_seconds
        self._on_request = tuple(on_request)
        self._max_body_bytes = max_body_bytes
        self._breaker = breaker
        tls = httpx.create_ssl_context()
        self._pooled, self._single = (
            httpx.AsyncClient(
                base_url=base_url,
                headers={"User-Agent": "parker-flight", **(headers or {})},
                follow_redirects=False,
                verify=tls,
                limits=httpx.Limits(max_connections=100, max_keepalive_connections=kept),
            )
            for kept in (20, 0)
        )

    async def aclose(self) -> None:
        await self._pooled.aclose()
        await self._single.aclose()

    async def request(
        self,
        method: str,
        path: str,
        *,
        operation: str,
        read_seconds: float,
        params: Mapping[str, str] | None = None,
        body: Mapping[str, object] | None = None,
        form: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        fresh_connection: bool = False,
    ) -> Reply:
        """Make one call. `path` is relative to the base URL, or a whole address.

        `fresh_connection` is for writes whose loss is dear: a kept connection may be closed by the
        vendor at the very moment it is used again, which cannot be told from a lost answer.
        """
        if self._breaker is not None and not self._breaker.lets_through():
            return NotSent(LEFT_ALONE)
        extra = dict(headers or {})
        for hook in self._on_request:
            extra.update(hook())
        client = self._single if fresh_connection else self._pooled
        request = client.build_request(
            method,
            path,
            params=params,
            json=body,
            data=form,
            headers=extra,
            timeout=httpx.Timeout(
                read_seconds, connect=self._connect_seconds, pool=self._connect_seconds
            ),
        )
        started = time.monotonic()
        reply = await self._exchange(client, request, read_seconds)
        if self._breaker is not None:
            self._breaker.heard(answered=isinstance(reply, Answer) and reply.status < _BROKEN)
        self._log(operation, reply, time.monotonic() - started)
        return reply

    async def _exchange(
        self, client: httpx.AsyncClient, request: httpx.Request, read_seconds: float
    ) -> Reply:
        request_id: str | None = None
        try:
            # httpx bounds each read, not their sum: an answer that drips needs the outer limit.
            async with asyncio.timeout(longest_call_seconds(read_seconds, self._connect_seconds)):
                response = await client.send(request, stream=True)
                try:
                    request_id = _request_id(response)
                    content = await self._read_bounded(response)
                finally:
                    await response.aclose()
        except _NOT_SENT as error:
            return NotSent(_code(error))
        except TimeoutError:
            return Unanswered("answer_too_slow", request_id)
        except httpx.HTTPError as error:
            return Unanswered(_code(error), request_id)
        if content is None:
            return Unanswered("answer_too_large", request_id)
        return _answer(response, content, request_id)

    async def _read_bounded(self, response: httpx.Response) -> bytes | None:
        content = bytearray()
        async for chunk in response.aiter_bytes():
            content += chunk
            if len(content) > self._max_body_bytes:
                return None
        return bytes(content)

    def _log(self, operation: str, reply: Reply, seconds: float) -> None:
        outcome = reply.status if isinstance(reply, Answer) else reply.code
        good = isinstance(reply, Answer) and reply.status < HTTPStatus.BAD_REQUEST
        _LOG.log(
            logging.INFO if good else logging.WARNING,
            "provider called",
            extra={
                "vendor": self.vendor,
                "operation": operation,
                "status": outcome,
                "seconds": round(seconds, 3),
                "request_id": reply.request_id,
            },
        )


def _answer(response: httpx.Response, content: bytes, request_id: str | None) -> Answer:
    parsed = _json_object(content)
    malformed = parsed is None and bool(content.strip())
    return Answer(
        status=response.status_code,
        headers={name.lower(): value for name, value in response.headers.items()},
        json=parsed,
        request_id=request_id,
        malformed=malformed,
        text_excerpt=content[: 4 * _EXCERPT_CHARACTERS].decode(errors="replace")[
            :_EXCERPT_CHARACTERS
        ]
        if malformed
        else "",
    )


def _json_object(content: bytes) -> JsonObject | None:
    try:
        parsed = json.loads(content)
    except (ValueError, RecursionError):
        return None
    return parsed if isinstance(parsed, dict) else None


def _request_id(response: httpx.Response) -> str | None:
    found = (response.headers.get(name) for name in _REQUEST_ID_HEADERS)
    return next((value[:100] for value in found if value), None)


_WORDS: dict[type[httpx.HTTPError], str] = {
    httpx.ConnectError: "connection_refused",
    httpx.ConnectTimeout: "connection_timed_out",
    httpx.PoolTimeout: "no_free_connection",
    httpx.ReadTimeout: "answer_timed_out",
    httpx.WriteTimeout: "sending_timed_out",
    httpx.ReadError: "connection_lost",
    httpx.WriteError: "connection_lost",
    httpx.RemoteProtocolError: "connection_lost",
    httpx.DecodingError: "answer_not_decodable",
}


def _code(error: httpx.HTTPError) -> str:
    return _WORDS.get(type(error), "transport_failed")
