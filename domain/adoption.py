"""What providers have that a restored database has never heard of."""

from datetime import datetime
from uuid import UUID

from domain.ids import AttemptId, CampaignId
from domain.itineraries import Itinerary
from domain.money import Money
from domain.offers import DatePair
from domain.payments import PaymentState
from domain.values import Value

HOLDS = frozenset({PaymentState.AUTHORISED, PaymentState.CAPTURED})


class FoundPayment(Value):
    """A payment that names an attempt of ours, as the processor has it now."""

    intent_ref: str
    attempt_id: AttemptId
    campaign_id: CampaignId
    round: int
    state: PaymentState
    amount: Money


class FoundOrder(Value):
    """An order that names an attempt of ours, as the seller has it now."""

    order_id: str
    booking_reference: str
    seller: str
    attempt_id: AttemptId
    campaign_id: CampaignId
    total: Money
    itinerary: Itinerary
    cancelled: bool
    created_at: datetime
    call_key: str
    call_facts: dict[str, object]
    """What the row of its call would have said, but for the payment and the mandate."""


def which_attempt(reference: str) -> tuple[UUID, int] | None:
    """Read an attempt's reference, with the number of the authorisation where there is one."""
    attempt, _, number = reference.partition(":")
    try:
        return UUID(attempt), int(number or 1)
    except ValueError:
        return None


def pair_of(itinerary: Itinerary) -> DatePair:
    """Return the days that an itinerary was looked for on."""
    out, back = itinerary.slices[0], itinerary.slices[-1]
    return DatePair(
        origin=out.origin,
        destination=out.destination,
        departs_on=out.segments[0].departing_at.date(),
        returns_on=back.segments[0].departing_at.date() if len(itinerary.slices) > 1 else None,
    )
