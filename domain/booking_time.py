"""How long a booking took, the waits for the traveller's bank left out.

The clock runs from the decision to book (the attempt is opened) until the money is taken. How long
a traveller takes to answer their bank says nothing of us.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from uuid import UUID

from domain.payments import PaymentState
from domain.values import Value


class PaymentChange(Value):
    """A payment of the attempt came to a state."""

    payment_id: UUID
    state: PaymentState
    at: datetime


class Wait(Value):
    begun_at: datetime
    ended_at: datetime


def bank_waits(changes: Iterable[PaymentChange]) -> list[Wait]:
    """Return the waits for the bank, given the changes in their order.

    A wait ends with whatever the payment comes to next: the bank's yes or no, or a release.
    """
    asked: dict[UUID, datetime] = {}
    waits = []
    for change in changes:
        if change.state is PaymentState.AUTHENTICATION_REQUIRED:
            asked[change.payment_id] = change.at
        elif change.payment_id in asked:
            begun_at = asked.pop(change.payment_id)
            waits.append(Wait(begun_at=begun_at, ended_at=change.at))
    return waits


def time_to_book(decided_at: datetime, confirmed_at: datetime, waits: Iterable[Wait]) -> timedelta:
    """Return the time between the two without the waits, which may overlap."""
    took, counted_until = confirmed_at - decided_at, decided_at
    for wait in sorted(waits, key=lambda w: w.begun_at):
        begun_at, ended_at = max(wait.begun_at, counted_until), min(wait.ended_at, confirmed_at)
        if ended_at > begun_at:
            took -= ended_at - begun_at
            counted_until = ended_at
    return max(took, timedelta(0))  # two machines' clocks may disagree
