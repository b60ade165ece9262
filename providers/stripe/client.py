"""One conversation with Stripe: the official SDK, set up so that it hides nothing from us."""

import logging
import time
from collections.abc import Awaitable, Iterator
from contextlib import contextmanager
from inspect import iscoroutine
from typing import TypeVar

import stripe
from pydantic import ValidationError

from providers.breaker import CircuitBreaker
from providers.errors import BadAnswer, OutcomeUnknown, ProviderError
from providers.http import HeaderHook
from providers.stripe.errors import VENDOR, from_stripe, from_transport
from providers.stripe.transport import StripeTransport, TransportError
from providers.stripe.wire import Wire

_log = logging.getLogger("providers")
_Shape = TypeVar("_Shape", bound=Wire)


class StripeConnection:
    """The SDK client of one event loop. `api` makes the calls, `read` and `write` judge them."""

    def __init__(
        self,
        sdk: stripe.StripeClient,
        transport: StripeTransport,
        breaker: CircuitBreaker | None = None,
    ) -> None:
        self.api = sdk.v1
        self._transport, self._breaker = transport, breaker

    async def read(
        self, operation: str, call: Awaitable[stripe.StripeObject], shape: type[_Shape]
    ) -> _Shape:
        """Raise ProviderUnavailable, ProviderRefused or BadAnswer if there is no such answer."""
        return await self._judge(operation, call, shape, write=False)

    async def write(
        self, operation: str, call: Awaitable[stripe.StripeObject], shape: type[_Shape]
    ) -> _Shape:
        """Raise OutcomeUnknown where the call may have taken effect unseen."""
        return await self._judge(operation, call, shape, write=True)

    async def aclose(self) -> None:
        await self._transport.close_async()

    async def _judge(
        self,
        operation: str,
        call: Awaitable[stripe.StripeObject],
        shape: type[_Shape],
        *,
        write: bool,
    ) -> _Shape:
        started = time.monotonic()
        try:
            with self._guarded(operation, call):
                result = await _shaped(operation, call, shape, write=write)
        except ProviderError as error:
            _report(operation, error.code, started, error.request_id)
            raise
        _report(operation, "ok", started, None)
        return result

    @contextmanager
    def _guarded(self, operation: str, call: Awaitable[object]) -> Iterator[None]:
        """Let the breaker decide; a call that is not made is not left waiting either."""
        if self._breaker is None:
            yield
            return
        try:
            with self._breaker.around(operation):
                yield
        finally:
            if iscoroutine(call):
                call.close()


async def open_stripe(
    secret_key: str,
    api_url: str,
    *,
    timeout_seconds: float,
    extra_headers: HeaderHook,
    breaker: CircuitBreaker | None = None,
) -> StripeConnection:
    """Build a connection for the running event loop; it cannot be used on another."""
    # A self-hosted product has no business sending a persistent id of the machine.
    stripe.enable_telemetry = False
    transport = StripeTransport(timeout_seconds=timeout_seconds, extra_headers=extra_headers)
    sdk = stripe.StripeClient(
        secret_key,
        base_addresses={"api": api_url.rstrip("/")},
        http_client=transport,
        max_network_retries=0,
    )
    return StripeConnection(sdk, transport, breaker)


async def _shaped(
    operation: str, call: Awaitable[stripe.StripeObject], shape: type[_Shape], *, write: bool
) -> _Shape:
    try:
        answer = await call
        return shape.model_validate(answer.to_dict())
    except TransportError as error:
        raise from_transport(error, operation, write=write) from error
    except stripe.StripeError as error:
        # Without the cause: its text quotes the answer's body, which may hold personal data.
        raise from_stripe(error, operation, write=write) from None
    except (ValidationError, AttributeError, KeyError, TypeError) as error:
        # The SDK builds its objects without looking, and stumbles over shapes it does not expect.
        failure = OutcomeUnknown if write else BadAnswer
        raise failure(VENDOR, operation, f"malformed:{type(error).__name__}") from None


def _report(operation: str, result: str, started: float, request_id: str | None) -> None:
    _log.log(
        logging.INFO if result == "ok" else logging.WARNING,
        "provider called vendor=%s operation=%s status=%s seconds=%.3f request_id=%s",
        VENDOR,
        operation,
        result,
        time.monotonic() - started,
        request_id,
    )
