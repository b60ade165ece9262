"""Giving back an order that could not be paid for, where that costs nothing."""

from datetime import timedelta

from temporalio import activity
from temporalio.common import RetryPolicy

from activities.failures import provider_call
from activities.offers import WORKER
from activities.options import HEARTBEAT_TIMEOUT, ActivityOptions
from db.models import BookingRow
from db.models.booking import BookingStatus
from db.queries.bookings import get_booking, publish_status
from db.queries.transitions import change_state, lock_booking
from db.session import Database
from domain.messages.attempt import UndoOrderInput, UndoOrderOutcome, UndoOrderStatus
from domain.money import Money
from domain.orders import BookingState
from providers.ports import (
    CancellationQuote,
    CancellationRefused,
    FlightOrders,
    OrderCancellations,
)
from runtime.clock import activity_now

UNDO_ORDER = ActivityOptions(
    start_to_close_timeout=timedelta(seconds=170),
    schedule_to_close_timeout=timedelta(days=1),
    heartbeat_timeout=HEARTBEAT_TIMEOUT,
    retry_policy=RetryPolicy(
        initial_interval=timedelta(seconds=1), maximum_interval=timedelta(minutes=5)
    ),
)


class UnpaidOrderActivities:
    def __init__(
        self, database: Database, orders: FlightOrders, cancellations: OrderCancellations
    ) -> None:
        self._database, self._orders, self._cancellations = database, orders, cancellations

    @activity.defn
    async def cancel_unpaid_order(self, request: UndoOrderInput) -> UndoOrderOutcome:
        """Cancel the order if the seller gives everything back; else leave it to a person."""
        async with self._database.transaction(WORKER) as session:
            booking = await get_booking(session, request.booking_id)
        if (
            booking is None
            or booking.state is BookingState.CANCELLED
            or not booking.duffel_order_id
        ):
            return UndoOrderOutcome(status=UndoOrderStatus.CANCELLED)
        async with provider_call():
            order = await self._orders.get(booking.duffel_order_id)
            if order.cancelled_at is None:
                refused = await self._cancel_in_full(booking)
                if refused:
                    return refused
        async with self._database.transaction(WORKER) as session:
            row = await lock_booking(session, request.booking_id)
            if row and row.state is not BookingState.CANCELLED:
                row.cancelled_by, row.duffel_order_status = "parker", "cancelled"
                await change_state(
                    session,
                    row,
                    BookingState.CANCELLED,
                    now=activity_now(),
                    event="order.given_back",
                )
                await publish_status(session, row, BookingStatus.FAILED)
        return UndoOrderOutcome(status=UndoOrderStatus.CANCELLED)

    async def _cancel_in_full(self, booking: BookingRow) -> UndoOrderOutcome | None:
        quote = await self._cancellations.quote(str(booking.duffel_order_id))
        if isinstance(quote, CancellationRefused):
            done = quote.already_cancelled
            return None if done else UndoOrderOutcome(status=UndoOrderStatus.REFUSED)
        price = Money(minor=booking.price_minor, currency=booking.currency)
        if quote.refund != price or quote.refund_to != "balance":
            return UndoOrderOutcome(status=UndoOrderStatus.NOT_IN_FULL)
        answer = await self._cancellations.confirm(quote.quote_id)
        if isinstance(answer, CancellationQuote) or answer.already_cancelled:
            return None
        return UndoOrderOutcome(status=UndoOrderStatus.REFUSED)
