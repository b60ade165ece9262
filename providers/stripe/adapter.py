"""Paying by card through Stripe: hold, capture, release, give back.

Each write is one call with the caller's key. Where Stripe answers that a payment's state forbids
the call, an earlier call has taken effect: the payment is then read, and its state is the answer.
"""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import assert_never

from stripe.params import (
    PaymentIntentConfirmParams,
    PaymentIntentListParams,
    RefundListParams,
)

from domain.money import Money
from providers.errors import (
    BadAnswer,
    OutcomeUnknown,
    ProviderError,
    ProviderRefused,
    ProviderUnavailable,
)
from providers.ports import (
    AuthenticationRequired,
    CaptureRefused,
    IntentStatus,
    PaymentAuthorised,
    PaymentDeclined,
    PaymentIntent,
    PaymentRequest,
    Refund,
    RefundRequest,
)
from providers.stripe.amounts import to_stripe
from providers.stripe.client import StripeConnection
from providers.stripe.errors import UNEXPECTED_STATE, VENDOR, CardRefused
from providers.stripe.mapping import from_refusal, to_intent, to_refund
from providers.stripe.wire import WireIntent, WireIntentPage, WireRefund, WireRefundPage

Confirmation = PaymentAuthorised | PaymentDeclined | AuthenticationRequired

_CHARGE = "latest_charge"
_PAGE = 100
# Refused because of how we asked, not because of the payment: another try would be refused too.
_OUR_FAULT = ("parameter_", "resource_missing", "idempotency_error", "amount_not_")


class StripeCardPayments:
    """The port CardPayments. Belongs to the event loop of its connection."""

    def __init__(self, connection: StripeConnection) -> None:
        self._stripe = connection
        self._intents = connection.api.payment_intents
        self._refunds = connection.api.refunds

    async def create(self, request: PaymentRequest) -> PaymentIntent:
        """Create the payment unconfirmed, so that losing the answer holds no money."""
        amount = to_stripe(request.amount, "create_payment_intent")
        wire = await self._stripe.write(
            "create_payment_intent",
            self._intents.create_async(
                {
                    "amount": amount,
                    "currency": request.amount.currency.lower(),
                    "customer": request.customer_ref,
                    "payment_method": request.method_ref,
                    "capture_method": "manual",
                    "allowed_payment_method_types": ["card"],
                    "description": request.description,
                    "metadata": {
                        "attempt_id": request.attempt_reference,
                        "campaign_id": request.campaign_reference,
                    },
                    "payment_details": {"order_reference": request.attempt_reference},
                    "payment_method_options": {
                        "card": {
                            # "Charge me when a flight matches" has no rhythm and no fixed amount.
                            "stored_credential_usage": "unscheduled",
                            "request_extended_authorization": "if_available",
                        }
                    },
                    "expand": [_CHARGE],
                },
                {"idempotency_key": request.key},
            ),
            WireIntent,
        )
        return _written(wire, "create_payment_intent")

    async def find(self, customer_ref: str, attempt_reference: str) -> Sequence[PaymentIntent]:
        return [
            _readable(wire, "list_payment_intents")
            async for wire in self._listed({"customer": customer_ref})
            if wire.metadata.get("attempt_id") == attempt_reference
        ]

    async def created_since(self, since: datetime) -> Sequence[PaymentIntent]:
        found = [
            _readable(wire, "list_payment_intents")
            async for wire in self._listed({"created": {"gte": int(since.timestamp())}})
            if "attempt_id" in wire.metadata
        ]
        return found[::-1]

    async def _listed(self, which: PaymentIntentListParams) -> AsyncIterator[WireIntent]:
        """Yield every intent of a list, the newest first."""
        wanted: PaymentIntentListParams = {
            **which,
            "limit": _PAGE,
            "expand": [f"data.{_CHARGE}"],
        }
        while True:
            page = await self._stripe.read(
                "list_payment_intents", self._intents.list_async(wanted), WireIntentPage
            )
            for wire in page.data:
                yield wire
            if not page.has_more or not page.data:
                return
            wanted["starting_after"] = page.data[-1].id

    async def confirm(self, intent_ref: str, *, key: str) -> Confirmation:
        return await self._confirm(intent_ref, {"off_session": True}, key)

    async def begin_authentication(
        self, intent_ref: str, *, method_ref: str, return_url: str, key: str
    ) -> Confirmation:
        present: PaymentIntentConfirmParams = {
            "payment_method": method_ref,
            "return_url": return_url,
        }
        return await self._confirm(intent_ref, present, key)

    async def get(self, intent_ref: str) -> PaymentIntent:
        wire = await self._stripe.read(
            "get_payment_intent",
            self._intents.retrieve_async(intent_ref, {"expand": [_CHARGE]}),
            WireIntent,
        )
        return _readable(wire, "get_payment_intent")

    async def capture(
        self, intent_ref: str, amount: Money, *, key: str
    ) -> PaymentIntent | CaptureRefused:
        """Take the money. A payment captured before is answered as it is: compare its amount."""
        operation = "capture_payment_intent"
        call = self._intents.capture_async(
            intent_ref,
            {"amount_to_capture": to_stripe(amount, operation), "expand": [_CHARGE]},
            {"idempotency_key": key},
        )
        try:
            wire = await self._stripe.write(operation, call, WireIntent)
        except ProviderRefused as refused:
            if not _about_the_payment(refused):
                raise
            intent = await self.get(intent_ref)
            if intent.status is IntentStatus.CAPTURED:
                return intent
            return CaptureRefused(code=refused.code)
        return _written(wire, operation)

    async def void(self, intent_ref: str, *, key: str) -> PaymentIntent:
        operation = "cancel_payment_intent"
        call = self._intents.cancel_async(
            intent_ref,
            {"cancellation_reason": "abandoned", "expand": [_CHARGE]},
            {"idempotency_key": key},
        )
        try:
            wire = await self._stripe.write(operation, call, WireIntent)
        except ProviderRefused as refused:
            if not _about_the_payment(refused):
                raise
            intent = await self.get(intent_ref)
            if intent.status in {IntentStatus.VOIDED, IntentStatus.CAPTURED}:
                return intent
            if intent.status is IntentStatus.PROCESSING:
                raise ProviderUnavailable(VENDOR, operation, "processing") from refused
            raise
        return _written(wire, operation)

    async def refund(self, request: RefundRequest) -> Refund:
        """Give money back, unless a refund with this reference exists.

        Raises:
            ProviderRefused: `refund_reference_reused` if that refund has another amount.
        """
        operation = "create_refund"
        amount = to_stripe(request.amount, operation)
        earlier = await self._find_refund(request.intent_ref, request.refund_reference)
        if earlier is not None:
            if earlier.amount != request.amount:
                raise ProviderRefused(VENDOR, operation, "refund_reference_reused")
            return earlier
        wire = await self._stripe.write(
            operation,
            self._refunds.create_async(
                {
                    "payment_intent": request.intent_ref,
                    "amount": amount,
                    "metadata": {"refund_reference": request.refund_reference},
                },
                {"idempotency_key": request.key},
            ),
            WireRefund,
        )
        try:
            return to_refund(wire)
        except ValueError as error:
            raise OutcomeUnknown(VENDOR, operation, str(error)) from error

    async def _find_refund(self, intent_ref: str, reference: str) -> Refund | None:
        operation = "list_refunds"
        wanted: RefundListParams = {"payment_intent": intent_ref, "limit": _PAGE}
        while True:
            page = await self._stripe.read(
                operation, self._refunds.list_async(wanted), WireRefundPage
            )
            for wire in page.data:
                if (wire.metadata or {}).get("refund_reference") == reference:
                    try:
                        return to_refund(wire)
                    except ValueError as error:
                        raise BadAnswer(VENDOR, operation, str(error)) from error
            if not page.has_more or not page.data:
                return None
            wanted["starting_after"] = page.data[-1].id

    async def _confirm(
        self, intent_ref: str, how: PaymentIntentConfirmParams, key: str
    ) -> Confirmation:
        operation = "confirm_payment_intent"
        how["expand"] = [_CHARGE]
        call = self._intents.confirm_async(intent_ref, how, {"idempotency_key": key})
        try:
            wire = await self._stripe.write(operation, call, WireIntent)
        except ProviderRefused as refused:
            return await self._after_refusal(intent_ref, operation, refused)
        return _confirmation(_written(wire, operation), operation)

    async def _after_refusal(
        self, intent_ref: str, operation: str, refused: ProviderRefused
    ) -> Confirmation:
        """Answer by the payment itself: a stored refusal may be older than its present state."""
        if not isinstance(refused, CardRefused):
            if refused.code != UNEXPECTED_STATE:
                raise refused
            return _confirmation(await self.get(intent_ref), operation)
        try:
            intent = await self.get(intent_ref)
        except ProviderError:
            intent = None  # a clear no must not be lost for want of details
        if intent is not None and intent.status in {IntentStatus.AUTHORISED, IntentStatus.CAPTURED}:
            return PaymentAuthorised(intent=intent)
        if refused.needs_customer:
            return AuthenticationRequired(redirect_url=intent.redirect_url if intent else None)
        return (intent.decline if intent else None) or from_refusal(refused)


def _confirmation(intent: PaymentIntent, operation: str) -> Confirmation:
    match intent.status:
        case IntentStatus.AUTHORISED | IntentStatus.CAPTURED:
            return PaymentAuthorised(intent=intent)
        case IntentStatus.NEEDS_CUSTOMER:
            return AuthenticationRequired(redirect_url=intent.redirect_url)
        case IntentStatus.DECLINED:
            if intent.decline is None:
                raise BadAnswer(VENDOR, operation, "declined_without_reason")
            return intent.decline
        case IntentStatus.PROCESSING:
            raise OutcomeUnknown(VENDOR, operation, "processing")
        case IntentStatus.NEW | IntentStatus.VOIDED:
            raise ProviderRefused(VENDOR, operation, f"intent_{intent.status}")
        case _:
            assert_never(intent.status)


def _about_the_payment(refused: ProviderRefused) -> bool:
    return type(refused) in {ProviderRefused, CardRefused} and not refused.code.startswith(
        _OUR_FAULT
    )


def _written(wire: WireIntent, operation: str) -> PaymentIntent:
    try:
        return to_intent(wire)
    except ValueError as error:
        raise OutcomeUnknown(VENDOR, operation, str(error)) from error


def _readable(wire: WireIntent, operation: str) -> PaymentIntent:
    try:
        return to_intent(wire)
    except ValueError as error:
        raise BadAnswer(VENDOR, operation, str(error)) from error
