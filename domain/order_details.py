"""What a seller's order says beyond what we decide by: people, bags, aircraft, conditions.

Everything here is for reading. A part that the seller does not tell is absent, never guessed, and
no page fails for the want of it.
"""

from datetime import datetime

from domain.itineraries import Itinerary
from domain.money import Money
from domain.values import Value


class OrderPerson(Value):
    """A passenger as the airline has them. Personal data: shown to the owner, never logged."""

    ref: str
    given_name: str
    family_name: str
    kind: str | None = None  # adult, child, infant_without_seat

    @property
    def name(self) -> str:
        return f"{self.given_name} {self.family_name}".strip()


class Bags(Value):
    """What one person may bring on one flight without paying more; None: not told."""

    checked: int | None = None
    carry_on: int | None = None


class FlightFacts(Value):
    """What is known of one flight besides its times, in the order of the itinerary."""

    aircraft: str | None = None
    operated_by: str | None = None
    cabin: str | None = None
    stops: tuple[str, ...] = ()  # airports where it lands on its way
    bags: tuple[tuple[str, Bags], ...] = ()  # by the passenger's ref
    seats: tuple[tuple[str, str], ...] = ()  # by the passenger's ref


class FareCondition(Value):
    """Whether something is allowed before departure, and for how much; None: not told."""

    allowed: bool
    penalty: Money | None = None


class ExtraService(Value):
    """Something bought beside the seats."""

    kind: str  # baggage, seat, cancel_for_any_reason
    quantity: int
    price: Money
    weight_kg: int | None = None
    refs: tuple[str, ...] = ()


class AirlineChange(Value):
    """A change that the airline made by itself: what was, and what it offers instead."""

    change_id: str
    at: datetime
    before: Itinerary | None
    after: Itinerary | None  # None: the flights are taken away and nothing is offered
    answer: str | None = None  # accepted, changed, cancelled; None: open
    answered_at: datetime | None = None


class OrderDetails(Value):
    airline_code: str | None = None
    airline_name: str | None = None
    conditions_of_carriage_url: str | None = None
    people: tuple[OrderPerson, ...] = ()
    flights: tuple[tuple[FlightFacts, ...], ...] = ()  # by slice, then by segment
    change: FareCondition | None = None
    refund: FareCondition | None = None
    base: Money | None = None
    taxes: Money | None = None
    services: tuple[ExtraService, ...] = ()
    references: tuple[tuple[str, str], ...] = ()  # (airline, its own booking reference)
    changes: tuple[AirlineChange, ...] = ()
    actions: tuple[str, ...] = ()
    paid_at: datetime | None = None
    synced_at: datetime | None = None
    free_cancel_until: datetime | None = None

    @property
    def open_change(self) -> AirlineChange | None:
        """Return the newest change of the airline's that nobody has answered."""
        waiting = [one for one in self.changes if one.answer is None]
        return max(waiting, key=lambda one: one.at, default=None)
