"""Carry the SDK's calls over httpx: bounded answers, extra headers, and failures told apart.

The only module besides `providers/http.py` that imports httpx, since the SDK sends forms and
wants bytes back. It means by a failure what that module means.
"""

import asyncio
import json
import ssl
from collections.abc import Mapping
from enum import StrEnum

import httpx
import stripe

from providers.http import CONNECT_SECONDS, HeaderHook, longest_call_seconds

# Stripe's largest answers here (a page of 100 intents) stay far below a megabyte.
_MAX_BYTES = 8 * 1024 * 1024
# A kept connection that the other side closes as it is used again looks like a lost answer; servers
# keep them for five seconds and more, so ours are given up before.
_IDLE_SECONDS = 2.0
_NOT_SENT = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.ProxyError,
    httpx.UnsupportedProtocol,
    httpx.LocalProtocolError,
)


class Fault(StrEnum):
    """What went wrong between us and Stripe, by what it means for the call."""

    NOT_SENT = "not_sent"  # no connection: Stripe never saw the call
    UNANSWERED = "unanswered"  # sent, and then nothing that can be read
    MALFORMED = "malformed"  # an answer that is not Stripe's


class TransportError(Exception):
    """No answer of Stripe's came back; `status` and `request_id` as far as one was seen."""

    def __init__(
        self, fault: Fault, code: str, status: int | None = None, request_id: str | None = None
    ) -> None:
        super().__init__(code)
        self.fault, self.code, self.status, self.request_id = fault, code, status, request_id


class StripeTransport(stripe.HTTPClient):
    """The SDK's HTTP client of one event loop. It never retries: that is Temporal's business."""

    name = "httpx"

    def __init__(self, *, timeout_seconds: float, extra_headers: HeaderHook) -> None:
        super().__init__(verify_ssl_certs=True)
        self._extra_headers = extra_headers
        self._longest_seconds = longest_call_seconds(timeout_seconds)
        self._http = httpx.AsyncClient(
            timeout=httpx.Timeout(timeout_seconds, connect=CONNECT_SECONDS, pool=CONNECT_SECONDS),
            limits=httpx.Limits(max_connections=100, keepalive_expiry=_IDLE_SECONDS),
            verify=ssl.create_default_context(cafile=stripe.ca_bundle_path),
        )

    async def request_async(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        post_data: str | None = None,
    ) -> tuple[bytes, int, Mapping[str, str]]:
        sent = {**headers, **self._extra_headers()}
        try:
            # httpx bounds each read, not their sum: an answer that drips needs the outer limit.
            async with (
                asyncio.timeout(self._longest_seconds),
                self._http.stream(method, url, headers=sent, content=post_data or None) as answer,
            ):
                body = await _read(answer)
        except _NOT_SENT as error:
            raise TransportError(Fault.NOT_SENT, type(error).__name__) from error
        except (httpx.HTTPError, TimeoutError) as error:
            raise TransportError(Fault.UNANSWERED, type(error).__name__) from error
        _check(body, answer)
        return body, answer.status_code, answer.headers

    async def close_async(self) -> None:
        await self._http.aclose()


async def _read(answer: httpx.Response) -> bytes:
    body = bytearray()
    async for chunk in answer.aiter_bytes():
        body += chunk
        if len(body) > _MAX_BYTES:
            raise _malformed(answer, "answer_too_large")
    return bytes(body)


def _check(body: bytes, answer: httpx.Response) -> None:
    """Let only JSON objects through, and errors only in Stripe's envelope."""
    try:
        content = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise _malformed(answer, "not_json") from error
    if not isinstance(content, dict):
        raise _malformed(answer, "not_an_object")
    if not answer.is_success and not isinstance(content.get("error"), dict):
        raise _malformed(answer, "no_error_envelope")


def _malformed(answer: httpx.Response, code: str) -> TransportError:
    request_id = answer.headers.get("request-id")
    return TransportError(Fault.MALFORMED, code, answer.status_code, request_id)
