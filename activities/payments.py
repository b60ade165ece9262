"""Holding, taking and releasing a traveller's money. Every step asks before it repeats."""

from datetime import timedelta
from typing import assert_never
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession
from temporalio import activity
from temporalio.common import RetryPolicy
from temporalio.exceptions import ApplicationError

from activities.failures import provider_call
from activities.mandate_guard import MandateGuard, may_capture
from activities.offers import WORKER
from activities.options import HEARTBEAT_TIMEOUT, ActivityOptions
from activities.payment_answers import answer_of, declined, standing, voided
from db.models import AttemptRow, PaymentRow
from db.models.payment_method import PaymentMethodStatus
from db.models.provider_call import CallState
from db.queries import calls
from db.queries.attempts import authorisation_times
from db.queries.booking_time import booking_time
from db.queries.bookings import record_paid
from db.queries.payments import get_customer, get_method, get_payment
from db.queries.transitions import (
    change_state,
    lock_attempt,
    lock_both,
    payment_notice,
)
from db.session import Database
from db.vault import PersonalVault
from domain.attempts import AttemptState, FailureReason
from domain.authorisations import card_may_be_tried
from domain.ids import UserId, derive, provider_key
from domain.messages.attempt import (
    AuthenticateInput,
    Authorisation,
    AuthoriseInput,
    CaptureInput,
    CaptureOutcome,
    CaptureStatus,
    PaymentStep,
)
from domain.money import Money
from domain.payments import PaymentState
from domain.values import Value
from providers.ports import (
    AuthenticationRequired,
    CaptureRefused,
    CardPayments,
    IntentStatus,
    PaymentAuthorised,
    PaymentDeclined,
    PaymentIntent,
    PaymentRequest,
)
from runtime.clock import activity_now
from runtime.metrics import count_booking
from runtime.policy import Policy

RAIL = "stripe"

# The processor's socket times out after 30 s; creating and confirming are two calls.
AUTHORISE = ActivityOptions(
    start_to_close_timeout=timedelta(seconds=100),
    schedule_to_close_timeout=timedelta(minutes=30),
    heartbeat_timeout=HEARTBEAT_TIMEOUT,
    retry_policy=RetryPolicy(
        initial_interval=timedelta(seconds=1), maximum_interval=timedelta(minutes=1)
    ),
)
# A capture must come to an end: the order stands. Its key makes repeating it safe.
CAPTURE = ActivityOptions(
    start_to_close_timeout=timedelta(seconds=100),
    heartbeat_timeout=HEARTBEAT_TIMEOUT,
    retry_policy=RetryPolicy(
        initial_interval=timedelta(seconds=1), maximum_interval=timedelta(minutes=2)
    ),
)
# What cannot be released in three days becomes an operator's task.
VOID = ActivityOptions(
    start_to_close_timeout=timedelta(seconds=100),
    schedule_to_close_timeout=timedelta(days=3),
    heartbeat_timeout=HEARTBEAT_TIMEOUT,
    retry_policy=RetryPolicy(
        initial_interval=timedelta(seconds=1), maximum_interval=timedelta(minutes=10)
    ),
)

# Stripe keeps the answer under a key for a day, a 500 that did nothing included: after so many
# tries with one key the next goes out with another.
SAME_KEY_TRIES = 2


class _Card(Value):
    customer_ref: str
    method_ref: str


class PaymentActivities:
    def __init__(
        self,
        database: Database,
        vault: PersonalVault,
        payments: CardPayments,
        policy: Policy,
        guard: MandateGuard,
    ) -> None:
        self._database, self._vault = database, vault
        self._payments, self._policy, self._guard = payments, policy, guard

    # Holding

    @activity.defn
    async def authorise_payment(self, request: AuthoriseInput) -> Authorisation:
        """Hold the amount: create the intent, store its id, confirm it with the traveller away."""
        async with self._database.transaction(WORKER) as session:
            payment = await self._begin(session, request)
            if isinstance(payment, Authorisation):
                return payment
            card = await self._card(session, payment)
        if payment.intent_ref is None:
            intent_ref = await self._create(payment, card, request)
            if intent_ref is None:
                return voided()
        else:
            intent_ref = payment.intent_ref
        async with provider_call():
            intent = await self._payments.get(intent_ref)
            if intent.status is IntentStatus.NEW:
                key = provider_key("confirm", request.attempt_id, request.round)
                answer = await self._payments.confirm(intent_ref, key=_this_try(key))
            else:
                answer = answer_of(intent)
        return await self._record_answer(request.attempt_id, payment, answer)

    async def _begin(
        self, session: AsyncSession, request: AuthoriseInput
    ) -> PaymentRow | Authorisation:
        """Find or insert the payment's row; an answer where nothing is left to be asked."""
        now = activity_now()
        both = await lock_both(session, request.campaign_id, request.attempt_id)
        if both is None or both[1].failure_reason:
            return voided()
        campaign, attempt = both
        payment = await get_payment(session, attempt.id, request.round, lock=True)
        if payment is None or standing(payment) is None:
            refused = await self._guard.hold_refusal(
                session, campaign, attempt, request.amount, now
            )
            if refused:
                return declined(refused)
        if payment is None:
            # The card that the attempt was opened with, even if the default changed meanwhile.
            # Locked, so that two attempts cannot both see room for one authorisation.
            method = await get_method(session, attempt.payment_method_id, lock=True)
            if method is None or method.status is not PaymentMethodStatus.USABLE:
                return declined(FailureReason.CARD_DECLINED)
            since = now - self._policy.authorisations_window
            times = await authorisation_times(session, method.id, since)
            limit, window = self._policy.authorisations_per_card, self._policy.authorisations_window
            if not card_may_be_tried(times, now, limit, window):
                return declined(FailureReason.CARD_TRY_LATER)
            payment = PaymentRow(
                id=derive("payment", attempt.id, request.round),
                attempt_id=attempt.id,
                campaign_id=campaign.id,
                user_id=attempt.user_id,
                round=request.round,
                rail=RAIL,
                payment_method_id=method.id,
                amount_minor=request.amount.minor,
                currency=request.amount.currency,
                created_at=now,
                updated_at=now,
            )
            session.add(payment)
            await session.flush()
            await self._guard.take(session, campaign, attempt, request.amount)
        if attempt.state is AttemptState.VALIDATING:  # asked again, what has come since stands
            await change_state(
                session,
                attempt,
                AttemptState.AUTHORISING,
                now=now,
                event="attempt.authorising",
                data={"amount": request.amount.amount(), "currency": request.amount.currency},
            )
        return standing(payment) or payment

    async def _card(self, session: AsyncSession, payment: PaymentRow) -> _Card:
        customer = await get_customer(session, payment.user_id)
        method = await get_method(session, payment.payment_method_id)
        if customer is None or method is None:
            raise ApplicationError("the card is gone", type="CardGone", non_retryable=True)
        user = UserId(payment.user_id)
        return _Card(
            customer_ref=await self._vault.open(
                session,
                user,
                customer.customer_ref_encrypted,
                table="payment_customers",
                column="customer_ref",
                row_id=customer.user_id,
            ),
            method_ref=await self._vault.open(
                session,
                user,
                method.method_ref_encrypted,
                table="payment_methods",
                column="method_ref",
                row_id=method.id,
            ),
        )

    async def _create(
        self, payment: PaymentRow, card: _Card, request: AuthoriseInput
    ) -> str | None:
        """Create the intent and store its id; None if the payment was called off meanwhile.

        An intent that nobody confirms holds no money, so a lost answer here costs nothing.
        """
        reference = _reference(request.attempt_id, request.round)
        async with provider_call():
            known = await self._payments.find(card.customer_ref, reference)
            wanted = PaymentRequest(
                key=_this_try(provider_key("intent", request.attempt_id, request.round)),
                attempt_reference=reference,
                campaign_reference=str(request.campaign_id),
                customer_ref=card.customer_ref,
                method_ref=card.method_ref,
                amount=Money(minor=payment.amount_minor, currency=payment.currency),
                description="Flight booked by Parker Flight",
            )
            intent = known[0] if known else await self._payments.create(wanted)
        async with self._database.transaction(WORKER) as session:
            row = await get_payment(session, request.attempt_id, request.round, lock=True)
            void = await calls.get_call(session, _void_key(request.attempt_id, request.round))
            if row is None or void is not None or row.state is PaymentState.VOIDED:
                return None
            row.intent_ref, row.updated_at = intent.intent_ref, activity_now()
        return intent.intent_ref

    # Asking the traveller's bank

    @activity.defn
    async def check_authorisation(self, step: PaymentStep) -> Authorisation:
        """Ask whether the bank has agreed meanwhile."""
        async with self._database.transaction(WORKER) as session:
            payment = await get_payment(session, step.attempt_id, step.round)
        if payment is None or payment.intent_ref is None:
            return voided()
        async with provider_call():
            intent = await self._payments.get(payment.intent_ref)
        return await self._record_answer(step.attempt_id, payment, answer_of(intent))

    @activity.defn
    async def begin_authentication(self, request: AuthenticateInput) -> Authorisation:
        """Confirm with the traveller present; the answer may hold the bank's address."""
        async with self._database.transaction(WORKER) as session:
            payment = await get_payment(session, request.attempt_id, request.round)
            if payment is None or payment.intent_ref is None:
                return voided()
            card = await self._card(session, payment)
        async with provider_call():
            answer = await self._payments.begin_authentication(
                payment.intent_ref,
                method_ref=card.method_ref,
                return_url=request.return_url,
                key=_this_try(
                    provider_key(
                        f"authenticate:{activity.info().activity_id}",
                        request.attempt_id,
                        request.round,
                    )
                ),
            )
        return await self._record_answer(request.attempt_id, payment, answer)

    # Releasing and taking

    @activity.defn
    async def void_payment(self, step: PaymentStep) -> None:
        """Release a hold; nothing to release is fine. After this the payment holds nothing."""
        async with self._database.transaction(WORKER) as session:
            payment = await get_payment(session, step.attempt_id, step.round, lock=True)
            if payment is None or payment.state is PaymentState.VOIDED:
                return
            call, _ = await calls.begin_call(
                session,
                key=_void_key(step.attempt_id, step.round),
                kind="void",
                provider=RAIL,
                user_id=payment.user_id,
                attempt_id=step.attempt_id,
                facts={"amount_minor": payment.amount_minor},
                now=activity_now(),
            )
            card = await self._card(session, payment)
            key = call.key
        reference = _reference(step.attempt_id, step.round)
        async with provider_call():
            intent_ref = payment.intent_ref
            if intent_ref is None:
                known = await self._payments.find(card.customer_ref, reference)
                intent_ref = known[0].intent_ref if known else None
            void = self._payments.void
            intent = await void(intent_ref, key=_this_try(key)) if intent_ref else None
        if intent and intent.captured_minor:
            raise ApplicationError(
                "a captured payment cannot be released", type="AlreadyCaptured", non_retryable=True
            )
        await self._record_void(step, intent_ref)

    async def _record_void(self, step: PaymentStep, intent_ref: str | None) -> None:
        now = activity_now()
        async with self._database.transaction(WORKER) as session:
            await lock_attempt(session, step.attempt_id)
            payment = await get_payment(session, step.attempt_id, step.round, lock=True)
            if payment is None or payment.state is PaymentState.VOIDED:
                return
            payment.intent_ref = payment.intent_ref or intent_ref
            await change_state(
                session, payment, PaymentState.VOIDED, now=now, event="payment.released"
            )
            call = await calls.begun_call(session, _void_key(step.attempt_id, step.round))
            calls.settle(call, CallState.ANSWERED, now)

    @activity.defn
    async def capture_payment(self, request: CaptureInput) -> CaptureOutcome:
        """Take the money and record the booking as paid, all in one transaction."""
        key = provider_key("capture", request.attempt_id, request.round)
        async with self._database.transaction(WORKER) as session:
            payment = await get_payment(session, request.attempt_id, request.round, lock=True)
            if payment is None or payment.intent_ref is None:
                return CaptureOutcome(status=CaptureStatus.REFUSED, code="no_payment")
            if payment.state in {PaymentState.CAPTURED, PaymentState.REFUNDED}:
                return CaptureOutcome(status=CaptureStatus.CAPTURED)
            if not await may_capture(session, request.attempt_id, request.amount):
                return CaptureOutcome(status=CaptureStatus.REFUSED, code="not_in_mandate")
            await calls.begin_call(
                session,
                key=key,
                kind="capture",
                provider=RAIL,
                user_id=payment.user_id,
                attempt_id=request.attempt_id,
                booking_id=request.booking_id,
                facts={"amount_minor": request.amount.minor, "currency": request.amount.currency},
                now=activity_now(),
            )
            intent_ref = payment.intent_ref
        async with provider_call():
            intent = await self._payments.get(intent_ref)
            capture = self._payments.capture
            answer: PaymentIntent | CaptureRefused = (
                intent
                if intent.status is IntentStatus.CAPTURED
                else await capture(intent_ref, request.amount, key=_this_try(key))
            )
        if isinstance(answer, CaptureRefused):
            return await self._refused(key, answer)
        if answer.captured_minor != request.amount.minor:
            raise ApplicationError(
                "captured another amount than agreed", type="WrongCapture", non_retryable=True
            )
        async with self._database.transaction(WORKER) as session:
            confirmed = await record_paid(session, request, activity_now())
            took = await booking_time(session, confirmed) if confirmed else None
        if took is not None:
            # After the commit, by whoever made it: a step that runs twice counts once. A worker
            # that dies right here counts nothing; the rows still tell.
            count_booking(took)
        return CaptureOutcome(status=CaptureStatus.CAPTURED)

    async def _refused(self, key: str, answer: CaptureRefused) -> CaptureOutcome:
        async with self._database.transaction(WORKER) as session:
            call = await calls.begun_call(session, key)
            calls.settle(call, CallState.REFUSED, activity_now(), {"code": answer.code})
        return CaptureOutcome(status=CaptureStatus.REFUSED, code=answer.code)

    # Writing down what the processor said

    async def _record_answer(
        self,
        attempt_id: UUID,
        asked: PaymentRow,
        answer: PaymentAuthorised | PaymentDeclined | AuthenticationRequired,
    ) -> Authorisation:
        now = activity_now()
        async with self._database.transaction(WORKER) as session:
            attempt = await lock_attempt(session, attempt_id, campaign_id=asked.campaign_id)
            payment = await get_payment(session, attempt_id, asked.round, lock=True)
            if attempt is None or payment is None or payment.state is PaymentState.VOIDED:
                return voided()
            if payment.state is PaymentState.DECLINED:
                # A no stands; should the bank agree after all, the end of the attempt undoes it.
                return standing(payment) or voided()
            match answer:
                case PaymentAuthorised(intent=intent):
                    await _authorised(session, payment, intent)
                    if attempt.state is AttemptState.AWAITING_AUTHENTICATION:
                        await change_state(
                            session,
                            attempt,
                            AttemptState.AUTHORISING,
                            now=now,
                            event="attempt.authenticated",
                        )
                case PaymentDeclined():
                    payment.decline_kind, payment.decline_code = answer.kind, answer.code
                    await change_state(
                        session, payment, PaymentState.DECLINED, now=now, event="payment.declined"
                    )
                case AuthenticationRequired():
                    await self._needs_customer(session, attempt, payment)
                case _:
                    assert_never(answer)
            known = standing(payment)
            redirect = answer.redirect_url if isinstance(answer, AuthenticationRequired) else None
        assert known is not None
        return known.model_copy(
            update={
                "redirect_url": redirect,
                "lapses_at": payment.created_at + self._policy.authentication_time,
            }
        )

    async def _needs_customer(
        self, session: AsyncSession, attempt: AttemptRow, payment: PaymentRow
    ) -> None:
        if payment.state is PaymentState.AUTHENTICATION_REQUIRED:
            return
        now = activity_now()
        await change_state(
            session,
            payment,
            PaymentState.AUTHENTICATION_REQUIRED,
            now=now,
            event="payment.authentication_required",
        )
        if attempt.state is AttemptState.AUTHORISING:
            lapses_at = payment.created_at + self._policy.authentication_time
            await change_state(
                session,
                attempt,
                AttemptState.AWAITING_AUTHENTICATION,
                now=now,
                event="attempt.awaiting_authentication",
                data={"lapses_at": lapses_at.isoformat()},
                notices=[payment_notice("authentication_required", attempt, payment, lapses_at)],
            )


async def _authorised(session: AsyncSession, payment: PaymentRow, intent: PaymentIntent) -> None:
    payment.authorised_minor = intent.authorised_minor or intent.amount.minor
    payment.capture_before = intent.capture_before
    if payment.state in {PaymentState.CREATED, PaymentState.AUTHENTICATION_REQUIRED}:
        await change_state(
            session,
            payment,
            PaymentState.AUTHORISED,
            now=activity_now(),
            event="payment.authorised",
            data={"amount_minor": payment.amount_minor, "currency": payment.currency},
        )


def _reference(attempt_id: UUID, number: int) -> str:
    return f"{attempt_id}:{number}"


def _this_try(key: str) -> str:
    """Return the key for this try of a step that the payment's own state lets happen once.

    Creating is safe as well: a payment that nobody confirms holds nothing. Refunds are not of this
    kind and keep their key.
    """
    tries = activity.info().attempt
    return key if tries <= SAME_KEY_TRIES else f"{key}:{tries}"


def _void_key(attempt_id: UUID, number: int) -> str:
    return provider_key("void", attempt_id, number)
