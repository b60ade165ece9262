"""When to try again after a failed attempt, and what a card's refusal means.

The decline table follows section 1.7 of the Stripe contract. Stripe adds codes often, so a code
that nobody knows is a hard no: better one traveller asked for another card than a card hammered.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from domain.payments import DeclineClass

FIRST_BACKOFF = timedelta(minutes=5)
LONGEST_BACKOFF = timedelta(hours=12)
CARD_WINDOW = timedelta(days=30)
CARD_LIMIT = 4  # card networks fine merchants from 15 re-attempts in 30 days; stay far below


def backoff(failures: int) -> timedelta:
    """Return how long to wait after this many failed attempts in a row: 5, 10, 20 ... minutes."""
    if failures <= 0:
        return timedelta(0)
    factor: int = 2 ** min(failures - 1, 16)
    return min(FIRST_BACKOFF * factor, LONGEST_BACKOFF)


def card_may_be_tried(
    times: Sequence[datetime],
    now: datetime,
    limit: int = CARD_LIMIT,
    window: timedelta = CARD_WINDOW,
) -> bool:
    """Say whether one more authorisation of the card stays within the limit.

    `times` are the instants of its earlier authorisations, in any order.
    """
    return sum(1 for tried in times if tried > now - window) < limit


def card_free_at(
    times: Sequence[datetime],
    now: datetime,
    limit: int = CARD_LIMIT,
    window: timedelta = CARD_WINDOW,
) -> datetime:
    """Return from when on the card may be tried again; `now` if it may be at once."""
    recent = sorted(tried for tried in times if tried > now - window)
    return now if len(recent) < limit else recent[len(recent) - limit] + window


def decline_class(
    code: str | None, decline_code: str | None, advice_code: str | None
) -> DeclineClass:
    """Classify a refusal by code, then decline code, then advice.

    The advice "do not try again" outweighs a softer code, since it comes from the issuer.
    """
    if advice_code == "do_not_try_again":
        return DeclineClass.STOP
    for name in (code, decline_code):
        if name is None or name == "card_declined":  # says that, not why
            continue
        known = _CLASSES.get(name)
        if known is None:
            known = next((k for start, k in _PREFIXES.items() if name.startswith(start)), None)
        if known is not None:
            return known
    match advice_code:
        case "try_again_later":
            return DeclineClass.TRY_LATER
        case "confirm_card_data":
            return DeclineClass.REPLACE
        case _:
            return DeclineClass.STOP


def _table() -> dict[str, DeclineClass]:
    by_class = {
        DeclineClass.TRY_LATER: (
            "processing_error issuer_not_available reenter_transaction try_again_later"
        ),
        DeclineClass.FUNDS: (
            "insufficient_funds card_velocity_exceeded withdrawal_count_limit_exceeded"
        ),
        DeclineClass.REPLACE: (
            "expired_card expired_payment_method incorrect_cvc incorrect_number incorrect_zip "
            "incorrect_address invalid_account invalid_amount invalid_cvc invalid_expiry_month "
            "invalid_expiry_year invalid_number invalid_pin incorrect_pin card_not_supported "
            "currency_not_supported payment_method_restricted"
        ),
        # A failed authentication is the bank's business too: one more try, then its customer.
        DeclineClass.ISSUER: (
            "generic_decline do_not_honor call_issuer transaction_not_allowed security_violation "
            "not_permitted no_action_taken service_not_allowed approve_with_id "
            "authentication_required authentication_failure authentication_not_handled "
            "payment_intent_authentication_failure"
        ),
        DeclineClass.STOP: (
            "lost_card stolen_card pickup_card fraudulent merchant_blacklist restricted_card "
            "stop_payment_order revocation_of_authorization revocation_of_all_authorizations"
        ),
        DeclineClass.RADAR: (
            "highest_risk_level elevated_risk_level rule previously_declined_do_not_retry"
        ),
        DeclineClass.RATE: "card_decline_rate_limit_exceeded",
        DeclineClass.OURS: (
            "amount_too_small amount_too_large resource_missing payment_intent_unexpected_state "
            "idempotency_key_in_use testmode_decline live_mode_test_card"
        ),
    }
    return {code: kind for kind, codes in by_class.items() for code in codes.split()}


_CLASSES = _table()
_PREFIXES = {
    "invalid_": DeclineClass.REPLACE,
    "revocation_of_": DeclineClass.STOP,
    "parameter_": DeclineClass.OURS,
}

# What the traveller reads. Lost, stolen and fraud are never named: the reader may be the thief.
DECLINE_SENTENCES = {
    DeclineClass.TRY_LATER: "Your bank could not be reached. We will try again with the next fare.",
    DeclineClass.FUNDS: "Your bank says that the card's funds or limit do not cover the fare.",
    DeclineClass.REPLACE: "The card cannot be charged as it is saved. Please add it again, "
    "or another card.",
    DeclineClass.ISSUER: "Your bank declined the charge. It can tell you why; "
    "another card works too.",
    DeclineClass.STOP: "Your card was declined. Please use another card.",
    DeclineClass.RADAR: "Your card was declined. Please use another card.",
    DeclineClass.RATE: "Your card was declined too often today. It can be tried again tomorrow.",
    DeclineClass.OURS: "We could not charge your card because of a mistake on our side.",
}
