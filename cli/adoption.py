"""Asking the providers for what is newer than a backup, and giving each its rows back."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from activities.care import quote_facts
from activities.mandate_guard import MANDATE_FACT
from activities.offers import order_facts, order_key
from db.queries.adoption import ForAPerson, adopt_order, remember_payment
from db.queries.attempts import get_attempt, open_task
from db.queries.bookings import booking_by_order, get_booking
from db.queries.campaigns import get_campaign
from db.queries.payments import get_payment
from db.queries.transitions import change_state, lock_booking
from db.session import Database, SystemActor
from domain.adoption import FoundOrder, FoundPayment, which_attempt
from domain.ids import AttemptId, BookingId, CampaignId
from domain.messages.attempt import ChosenOffer
from domain.orders import BookingState
from domain.payments import PaymentState
from providers.ports import IntentStatus, PaymentIntent, ProviderOrder
from providers.registry import Providers
from runtime.clock import system_now

ACTOR = SystemActor("restore")
MARGIN = timedelta(hours=1)  # clocks of several companies, and calls under way at the backup
_STANDING = frozenset({BookingState.TICKETING, BookingState.TICKETED})
_STATES = {
    IntentStatus.NEW: PaymentState.CREATED,
    IntentStatus.NEEDS_CUSTOMER: PaymentState.CREATED,
    IntentStatus.PROCESSING: PaymentState.CREATED,
    IntentStatus.AUTHORISED: PaymentState.AUTHORISED,
    IntentStatus.CAPTURED: PaymentState.CAPTURED,
    IntentStatus.VOIDED: PaymentState.VOIDED,
    IntentStatus.DECLINED: PaymentState.DECLINED,
}


@dataclass
class Adopted:
    """What was found, and what became of it."""

    orders: int = 0
    payments: int = 0
    released: int = 0
    cancelled: int = 0
    for_a_person: list[str] = field(default_factory=list)


class Adoption:
    """One look at everything that is newer than the backup; again is harmless."""

    def __init__(
        self, database: Database, providers: Providers, *, forgotten: Collection[UUID] = ()
    ) -> None:
        self._database, self._providers = database, providers
        self._forgotten = frozenset(forgotten)
        self.found = Adopted()

    async def look(self, since: datetime) -> Adopted:
        """Adopt what names attempts of ours; ask a person about the rest."""
        payments: dict[AttemptId, list[FoundPayment]] = defaultdict(list)
        for intent in await self._providers.payments.created_since(since - MARGIN):
            if found := _payment(intent):
                payments[found.attempt_id].append(found)
        ordered: set[AttemptId] = set()
        for order in await self._providers.orders.created_since(since - MARGIN):
            if found_order := _order(order, self._providers.names["orders"]):
                ordered.add(found_order.attempt_id)
                await self._adopt(found_order, payments[found_order.attempt_id])
        for attempt_id in payments.keys() - ordered:
            for payment in payments[attempt_id]:
                await self._settle(payment)
        return self.found

    async def follow_cancellations(self, bookings: Sequence[BookingId]) -> None:
        """Give a booking that its traveller gave back since the quote that they agreed to.

        Without it, its care would take the airline to have cancelled, and refund all of it.
        """
        for booking_id in bookings:
            async with self._database.transaction(ACTOR) as session:
                booking = await get_booking(session, booking_id)
            if booking is None or booking.state not in _STANDING or not booking.duffel_order_id:
                continue
            order = await self._providers.orders.get(booking.duffel_order_id)
            if order.cancelled_at is None or order.cancelled_by_airline:
                continue
            quote = await self._providers.cancellations.confirmed(order.order_id)
            if quote is None:
                continue
            async with self._database.transaction(ACTOR) as session:
                row = await lock_booking(session, booking_id)
                assert row is not None
                row.quote = quote_facts(quote) | {"accepted_at": order.cancelled_at.isoformat()}
                await change_state(
                    session,
                    row,
                    BookingState.CANCELLING,
                    now=system_now(),
                    event="booking.cancelling",
                    data={"quote_id": quote.quote_id},
                )
            self.found.cancelled += 1

    async def _adopt(self, found: FoundOrder, payments: list[FoundPayment]) -> None:
        try:
            async with self._database.transaction(ACTOR) as session:
                if await booking_by_order(session, found.order_id):
                    return
                campaign = await get_campaign(session, found.campaign_id)
                if campaign is not None and campaign.user_id in self._forgotten:
                    return  # over before its owner was erased, or that would have waited
                await adopt_order(session, found, payments, MANDATE_FACT, system_now())
        except ForAPerson as why:
            await self._ask(found.attempt_id, f"order {found.order_id}", str(why))
        else:
            self.found.orders += 1

    async def _settle(self, payment: FoundPayment) -> None:
        """Release what is held for nothing, and use the attempt's number up."""
        async with self._database.transaction(ACTOR) as session:
            attempt = await get_attempt(session, payment.attempt_id)
            if attempt is not None and await get_payment(
                session, payment.attempt_id, payment.round
            ):
                return  # its rows know it, and its process goes on from there
        if payment.state is PaymentState.CAPTURED:
            what = f"payment {payment.intent_ref}"
            await self._ask(payment.attempt_id, what, "it was taken, and no order of it was found")
            return
        if payment.state is not PaymentState.VOIDED:
            key = f"restore:{payment.intent_ref}"
            await self._providers.payments.void(payment.intent_ref, key=key)
            self.found.released += 1
        gone = payment.model_copy(update={"state": PaymentState.VOIDED})
        try:
            async with self._database.transaction(ACTOR) as session:
                self.found.payments += await remember_payment(session, gone, system_now())
        except ForAPerson as why:
            await self._ask(payment.attempt_id, f"payment {payment.intent_ref}", str(why))

    async def _ask(self, attempt_id: AttemptId, what: str, why: str) -> None:
        detail = f"{what} is newer than the backup that was restored: {why}"
        async with self._database.transaction(ACTOR) as session:
            attempt = await get_attempt(session, attempt_id)
            now = system_now()
            await open_task(session, f"restored:{what}", "late_order", detail, now, attempt)
        self.found.for_a_person.append(detail)


def _payment(intent: PaymentIntent) -> FoundPayment | None:
    """Read a payment; one that names no attempt is not ours."""
    which = which_attempt(intent.attempt_reference or "")
    if which is None or intent.campaign_reference is None:
        return None
    attempt_id, number = which
    return FoundPayment(
        intent_ref=intent.intent_ref,
        attempt_id=AttemptId(attempt_id),
        campaign_id=CampaignId(UUID(intent.campaign_reference)),
        round=number,
        state=_STATES[intent.status],
        amount=intent.amount,
    )


def _order(order: ProviderOrder, seller: str) -> FoundOrder | None:
    which = which_attempt(order.attempt_reference or "")
    if which is None or order.campaign_reference is None or order.offer_id is None:
        return None
    attempt_id = AttemptId(which[0])
    offer = ChosenOffer(
        offer_id=order.offer_id,
        total=order.total,
        services=(),
        passenger_refs=(),
        last_day=order.itinerary.slices[-1].segments[0].departing_at.date(),
        expires_at=order.created_at,
    )
    return FoundOrder(
        order_id=order.order_id,
        booking_reference=order.booking_reference,
        seller=seller,
        attempt_id=attempt_id,
        campaign_id=CampaignId(UUID(order.campaign_reference)),
        total=order.total,
        itinerary=order.itinerary,
        cancelled=order.cancelled_at is not None,
        created_at=order.created_at,
        call_key=order_key(attempt_id, 1),
        call_facts=order_facts(offer, 1, 1),
    )
