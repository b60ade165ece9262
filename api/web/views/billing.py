"""Money as it moved: holds, charges and refunds in words, and receipts to print."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import assert_never
from uuid import UUID

from api.booking_reading import BookingRead
from api.web.views.booking_detail import house_of
from api.web.views.booking_parts import DisputeView, StateView, card_name, route, travel_dates
from db.queries.billing import Bill, BillTotals
from domain.disputes import DisputeStatus
from domain.fare_rules import service_words
from domain.itineraries import Itinerary
from domain.merchants import Merchant, merchant_of
from domain.money import Money
from domain.payments import PaymentState
from runtime.money_settings import MoneySettings

_STATES = {
    PaymentState.CREATED: StateView("Being prepared", "quiet", "◌"),
    PaymentState.AUTHENTICATION_REQUIRED: StateView("Waits for your bank", "wait", "◷"),
    PaymentState.AUTHORISED: StateView("Held, not charged", "accent", "◉"),
    PaymentState.DECLINED: StateView("Declined", "bad", "✕"),
    PaymentState.CAPTURED: StateView("Charged", "good", "✓"),
    PaymentState.VOIDED: StateView("Hold released", "quiet", "✓"),
}
_PARTLY = StateView("Partly given back", "good", "↩")
_WHOLLY = StateView("Given back", "good", "↩")
_REFUNDS = {
    "pending": StateView("On its way", "wait", "◷"),
    "succeeded": StateView("Given back", "good", "✓"),
    "failed": StateView("Looked after by a person", "bad", "⚠"),
}
TAKEN = frozenset({PaymentState.CAPTURED, PaymentState.REFUNDED})


@dataclass(frozen=True)
class RefundView:
    amount: Money
    state: StateView
    at: datetime


@dataclass(frozen=True)
class BillView:
    id: UUID
    at: datetime
    amount: Money
    state: StateView
    sentence: str
    title: str
    card: str
    merchant: Merchant
    booking_id: UUID | None
    reference: str | None
    refunds: tuple[RefundView, ...]
    disputes: tuple[DisputeView, ...]
    receipt: bool


@dataclass(frozen=True)
class ReceiptView:
    number: str
    bill: BillView
    dates: str
    lines: tuple[tuple[str, Money], ...]
    charged: Money
    refunded: Money
    returned: Money  # by the card's bank, which decided a dispute so
    kept: Money
    charged_at: datetime
    contact: str
    order_id: str | None
    people: tuple[str, ...]


def bill_view(bill: Bill, money: MoneySettings) -> BillView:
    payment = bill.payment
    booking = bill.booking
    itinerary = Itinerary.model_validate(booking.itinerary) if booking else None
    return BillView(
        id=payment.id,
        at=payment.created_at,
        amount=Money(
            minor=payment.captured_minor or payment.authorised_minor or payment.amount_minor,
            currency=payment.currency,
        ),
        state=_state(bill),
        sentence=_sentence(bill),
        title=route(itinerary) if itinerary else bill.wish or "A wish",
        card=card_name(bill.card),
        merchant=merchant_of(payment.rail, house_of(money)),
        booking_id=booking.id if booking else None,
        reference=booking.booking_reference if booking else None,
        refunds=tuple(
            RefundView(
                amount=Money(minor=one.amount_minor, currency=one.currency),
                state=_REFUNDS.get(one.status, _REFUNDS["pending"]),
                at=one.created_at,
            )
            for one in bill.refunds
        ),
        disputes=tuple(map(DisputeView.of, bill.disputes)),
        receipt=payment.state in TAKEN,
    )


def receipt_view(bill: Bill, read: BookingRead | None, money: MoneySettings) -> ReceiptView:
    payment = bill.payment
    charged = Money(minor=payment.captured_minor, currency=payment.currency)
    refunded = Money(minor=payment.refunded_minor, currency=payment.currency)
    lost = [one for one in bill.disputes if one.status is DisputeStatus.LOST]
    same = [one.amount_minor for one in lost if one.currency == payment.currency]
    returned = Money(minor=sum(same), currency=payment.currency)
    return ReceiptView(
        number=receipt_number(payment.id),
        bill=bill_view(bill, money),
        dates=travel_dates(read.itinerary) if read else "",
        lines=_lines(read, charged),
        charged=charged,
        refunded=refunded,
        returned=returned,
        kept=charged - refunded - returned,
        charged_at=payment.updated_at if not bill.refunds else _taken_at(read, payment.updated_at),
        contact=money.receipt_contact,
        order_id=read.row.duffel_order_id if read else None,
        people=tuple(person.name for person in read.details.people) if read else (),
    )


def receipt_number(payment_id: UUID) -> str:
    """Return a number that is short enough to be read out, and found again by it."""
    return f"PF-{payment_id.hex[:4].upper()}-{payment_id.hex[4:8].upper()}"


def billing_sentence(totals: Iterable[BillTotals]) -> str:
    """Say what was taken in all, what came back, and what is held at this moment."""
    parts = []
    for one in totals:
        charged = Money(minor=one.charged_minor, currency=one.currency).short()
        words = f"{charged} charged in all"
        if one.refunded_minor:
            back = Money(minor=one.refunded_minor, currency=one.currency).short()
            words += f", {back} of it given back"
        if one.at_banks_minor:
            taken = Money(minor=one.at_banks_minor, currency=one.currency).short()
            words += f", {taken} of it taken back by your bank"
        if one.held_minor:
            held = Money(minor=one.held_minor, currency=one.currency).short()
            words += f"; {held} is held now and not charged"
        parts.append(words)
    return f"{'. '.join(parts)}." if parts else ""


def _state(bill: Bill) -> StateView:
    payment = bill.payment
    if payment.state is PaymentState.REFUNDED:
        return _WHOLLY if payment.refunded_minor >= payment.captured_minor else _PARTLY
    return _STATES[payment.state]


def _sentence(bill: Bill) -> str:
    payment = bill.payment
    amount = Money(minor=payment.amount_minor, currency=payment.currency).short()
    match payment.state:
        case PaymentState.CREATED:
            return f"We are asking your bank to hold {amount}. Nothing is charged."
        case PaymentState.AUTHENTICATION_REQUIRED:
            return f"Your bank wants you to confirm {amount}. Nothing is held or charged."
        case PaymentState.AUTHORISED:
            return f"Your bank holds {amount} for us. Nothing is charged yet."
        case PaymentState.DECLINED:
            return f"Your bank refused {amount}. Nothing was charged."
        case PaymentState.VOIDED:
            return f"The hold of {amount} was released. Nothing was charged."
        case PaymentState.CAPTURED:
            return f"{amount} was charged, once."
        case PaymentState.REFUNDED:
            back = Money(minor=payment.refunded_minor, currency=payment.currency).short()
            return f"{amount} was charged, and {back} given back."
    assert_never(payment.state)


def _lines(read: BookingRead | None, charged: Money) -> tuple[tuple[str, Money], ...]:
    """Split what was charged as far as the order tells, so that the parts are its sum."""
    if read is None:
        return (("Flights", charged),)
    details = read.details
    parts: list[tuple[str, Money]] = []
    if details.base and details.taxes:
        parts = [("Fare", details.base), ("Taxes and fees", details.taxes)]
        parts += [
            (
                service_words(one),
                Money(minor=one.price.minor * one.quantity, currency=one.price.currency),
            )
            for one in details.services
        ]
    fits = {amount.currency for _, amount in parts} <= {charged.currency}
    # An order's total may hold its extras within the fare: only what adds up is shown in parts.
    for kept in (parts, parts[:2]):
        if kept and fits and sum(amount.minor for _, amount in kept) == charged.minor:
            return tuple(kept)
    return (("Flights, taxes and extras", charged),)


def _taken_at(read: BookingRead | None, otherwise: datetime) -> datetime:
    events = read.events if read else ()
    return next((one.at for one in events if one.kind == "payment.captured"), otherwise)
