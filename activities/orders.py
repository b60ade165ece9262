"""The airline order: its point of no return, its call, and finding out what became of it."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import assert_never
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession
from temporalio import activity
from temporalio.common import RetryPolicy

from activities.failures import heartbeats, provider_call, to_application_error
from activities.mandate_guard import MANDATE_FACT, MandateGuard, names_signed, reason_of
from activities.offers import WORKER, order_facts, order_key
from activities.options import HEARTBEAT_TIMEOUT, ActivityOptions
from activities.passengers import order_passengers
from db.models import (
    AttemptRow,
    BookingRow,
    CampaignRow,
    MandateRow,
    PaymentRow,
    ProviderCallRow,
)
from db.models.provider_call import CallState
from db.queries import calls
from db.queries.attempts import open_task
from db.queries.bookings import (
    PlacedOrder,
    get_booking,
    record_ordered,
)
from db.queries.mandates import mandate_of, release_use, write_use
from db.queries.payments import get_payment
from db.queries.switches import booking_stopped, stop_booking
from db.queries.transitions import change_state, lock_attempt, lock_both, lock_campaign
from db.session import Database
from db.vault import PersonalVault
from domain.attempts import PAST_NO_RETURN, AttemptState, FailureReason
from domain.campaigns import CampaignState
from domain.ids import TravelerId, UserId
from domain.messages.attempt import (
    CreateOrderInput,
    OrderOutcome,
    OrderStatus,
    ResolveInput,
)
from domain.money import Money
from domain.orders import BookingState
from domain.payments import PaymentState
from domain.values import Value
from providers.errors import CredentialsRefused, ProviderUnavailable
from providers.ports import (
    FlightOrders,
    OrderPassenger,
    OrderPlaced,
    OrderRefused,
    OrderRequest,
    OrderUnknown,
    ProviderOrder,
    RefusalKind,
)
from runtime.clock import activity_now
from runtime.policy import Policy

# Above the socket's 130 s, so that the answer or its absence reaches us. A retry never sends
# twice: it finds the row of the call and asks.
CREATE_ORDER = ActivityOptions(
    start_to_close_timeout=timedelta(seconds=150),
    heartbeat_timeout=HEARTBEAT_TIMEOUT,
    retry_policy=RetryPolicy(
        initial_interval=timedelta(seconds=1),
        maximum_interval=timedelta(seconds=30),
        maximum_attempts=6,
    ),
)
SETTLE_MARGIN = timedelta(seconds=30)  # clocks of two companies

_REASONS = {
    RefusalKind.GONE: FailureReason.OFFER_GONE,
    RefusalKind.PRICE_CHANGED: FailureReason.PRICE_ROSE,
    RefusalKind.BALANCE: FailureReason.BOOKING_STOPPED,
    RefusalKind.PASSENGER_DATA: FailureReason.TRAVELLER_DATA,
    RefusalKind.OTHER: FailureReason.ORDER_REFUSED,
}
_SEARCH_AGAIN = frozenset({RefusalKind.GONE, RefusalKind.PRICE_CHANGED})


class _Ready(Value):
    """The point of no return has been passed; this is what is sent."""

    request: OrderRequest
    user_id: UUID


class OrderActivities:
    def __init__(
        self,
        database: Database,
        vault: PersonalVault,
        orders: FlightOrders,
        policy: Policy,
        guard: MandateGuard,
    ) -> None:
        self._database, self._vault = database, vault
        self._orders, self._policy, self._guard = orders, policy, guard

    # Placing

    @activity.defn
    async def create_order(self, request: CreateOrderInput) -> OrderOutcome:
        """Pass the point of no return, call, and write the answer down.

        A call that was sent before is never sent again: the answer is then UNKNOWN, to be resolved.
        """
        async with self._database.transaction(WORKER) as session:
            ready = await self._pass_point_of_no_return(session, request)
        if isinstance(ready, OrderOutcome):
            return ready
        key = order_key(request.attempt_id, request.round)
        try:
            async with heartbeats():
                answer = await self._orders.place(ready.request)
        except CredentialsRefused as error:
            async with self._database.transaction(WORKER) as session:
                await self._not_sent(session, key, CallState.REFUSED)
                await self._stop_booking(session, "credentials refused by the seller")
            return _refused(FailureReason.BOOKING_STOPPED, error.code)
        except ProviderUnavailable as error:
            async with self._database.transaction(WORKER) as session:
                await self._not_sent(session, key, CallState.UNAVAILABLE)
            raise to_application_error(error) from error
        return await self._write_answer(request, answer)

    async def _pass_point_of_no_return(
        self, session: AsyncSession, request: CreateOrderInput
    ) -> _Ready | OrderOutcome:
        now = activity_now()
        both = await lock_both(session, request.campaign_id, request.attempt_id)
        if both is None:
            return _withdrawn()
        campaign, attempt = both
        earlier = await self._earlier(session, request, attempt)
        if earlier:
            return earlier
        allowed = await self._allowed(session, request, campaign, attempt, now)
        if isinstance(allowed, FailureReason):
            return OrderOutcome(status=OrderStatus.WITHDRAWN, reason=allowed)
        mandate, payment = allowed
        passengers = await self._passengers(session, campaign, mandate, request)
        if isinstance(passengers, FailureReason):
            return OrderOutcome(status=OrderStatus.WITHDRAWN, reason=passengers)
        # What this order takes of the mandate: from here on only this row is asked.
        await write_use(session, attempt, mandate, payment, request.offer.total, now=now)
        await calls.begin_call(
            session,
            key=order_key(attempt.id, request.round),
            kind=calls.ORDER,
            provider=attempt.seller,
            user_id=attempt.user_id,
            attempt_id=attempt.id,
            booking_id=request.booking_id,
            facts={
                **order_facts(request.offer, request.round, request.payment_round),
                MANDATE_FACT: str(attempt.mandate_id),
            },
            now=now,
        )
        attempt.order_sent_at, attempt.offer_id = now, request.offer.offer_id
        attempt.offer_expires_at = request.offer.expires_at
        if attempt.state is not AttemptState.ORDERING:
            await change_state(
                session, attempt, AttemptState.ORDERING, now=now, event="attempt.ordering"
            )
        return _Ready(
            user_id=attempt.user_id,
            request=OrderRequest(
                attempt_reference=str(attempt.id),
                campaign_reference=str(campaign.id),
                offer_id=request.offer.offer_id,
                total=request.offer.total,
                passengers=passengers,
                services=request.offer.services,
            ),
        )

    async def _earlier(
        self, session: AsyncSession, request: CreateOrderInput, attempt: AttemptRow
    ) -> OrderOutcome | None:
        """Follow the rows: an order call of this attempt that may exist is never repeated."""
        for call in await calls.order_calls(session, attempt.id):
            if call.state is CallState.ANSWERED:
                booking = await get_booking(session, request.booking_id)
                assert booking is not None  # written together with the answer
                if booking.state is BookingState.CANCELLED:
                    reason = FailureReason.CAPTURE_REFUSED  # it was given back already
                    return OrderOutcome(status=OrderStatus.WITHDRAWN, reason=reason)
                return _placed(booking)
            if call.state in {CallState.SENT, CallState.UNKNOWN, CallState.ABSENT}:
                return OrderOutcome(status=OrderStatus.UNKNOWN)
            if call.state is CallState.REFUSED and call.facts["round"] == request.round:
                return _outcome_of_refusal(call)
        return None

    async def _allowed(
        self,
        session: AsyncSession,
        request: CreateOrderInput,
        campaign: CampaignRow,
        attempt: AttemptRow,
        now: datetime,
    ) -> tuple[MandateRow, PaymentRow] | FailureReason:
        """Check, under the campaign's lock, everything that must hold at this very instant.

        Return what allows the order, and the payment that holds its money.
        """
        wanted = (
            campaign.status is CampaignState.BOOKING
            and campaign.criteria_version == request.criteria_version
            and now < campaign.ends_at
            and attempt.failure_reason is None
        )
        if not wanted:
            return FailureReason.WITHDRAWN
        mandate = await mandate_of(session, attempt)
        total = request.offer.total
        refused = reason_of(
            await self._guard.refusal(session, campaign, mandate, total, now, attempt=attempt),
            mandate,
        )
        if refused:
            return refused
        payment = await get_payment(session, attempt.id, request.payment_round)
        if (
            mandate is None
            or payment is None
            or payment.state is not PaymentState.AUTHORISED
            or payment.amount_minor < request.offer.total.minor
        ):
            return FailureReason.WITHDRAWN
        if await booking_stopped(session) or await self._above_cap(
            session, request.offer.total, now
        ):
            return FailureReason.BOOKING_STOPPED
        return mandate, payment

    async def _above_cap(self, session: AsyncSession, total: Money, now: datetime) -> bool:
        """Keep the installation under its daily spending cap."""
        cap = self._policy.spending_cap_daily.get(total.currency)
        if cap is None:
            return True
        midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
        spent = await calls.ordered_since(session, total.currency, midnight)
        limit = Money.parse(Decimal(cap), total.currency)
        return spent + total.minor > limit.minor

    async def _passengers(
        self,
        session: AsyncSession,
        campaign: CampaignRow,
        mandate: MandateRow,
        request: CreateOrderInput,
    ) -> tuple[OrderPassenger, ...] | FailureReason:
        """Name the offer's passengers; infants sit with one adult each."""
        people = [
            await self._vault.open_traveler(session, TravelerId(t)) for t in campaign.traveler_ids
        ]
        refs = request.offer.passenger_refs
        if len(refs) != len(people):
            return FailureReason.TRAVELLER_DATA
        if not await names_signed(session, self._vault, mandate, people):
            return FailureReason.CONSENT_NEEDED
        return order_passengers(people, refs, request.offer.last_day)

    # Writing the answer down

    async def _write_answer(
        self, request: CreateOrderInput, answer: OrderPlaced | OrderRefused | OrderUnknown
    ) -> OrderOutcome:
        key = order_key(request.attempt_id, request.round)
        now = activity_now()
        async with self._database.transaction(WORKER) as session:
            match answer:
                case OrderPlaced(order=order):
                    return await self.adopt(
                        session,
                        request.attempt_id,
                        request.campaign_id,
                        request.booking_id,
                        key,
                        order,
                    )
                case OrderRefused():
                    return await self._refuse(session, request, key, answer)
                case OrderUnknown():
                    attempt = await lock_attempt(
                        session, request.attempt_id, campaign_id=request.campaign_id
                    )
                    call = await calls.get_call(session, key, lock=True)
                    if attempt and call and call.state is CallState.SENT:
                        calls.settle(call, CallState.UNKNOWN, now, {"code": answer.code})
                        await self._say_unknown(session, attempt, now)
                    return OrderOutcome(status=OrderStatus.UNKNOWN)
                case _:
                    assert_never(answer)

    async def adopt(  # noqa: PLR0917
        self,
        session: AsyncSession,
        attempt_id: UUID,
        campaign_id: UUID,
        booking_id: UUID,
        key: str,
        order: ProviderOrder,
    ) -> OrderOutcome:
        """Write a placed order down, whoever found it first."""
        now = activity_now()
        both = await lock_both(session, campaign_id, attempt_id)
        call = await calls.get_call(session, key, lock=True)
        if both is None or call is None:
            raise LookupError(f"attempt {attempt_id} has lost its order call")
        campaign, attempt = both
        if attempt.state not in PAST_NO_RETURN:
            # The answer came after everything was over: a person decides what to do with it.
            detail = f"order {order.order_id} appeared after its attempt had ended"
            await open_task(session, f"late_order:{attempt_id}", "late_order", detail, now, attempt)
            return OrderOutcome(status=OrderStatus.UNKNOWN)
        await self._guard.take(session, campaign, attempt, order.total)
        raw = await self._vault.seal(
            session,
            UserId(attempt.user_id),
            order.raw,
            table="bookings",
            column="raw_order",
            row_id=booking_id,
            subject=booking_id,
        )
        placed = PlacedOrder(
            order_id=order.order_id,
            offer_id=order.offer_id or call.facts["offer_id"],
            booking_reference=order.booking_reference,
            total=order.total,
            itinerary=order.itinerary,
            tickets=tuple(t.model_dump(mode="json") for t in order.tickets),
            raw_encrypted=raw,
        )
        booking = await record_ordered(
            session,
            attempt,
            booking_id,
            placed,
            now=now,
            ticketing_time=self._policy.ticketing_deadline,
        )
        calls.settle(call, CallState.ANSWERED, now, {"order_id": order.order_id})
        return _placed(booking)

    async def _refuse(
        self, session: AsyncSession, request: CreateOrderInput, key: str, answer: OrderRefused
    ) -> OrderOutcome:
        now = activity_now()
        await lock_campaign(session, request.campaign_id)
        attempt = await lock_attempt(session, request.attempt_id, campaign_id=request.campaign_id)
        call = await calls.get_call(session, key, lock=True)
        again = answer.kind in _SEARCH_AGAIN
        if call and call.state in {CallState.SENT, CallState.UNKNOWN}:
            facts = {"kind": answer.kind.value, "code": answer.code, "search_again": again}
            calls.settle(call, CallState.REFUSED, now, facts)
            await release_use(session, request.attempt_id, now)
        if attempt and again and attempt.state is AttemptState.ORDERING:
            await change_state(
                session,
                attempt,
                AttemptState.VALIDATING,
                now=now,
                event="order.refused",
                data={"reason": _REASONS[answer.kind].value, "again": True},
            )
        if answer.kind is RefusalKind.BALANCE:
            await self._stop_booking(session, "the balance at the seller is too low")
        return _refused(_REASONS[answer.kind], answer.code, search_again=again)

    async def _say_unknown(self, session: AsyncSession, attempt: AttemptRow, now: datetime) -> None:
        if attempt.state is AttemptState.ORDERING:
            await change_state(
                session, attempt, AttemptState.ORDER_UNKNOWN, now=now, event="order.unknown"
            )

    async def _not_sent(self, session: AsyncSession, key: str, state: CallState) -> None:
        now = activity_now()
        call = await calls.get_call(session, key, lock=True)
        if call and call.state is CallState.SENT:
            calls.settle(call, state, now, {"kind": "not_sent", "search_again": False})
            if call.attempt_id:
                await release_use(session, call.attempt_id, now)

    async def _stop_booking(self, session: AsyncSession, why: str) -> None:
        """Close booking for everybody and call a person; looking goes on."""
        now = activity_now()
        await stop_booking(session, why, "parker", now)
        await open_task(session, f"booking_stopped:{now:%Y-%m-%d}", "booking_stopped", why, now)

    # Finding out

    @activity.defn
    async def resolve_order(self, request: ResolveInput) -> OrderOutcome:
        """Find out what became of an order call: from the rows, then from the seller.

        ABSENT is final only from `settled_at` on; then the row says so and the door is closed.
        """
        key = order_key(request.attempt_id, request.round)
        async with self._database.transaction(WORKER) as session:
            call = await calls.get_call(session, key)
            booking = await get_booking(session, request.booking_id)
            if call is None:
                return _withdrawn()
            if booking and call.state is CallState.ANSWERED:
                return _placed(booking)
            if call.state is CallState.REFUSED:
                return _outcome_of_refusal(call)
            if call.state is CallState.UNAVAILABLE:
                return _refused(FailureReason.PROVIDER_UNAVAILABLE, "unavailable")
            attempt = await lock_attempt(
                session, request.attempt_id, campaign_id=request.campaign_id
            )
            assert attempt is not None  # its call points at it
            await self._say_unknown(session, attempt, activity_now())
        async with provider_call():
            found = await self._orders.resolve(call.facts["offer_id"], str(request.attempt_id))
        if isinstance(found, OrderPlaced):
            async with self._database.transaction(WORKER) as session:
                return await self.adopt(
                    session,
                    request.attempt_id,
                    request.campaign_id,
                    request.booking_id,
                    key,
                    found.order,
                )
        return await self._absent(key, call)

    async def _absent(self, key: str, call: ProviderCallRow) -> OrderOutcome:
        now = activity_now()
        settled_at = self._settled_at(call)
        if now >= settled_at:
            async with self._database.transaction(WORKER) as session:
                row = await calls.get_call(session, key, lock=True)
                if row and row.state in {CallState.SENT, CallState.UNKNOWN}:
                    calls.settle(row, CallState.ABSENT, now)
        return OrderOutcome(status=OrderStatus.ABSENT, settled_at=settled_at)

    def _settled_at(self, call: ProviderCallRow) -> datetime:
        """Return from when on a call still under way would be refused."""
        expires = datetime.fromisoformat(call.facts["offer_expires_at"])
        return max(expires, call.sent_at + self._policy.unknown_order_settle) + SETTLE_MARGIN


def _placed(booking: BookingRow) -> OrderOutcome:
    total = Money(minor=booking.price_minor, currency=booking.currency)
    return OrderOutcome(status=OrderStatus.PLACED, total=total)


def _withdrawn() -> OrderOutcome:
    return OrderOutcome(status=OrderStatus.WITHDRAWN, reason=FailureReason.WITHDRAWN)


def _refused(reason: FailureReason, code: str, *, search_again: bool = False) -> OrderOutcome:
    del code  # on the call's row, for support
    return OrderOutcome(status=OrderStatus.REFUSED, reason=reason, search_again=search_again)


def _outcome_of_refusal(call: ProviderCallRow) -> OrderOutcome:
    answer = call.answer or {}
    kind = str(answer.get("kind"))
    known = kind in {k.value for k in RefusalKind}
    reason = _REASONS[RefusalKind(kind)] if known else FailureReason.ORDER_REFUSED
    return _refused(reason, "", search_again=bool(answer.get("search_again")))
