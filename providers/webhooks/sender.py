"""Calls travellers' own servers as the Standard Webhooks specification says, and safely.

https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md

The address was chosen by somebody we do not know. Its name is looked up once; if any answer is not
of the public internet, nothing is called; and the connection goes to the answer that was judged,
so that a second look-up cannot lead elsewhere. The certificate is still checked for the name.
"""

import asyncio
import logging
import socket
import ssl
import time
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from ipaddress import ip_address

import httpx
from standardwebhooks import Webhook

from domain.webhooks import LARGEST_BODY, Address, BadWebhookUrl, Target, may_be_called, target_of
from providers.http import CONNECT_SECONDS
from providers.ports import OutgoingWebhook, WebhookAnswer

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]

_LOG = logging.getLogger("providers")
_WORDS: dict[type[Exception], str] = {
    httpx.ConnectError: "connection_refused",
    httpx.ConnectTimeout: "connection_timed_out",
    httpx.ReadTimeout: "answer_timed_out",
    httpx.WriteTimeout: "sending_timed_out",
    TimeoutError: "answer_timed_out",
    socket.gaierror: "name_not_found",
}


class _Refused(Exception):
    """Nothing is called; the message is the code that the log shows."""


async def look_up(host: str, port: int) -> Sequence[str]:
    """Ask the system for a name's addresses."""
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(address[0]) for *_, address in found]


class HttpWebhookSender:
    """The port WebhookSender. A connection of its own for each call."""

    def __init__(
        self,
        *,
        seconds: float,
        loopback: bool = False,
        resolve: Resolve = look_up,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._seconds, self._loopback, self._resolve = seconds, loopback, resolve
        self._tls = tls or httpx.create_ssl_context()

    async def call(self, hook: OutgoingWebhook) -> WebhookAnswer:
        started = time.monotonic()
        status, pause = None, None
        try:
            # From the look-up of the name on: no part of it may take long by itself.
            async with asyncio.timeout(self._seconds):
                response = await self._post(hook)
            status, code, pause = response.status_code, "answered", _pause(response)
        except (httpx.HTTPError, OSError, TimeoutError) as error:
            code = _code(error)
        except (_Refused, BadWebhookUrl) as refused:
            code = str(refused) if isinstance(refused, _Refused) else "address_not_allowed"
        milliseconds = round((time.monotonic() - started) * 1000)
        _report(status, code, milliseconds)
        return WebhookAnswer(
            status=status, code=code, milliseconds=milliseconds, pause_seconds=pause
        )

    async def _post(self, hook: OutgoingWebhook) -> httpx.Response:
        if len(hook.body.encode()) > LARGEST_BODY:
            raise _Refused("message_too_large")
        target = target_of(hook.url, loopback=self._loopback)
        address = await self._judged(target)
        now = datetime.now(UTC)  # the receiver's window is real time, whatever clock we live on
        headers = {
            "Host": target.authority,
            "Content-Type": "application/json",
            "User-Agent": "parker-flight",
            "webhook-id": hook.message_id,
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": " ".join(
                Webhook(secret).sign(hook.message_id, now, hook.body) for secret in hook.secrets
            ),
        }
        host = f"[{address}]" if ":" in address else address
        url = f"{target.scheme}://{host}:{target.port}{target.path}"
        timeout = httpx.Timeout(self._seconds, connect=min(CONNECT_SECONDS, self._seconds))
        async with httpx.AsyncClient(
            # A proxy would look the name up by itself.
            trust_env=False,
            verify=self._tls,
            follow_redirects=False,
            timeout=timeout,
        ) as client:
            request = client.build_request(
                "POST",
                url,
                content=hook.body.encode(),
                headers=headers,
                extensions={"sni_hostname": target.host},
            )
            response = await client.send(request, stream=True)
            # The status is all we want: what else a stranger's server says is not read.
            await response.aclose()
            return response

    async def _judged(self, target: Target) -> str:
        """Look the name up and return the one address to connect to."""
        found = [_address(text) for text in await self._resolve(target.host, target.port)]
        if not found:
            raise _Refused("name_not_found")
        # One inside among them is no accident.
        if not all(may_be_called(address, loopback=self._loopback) for address in found):
            raise _Refused("address_not_allowed")
        return str(min(found, key=lambda address: address.version))


def _address(text: str) -> Address:
    try:
        return ip_address(text)
    except ValueError:
        raise _Refused("address_not_allowed") from None


def _pause(response: httpx.Response) -> int | None:
    asked = response.headers.get("retry-after", "")
    return int(asked) if asked.isascii() and asked.isdigit() and len(asked) < 8 else None


def _code(error: BaseException) -> str:
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLError):
            return "certificate_refused"
        cause = cause.__cause__ or cause.__context__
    for kind, word in _WORDS.items():
        if isinstance(error, kind):
            return word
    return "connection_lost"


def _report(status: int | None, code: str, milliseconds: int) -> None:
    # The address is its owner's secret: it is not logged.
    _LOG.log(
        logging.INFO if status is not None and status < 300 else logging.WARNING,
        "provider called vendor=webhook operation=call status=%s seconds=%.3f",
        status if status is not None else code,
        milliseconds / 1000,
    )
