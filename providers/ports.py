"""What Parker Flight asks of the outside world, by capability, in our own words.

An adapter implements the Protocols that its vendor can serve. Answers that the caller must tell
apart are values to match; `ProviderUnavailable` (nothing happened) is for Temporal to retry.
Every method may raise the errors of `providers/errors.py`; none raises a vendor's or httpx's own.
"""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from enum import StrEnum
from typing import Literal, Protocol

from domain.itineraries import Itinerary
from domain.money import Money
from domain.offers import DatePair, Offer
from domain.payments import DeclineClass
from domain.values import Value

# Searching


class SearchPassenger(Value):
    """Who to price: an age where it is known (an attempt), else a kind of fare (a look)."""

    kind: Literal["adult", "child", "infant"] | None = None
    age: int | None = None
    loyalty: tuple[tuple[str, str], ...] = ()  # (airline code, account number)
    given_name: str | None = None
    family_name: str | None = None


class SearchRequest(Value):
    """One search of one date pair. `passengers` empty means the pair's party by kind."""

    pair: DatePair
    max_connections: int | None = None
    passengers: tuple[SearchPassenger, ...] = ()
    supplier_timeout_seconds: int = 20


class RateWindow(Value):
    """What the vendor says is left of its quota."""

    limit: int
    remaining: int
    resets_at: datetime


class SearchResult(Value):
    """Offers sorted by total, cheapest first, and the vendor's quota if it tells."""

    offers: tuple[Offer, ...]
    rate: RateWindow | None = None
    unreadable_offers: int = 0


class OfferGone(Value):
    """The offer is sold, expired or no longer priced."""

    code: str


class FlightSearch(Protocol):
    async def search(self, request: SearchRequest) -> SearchResult: ...

    async def refresh(self, offer_id: str) -> Offer | OfferGone:
        """Ask for the offer's price of this moment, with the bags that it sells."""
        ...


# Ordering


class PassengerDocument(Value):
    kind: Literal["passport", "tax_id", "known_traveler_number", "passenger_redress_number"]
    number: str
    issuing_country: str
    expires_on: date | None = None


class OrderPassenger(Value):
    """A named traveller, as the airline wants it. Never logged, never in a workflow's history."""

    ref: str
    title: str
    given_name: str
    family_name: str
    gender: Literal["m", "f"]
    born_on: date
    email: str
    phone: str
    infant_ref: str | None = None
    documents: tuple[PassengerDocument, ...] = ()
    loyalty: tuple[tuple[str, str], ...] = ()


class OrderRequest(Value):
    """`total` is what the seller must take: the offer's total and the services."""

    attempt_reference: str
    campaign_reference: str
    offer_id: str
    total: Money
    passengers: tuple[OrderPassenger, ...]
    services: tuple[tuple[str, int], ...] = ()


class Ticket(Value):
    number: str
    kind: str
    passenger_refs: tuple[str, ...] = ()


class ProviderOrder(Value):
    """An order as the seller has it now. `raw` is its whole answer, to be stored encrypted."""

    order_id: str
    offer_id: str | None
    booking_reference: str
    total: Money
    tickets: tuple[Ticket, ...]
    itinerary: Itinerary
    cancelled_at: datetime | None
    cancelled_by_airline: bool
    cancellable: bool
    changeable: bool
    attempt_reference: str | None
    campaign_reference: str | None = None
    schedule_changes: int = 0
    created_at: datetime
    raw: str


class OrderPlaced(Value):
    outcome: Literal["placed"] = "placed"
    order: ProviderOrder


class RefusalKind(StrEnum):
    """Why an order was refused; nothing was booked."""

    GONE = "gone"
    PRICE_CHANGED = "price_changed"
    BALANCE = "balance"
    PASSENGER_DATA = "passenger_data"
    OTHER = "other"


class OrderRefused(Value):
    """A definite no: no order, no charge."""

    outcome: Literal["refused"] = "refused"
    kind: RefusalKind
    code: str
    field: str | None = None
    request_id: str | None = None


class OrderUnknown(Value):
    """No clear answer. Never order again before `resolve` has said what became of it."""

    outcome: Literal["unknown"] = "unknown"
    code: str
    request_id: str | None = None


class OrderAbsent(Value):
    """The seller knows no order for the offer at this moment; that is not yet a no."""

    outcome: Literal["absent"] = "absent"


class FlightOrders(Protocol):
    async def place(self, request: OrderRequest) -> OrderPlaced | OrderRefused | OrderUnknown: ...

    async def resolve(self, offer_id: str, attempt_reference: str) -> OrderPlaced | OrderAbsent:
        """Find out whether the attempt has an order: by offer, then by our reference in it."""
        ...

    async def get(self, order_id: str) -> ProviderOrder: ...

    async def created_since(self, since: datetime) -> Sequence[ProviderOrder]:
        """List the orders that carry a reference of ours, the oldest first."""
        ...


# Cancelling


class CancellationQuote(Value):
    """What the seller would give back. `refund` is None when it does not say."""

    quote_id: str
    order_id: str
    refund: Money | None
    refund_to: str
    expires_at: datetime | None
    confirmed_at: datetime | None = None


class CancellationRefused(Value):
    code: str
    already_cancelled: bool = False


class OrderCancellations(Protocol):
    async def quote(self, order_id: str) -> CancellationQuote | CancellationRefused: ...

    async def confirm(self, quote_id: str) -> CancellationQuote | CancellationRefused:
        """Cancel for good.

        Raises:
            OutcomeUnknown: read it with `get_quote` before anything else.
        """
        ...

    async def get_quote(self, quote_id: str) -> CancellationQuote: ...

    async def confirmed(self, order_id: str) -> CancellationQuote | None:
        """Return the quote by which an order was cancelled; None where no quote of ours was."""
        ...


# Paying by card


class PaymentRequest(Value):
    """An authorisation to be made. `key` makes creating it safe to repeat."""

    key: str
    attempt_reference: str
    campaign_reference: str
    customer_ref: str
    method_ref: str
    amount: Money
    description: str


class IntentStatus(StrEnum):
    NEW = "new"  # created, nothing held
    NEEDS_CUSTOMER = "needs_customer"
    PROCESSING = "processing"
    AUTHORISED = "authorised"
    CAPTURED = "captured"
    VOIDED = "voided"
    DECLINED = "declined"


class PaymentIntent(Value):
    """A payment as the processor has it now."""

    intent_ref: str
    status: IntentStatus
    amount: Money
    authorised_minor: int = 0
    captured_minor: int = 0
    refunded_minor: int = 0
    capture_before: datetime | None = None
    redirect_url: str | None = None
    decline: "PaymentDeclined | None" = None
    attempt_reference: str | None = None
    campaign_reference: str | None = None


class PaymentDeclined(Value):
    """The card said no. `code` is the processor's; never shown to the traveller."""

    outcome: Literal["declined"] = "declined"
    kind: DeclineClass
    code: str


class PaymentAuthorised(Value):
    outcome: Literal["authorised"] = "authorised"
    intent: PaymentIntent


class AuthenticationRequired(Value):
    """The bank wants its customer; nothing is held."""

    outcome: Literal["authentication_required"] = "authentication_required"
    redirect_url: str | None = None


class CaptureRefused(Value):
    outcome: Literal["refused"] = "refused"
    code: str


class RefundRequest(Value):
    key: str
    refund_reference: str
    intent_ref: str
    amount: Money


class RefundStatus(StrEnum):
    PENDING = "pending"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


class Refund(Value):
    refund_ref: str
    amount: Money
    status: RefundStatus


class CardPayments(Protocol):
    """Writes raise `OutcomeUnknown` when unanswered; repeating them with the same key is safe."""

    async def create(self, request: PaymentRequest) -> PaymentIntent: ...

    async def find(self, customer_ref: str, attempt_reference: str) -> Sequence[PaymentIntent]:
        """List the intents that carry our reference, newest first."""
        ...

    async def created_since(self, since: datetime) -> Sequence[PaymentIntent]:
        """List everybody's intents that carry a reference of ours, the oldest first."""
        ...

    async def confirm(
        self, intent_ref: str, *, key: str
    ) -> PaymentAuthorised | PaymentDeclined | AuthenticationRequired:
        """Authorise with the traveller away."""
        ...

    async def begin_authentication(
        self, intent_ref: str, *, method_ref: str, return_url: str, key: str
    ) -> PaymentAuthorised | PaymentDeclined | AuthenticationRequired:
        """Authorise with the traveller present; the answer may hold the bank's address."""
        ...

    async def get(self, intent_ref: str) -> PaymentIntent: ...

    async def capture(
        self, intent_ref: str, amount: Money, *, key: str
    ) -> PaymentIntent | CaptureRefused: ...

    async def void(self, intent_ref: str, *, key: str) -> PaymentIntent:
        """Release the hold; answers with the intent as it is if there is nothing to release."""
        ...

    async def refund(self, request: RefundRequest) -> Refund:
        """Give money back, once for each reference: looks for its own earlier refund first."""
        ...


# Saving cards


class SavedCard(Value):
    method_ref: str
    brand: str
    last4: str
    exp_month: int
    exp_year: int
    fingerprint: str | None = None


class CardSetup(Value):
    """A visit to the processor's hosted page. `url` is None once it has ended."""

    setup_ref: str
    url: str | None
    status: Literal["open", "complete", "expired"]
    card: SavedCard | None = None


class CardVault(Protocol):
    async def create_customer(self, *, key: str, user_reference: str) -> str: ...

    async def start_setup(
        self, *, key: str, customer_ref: str, currency: str, success_url: str, cancel_url: str
    ) -> CardSetup: ...

    async def get_setup(self, setup_ref: str) -> CardSetup: ...

    async def get_card(self, method_ref: str) -> SavedCard: ...

    async def detach(self, method_ref: str) -> None: ...


# Telling


class Attachment(Value):
    """A file beside a letter; `parameters` are what else its type says, as a calendar's method."""

    name: str
    media_type: str
    content: bytes
    parameters: Mapping[str, str] = {}


class OutgoingMail(Value):
    message_id: str
    to: str
    subject: str
    text: str
    html: str | None = None
    attachments: tuple[Attachment, ...] = ()


class MailSender(Protocol):
    async def send(self, mail: OutgoingMail) -> None:
        """Hand over to the mail server; sending again with the same message id is harmless."""
        ...


class OutgoingWebhook(Value):
    """A message for a traveller's own server. Each secret signs it: while one is being replaced,
    receivers may know either.
    """

    message_id: str
    url: str
    body: str
    secrets: tuple[str, ...]


class WebhookAnswer(Value):
    """What came of a call. `status` is None where nothing came back; `code` says why."""

    status: int | None
    code: str
    milliseconds: int
    pause_seconds: int | None = None
    """How long the server asked to be left alone."""


class WebhookSender(Protocol):
    async def call(self, hook: OutgoingWebhook) -> WebhookAnswer:
        """Make one call. Never raises, never follows a redirect, never calls anybody's inside."""
        ...


# Checking what is uploaded


class FileClean(Value):
    outcome: Literal["clean"] = "clean"


class FileInfected(Value):
    outcome: Literal["infected"] = "infected"
    signature: str


class FileScanner(Protocol):
    """Looks for what is known to be harmful. Where nobody does, files are said to be unscanned."""

    @property
    def name(self) -> str: ...

    async def scan(self, content: bytes) -> FileClean | FileInfected: ...


class Identity(Value):
    """Who signed in at an identity provider: always the pair of issuer and subject.

    `email` is what the provider calls them. It proves nothing to us and links to nothing.
    """

    issuer: str
    subject: str
    email: str | None = None


class IdentityProvider(Protocol):
    async def address(
        self, *, state: str, nonce: str, verifier: str, return_to: str, now: datetime
    ) -> str:
        """Return where the person goes to sign in.

        Raises:
            ProviderUnavailable: it does not answer.
        """
        ...

    async def redeem(
        self, *, code: str, verifier: str, nonce: str, return_to: str, now: datetime
    ) -> Identity:
        """Return who has signed in.

        Raises:
            ProviderUnavailable: it does not answer; the code may be used up.
            ProviderRefused: the code or what came for it is not good.
        """
        ...
