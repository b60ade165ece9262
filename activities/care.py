"""Looking after an order: tickets, cancellations by either side, and the money back."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession
from temporalio import activity
from temporalio.common import RetryPolicy
from temporalio.workflow import LocalActivityConfig

from activities.booking_rows import sealed_order, write_flights
from activities.failures import provider_call
from activities.offers import WORKER
from activities.options import HEARTBEAT_TIMEOUT, ROWS, ActivityOptions
from activities.refunds import locked_booking, pays_back, refund_due
from db.models import BookingRow
from db.models.booking import BookingStatus
from db.models.provider_call import CallState
from db.queries import calls
from db.queries.attempts import open_task
from db.queries.bookings import (
    booking_notice,
    get_booking,
    publish_status,
)
from db.queries.notices import add_notices, pending_notices
from db.queries.payments import refunds_of
from db.queries.transitions import append_event, change_state
from db.session import Database
from db.vault import PersonalVault
from domain.ids import BookingId, derive, provider_key
from domain.itineraries import Itinerary
from domain.messages.order import (
    CancellationOffer,
    CancelOutcome,
    CancelStatus,
    ConfirmAnswer,
    ConfirmCancellation,
    ConfirmCode,
    OrderFacts,
    QuoteCode,
)
from domain.money import Money
from domain.orders import BookingState
from providers.ports import (
    CancellationQuote,
    CancellationRefused,
    FlightOrders,
    OrderCancellations,
    ProviderOrder,
    RefundStatus,
)
from runtime.clock import activity_now

CARE_ROWS: LocalActivityConfig = ROWS
# Above the socket's 130 s. Confirming twice is refused by the seller, so repeating is safe.
CANCEL_ORDER = ActivityOptions(
    start_to_close_timeout=timedelta(seconds=170),
    heartbeat_timeout=HEARTBEAT_TIMEOUT,
    retry_policy=RetryPolicy(
        initial_interval=timedelta(seconds=2), maximum_interval=timedelta(minutes=5)
    ),
)
LANDED = timedelta(hours=6)  # flights are late at times
_CANCELLABLE = frozenset({BookingState.TICKETING, BookingState.TICKETED})
_OVER = frozenset({BookingState.CANCELLED, BookingState.FLOWN})


class CareActivities:
    def __init__(
        self,
        database: Database,
        vault: PersonalVault,
        orders: FlightOrders,
        cancellations: OrderCancellations,
    ) -> None:
        self._database, self._vault = database, vault
        self._orders, self._cancellations = orders, cancellations

    # How the order is

    @activity.defn
    async def check_order(self, booking_id: BookingId) -> OrderFacts:
        """Ask the seller how the order is, write down what is new, and say what is due."""
        async with self._database.transaction(WORKER) as session:
            booking = await _existing(session, booking_id)
            if booking.state in _OVER:
                return await _facts(session, booking)
        async with provider_call():
            order = await self._orders.get(str(booking.duffel_order_id))
        async with self._database.transaction(WORKER) as session:
            row = await locked_booking(session, booking_id)
            await self._take_over(session, row, order)
            return await _facts(session, row)

    async def _take_over(
        self, session: AsyncSession, row: BookingRow, order: ProviderOrder
    ) -> None:
        """Write what the seller says on the row, and what the traveller is told of it."""
        now = activity_now()
        row.checked_at = now
        if order.cancelled_at and row.state not in _OVER:
            await _cancelled_elsewhere(session, row, now)
            return
        await self._schedule(session, row, order, now)
        if order.tickets and row.state is BookingState.TICKETING:
            row.ticket_numbers = [t.model_dump(mode="json") for t in order.tickets]
            row.raw_order_encrypted = await sealed_order(session, self._vault, row, order)
            await change_state(
                session,
                row,
                BookingState.TICKETED,
                now=now,
                event="booking.ticketed",
                data={"tickets": len(order.tickets)},
                notices=[booking_notice("ticketed", row)],
            )
            await publish_status(session, row, BookingStatus.TICKETED)
        if now >= row.arrives_at + LANDED and row.state in _CANCELLABLE:
            await change_state(session, row, BookingState.FLOWN, now=now, event="booking.flown")

    async def _schedule(
        self, session: AsyncSession, row: BookingRow, order: ProviderOrder, now: datetime
    ) -> None:
        if order.schedule_changes <= row.schedule_changes:
            return
        await write_flights(session, self._vault, row, order)
        if row.campaign_id:
            told = {"booking_id": str(row.id), "changes": order.schedule_changes}
            await append_event(session, row.campaign_id, "booking.schedule_changed", told, now)
        notice = booking_notice("schedule_changed", row, changes=order.schedule_changes)
        subject = derive("schedule", row.id, order.schedule_changes)
        await add_notices(session, [replace(notice, subject_id=subject)], now)

    @activity.defn
    async def alarm_unticketed(self, booking_id: BookingId) -> None:
        """The deadline has passed without tickets: a person must look."""
        now = activity_now()
        async with self._database.transaction(WORKER) as session:
            row = await locked_booking(session, booking_id)
            detail = f"order {row.duffel_order_id} has no tickets by its deadline"
            await open_task(session, f"unticketed:{row.id}", "unticketed", detail, now, booking=row)

    # The traveller's cancellation

    @activity.defn
    async def quote_cancellation(self, booking_id: BookingId) -> CancellationOffer:
        """Ask what cancelling would give back. Nothing is cancelled by asking."""
        async with self._database.transaction(WORKER) as session:
            booking = await _existing(session, booking_id)
        code = {
            BookingState.CANCELLED: QuoteCode.ALREADY_CANCELLED,
            BookingState.CANCELLING: QuoteCode.CANCELLING,
            BookingState.FLOWN: QuoteCode.FLOWN,
        }.get(booking.state)
        if code:
            return CancellationOffer(code=code, booking_id=booking_id)
        async with provider_call():
            quote = await self._cancellations.quote(str(booking.duffel_order_id))
        if isinstance(quote, CancellationRefused):
            return CancellationOffer(code=QuoteCode.NOT_CANCELLABLE, booking_id=booking_id)
        async with self._database.transaction(WORKER) as session:
            row = await locked_booking(session, booking_id)
            if row.state in _CANCELLABLE:
                row.quote = quote_facts(quote)
            return _offer(row, quote)

    @activity.defn
    async def accept_cancellation(self, request: ConfirmCancellation) -> ConfirmAnswer:
        """Take the traveller's word for exactly the quote that they saw."""
        now = activity_now()
        async with self._database.transaction(WORKER) as session:
            row = await locked_booking(session, request.booking_id)
            code = _may_accept(row, request.quote_id, now)
            if code is ConfirmCode.ACCEPTED:
                row.quote = {**(row.quote or {}), "accepted_at": now.isoformat()}
                await change_state(
                    session,
                    row,
                    BookingState.CANCELLING,
                    now=now,
                    event="booking.cancelling",
                    data={"quote_id": request.quote_id},
                )
            return ConfirmAnswer(code=code, booking_id=request.booking_id, state=row.state)

    @activity.defn
    async def confirm_cancellation(self, request: ConfirmCancellation) -> CancelOutcome:
        """Cancel at the seller. Asked again it reads the quote before it confirms anything."""
        key = provider_key("cancel_order", request.booking_id)
        key = f"{key}:{request.quote_id}"
        async with self._database.transaction(WORKER) as session:
            row = await locked_booking(session, request.booking_id)
            if row.state is not BookingState.CANCELLING:
                done = row.state is BookingState.CANCELLED
                return CancelOutcome(
                    status=CancelStatus.CANCELLED if done else CancelStatus.REFUSED
                )
            _, fresh = await calls.begin_call(
                session,
                key=key,
                kind="cancel_order",
                provider=row.provider.value,
                user_id=row.user_id,
                attempt_id=row.attempt_id,
                booking_id=row.id,
                facts={"quote_id": request.quote_id},
                now=activity_now(),
            )
        async with provider_call():
            answer: CancellationQuote | CancellationRefused | None = None
            if not fresh:
                quote = await self._cancellations.get_quote(request.quote_id)
                answer = quote if quote.confirmed_at else None
            if answer is None:
                answer = await self._cancellations.confirm(request.quote_id)
            if isinstance(answer, CancellationRefused) and answer.already_cancelled:
                answer = await self._cancellations.get_quote(request.quote_id)
        return await self._write_cancellation(request, key, answer)

    async def _write_cancellation(
        self,
        request: ConfirmCancellation,
        key: str,
        answer: CancellationQuote | CancellationRefused,
    ) -> CancelOutcome:
        now = activity_now()
        refused = isinstance(answer, CancellationRefused) or answer.confirmed_at is None
        async with self._database.transaction(WORKER) as session:
            row = await locked_booking(session, request.booking_id)
            call = await calls.get_call(session, key, lock=True)
            if call:
                state = CallState.REFUSED if refused else CallState.ANSWERED
                calls.settle(call, state, now)
            if row.state is not BookingState.CANCELLING:
                return CancelOutcome(status=CancelStatus.CANCELLED)
            if refused:
                back = BookingState.TICKETED if row.ticket_numbers else BookingState.TICKETING
                subject = derive("refused-cancellation", row.id, request.quote_id)
                notice = replace(booking_notice("not_cancellable", row), subject_id=subject)
                await change_state(
                    session,
                    row,
                    back,
                    now=now,
                    event="booking.not_cancelled",
                    notices=[notice],
                )
                return CancelOutcome(status=CancelStatus.REFUSED)
            await _cancelled_by_traveller(session, row, now)
        return CancelOutcome(status=CancelStatus.CANCELLED)


async def _existing(session: AsyncSession, booking_id: UUID) -> BookingRow:
    row = await get_booking(session, booking_id)
    if row is None:
        raise LookupError(f"no booking {booking_id}")
    return row


async def _cancelled_elsewhere(session: AsyncSession, row: BookingRow, now: datetime) -> None:
    """The order is cancelled: by our own call whose answer was lost, or by the airline."""
    if row.state is BookingState.CANCELLING:
        await _cancelled_by_traveller(session, row, now)
        return
    row.cancelled_by, row.duffel_order_status = "airline", "cancelled"
    await change_state(
        session,
        row,
        BookingState.CANCELLED,
        now=now,
        event="booking.cancelled",
        data={"cancelled_by": "airline"},
        notices=[booking_notice("booking_cancelled", row, cancelled_by="airline")],
    )
    detail = f"the airline cancelled order {row.duffel_order_id}: check that it refunded us"
    await open_task(
        session, f"airline_cancelled:{row.id}", "airline_refund", detail, now, booking=row
    )


async def _cancelled_by_traveller(session: AsyncSession, row: BookingRow, now: datetime) -> None:
    quote = row.quote or {}
    row.cancelled_by, row.duffel_order_status = "traveller", "cancelled"
    told = {"cancelled_by": "traveller", "refund_minor": quote.get("refund_minor")}
    notices = [booking_notice("booking_cancelled", row, **told)]
    if pays_back(quote, row.currency):
        row.penalty_minor = row.price_minor - int(quote["refund_minor"])
    else:
        detail = f"order {row.duffel_order_id} pays back as {quote.get('refund_to')}"
        await open_task(
            session, f"refund_by_person:{row.id}", "refund_by_person", detail, now, booking=row
        )
        notices.append(booking_notice("refund_by_person", row))
    await change_state(
        session,
        row,
        BookingState.CANCELLED,
        now=now,
        event="booking.cancelled",
        data={"cancelled_by": "traveller"},
        notices=notices,
    )


def _may_accept(row: BookingRow, quote_id: str, now: datetime) -> ConfirmCode:
    quote = row.quote or {}
    if row.state in {BookingState.CANCELLING, BookingState.CANCELLED}:
        return ConfirmCode.ALREADY
    if row.state not in _CANCELLABLE:
        return ConfirmCode.NOT_NOW
    expires = quote.get("expires_at")
    expired = expires is not None and datetime.fromisoformat(expires) <= now
    if quote.get("quote_id") != quote_id or expired:
        return ConfirmCode.STALE_QUOTE
    return ConfirmCode.ACCEPTED


def quote_facts(quote: CancellationQuote) -> dict[str, Any]:
    return {
        "quote_id": quote.quote_id,
        "refund_minor": quote.refund.minor if quote.refund else None,
        "currency": quote.refund.currency if quote.refund else None,
        "refund_to": quote.refund_to,
        "expires_at": quote.expires_at.isoformat() if quote.expires_at else None,
    }


def _offer(row: BookingRow, quote: CancellationQuote) -> CancellationOffer:
    price = Money(minor=row.price_minor, currency=row.currency)
    pays = pays_back(quote_facts(quote), row.currency)
    return CancellationOffer(
        code=QuoteCode.QUOTED,
        booking_id=BookingId(row.id),
        quote_id=quote.quote_id,
        refund=quote.refund if pays else None,
        penalty=price - quote.refund if pays and quote.refund else None,
        refund_to=quote.refund_to,
        expires_at=quote.expires_at,
    )


async def _facts(session: AsyncSession, row: BookingRow) -> OrderFacts:
    refunds = await refunds_of(session, row.id)
    itinerary = Itinerary.model_validate(row.itinerary)
    legs = " / ".join(f"{leg.origin}-{leg.destination}" for leg in itinerary.slices)
    return OrderFacts(
        booking_id=BookingId(row.id),
        state=row.state,
        ordered_at=row.created_at,
        departs_at=row.departs_at,
        flown_at=row.arrives_at + LANDED,
        ticketing_deadline=row.ticketing_deadline,
        cancelled_by_airline=row.cancelled_by == "airline",
        refund_due=await refund_due(session, row),
        refund_pending=any(r.status == RefundStatus.PENDING for r in refunds),
        # Read from the rows: whoever wrote the notice may have died before saying so.
        changed=bool(await pending_notices(session, booking_id=row.id, limit=1)),
        summary=f"**{row.state}** {legs}, leaves {row.departs_at:%Y-%m-%d}",
    )
