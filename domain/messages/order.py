"""What an order's workflow, its activities and the API say to each other."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from domain.ids import BookingId
from domain.money import Money
from domain.orders import BookingState
from domain.values import Value


def order_workflow_id(booking_id: BookingId | UUID) -> str:
    return f"order:{booking_id}"


class OrderProgress(Value):
    """What survives continue-as-new."""

    polls: int = 0
    ticketing_alarm: bool = False
    confirmed_quote: str | None = None


class OrderInput(Value):
    booking_id: BookingId
    progress: OrderProgress = OrderProgress()


class OrderFacts(Value):
    """The booking as the row has it after asking the seller."""

    booking_id: BookingId
    state: BookingState
    ordered_at: datetime
    departs_at: datetime
    flown_at: datetime
    ticketing_deadline: datetime
    cancelled_by_airline: bool = False
    refund_due: Money | None = None  # owed to the traveller and not yet given back
    refund_pending: bool = False
    changed: bool = False  # a notice waits to be sent
    summary: str = ""


class QuoteCode(StrEnum):
    QUOTED = "quoted"
    NOT_CANCELLABLE = "not_cancellable"
    ALREADY_CANCELLED = "already_cancelled"
    CANCELLING = "cancelling"
    FLOWN = "flown"


class CancellationOffer(Value):
    """What the traveller would get back; no `refund`: the airline does not say, or gives credit."""

    code: QuoteCode
    booking_id: BookingId
    quote_id: str | None = None
    refund: Money | None = None
    penalty: Money | None = None
    refund_to: str | None = None
    expires_at: datetime | None = None


class ConfirmCode(StrEnum):
    ACCEPTED = "accepted"
    ALREADY = "already"
    STALE_QUOTE = "stale_quote"
    NOT_NOW = "not_now"


class ConfirmCancellation(Value):
    booking_id: BookingId
    quote_id: str


class ConfirmAnswer(Value):
    code: ConfirmCode
    booking_id: BookingId
    state: BookingState


class CancelStatus(StrEnum):
    CANCELLED = "cancelled"
    REFUSED = "refused"
    UNKNOWN = "unknown"


class CancelOutcome(Value):
    status: CancelStatus


class AnswerChange(Value):
    """The traveller's answer to a change that the airline made."""

    booking_id: BookingId
    change_id: str


class ChangeCode(StrEnum):
    ACCEPTED = "accepted"
    ASKED = "asked"  # a person of ours looks for other flights
    STALE = "stale"  # the airline changed it once more, or it is answered
    NOT_NOW = "not_now"


class ChangeAnswer(Value):
    code: ChangeCode
    booking_id: BookingId


class RefundInput(Value):
    """Give back what is due for the booking; the row knows how much."""

    booking_id: BookingId


class RefundOutcome(Value):
    done: bool
    pending: bool = False
    failed: bool = False
