"""The states of a booking attempt, and the words others use for them."""

from enum import StrEnum

from domain.transitions import Transitions


class AttemptState(StrEnum):
    VALIDATING = "validating"
    AUTHORISING = "authorising"
    AWAITING_AUTHENTICATION = "awaiting_authentication"
    ORDERING = "ordering"  # the point of no return has been passed
    ORDER_UNKNOWN = "order_unknown"
    CAPTURING = "capturing"
    CAPTURED = "captured"
    COMPENSATING = "compensating"
    FAILED = "failed"


_S = AttemptState
ATTEMPT_TRANSITIONS = Transitions(
    "attempt",
    {
        _S.VALIDATING: frozenset({_S.AUTHORISING, _S.COMPENSATING, _S.FAILED, _S.ORDERING}),
        _S.AUTHORISING: frozenset(
            {_S.AWAITING_AUTHENTICATION, _S.VALIDATING, _S.ORDERING, _S.COMPENSATING, _S.FAILED}
        ),
        _S.AWAITING_AUTHENTICATION: frozenset(
            {_S.AUTHORISING, _S.VALIDATING, _S.COMPENSATING, _S.FAILED}
        ),
        # Back to validating only after a definite no: expired or dearer offers are searched again.
        _S.ORDERING: frozenset({_S.ORDER_UNKNOWN, _S.CAPTURING, _S.VALIDATING, _S.COMPENSATING}),
        _S.ORDER_UNKNOWN: frozenset({_S.CAPTURING, _S.COMPENSATING}),
        _S.CAPTURING: frozenset({_S.CAPTURED, _S.COMPENSATING}),
        _S.CAPTURED: frozenset(),
        _S.COMPENSATING: frozenset({_S.FAILED}),
        _S.FAILED: frozenset(),
    },
)
LIVE = frozenset(set(_S) - {_S.CAPTURED, _S.FAILED})
PAST_NO_RETURN = frozenset({_S.ORDERING, _S.ORDER_UNKNOWN, _S.CAPTURING, _S.CAPTURED})


class FailureReason(StrEnum):
    """Why an attempt ended without a booking; each says what the campaign does next."""

    OFFER_GONE = "offer_gone"
    PRICE_ROSE = "price_rose"
    CRITERIA_NOT_MET = "criteria_not_met"
    CARD_DECLINED = "card_declined"
    CARD_TRY_LATER = "card_try_later"
    AUTHENTICATION_LAPSED = "authentication_lapsed"
    WITHDRAWN = "withdrawn"  # cancelled, paused, edited or expired before the point of no return
    ORDER_REFUSED = "order_refused"
    ORDER_NEVER_HAPPENED = "order_never_happened"
    CAPTURE_REFUSED = "capture_refused"
    TRAVELLER_DATA = "traveller_data"
    BOOKING_STOPPED = "booking_stopped"  # the switch, the spending cap or an empty balance
    PROVIDER_UNAVAILABLE = "provider_unavailable"
    ALLOWANCE_LAPSED = "allowance_lapsed"  # what was allowed once was good for minutes only
    CONSENT_NEEDED = "consent_needed"  # the mandate is not what was signed, or of something else


STOPS_CAMPAIGN = frozenset(
    {
        FailureReason.CARD_DECLINED,
        FailureReason.AUTHENTICATION_LAPSED,
        FailureReason.CAPTURE_REFUSED,
        FailureReason.TRAVELLER_DATA,
        FailureReason.CONSENT_NEEDED,
    }
)


def published_state(attempt: AttemptState, ticketed: bool) -> str:  # noqa: FBT001
    """Return the word of the integration plan for an attempt (S0-48 to S0-54)."""
    if attempt is AttemptState.CAPTURED:
        return "COMPLETED" if ticketed else "DUFFEL_TICKETING"
    return PUBLISHED_STATES[attempt]


PUBLISHED_STATES = {
    AttemptState.VALIDATING: "DUFFEL_OFFER_SEARCH",
    AttemptState.AUTHORISING: "DUFFEL_PAYMENT_AUTH",
    AttemptState.AWAITING_AUTHENTICATION: "DUFFEL_PAYMENT_AUTH",
    AttemptState.ORDERING: "DUFFEL_ORDER_CREATE",
    AttemptState.ORDER_UNKNOWN: "DUFFEL_ORDER_CREATE",
    AttemptState.CAPTURING: "DUFFEL_ORDER_CREATE",
    AttemptState.COMPENSATING: "FAILED",
    AttemptState.FAILED: "FAILED",
}
