"""What an attempt's workflow, its activities and the API say to each other."""

from datetime import date, datetime
from enum import StrEnum
from typing import Literal
from uuid import UUID

from domain.attempts import AttemptState, FailureReason
from domain.ids import AttemptId, BookingId, CampaignId
from domain.money import Money
from domain.offers import DatePair
from domain.values import Value


def attempt_workflow_id(attempt_id: AttemptId | UUID) -> str:
    return f"attempt:{attempt_id}"


class AttemptInput(Value):
    """One try to book one itinerary. `limit` is the most that may ever be charged."""

    attempt_id: AttemptId
    campaign_id: CampaignId
    booking_id: BookingId
    criteria_version: int
    seller: str
    pair: DatePair
    itinerary_key: str
    matched: Money
    limit: Money
    max_rounds: int = 3


class ChosenOffer(Value):
    """The offer that the attempt found for itself. `total` includes the extra bags.

    `last_day` is that of the last flight: ages are counted as of then.

    The `resumed` numbers are set where the rows are ahead of the workflow: the order call of that
    round has been made already, paid by that payment.
    """

    outcome: Literal["chosen"] = "chosen"
    resumed_round: int | None = None
    resumed_payment: int | None = None
    offer_id: str
    total: Money
    services: tuple[tuple[str, int], ...] = ()
    passenger_refs: tuple[str, ...] = ()
    last_day: date
    expires_at: datetime


class NoOffer(Value):
    outcome: Literal["none"] = "none"
    reason: FailureReason
    detail: str = ""


class AuthoriseInput(Value):
    """Hold `amount`. `round` counts the authorisations of an attempt, each with keys of its own."""

    attempt_id: AttemptId
    campaign_id: CampaignId
    amount: Money
    round: int


class AuthorisationStatus(StrEnum):
    AUTHORISED = "authorised"
    NEEDS_CUSTOMER = "needs_customer"
    DECLINED = "declined"
    VOIDED = "voided"


class Authorisation(Value):
    """Where a payment stands; `amount` is what is or would be held."""

    status: AuthorisationStatus
    amount: Money | None = None
    reason: FailureReason | None = None
    capture_before: datetime | None = None
    lapses_at: datetime | None = None
    redirect_url: str | None = None


class PaymentStep(Value):
    """One payment of an attempt."""

    attempt_id: AttemptId
    round: int


class AuthenticateInput(Value):
    """Confirm a payment with the traveller present."""

    attempt_id: AttemptId
    round: int
    return_url: str


class CaptureInput(Value):
    """Take `amount` of what is held and record the booking as paid."""

    attempt_id: AttemptId
    campaign_id: CampaignId
    booking_id: BookingId
    round: int
    amount: Money


class CreateOrderInput(Value):
    attempt_id: AttemptId
    campaign_id: CampaignId
    booking_id: BookingId
    criteria_version: int
    offer: ChosenOffer
    round: int
    payment_round: int


class OrderStatus(StrEnum):
    PLACED = "placed"
    REFUSED = "refused"
    UNKNOWN = "unknown"
    ABSENT = "absent"  # asked; not there at this moment
    WITHDRAWN = "withdrawn"  # the traveller or the clock was first; nothing was sent


class OrderOutcome(Value):
    status: OrderStatus
    total: Money | None = None
    reason: FailureReason | None = None
    search_again: bool = False
    settled_at: datetime | None = None  # from when on "absent" counts as "never happened"


class ResolveInput(Value):
    """Ask what became of the order call of this round."""

    attempt_id: AttemptId
    campaign_id: CampaignId
    booking_id: BookingId
    round: int


class CaptureStatus(StrEnum):
    CAPTURED = "captured"
    REFUSED = "refused"


class CaptureOutcome(Value):
    status: CaptureStatus
    code: str = ""


class UndoOrderInput(Value):
    """Cancel an order that could not be paid for."""

    attempt_id: AttemptId
    booking_id: BookingId


class UndoOrderStatus(StrEnum):
    CANCELLED = "cancelled"
    NOT_IN_FULL = "not_in_full"  # the seller would keep some of it, or does not say
    REFUSED = "refused"


class UndoOrderOutcome(Value):
    status: UndoOrderStatus


class AttemptStep(Value):
    """Record where the attempt stands."""

    attempt_id: AttemptId
    state: AttemptState
    reason: FailureReason | None = None


class FailInput(Value):
    attempt_id: AttemptId
    campaign_id: CampaignId
    reason: FailureReason
    look_again: bool = False


class AttemptClosed(Value):
    """How the attempt ended, as the row has it."""

    booked: bool
    reason: FailureReason | None = None
    look_again: bool = False


class BeginAuthentication(Value):
    return_url: str


class AuthenticationStart(Value):
    """Where to send the traveller's browser; None when nothing is to be done any more."""

    redirect_url: str | None


class OperatorTaskInput(Value):
    """Something only a person can decide, with what is needed to decide it."""

    key: str
    kind: str
    attempt_id: AttemptId | None = None
    booking_id: BookingId | None = None
    detail: str
