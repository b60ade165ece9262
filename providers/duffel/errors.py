"""Duffel's error codes: what each means to us, what the traveller is told, what may follow.

One table for every code that Duffel is known to send. A code that it lacks still has a meaning by
its HTTP status, and is logged so that it gets a row.
"""

import logging
import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from providers.http import Answer, Reply

_LOG = logging.getLogger("providers")


class Meaning(StrEnum):
    GONE = "gone"
    PRICE_CHANGED = "price_changed"
    BALANCE = "balance"
    PASSENGER_DATA = "passenger_data"
    NOT_POSSIBLE = "not_possible"
    CREDENTIALS = "credentials"
    UNAVAILABLE = "unavailable"
    UNKNOWN_OUTCOME = "unknown_outcome"


class RetryClass(StrEnum):
    """What has to happen before the same thing is tried once more."""

    SAME_CALL = "same_call"  # nothing happened: repeat it, after a pause
    NEW_SEARCH = "new_search"
    AFTER_FIX = "after_fix"  # the traveller or an operator changes something first
    RESOLVE_FIRST = "resolve_first"  # find out whether it took effect
    NEVER = "never"


@dataclass(frozen=True)
class Known:
    """One row: our meaning, the key of the traveller's text, the class of retry."""

    meaning: Meaning
    copy_key: str
    retry: RetryClass


_GONE = Known(Meaning.GONE, "offer_gone", RetryClass.NEW_SEARCH)
_PRICE = Known(Meaning.PRICE_CHANGED, "price_changed", RetryClass.NEW_SEARCH)
_BALANCE = Known(Meaning.BALANCE, "booking_paused_by_us", RetryClass.AFTER_FIX)
_PASSENGER = Known(Meaning.PASSENGER_DATA, "check_traveler_details", RetryClass.AFTER_FIX)
_OURS = Known(Meaning.NOT_POSSIBLE, "our_mistake", RetryClass.AFTER_FIX)
_AIRLINE_NO = Known(Meaning.NOT_POSSIBLE, "airline_refused", RetryClass.NEVER)
_PAYMENT_NO = Known(Meaning.NOT_POSSIBLE, "airline_refused_payment", RetryClass.AFTER_FIX)
_DONE = Known(Meaning.NOT_POSSIBLE, "already_done", RetryClass.NEVER)
_AGAIN = Known(Meaning.NOT_POSSIBLE, "ask_again", RetryClass.SAME_CALL)
_KEY = Known(Meaning.CREDENTIALS, "booking_paused_by_us", RetryClass.AFTER_FIX)
_DOWN = Known(Meaning.UNAVAILABLE, "seller_unavailable", RetryClass.SAME_CALL)
_UNKNOWN = Known(Meaning.UNKNOWN_OUTCOME, "checking_with_airline", RetryClass.RESOLVE_FIRST)

_ROWS: dict[Known, str] = {
    _GONE: """
        offer_no_longer_available offer_expired schedule_changed not_valid_with_selected_offer
        ancillary_service_not_available
    """,
    _PRICE: """
        price_changed payment_amount_does_not_match_order_amount
        payment_currency_does_not_match_order_currency no_match
    """,
    _BALANCE: "insufficient_balance",
    _PASSENGER: """
        duplicate_passenger_name invalid_passenger_name invalid_passenger_title
        invalid_phone_number invalid_email_address order_passengers_incompatible_with_offer
        invalid_loyalty_card
    """,
    _OURS: """
        bad_request missing_content_type_header invalid_content_type_header missing_version_header
        invalid_version_header unsupported_version unavailable_in_version missing_data_param
        invalid_data_param malformed_data_param not_found unsupported_format
        validation_required validation_format validation_inclusion validation_length
        validation_type validation_unique validation_checksum unsafe_unique invalid_field_sets
        payments_not_allowed_for_order_type services_not_allowed_for_order_type
        order_type_not_eligible_for_payment invalid_order_create_type emails_not_unique
        webhook_client_error pay_later_order_no_payment_for_ancillaries invalid_order
    """,
    _PAYMENT_NO: """
        invalid_card_expiration_date invalid_intended_card payment_declined high_fraud_risk
        three_d_secure_session_not_found three_d_secure_session_not_ready_for_payment
        three_d_secure_session_expired ineligible_airline_credit past_payment_required_by_date
    """,
    _AIRLINE_NO: """
        order_not_cancellable order_not_changeable order_not_changeable_yet unsupported_action
    """,
    _DONE: "already_cancelled already_paid order_change_already_actioned",
    _AGAIN: """
        order_cancellation_stale stale_airline_initiated_change_accept
        stale_airline_initiated_change_update modified_externally
    """,
    _KEY: """
        missing_authorization_header invalid_authorization_header access_token_not_found
        expired_access_token insufficient_permissions unavailable_feature
    """,
    # `order_not_created` is Duffel's promise that there is no order and no charge.
    _DOWN: "rate_limit_exceeded order_not_created",
    # On a read or a search these mean no more than "try again"; the HTTP status says so there.
    _UNKNOWN: """
        offer_request_already_booked order_creation_already_attempted duplicate_booking
        booking_already_attempted airline_internal airline_unknown internal_server_error
        gateway_timeout_error
    """,
}
ERRORS: dict[str, Known] = {code: known for known, codes in _ROWS.items() for code in codes.split()}

# Codes of validation say what is wrong, the pointer says with what.
_BY_POINTER = {
    "passengers": _PASSENGER,
    "selected_offers": _GONE,
    "services": _GONE,  # their ids change with each fetch of the offer
    "payments": _PRICE,
}
_GENERIC = frozenset(
    {
        "validation_required",
        "validation_format",
        "validation_inclusion",
        "validation_length",
        "validation_type",
        "validation_unique",
        "validation_checksum",
        "no_match",
        "invalid_field_sets",
        "not_found",
    }
)
# An offer in the body that cannot be found has gone; one that is missing is a bug of ours.
_NEEDS_NOT_FOUND = frozenset({"selected_offers", "services"})
_CODE = re.compile(r"[a-z0-9_]{1,64}")
_POINTER = re.compile(r"[A-Za-z0-9_/\[\]]{1,120}")


@dataclass(frozen=True)
class Failure:
    """What one error answer comes to."""

    code: str
    known: Known | None
    field: str | None = None


def read_failure(answer: Answer) -> Failure | None:
    """Find the error that decides; None if the answer holds no readable error.

    One that leaves the outcome open outweighs all others: a wrong "no" books twice.
    """
    errors = (answer.json or {}).get("errors")
    if not isinstance(errors, list):
        return None
    failures = list(_failures(errors))
    if not failures:
        return None
    unknown = (f for f in failures if f.known is _UNKNOWN)
    return next(unknown, failures[0])


def report_missing_rows(reply: Reply, operation: str) -> None:
    """Log each code that the table lacks, so that somebody gives it a row."""
    errors = (reply.json or {}).get("errors") if isinstance(reply, Answer) else None
    for failure in _failures(errors if isinstance(errors, list) else []):
        if failure.known is None:
            _LOG.warning(
                "duffel code without a row",
                extra={
                    "code": failure.code,
                    "operation": operation,
                    "request_id": reply.request_id,
                },
            )


def _failures(errors: Iterable[object]) -> Iterable[Failure]:
    for error in errors:
        if isinstance(error, dict) and isinstance(error.get("code"), str | int):
            code, pointer = _safe(_CODE, str(error["code"])), _pointer(error.get("source"))
            yield Failure(code or "unreadable_code", _known(code, pointer), pointer)


def _known(code: str | None, pointer: str | None) -> Known | None:
    if code is None:
        return None
    if code in _GENERIC and pointer:
        place = pointer.strip("/").split("/")[0]
        if place in _BY_POINTER and (place not in _NEEDS_NOT_FOUND or code == "not_found"):
            return _BY_POINTER[place]
    return ERRORS.get(code)


def _pointer(source: object) -> str | None:
    """Read where the error is; for airlines' errors `source` is a name, not a place."""
    if not isinstance(source, dict):
        return None
    found = source.get("pointer") or source.get("field")
    return _safe(_POINTER, found) if isinstance(found, str) else None


def _safe(pattern: re.Pattern[str], text: str) -> str | None:
    """Let through what looks like a vendor's word, so that no message carries personal data."""
    return text if pattern.fullmatch(text) else None
