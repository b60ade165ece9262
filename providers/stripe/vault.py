"""Saving cards on Stripe's hosted page, so that no card number ever reaches us."""

from providers.errors import BadAnswer, OutcomeUnknown, ProviderRefused
from providers.ports import CardSetup, SavedCard
from providers.stripe.client import StripeConnection
from providers.stripe.errors import VENDOR
from providers.stripe.mapping import to_card, to_setup
from providers.stripe.wire import WireCustomer, WirePaymentMethod, WireSession


class StripeCardVault:
    """The port CardVault. Belongs to the event loop of its connection."""

    def __init__(self, connection: StripeConnection) -> None:
        self._stripe = connection
        self._api = connection.api

    async def create_customer(self, *, key: str, user_reference: str) -> str:
        wire = await self._stripe.write(
            "create_customer",
            self._api.customers.create_async(
                {"metadata": {"user_id": user_reference}}, {"idempotency_key": key}
            ),
            WireCustomer,
        )
        return wire.id

    async def start_setup(
        self, *, key: str, customer_ref: str, currency: str, success_url: str, cancel_url: str
    ) -> CardSetup:
        """Open the hosted page. Stripe fills `{CHECKOUT_SESSION_ID}` in `success_url`."""
        operation = "create_checkout_session"
        wire = await self._stripe.write(
            operation,
            self._api.checkout.sessions.create_async(
                {
                    "mode": "setup",
                    "customer": customer_ref,
                    "currency": currency.lower(),
                    "allowed_payment_method_types": ["card"],
                    "success_url": success_url,
                    "cancel_url": cancel_url,
                },
                {"idempotency_key": key},
            ),
            WireSession,
        )
        try:
            return to_setup(wire)
        except ValueError as error:
            raise OutcomeUnknown(VENDOR, operation, str(error)) from error

    async def get_setup(self, setup_ref: str) -> CardSetup:
        operation = "get_checkout_session"
        wire = await self._stripe.read(
            operation,
            self._api.checkout.sessions.retrieve_async(
                setup_ref, {"expand": ["setup_intent.payment_method"]}
            ),
            WireSession,
        )
        try:
            return to_setup(wire)
        except ValueError as error:
            raise BadAnswer(VENDOR, operation, str(error)) from error

    async def get_card(self, method_ref: str) -> SavedCard:
        try:
            return to_card(await self._method(method_ref))
        except ValueError as error:
            raise BadAnswer(VENDOR, "get_payment_method", str(error)) from error

    async def detach(self, method_ref: str) -> None:
        """Forget the card; a card that is forgotten already is no error."""
        try:
            await self._stripe.write(
                "detach_payment_method",
                self._api.payment_methods.detach_async(method_ref),
                WirePaymentMethod,
            )
        except ProviderRefused as refused:
            if type(refused) is not ProviderRefused:
                raise
            if (await self._method(method_ref)).customer is not None:
                raise

    async def _method(self, method_ref: str) -> WirePaymentMethod:
        return await self._stripe.read(
            "get_payment_method",
            self._api.payment_methods.retrieve_async(method_ref),
            WirePaymentMethod,
        )
