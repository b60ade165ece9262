"""The states of a payment and what a card's refusal means for the campaign."""

from enum import StrEnum

from domain.transitions import Transitions


class PaymentState(StrEnum):
    CREATED = "created"  # known to us; the provider may hold an unconfirmed intent
    AUTHENTICATION_REQUIRED = "authentication_required"
    AUTHORISED = "authorised"
    DECLINED = "declined"
    CAPTURED = "captured"
    VOIDED = "voided"
    REFUNDED = "refunded"  # wholly or in part; the amounts say how much


_S = PaymentState
PAYMENT_TRANSITIONS = Transitions(
    "payment",
    {
        _S.CREATED: frozenset({_S.AUTHORISED, _S.DECLINED, _S.AUTHENTICATION_REQUIRED, _S.VOIDED}),
        _S.AUTHENTICATION_REQUIRED: frozenset({_S.AUTHORISED, _S.DECLINED, _S.VOIDED}),
        _S.AUTHORISED: frozenset({_S.CAPTURED, _S.VOIDED}),
        _S.DECLINED: frozenset({_S.VOIDED}),
        _S.CAPTURED: frozenset({_S.REFUNDED}),
        _S.REFUNDED: frozenset({_S.REFUNDED}),
        _S.VOIDED: frozenset(),
    },
)


class DeclineClass(StrEnum):
    """What a refusal asks for; see the decline map of the Stripe contract, section 1.7."""

    TRY_LATER = "try_later"
    FUNDS = "funds"
    REPLACE = "replace"
    ISSUER = "issuer"
    STOP = "stop"
    RADAR = "radar"
    RATE = "rate"
    OURS = "ours"
