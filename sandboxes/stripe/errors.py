"""Stripe's error envelope, and the exception that turns into it."""

from collections.abc import Mapping
from typing import Any

from sandboxes.store import Json


class StripeError(Exception):
    """A call refused. Whatever its transaction did so far is undone."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        type: str = "invalid_request_error",  # noqa: A002
        code: str | None = None,
        param: str | None = None,
        stored: bool = False,
        **more: Any,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.stored = stored
        """Whether an idempotency key keeps this answer: true once execution had begun."""
        self.error = error_body(message, type=type, code=code, param=param, **more)


def error_body(
    message: str,
    *,
    type: str = "invalid_request_error",  # noqa: A002
    code: str | None = None,
    param: str | None = None,
    **more: Any,
) -> Json:
    """Build the object inside `{"error": ...}`; what is unknown is left out, as Stripe does."""
    error: Json = {"type": type, "message": message}
    if code is not None:
        error["code"] = code
        error["doc_url"] = f"https://stripe.com/docs/error-codes/{code.replace('_', '-')}"
    if param is not None:
        error["param"] = param
    return error | {key: value for key, value in more.items() if value is not None}


def invalid(message: str, param: str | None = None, code: str | None = None) -> StripeError:
    """Refuse parameters before anything began."""
    return StripeError(400, message, param=param, code=code)


def missing(kind: str, id: str, param: str = "id") -> StripeError:  # noqa: A002
    """Tell that there is no such object: 404 for the one in the path, 400 for one referred to."""
    status = 404 if param == "id" else 400
    return StripeError(status, f"No such {kind}: '{id}'", code="resource_missing", param=param)


def bad_state(message: str, code: str, **more: Any) -> StripeError:
    """Refuse because of the object's state; such an answer is kept under the call's key."""
    return StripeError(400, message, code=code, stored=True, **more)


_PLAIN = {
    400: ("invalid_request_error", "Your request was invalid."),
    401: ("invalid_request_error", "Invalid API Key provided."),
    402: ("card_error", "Your card was declined."),
    404: ("invalid_request_error", "Unrecognized request URL."),
    409: (
        "idempotency_error",
        "There is currently another in-progress request using this idempotency key.",
    ),
    429: ("invalid_request_error", "Request rate limit exceeded."),
}


def error_envelope(status: int, code: str | None) -> tuple[Json, Mapping[str, str]]:
    """Give Stripe's body and headers for a status, for errors that no handler made."""
    kind, message = _PLAIN.get(
        status, ("api_error", "An unknown error occurred. Sorry about that!")
    )
    if code == "not_found":
        code = None
    elif code is None and status == 429:
        code = "rate_limit"
    elif code is None and status == 409:
        code = "idempotency_key_in_use"
    elif code is None and status == 402:
        code = "card_declined"
    headers = {"Stripe-Should-Retry": "true"} if status == 409 else {}
    return {"error": error_body(message, type=kind, code=code)}, headers
