"""The money back to the traveller: what is owed, and giving it once."""

from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession
from temporalio import activity
from temporalio.common import RetryPolicy

from activities.failures import provider_call
from activities.offers import WORKER
from activities.options import HEARTBEAT_TIMEOUT, ActivityOptions
from db.models import BookingRow, PaymentRow, RefundRow
from db.models.booking import BookingStatus
from db.models.provider_call import CallState
from db.queries import calls
from db.queries.attempts import open_task
from db.queries.bookings import booking_notice, publish_status
from db.queries.payments import add_refund, captured_payment, refunds_of, settle_refund
from db.queries.transitions import append_event, change_state, lock_booking
from db.session import Database
from domain.ids import derive, provider_key
from domain.messages.operator import RefundAsDecided
from domain.messages.order import RefundInput, RefundOutcome
from domain.money import Money
from domain.operating import BY_OPERATOR
from domain.orders import BookingState
from domain.payments import PaymentState
from providers.ports import CardPayments, RefundRequest, RefundStatus
from runtime.clock import activity_now

REFUND = ActivityOptions(
    start_to_close_timeout=timedelta(seconds=75),
    heartbeat_timeout=HEARTBEAT_TIMEOUT,
    retry_policy=RetryPolicy(
        initial_interval=timedelta(seconds=2), maximum_interval=timedelta(minutes=10)
    ),
)
TO_OUR_BALANCE = "balance"


class RefundActivities:
    def __init__(self, database: Database, payments: CardPayments) -> None:
        self._database, self._payments = database, payments

    @activity.defn
    async def refund_payment(self, request: RefundInput) -> RefundOutcome:
        """Give back what is due, once: the refund's row and its reference come before the call."""
        async with self._database.transaction(WORKER) as session:
            booking = await locked_booking(session, request.booking_id)
            payment = await captured_payment(session, booking.id, lock=True)
            refund = await self._begin_refund(session, booking, payment)
            if refund is None or payment is None or payment.intent_ref is None:
                return RefundOutcome(done=True)
            intent_ref = payment.intent_ref
        return await self._give(booking.id, refund, intent_ref)

    async def _give(self, booking_id: UUID, refund: RefundRow, intent_ref: str) -> RefundOutcome:
        async with provider_call():
            answer = await self._payments.refund(
                RefundRequest(
                    key=provider_key("refund", refund.id),
                    refund_reference=str(refund.id),
                    intent_ref=intent_ref,
                    amount=Money(minor=refund.amount_minor, currency=refund.currency),
                )
            )
        async with self._database.transaction(WORKER) as session:
            return await self._record_refund(
                session, booking_id, refund.id, answer.refund_ref, answer.status
            )

    @activity.defn
    async def refund_as_decided(self, request: RefundAsDecided) -> RefundOutcome:
        """Give back what an operator decided on, once: the action's id is the refund's key."""
        async with self._database.transaction(WORKER) as session:
            booking = await locked_booking(session, request.booking_id)
            payment = await captured_payment(session, booking.id, lock=True)
            refund = await self._begin_decided(session, booking, payment, request)
            if refund is None or payment is None or payment.intent_ref is None:
                return RefundOutcome(done=False, failed=True)
            if refund.status != RefundStatus.PENDING:
                failed = refund.status == RefundStatus.FAILED
                return RefundOutcome(done=not failed, failed=failed)
            intent_ref = payment.intent_ref
        return await self._give(booking.id, refund, intent_ref)

    async def _begin_decided(
        self,
        session: AsyncSession,
        booking: BookingRow,
        payment: PaymentRow | None,
        request: RefundAsDecided,
    ) -> RefundRow | None:
        """Return the action's refund, written down if new; None where not so much is left."""
        refund_id = derive("refund", "operator", request.action_id)
        known = await session.get(RefundRow, refund_id, populate_existing=True)
        if known is not None:
            return known
        rows = await refunds_of(session, booking.id)
        begun = sum(r.amount_minor for r in rows if r.status != RefundStatus.FAILED)
        if payment is None or request.amount.minor > payment.captured_minor - begun:
            return None
        reason = f"{BY_OPERATOR}{request.action_id}"
        return await _write(session, booking, payment, request.amount, refund_id, reason)

    async def _begin_refund(
        self, session: AsyncSession, booking: BookingRow, payment: PaymentRow | None
    ) -> RefundRow | None:
        """Return the refund under way, or a new one for what is due."""
        rows = await refunds_of(session, booking.id)
        pending = [r for r in rows if r.status == RefundStatus.PENDING]
        if pending:
            return pending[0]
        due = await refund_due(session, booking)
        if due is None or payment is None:
            return None
        refund_id = derive("refund", booking.id, len(rows) + 1)
        reason = f"cancelled by {booking.cancelled_by}"
        return await _write(session, booking, payment, due, refund_id, reason)

    async def _record_refund(
        self,
        session: AsyncSession,
        booking_id: UUID,
        refund_id: UUID,
        reference: str,
        status: RefundStatus,
    ) -> RefundOutcome:
        now = activity_now()
        booking = await locked_booking(session, booking_id)
        payment = await captured_payment(session, booking_id, lock=True)
        refund = await session.get(RefundRow, refund_id, populate_existing=True)
        if refund is None or payment is None or refund.status != RefundStatus.PENDING:
            return RefundOutcome(done=True)
        refund.refund_ref, refund.updated_at = reference, now
        if status is RefundStatus.PENDING:
            return RefundOutcome(done=False, pending=True)
        await settle_refund(session, refund, status.value, now)
        call = await calls.get_call(session, provider_key("refund", refund.id), lock=True)
        if status is RefundStatus.FAILED:
            detail = f"the refund of booking {booking.id} failed at the card's bank"
            await open_task(
                session, f"refund_failed:{refund.id}", "refund_failed", detail, now, booking=booking
            )
            await _tell(session, booking, "payment.refund_failed", refund)
            if call:
                calls.settle(call, CallState.REFUSED, now)
            return RefundOutcome(done=False, failed=True)
        payment.refunded_minor += refund.amount_minor
        notice = booking_notice("refunded", booking, refund_minor=refund.amount_minor)
        await change_state(
            session,
            payment,
            PaymentState.REFUNDED,
            now=now,
            event="payment.refunded",
            data={"amount_minor": refund.amount_minor, "currency": refund.currency},
            notices=[replace(notice, subject_id=refund.id)],
        )
        if booking.state is BookingState.CANCELLED:
            await publish_status(session, booking, BookingStatus.REFUNDED)
        if call:
            calls.settle(call, CallState.ANSWERED, now, {"refund_ref": reference})
        return RefundOutcome(done=True)


async def _write(  # noqa: PLR0917
    session: AsyncSession,
    booking: BookingRow,
    payment: PaymentRow,
    amount: Money,
    refund_id: UUID,
    reason: str,
) -> RefundRow:
    """Write a refund down, and that its call is about to be made."""
    now = activity_now()
    refund = RefundRow(
        id=refund_id,
        payment_id=payment.id,
        booking_id=booking.id,
        user_id=booking.user_id,
        amount_minor=amount.minor,
        currency=amount.currency,
        status=RefundStatus.PENDING.value,
        reason=reason,
        created_at=now,
        updated_at=now,
    )
    await add_refund(session, refund)
    await calls.begin_call(
        session,
        key=provider_key("refund", refund.id),
        kind="refund",
        provider=payment.rail,
        user_id=booking.user_id,
        attempt_id=booking.attempt_id,
        booking_id=booking.id,
        facts={"amount_minor": amount.minor, "currency": amount.currency},
        now=now,
    )
    await _tell(session, booking, "payment.refund_begun", refund)
    return refund


async def _tell(session: AsyncSession, booking: BookingRow, event: str, refund: RefundRow) -> None:
    """Let whoever watches know of a step of the money's that changes no state."""
    if booking.campaign_id is None:
        return
    told = {
        "booking_id": str(booking.id),
        "amount_minor": refund.amount_minor,
        "currency": refund.currency,
    }
    await append_event(session, booking.campaign_id, event, told, refund.updated_at)


async def locked_booking(session: AsyncSession, booking_id: UUID) -> BookingRow:
    row = await lock_booking(session, booking_id)
    if row is None:
        raise LookupError(f"no booking {booking_id}")
    return row


def pays_back(quote: dict[str, Any], currency: str) -> bool:
    """Say whether the seller gives a known amount of money back to us."""
    return (
        quote.get("refund_minor") is not None
        and quote.get("refund_to") == TO_OUR_BALANCE
        and quote.get("currency") == currency
    )


async def refund_due(session: AsyncSession, row: BookingRow) -> Money | None:
    """Return what the traveller is owed and nobody has started to give back."""
    if row.state is not BookingState.CANCELLED:
        return None
    if row.cancelled_by == "traveller" and not pays_back(row.quote or {}, row.currency):
        return None
    payment = await captured_payment(session, row.id)
    if payment is None:
        return None
    refunds = await refunds_of(session, row.id)
    begun = sum(r.amount_minor for r in refunds)
    owed = payment.captured_minor - row.penalty_minor - begun
    return Money(minor=owed, currency=payment.currency) if owed > 0 else None
