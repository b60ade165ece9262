"""What the processor's word, or our own row, means for the attempt."""

from typing import assert_never

from db.models import PaymentRow
from domain.attempts import FailureReason
from domain.messages.attempt import Authorisation, AuthorisationStatus
from domain.money import Money
from domain.payments import DeclineClass, PaymentState
from providers.ports import (
    AuthenticationRequired,
    IntentStatus,
    PaymentAuthorised,
    PaymentDeclined,
    PaymentIntent,
)

_TRY_LATER = frozenset({DeclineClass.TRY_LATER, DeclineClass.RATE})


def answer_of(
    intent: PaymentIntent,
) -> PaymentAuthorised | PaymentDeclined | AuthenticationRequired:
    """Read what an earlier confirmation came to from the intent's status."""
    match intent.status:
        case IntentStatus.AUTHORISED | IntentStatus.CAPTURED:
            return PaymentAuthorised(intent=intent)
        case IntentStatus.NEEDS_CUSTOMER | IntentStatus.PROCESSING | IntentStatus.NEW:
            return AuthenticationRequired(redirect_url=intent.redirect_url)
        case IntentStatus.DECLINED | IntentStatus.VOIDED:
            return intent.decline or PaymentDeclined(kind=DeclineClass.ISSUER, code="voided")
        case _:
            assert_never(intent.status)


def standing(payment: PaymentRow) -> Authorisation | None:
    """Say what the row knows already; None if the processor must be asked."""
    amount = Money(minor=payment.amount_minor, currency=payment.currency)
    match payment.state:
        case PaymentState.CREATED:
            return None
        case PaymentState.AUTHORISED | PaymentState.CAPTURED | PaymentState.REFUNDED:
            return Authorisation(
                status=AuthorisationStatus.AUTHORISED,
                amount=amount,
                capture_before=payment.capture_before,
            )
        case PaymentState.AUTHENTICATION_REQUIRED:
            return Authorisation(status=AuthorisationStatus.NEEDS_CUSTOMER, amount=amount)
        case PaymentState.DECLINED:
            later = payment.decline_kind in _TRY_LATER
            return declined(FailureReason.CARD_TRY_LATER if later else FailureReason.CARD_DECLINED)
        case PaymentState.VOIDED:
            return voided()
        case _:
            assert_never(payment.state)


def declined(reason: FailureReason) -> Authorisation:
    return Authorisation(status=AuthorisationStatus.DECLINED, reason=reason)


def voided() -> Authorisation:
    return Authorisation(status=AuthorisationStatus.VOIDED, reason=FailureReason.WITHDRAWN)
