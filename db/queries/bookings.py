"""Bookings: what is written when an order is placed, paid, changed or given back."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from db.models import AttemptRow, BookingRow, CampaignResultRow, PaymentRow
from db.models.booking import (
    PUBLISHED_BOOKING_STATUS,
    BookingKind,
    BookingProvider,
    BookingStatus,
)
from db.models.provider_call import CallState
from db.queries.audit import write_down
from db.queries.calls import get_call, settle
from db.queries.decisions import decide_booked
from db.queries.notices import NewNotice
from db.queries.payments import get_payment
from db.queries.transitions import (
    change_state,
    lock_booking,
    lock_both,
)
from domain.attempts import AttemptState
from domain.audit import Action, Entry
from domain.campaigns import CampaignState
from domain.ids import derive, provider_key
from domain.itineraries import Itinerary
from domain.messages.attempt import CaptureInput
from domain.money import Money
from domain.orders import BookingState
from domain.payments import PaymentState
from domain.places import time_zone
from domain.values import Value


class PlacedOrder(Value):
    """An order as it is written down; `raw_encrypted` is the seller's whole answer, sealed."""

    order_id: str
    offer_id: str
    booking_reference: str
    total: Money
    itinerary: Itinerary
    tickets: tuple[dict[str, Any], ...]
    raw_encrypted: str


async def get_booking(session: AsyncSession, booking_id: UUID) -> BookingRow | None:
    return await session.get(BookingRow, booking_id, populate_existing=True)


async def live_booking(session: AsyncSession, campaign_id: UUID) -> BookingRow | None:
    """Return the campaign's one booking that was not cancelled."""
    query = select(BookingRow).where(
        BookingRow.campaign_id == campaign_id,  # type: ignore[arg-type]
        BookingRow.state != BookingState.CANCELLED,  # type: ignore[arg-type]
    )
    row: BookingRow | None = await session.scalar(query)
    return row


async def booking_by_order(session: AsyncSession, order_id: str) -> BookingRow | None:
    query = select(BookingRow).where(
        BookingRow.provider == BookingProvider.DUFFEL,  # type: ignore[arg-type]
        BookingRow.duffel_order_id == order_id,  # type: ignore[arg-type]
    )
    row: BookingRow | None = await session.scalar(query)
    return row


def set_flights(booking: BookingRow, itinerary: Itinerary) -> None:
    """Put down the flights, and when the first leaves and the last lands."""
    booking.itinerary = itinerary.model_dump(mode="json")
    booking.departs_at = _instant(itinerary, first=True)
    booking.arrives_at = _instant(itinerary, first=False)


async def record_ordered(
    session: AsyncSession,
    attempt: AttemptRow,
    booking_id: UUID,
    placed: PlacedOrder,
    *,
    now: datetime,
    ticketing_time: timedelta,
) -> BookingRow:
    """Insert the booking of a placed order and move the attempt on to its capture."""
    booking = await get_booking(session, booking_id)
    if booking is None:
        booking = BookingRow(
            id=booking_id,
            kind=BookingKind.CAMPAIGN_FLIGHT,
            user_id=attempt.user_id,
            campaign_id=attempt.campaign_id,
            attempt_id=attempt.id,
            provider=BookingProvider(attempt.seller),
            duffel_order_id=placed.order_id,
            duffel_offer_id=placed.offer_id,
            booking_reference=placed.booking_reference,
            ticket_numbers=list(placed.tickets),
            duffel_order_status="confirmed",
            raw_order_encrypted=placed.raw_encrypted,
            itinerary=placed.itinerary.model_dump(mode="json"),
            departs_at=_instant(placed.itinerary, first=True),
            arrives_at=_instant(placed.itinerary, first=False),
            price_minor=placed.total.minor,
            currency=placed.total.currency,
            ticketing_deadline=now + ticketing_time,
            created_at=now,
            updated_at=now,
        )
        session.add(booking)
        await session.flush()
        made = {
            "state": booking.state.value,
            "order_id": placed.order_id,
            "price_minor": placed.total.minor,
            "currency": placed.total.currency,
        }
        entry = Entry(Action.BOOKING_STATE, "booking", str(booking_id), booking.user_id, {}, made)
        await write_down(session, entry, now)
    attempt.offer_id = placed.offer_id
    if attempt.state in {AttemptState.ORDERING, AttemptState.ORDER_UNKNOWN}:
        await change_state(
            session,
            attempt,
            AttemptState.CAPTURING,
            now=now,
            event="order.placed",
            data={"booking_id": str(booking_id), "booking_reference": placed.booking_reference},
        )
    return booking


async def record_paid(
    session: AsyncSession, request: CaptureInput, now: datetime
) -> AttemptRow | None:
    """Write down that the money was taken: payment, attempt, booking and campaign at once.

    Return the attempt if this is what confirmed it; None if that was written before.
    """
    both = await lock_both(session, request.campaign_id, request.attempt_id)
    booking = await lock_booking(session, request.booking_id, campaign_id=request.campaign_id)
    payment = await get_payment(session, request.attempt_id, request.round, lock=True)
    if both is None or booking is None or payment is None:
        raise LookupError(f"attempt {request.attempt_id} has lost a row")
    campaign, attempt = both
    if payment.state is PaymentState.AUTHORISED:
        payment.captured_minor, payment.booking_id = request.amount.minor, booking.id
        await change_state(
            session,
            payment,
            PaymentState.CAPTURED,
            now=now,
            event="payment.captured",
            data={"amount_minor": request.amount.minor, "currency": request.amount.currency},
        )
    call = await get_call(
        session, provider_key("capture", request.attempt_id, request.round), lock=True
    )
    if call and call.state is CallState.SENT:
        settle(call, CallState.ANSWERED, now)
    confirms = attempt.state is AttemptState.CAPTURING
    if confirms:
        await change_state(
            session, attempt, AttemptState.CAPTURED, now=now, event="attempt.captured"
        )
        await decide_booked(session, attempt)
    if campaign.status is CampaignState.BOOKING:
        await change_state(
            session,
            campaign,
            CampaignState.BOOKED,
            now=now,
            event="campaign.booked",
            data={"booking_id": str(booking.id), "booking_reference": booking.booking_reference},
        )
    if booking.state is BookingState.ORDERED:
        await change_state(
            session,
            booking,
            BookingState.TICKETING,
            now=now,
            event="booking.paid",
            notices=[booking_notice("booked", booking, charged_minor=request.amount.minor)],
        )
        booking.status = PUBLISHED_BOOKING_STATUS[BookingState.TICKETING]
    await _record_result(session, booking, now)
    return attempt if confirms else None


async def _record_result(session: AsyncSession, booking: BookingRow, now: datetime) -> None:
    result_id = derive("result", booking.id)
    known = await session.get(CampaignResultRow, result_id)
    if booking.campaign_id is None or known is not None:
        return
    session.add(
        CampaignResultRow(
            id=result_id,
            campaign_id=booking.campaign_id,
            attempt_id=booking.attempt_id,
            user_id=booking.user_id,
            duffel_offer_id=booking.duffel_offer_id,
            booking_reference=booking.booking_reference,
            status=booking.status,
            created_at=now,
        )
    )


async def record_failed_result(session: AsyncSession, attempt: AttemptRow, now: datetime) -> None:
    """Add a failed attempt to its campaign's results."""
    result_id = derive("result", attempt.id)
    if await session.get(CampaignResultRow, result_id):
        return
    session.add(
        CampaignResultRow(
            id=result_id,
            campaign_id=attempt.campaign_id,
            attempt_id=attempt.id,
            user_id=attempt.user_id,
            duffel_offer_id=attempt.offer_id,
            status=BookingStatus.FAILED,
            created_at=now,
        )
    )


async def publish_status(session: AsyncSession, booking: BookingRow, status: BookingStatus) -> None:
    """Set the published word of a booking and of its result."""
    booking.status = status
    result = await session.get(CampaignResultRow, derive("result", booking.id))
    if result:
        result.status = status


def booking_notice(event: str, booking: BookingRow, **data: Any) -> NewNotice:
    return NewNotice(
        event=event,
        subject_id=booking.id,
        user_id=booking.user_id,
        campaign_id=booking.campaign_id,
        booking_id=booking.id,
        data={
            "booking_reference": booking.booking_reference,
            "price_minor": booking.price_minor,
            "currency": booking.currency,
            **data,
        },
    )


def paid_amount(payment: PaymentRow) -> Money:
    return Money(minor=payment.captured_minor - payment.refunded_minor, currency=payment.currency)


def _instant(itinerary: Itinerary, *, first: bool) -> datetime:
    """Return the first departure or the last arrival as an instant."""
    segment = itinerary.slices[0].segments[0] if first else itinerary.slices[-1].segments[-1]
    local = segment.departing_at if first else segment.arriving_at
    place = segment.origin if first else segment.destination
    return local.replace(tzinfo=ZoneInfo(time_zone(place)))
