"""Stripe's objects in our words."""

from datetime import UTC, datetime

from domain.authorisations import decline_class
from domain.payments import DeclineClass
from providers.ports import (
    CardSetup,
    IntentStatus,
    PaymentDeclined,
    PaymentIntent,
    Refund,
    RefundStatus,
    SavedCard,
)
from providers.stripe.amounts import from_stripe
from providers.stripe.errors import AUTHENTICATION_REQUIRED, CardRefused
from providers.stripe.wire import (
    WireCharge,
    WireIntent,
    WirePaymentError,
    WirePaymentMethod,
    WireRefund,
    WireSession,
    WireSetupIntent,
)

_STATUSES = {
    "requires_confirmation": IntentStatus.NEW,
    "requires_action": IntentStatus.NEEDS_CUSTOMER,
    "processing": IntentStatus.PROCESSING,
    "requires_capture": IntentStatus.AUTHORISED,
    "succeeded": IntentStatus.CAPTURED,
    "canceled": IntentStatus.VOIDED,
}
_REFUND_STATUSES = {
    "pending": RefundStatus.PENDING,
    "requires_action": RefundStatus.PENDING,
    "succeeded": RefundStatus.SUCCEEDED,
    "failed": RefundStatus.FAILED,
    "canceled": RefundStatus.FAILED,
}


def to_intent(wire: WireIntent) -> PaymentIntent:
    """Map an intent read with `latest_charge` expanded.

    `authorised_minor` is what is held at this moment: nothing once it is captured or voided.

    Raises:
        ValueError: a status or an amount that we do not know.
    """
    charge = wire.latest_charge if isinstance(wire.latest_charge, WireCharge) else None
    status = _status(wire)
    redirect = wire.next_action.redirect_to_url if wire.next_action else None
    return PaymentIntent(
        intent_ref=wire.id,
        status=status,
        amount=from_stripe(wire.amount, wire.currency),
        authorised_minor=from_stripe(wire.amount_capturable, wire.currency).minor,
        captured_minor=from_stripe(wire.amount_received, wire.currency).minor,
        refunded_minor=from_stripe(charge.amount_refunded if charge else 0, wire.currency).minor,
        capture_before=_capture_before(charge),
        redirect_url=redirect.url if redirect else None,
        decline=_decline(wire, charge) if status is IntentStatus.DECLINED else None,
        attempt_reference=wire.metadata.get("attempt_id"),
        campaign_reference=wire.metadata.get("campaign_id"),
    )


def from_refusal(refused: CardRefused) -> PaymentDeclined:
    """Map a 402 as it stands, for when the intent itself cannot be read."""
    return PaymentDeclined(
        kind=decline_class(refused.code, refused.decline_code, refused.advice_code),
        code=refused.decline_code or refused.code,
    )


def to_refund(wire: WireRefund) -> Refund:
    """Raise ValueError for a status or an amount that we do not know."""
    status = _REFUND_STATUSES.get(wire.status or "")
    if status is None:
        raise ValueError(f"refund status {wire.status}")
    return Refund(refund_ref=wire.id, amount=from_stripe(wire.amount, wire.currency), status=status)


def to_card(wire: WirePaymentMethod) -> SavedCard:
    """Raise ValueError for a payment method that is not a card."""
    card = wire.card
    if card is None:
        raise ValueError("payment method is not a card")
    return SavedCard(
        method_ref=wire.id,
        brand=card.brand,
        last4=card.last4,
        exp_month=card.exp_month,
        exp_year=card.exp_year,
        fingerprint=card.fingerprint,
    )


def to_setup(wire: WireSession) -> CardSetup:
    """Map a session; its card counts only once the bank's part has succeeded too."""
    status = wire.status
    if status not in {"open", "complete", "expired"}:
        raise ValueError(f"session status {status}")
    setup = wire.setup_intent
    method = setup.payment_method if isinstance(setup, WireSetupIntent) else None
    done = isinstance(setup, WireSetupIntent) and setup.status == "succeeded"
    return CardSetup(
        setup_ref=wire.id,
        url=wire.url if status == "open" else None,
        status=status,
        card=to_card(method) if done and isinstance(method, WirePaymentMethod) else None,
    )


def _status(wire: WireIntent) -> IntentStatus:
    if wire.status == "requires_payment_method":
        # Stripe goes back here after every refusal; which one it was is in the error.
        error = wire.last_payment_error
        if error is None:
            return IntentStatus.NEW
        needs_customer = AUTHENTICATION_REQUIRED in (error.code, error.decline_code)
        return IntentStatus.NEEDS_CUSTOMER if needs_customer else IntentStatus.DECLINED
    status = _STATUSES.get(wire.status)
    if status is None:
        raise ValueError(f"intent status {wire.status}")
    return status


def _decline(wire: WireIntent, charge: WireCharge | None) -> PaymentDeclined:
    error = wire.last_payment_error or WirePaymentError()
    # Stripe's own fraud screening answers with the codes of an issuer; only the charge tells.
    blocked = charge is not None and charge.outcome is not None and charge.outcome.type == "blocked"
    kind = (
        DeclineClass.RADAR
        if blocked
        else decline_class(error.code, error.decline_code, error.advice_code)
    )
    return PaymentDeclined(kind=kind, code=error.decline_code or error.code or "unknown")


def _capture_before(charge: WireCharge | None) -> datetime | None:
    details = charge.payment_method_details if charge else None
    instant = details.card.capture_before if details and details.card else None
    return None if instant is None else datetime.fromtimestamp(instant, UTC)
