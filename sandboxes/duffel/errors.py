"""Refusals in Duffel's envelope."""

from collections.abc import Mapping
from typing import Any

from sandboxes.duffel.ids import new_request_id
from sandboxes.store import Json

_DOCS = "https://duffel.com/docs/api/overview/response-handling"

# code -> (type, title, message); what is not here is a validation error titled by its code.
_KNOWN = {
    "missing_authorization_header": (
        "authentication_error", "Missing authorization header",
        "The 'Authorization' header needs to be set and contain a valid API token",
    ),
    "invalid_authorization_header": (
        "authentication_error", "Invalid authorization header",
        "The 'Authorization' header must be of the form 'Bearer <token>'",
    ),
    "access_token_not_found": (
        "authentication_error", "Access token not found",
        "The access token is unknown; the sandbox takes tokens that start with duffel_test_",
    ),
    "missing_version_header": (
        "invalid_request_error", "Missing version header",
        "The 'Duffel-Version' header needs to be set",
    ),
    "unsupported_version": (
        "invalid_request_error", "Unsupported version", "Use version v2 of the API",
    ),
    "invalid_content_type_header": (
        "invalid_request_error", "Invalid content type", "The body must be application/json",
    ),
    "bad_request": ("invalid_request_error", "Bad request", "The request could not be read"),
    "missing_data_param": (
        "invalid_request_error", "Missing data", "The body must hold an object named 'data'",
    ),
    "invalid_data_param": (
        "invalid_request_error", "Invalid data", "'data' must be an object",
    ),
    "unavailable_feature": (
        "invalid_request_error", "Unavailable feature", "This feature is not enabled",
    ),
    "not_found": ("invalid_request_error", "Not found", "The resource does not exist"),
    "rate_limit_exceeded": (
        "rate_limit_error", "Rate limit exceeded",
        "Wait until the time in the 'ratelimit-reset' header and try again",
    ),
    "internal_server_error": (
        "api_error", "Internal server error",
        "Something went wrong; an order may have been created at the airline",
    ),
    "service_unavailable": (
        "api_error", "Service unavailable", "Nothing was booked; try again later",
    ),
    "gateway_timeout_error": ("api_error", "Gateway timeout", "The airline took too long"),
    "airline_internal": ("airline_error", "Airline internal error", "The airline failed"),
    "airline_unknown": (
        "airline_error", "Airline error", "The airline gave an error that is not known",
    ),
    "order_not_created": (
        "airline_error", "Order not created", "No order was created and nothing was charged",
    ),
    "offer_no_longer_available": (
        "airline_error", "Offer no longer available", "Search again and choose another offer",
    ),
    "payment_declined": ("airline_error", "Payment declined", "The airline declined the payment"),
    "duplicate_booking": (
        "airline_error", "Duplicate booking", "The airline holds a booking like this one",
    ),
    "insufficient_balance": (
        "invalid_state_error", "Insufficient balance", "Top up the balance and try again",
    ),
    "already_cancelled": (
        "invalid_state_error", "Already cancelled", "The order is cancelled already",
    ),
    "already_paid": ("invalid_state_error", "Already paid", "The order is paid already"),
    "past_payment_required_by_date": (
        "invalid_state_error", "Too late to pay", "The airline no longer holds the order",
    ),
    "order_not_cancellable": (
        "invalid_state_error", "Order not cancellable",
        "This order cannot be cancelled through the API",
    ),
    "order_cancellation_stale": (
        "invalid_state_error", "Cancellation stale", "Ask for a new quote and confirm that",
    ),
    "invalid_order_create_type": (
        "invalid_state_error", "Invalid order type", "This offer must be paid for at once",
    ),
    "stale_airline_initiated_change_accept": (
        "invalid_state_error", "Stale change", "The airline has changed the order again",
    ),
    "stale_airline_initiated_change_update": (
        "invalid_state_error", "Stale change", "The airline has changed the order again",
    ),
    "webhook_client_error": (
        "invalid_state_error", "Webhook client error", "The receiver did not answer with 2xx",
    ),
    "offer_request_already_booked": (
        "validation_error", "Offer request already booked",
        "You cannot book several offers of one offer request",
    ),
    "order_creation_already_attempted": (
        "validation_error", "Order creation already attempted", "Do not retry this request",
    ),
    "payment_amount_does_not_match_order_amount": (
        "validation_error", "Payment amount does not match the order amount",
        "The amount must equal the current total of the offer and its services",
    ),
    "no_match": (
        "validation_error", "No match", "The currency must be that of the order",
    ),
}  # fmt: skip

_BY_STATUS = {
    401: "access_token_not_found",
    404: "not_found",
    422: "validation_required",
    429: "rate_limit_exceeded",
    502: "airline_unknown",
    503: "service_unavailable",
    504: "gateway_timeout_error",
}


class DuffelError(Exception):
    """A refusal; raised before anything is written, so that the rest of the call may stand."""

    def __init__(self, status: int, *entries: Json) -> None:
        super().__init__(f"{status} {[entry['code'] for entry in entries]}")
        self.status = status
        self.entries = entries


def entry(
    code: str, *, message: str | None = None, title: str | None = None, source: Any = None
) -> Json:
    """Write one entry of `errors`."""
    kind, known_title, known_message = _KNOWN.get(
        code, ("validation_error", code.replace("_", " ").capitalize(), "The field is not valid")
    )
    found: Json = {
        "type": kind,
        "code": code,
        "title": title or known_title,
        "message": message or known_message,
        "documentation_url": _DOCS,
    }
    return found if source is None else found | {"source": source}


def invalid(code: str, pointer: str, message: str) -> Json:
    """Write one validation entry that points into the request."""
    field = pointer.rsplit("/", 1)[-1]
    return entry(code, message=message, source={"field": field, "pointer": pointer})


def refuse(status: int, code: str, *, pointer: str | None = None) -> DuffelError:
    """Make a refusal of one known code."""
    source = {"field": pointer.rsplit("/", 1)[-1], "pointer": pointer} if pointer else None
    return DuffelError(status, entry(code, source=source))


def envelope(status: int, entries: tuple[Json, ...], request_id: str) -> Json:
    return {"errors": list(entries), "meta": {"request_id": request_id, "status": status}}


def error_envelope(status: int, code: str | None) -> tuple[Json, Mapping[str, str]]:
    """Make the body and headers of an error by status, for faults of the frame."""
    request_id = new_request_id()
    name = code or _BY_STATUS.get(status, "internal_server_error")
    return envelope(status, (entry(name),), request_id), {"x-request-id": request_id}
