"""Stripe's test cards: what each number and `pm_card_*` name does when it is saved or charged."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum


class Auth(StrEnum):
    """When the issuer wants the cardholder to authenticate."""

    NEVER = "never"
    ALWAYS = "always"
    UNLESS_SET_UP = "unless_set_up"
    """At setup; afterwards off-session charges pass."""
    ON_SESSION = "on_session"
    """Off-session charges pass in any case."""


@dataclass(frozen=True, kw_only=True)
class CardRow:
    """One row of the table of test cards."""

    number: str
    names: tuple[str, ...]
    """Names behind `pm_`, the first is the usual one."""
    label: str
    """What it does, for people."""
    brand: str = "visa"
    funding: str = "credit"
    auth: Auth = Auth.NEVER
    decline: str | None = None
    """Decline code of every charge."""
    saves: bool = True
    """Whether it can be set up or attached although charges decline."""
    blocked: bool = False
    """Radar stops it before the issuer is asked."""
    risk_level: str = "normal"
    dispute: str | None = None
    """Reason of the dispute that a captured charge gets; `inquiry` makes it a warning."""
    disputes: int = 1
    fraud_warning: bool = False
    refund: str | None = None
    """`pending` or `fail`: what becomes of refunds."""

    @property
    def last4(self) -> str:
        return self.number[-4:]


CARDS: tuple[CardRow, ...] = (
    CardRow(number="4242424242424242", names=("card_visa",), label="Visa, succeeds"),
    CardRow(
        number="4000056655665556", names=("card_visa_debit",), label="Visa debit, succeeds",
        funding="debit",
    ),
    CardRow(
        number="5555555555554444", names=("card_mastercard",), label="Mastercard, succeeds",
        brand="mastercard",
    ),
    CardRow(
        number="378282246310005", names=("card_amex",), label="American Express, succeeds",
        brand="amex",
    ),
    CardRow(
        number="6011111111111117", names=("card_discover",), label="Discover, succeeds",
        brand="discover",
    ),
    CardRow(
        number="3056930009020004", names=("card_diners",), label="Diners Club, succeeds",
        brand="diners",
    ),
    CardRow(
        number="3566002020360505", names=("card_jcb",), label="JCB, succeeds", brand="jcb",
    ),
    CardRow(
        number="6200000000000005", names=("card_unionpay",), label="UnionPay, succeeds",
        brand="unionpay",
    ),
    CardRow(
        number="4000000000000341", names=("card_chargeCustomerFail",),
        label="Saves, then every charge is declined", decline="generic_decline",
    ),
    CardRow(
        number="4000002760003184", names=("card_authenticationRequired",),
        label="The bank asks for authentication every time", auth=Auth.ALWAYS,
    ),
    CardRow(
        number="4000002500003155", names=("card_authenticationRequiredOnSetup",),
        label="Authentication when saved, none afterwards", auth=Auth.UNLESS_SET_UP,
    ),
    CardRow(
        number="4000003800000446", names=("card_authenticationRequiredSetupForOffSession",),
        label="Authentication on session only", auth=Auth.ON_SESSION,
    ),
    CardRow(
        number="4000008260003178",
        names=("card_authenticationRequiredChargeDeclinedInsufficientFunds",),
        label="Authentication every time, then insufficient funds", auth=Auth.ALWAYS,
        decline="insufficient_funds",
    ),
    CardRow(
        number="4000000000003220", names=("card_threeDSecure2Required",),
        label="3D Secure required", auth=Auth.ALWAYS,
    ),
    CardRow(
        number="4000008400001629", names=("card_threeDSecureRequiredChargeDeclined",),
        label="3D Secure required, then declined", auth=Auth.ALWAYS, decline="generic_decline",
    ),
    CardRow(
        number="4000008400001280", names=("card_threeDSecureRequiredProcessingError",),
        label="3D Secure required, then a processing error", auth=Auth.ALWAYS,
        decline="processing_error",
    ),
    CardRow(
        number="4000000000003055", names=("card_threeDSecureOptional",),
        label="3D Secure possible, not required",
    ),
    CardRow(
        number="4000000000000002", names=("card_visa_chargeDeclined", "card_chargeDeclined"),
        label="Declined", decline="generic_decline", saves=False,
    ),
    CardRow(
        number="4000000000009995",
        names=(
            "card_visa_chargeDeclinedInsufficientFunds", "card_chargeDeclinedInsufficientFunds",
        ),
        label="Insufficient funds", decline="insufficient_funds", saves=False,
    ),
    CardRow(
        number="4000000000009987",
        names=("card_visa_chargeDeclinedLostCard", "card_chargeDeclinedLostCard"),
        label="Lost card", decline="lost_card", saves=False,
    ),
    CardRow(
        number="4000000000009979",
        names=("card_visa_chargeDeclinedStolenCard", "card_chargeDeclinedStolenCard"),
        label="Stolen card", decline="stolen_card", saves=False,
    ),
    CardRow(
        number="4000000000000069", names=("card_chargeDeclinedExpiredCard",),
        label="Expired card", decline="expired_card", saves=False,
    ),
    CardRow(
        number="4000000000000127", names=("card_chargeDeclinedIncorrectCvc",),
        label="Incorrect CVC", decline="incorrect_cvc", saves=False,
    ),
    CardRow(
        number="4000000000000119", names=("card_chargeDeclinedProcessingError",),
        label="Processing error", decline="processing_error", saves=False,
    ),
    CardRow(
        number="4000000000006975",
        names=(
            "card_visa_chargeDeclinedVelocityLimitExceeded",
            "card_chargeDeclinedVelocityLimitExceeded",
        ),
        label="Too many charges", decline="card_velocity_exceeded", saves=False,
    ),
    CardRow(
        number="4000000000000259", names=("card_createDispute",),
        label="Disputed as fraudulent after the charge", dispute="fraudulent",
    ),
    CardRow(
        number="4000000000002685", names=("card_createDisputeProductNotReceived",),
        label="Disputed as not received", dispute="product_not_received",
    ),
    CardRow(
        number="4000000000001976", names=("card_createDisputeInquiry",),
        label="Disputed as an inquiry", dispute="inquiry",
    ),
    CardRow(
        number="4000004040000079", names=("card_createMultipleDisputes",),
        label="Disputed twice", dispute="fraudulent", disputes=2,
    ),
    CardRow(
        number="4000000000005423", names=("card_createIssuerFraudRecord",),
        label="Early fraud warning after the charge", fraud_warning=True,
    ),
    CardRow(
        number="4100000000000019", names=("card_radarBlock",), label="Blocked by Radar",
        decline="fraudulent", blocked=True, risk_level="highest",
    ),
    CardRow(
        number="4000000000004954", names=("card_riskLevelHighest",),
        label="Highest risk, blocked by Radar", decline="fraudulent", blocked=True,
        risk_level="highest",
    ),
    CardRow(
        number="4000000000009235", names=("card_riskLevelElevated",), label="Elevated risk",
        risk_level="elevated",
    ),
    CardRow(
        number="4000000000007726", names=("card_pendingRefund",),
        label="Refunds stay pending for a while", refund="pending",
    ),
    CardRow(
        number="4000000000005126", names=("card_refundFail",), label="Refunds fail afterwards",
        refund="fail",
    ),
    CardRow(
        number="4000000000000077", names=("card_bypassPending",),
        label="Funds are available at once",
    ),
)  # fmt: skip

_BY_NUMBER = {card.number: card for card in CARDS}
_BY_TOKEN = {f"pm_{name}": card for card in CARDS for name in card.names}


def by_number(number: str) -> CardRow | None:
    """Find a test card by what a person typed; no other number is ever accepted."""
    return _BY_NUMBER.get("".join(number.split()).replace("-", ""))


def by_token(token: str) -> CardRow | None:
    """Find a test card by `pm_card_...`."""
    return _BY_TOKEN.get(token)


def tokens() -> Iterator[tuple[str, CardRow]]:
    yield from _BY_TOKEN.items()


@dataclass(frozen=True)
class Decline:
    """What an issuer's refusal looks like in the API."""

    code: str
    decline_code: str
    message: str
    advice: str | None


_OWN_CODES = frozenset(
    {"expired_card", "incorrect_cvc", "processing_error", "authentication_required"}
)
"""Decline codes that are also the error's code; all others come as `card_declined`."""

_MESSAGES = {
    "insufficient_funds": "Your card has insufficient funds.",
    "expired_card": "Your card has expired.",
    "incorrect_cvc": "Your card's security code is incorrect.",
    "processing_error": (
        "An error occurred while processing your card. Try again in a little bit."
    ),
    "card_velocity_exceeded": (
        "Your card was declined for making repeated attempts too frequently"
        " or exceeding its amount limit."
    ),
    "authentication_required": (
        "Your card was declined. This transaction requires authentication."
    ),
}
_ADVICE = {
    "generic_decline": "try_again_later",
    "do_not_honor": "try_again_later",
    "insufficient_funds": "try_again_later",
    "card_velocity_exceeded": "try_again_later",
    "processing_error": "try_again_later",
    "issuer_not_available": "try_again_later",
    "reenter_transaction": "try_again_later",
    "expired_card": "confirm_card_data",
    "incorrect_cvc": "confirm_card_data",
    "lost_card": "do_not_try_again",
    "stolen_card": "do_not_try_again",
    "pickup_card": "do_not_try_again",
    "fraudulent": "do_not_try_again",
    "restricted_card": "do_not_try_again",
    "stop_payment_order": "do_not_try_again",
}


def decline(decline_code: str) -> Decline:
    """Build the refusal for a decline code, known or not."""
    return Decline(
        code=decline_code if decline_code in _OWN_CODES else "card_declined",
        decline_code=decline_code,
        message=_MESSAGES.get(decline_code, "Your card was declined."),
        advice=_ADVICE.get(decline_code),
    )
