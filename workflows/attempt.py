"""One try to book one itinerary: validate, authorise, order, capture, or undo it all.

The point of no return is a row, written by `create_order`. Before it the traveller and the clock
win; after it the attempt finishes, even where the answer of the order call was lost.
"""

import asyncio
from datetime import timedelta
from functools import partial
from typing import assert_never

from temporalio import workflow
from temporalio.common import Priority, WorkflowIDReusePolicy
from temporalio.exceptions import ActivityError, ApplicationError, WorkflowAlreadyStartedError
from temporalio.workflow import ParentClosePolicy

with workflow.unsafe.imports_passed_through():
    from activities.attempts import AttemptActivities
    from activities.notices import SEND_NOTICES, NoticeActivities
    from activities.offers import CHOOSE_OFFER, OfferActivities
    from activities.options import REPEATABLE, ROWS
    from activities.orders import CREATE_ORDER, OrderActivities
    from activities.payments import AUTHORISE, CAPTURE, VOID, PaymentActivities
    from activities.unpaid_orders import UNDO_ORDER, UnpaidOrderActivities
    from domain.attempts import AttemptState, FailureReason
    from domain.messages.attempt import (
        AttemptClosed,
        AttemptInput,
        AttemptStep,
        AuthenticateInput,
        AuthenticationStart,
        Authorisation,
        AuthorisationStatus,
        AuthoriseInput,
        BeginAuthentication,
        CaptureInput,
        CaptureStatus,
        ChosenOffer,
        CreateOrderInput,
        FailInput,
        NoOffer,
        OperatorTaskInput,
        OrderOutcome,
        OrderStatus,
        PaymentStep,
        ResolveInput,
        UndoOrderInput,
        UndoOrderStatus,
    )
    from domain.messages.campaign import AttemptFinished, campaign_workflow_id
    from domain.messages.order import OrderInput, order_workflow_id
    from domain.money import Money
    from runtime.temporal import SEARCH_QUEUE
    from workflows.order import OrderWorkflow
    from workflows.saga import Saga, finish
    from workflows.telling import Telling
    from workflows.unknown_order import settle

OVERTAKE_LOOKS = Priority(priority_key=1)
AUTHENTICATION_POLL = timedelta(minutes=5)
QUICK_TRAVELLER = timedelta(seconds=2)


class Failed(Exception):
    """The attempt ends without a booking."""

    def __init__(self, reason: FailureReason, *, look_again: bool = False) -> None:
        super().__init__(reason)
        self.reason, self.look_again = reason, look_again


class Held:
    """An authorisation that can still be used."""

    def __init__(self, number: int, amount: Money) -> None:
        self.number, self.amount = number, amount


@workflow.defn
class AttemptWorkflow:
    @workflow.init
    def __init__(self, attempt: AttemptInput) -> None:
        self._in = attempt
        self._saga = Saga(self._ask_operator)
        self._telling = Telling(self._send_notices)
        self._held: Held | None = None
        self._payments = 0
        self._withdrawn = False
        self._returned = False
        self._hurried = False
        self._waiting_for_customer = False
        self._now_at = "looking for the offer"

    @workflow.run
    async def run(self, attempt: AttemptInput) -> AttemptClosed:
        del attempt  # taken by __init__, which messages may precede
        task = asyncio.create_task(self._attempt())
        closed = await finish(task, on_cancel=self._withdraw)
        await self._report(closed)
        await self._telling.finish()
        await workflow.wait_condition(workflow.all_handlers_finished)
        return closed

    async def _attempt(self) -> AttemptClosed:
        try:
            await self._book()
        except Failed as end:
            return await self._fail(end.reason, look_again=end.look_again)
        except ActivityError:
            workflow.logger.exception("attempt stopped by a failing step")
            return await self._fail(FailureReason.PROVIDER_UNAVAILABLE, look_again=False)
        await self._start_order_care()
        self._telling.tell()
        return AttemptClosed(booked=True)

    # The chapters

    async def _book(self) -> None:
        offer, order = await self._order_within_rounds()
        if order.status is not OrderStatus.PLACED:
            raise Failed(FailureReason.ORDER_NEVER_HAPPENED, look_again=True)
        await self._capture(order.total or offer.total)

    async def _order_within_rounds(self) -> tuple[ChosenOffer, OrderOutcome]:
        last: FailureReason | None = None
        for number in range(1, self._in.max_rounds + 1):
            offer = await self._choose()
            offer = await self._hold_enough_for(offer)
            order = await self._order(offer, offer.resumed_round or number)
            match order.status:
                case OrderStatus.PLACED | OrderStatus.ABSENT:
                    return offer, order
                case OrderStatus.WITHDRAWN:
                    raise Failed(order.reason or FailureReason.WITHDRAWN)
                case _ if not order.search_again:
                    raise Failed(order.reason or FailureReason.ORDER_REFUSED)
            last = order.reason
        raise Failed(last or FailureReason.OFFER_GONE, look_again=True)

    async def _choose(self) -> ChosenOffer:
        self._at("looking for the offer")
        found = await workflow.execute_activity_method(
            OfferActivities.choose_offer,
            self._in,
            task_queue=SEARCH_QUEUE,  # the seller's quota is this queue's
            priority=OVERTAKE_LOOKS,
            summary="search, price, check",
            **CHOOSE_OFFER,
        )
        if isinstance(found, NoOffer):
            raise Failed(found.reason, look_again=found.reason is FailureReason.OFFER_GONE)
        if found.resumed_payment:
            self._payments = found.resumed_payment
            self._held = Held(found.resumed_payment, found.total)
            self._saga.add(f"void:{self._payments}", partial(self._void, self._payments))
        elif self._withdrawn:
            raise Failed(FailureReason.WITHDRAWN)
        return found

    async def _hold_enough_for(self, offer: ChosenOffer) -> ChosenOffer:
        """Have the offer's total held, and the offer still good after any wait for the bank."""
        for _ in range(self._in.max_rounds):
            if self._held and offer.total <= self._held.amount:
                return offer
            if self._held:
                await self._void(self._held.number)
            answer = await self._authorise(offer.total)
            if answer.status is AuthorisationStatus.AUTHORISED:
                return offer
            await self._await_customer(answer)
            offer = await self._choose()  # the wait was long: the offer is another one by now
        raise Failed(FailureReason.PRICE_ROSE, look_again=True)

    async def _authorise(self, amount: Money) -> Authorisation:
        self._at(f"authorising {amount}")
        self._payments += 1
        number = self._payments
        self._saga.add(f"void:{number}", partial(self._void, number))
        answer = await workflow.execute_activity_method(
            PaymentActivities.authorise_payment,
            AuthoriseInput(
                attempt_id=self._in.attempt_id,
                campaign_id=self._in.campaign_id,
                amount=amount,
                round=number,
            ),
            summary=f"hold {amount}",
            **AUTHORISE,
        )
        match answer.status:
            case AuthorisationStatus.AUTHORISED:
                self._held = Held(number, amount)
            case AuthorisationStatus.DECLINED | AuthorisationStatus.VOIDED:
                raise Failed(answer.reason or FailureReason.CARD_DECLINED)
            case AuthorisationStatus.NEEDS_CUSTOMER:
                pass
            case _:
                assert_never(answer.status)
        return answer

    async def _await_customer(self, answer: Authorisation) -> None:
        """Wait for the traveller to answer their bank, at most until the link lapses."""
        self._at("waiting for the traveller's bank")
        self._telling.tell()
        number, self._waiting_for_customer = self._payments, True
        lapses_at = answer.lapses_at or workflow.now() + timedelta(hours=24)
        try:
            while answer.status is AuthorisationStatus.NEEDS_CUSTOMER:
                left = lapses_at - workflow.now()
                if left <= timedelta(0) or self._withdrawn:
                    reason = FailureReason.AUTHENTICATION_LAPSED
                    raise Failed(FailureReason.WITHDRAWN if self._withdrawn else reason)
                await self._wait_for_return(min(left, AUTHENTICATION_POLL))
                answer = await workflow.execute_activity_method(
                    PaymentActivities.check_authorisation,
                    PaymentStep(attempt_id=self._in.attempt_id, round=number),
                    summary="has the bank agreed?",
                    **REPEATABLE,
                )
        finally:
            self._waiting_for_customer = False
        if answer.status is not AuthorisationStatus.AUTHORISED or answer.amount is None:
            raise Failed(answer.reason or FailureReason.CARD_DECLINED)
        self._held = Held(number, answer.amount)

    async def _wait_for_return(self, at_most: timedelta) -> None:
        try:
            await workflow.wait_condition(
                lambda: self._returned or self._withdrawn,
                timeout=at_most,
                timeout_summary="the traveller's bank",
            )
        except TimeoutError:
            return
        self._returned = False

    async def _order(self, offer: ChosenOffer, number: int) -> OrderOutcome:
        self._at("placing the order")
        if self._withdrawn and not offer.resumed_round:
            raise Failed(FailureReason.WITHDRAWN)
        assert self._held is not None
        try:
            outcome = await workflow.execute_activity_method(
                OrderActivities.create_order,
                CreateOrderInput(
                    attempt_id=self._in.attempt_id,
                    campaign_id=self._in.campaign_id,
                    booking_id=self._in.booking_id,
                    criteria_version=self._in.criteria_version,
                    offer=offer,
                    round=number,
                    payment_round=self._held.number,
                ),
                summary=f"order for {offer.total}",
                **CREATE_ORDER,
            )
        except ActivityError:
            outcome = OrderOutcome(status=OrderStatus.UNKNOWN)
        if outcome.status is OrderStatus.UNKNOWN:
            self._at("finding out whether the order exists; it will not be placed again")
            return await settle(lambda: self._resolve(number), self._wait)
        return outcome

    async def _wait(self, pause: timedelta) -> None:
        try:
            await workflow.wait_condition(
                lambda: self._hurried, timeout=pause, timeout_summary="is there an order?"
            )
        except TimeoutError:
            return
        self._hurried = False

    async def _resolve(self, number: int) -> OrderOutcome:
        try:
            return await workflow.execute_activity_method(
                OrderActivities.resolve_order,
                ResolveInput(
                    attempt_id=self._in.attempt_id,
                    campaign_id=self._in.campaign_id,
                    booking_id=self._in.booking_id,
                    round=number,
                ),
                summary="is there an order?",
                **REPEATABLE,
            )
        except ActivityError:
            # Not being allowed to ask is no answer: giving up here could order twice.
            await self._ask_operator("unknown_order")
            return OrderOutcome(status=OrderStatus.UNKNOWN)

    async def _capture(self, total: Money) -> None:
        """Take the money; a refusal gets one new authorisation, then the order goes back."""
        self._at(f"charging {total}")
        try:
            if await self._captured(total) or await self._captured_anew(total):
                return
        except Failed:
            workflow.logger.info("no second authorisation for a refused capture")
        except ActivityError:
            workflow.logger.exception("the money could not be taken")
        await self._give_back_order()

    async def _captured_anew(self, total: Money) -> bool:
        """Hold the order's price once more, if the traveller agreed to that much, and take it."""
        if total > self._in.limit:
            return False
        answer = await self._authorise(total)
        authorised = answer.status is AuthorisationStatus.AUTHORISED
        return authorised and await self._captured(total)

    async def _captured(self, total: Money) -> bool:
        if self._held is None or total > self._held.amount:
            return False
        outcome = await workflow.execute_activity_method(
            PaymentActivities.capture_payment,
            CaptureInput(
                attempt_id=self._in.attempt_id,
                campaign_id=self._in.campaign_id,
                booking_id=self._in.booking_id,
                round=self._held.number,
                amount=total,
            ),
            summary=f"charge {total}",
            **CAPTURE,
        )
        if outcome.status is CaptureStatus.REFUSED:
            self._held = None
            return False
        self._saga.forget(f"void:{self._held.number}")
        await self._saga.undo()  # a first, refused hold must not linger
        return True

    async def _give_back_order(self) -> None:
        """Cancel an order that cannot be paid, if that costs nothing; else ask a person."""
        try:
            undone = await workflow.execute_activity_method(
                UnpaidOrderActivities.cancel_unpaid_order,
                UndoOrderInput(attempt_id=self._in.attempt_id, booking_id=self._in.booking_id),
                summary="cancel the unpaid order",
                **UNDO_ORDER,
            )
            given_back = undone.status is UndoOrderStatus.CANCELLED
        except ActivityError:
            given_back = False
        if not given_back:
            await self._ask_operator("unpaid_order")
        raise Failed(FailureReason.CAPTURE_REFUSED)

    # The ends

    async def _fail(self, reason: FailureReason, *, look_again: bool) -> AttemptClosed:
        self._at(f"undoing: {reason}")
        await self._record(AttemptState.COMPENSATING, reason)
        await self._saga.undo()
        closed = await workflow.execute_local_activity_method(
            AttemptActivities.fail_attempt,
            FailInput(
                attempt_id=self._in.attempt_id,
                campaign_id=self._in.campaign_id,
                reason=reason,
                look_again=look_again,
            ),
            **ROWS,
        )
        self._telling.tell()
        return closed

    async def _start_order_care(self) -> None:
        try:
            await workflow.start_child_workflow(
                OrderWorkflow.run,
                OrderInput(booking_id=self._in.booking_id),
                id=order_workflow_id(self._in.booking_id),
                parent_close_policy=ParentClosePolicy.ABANDON,
                id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
            )
        except WorkflowAlreadyStartedError:
            workflow.logger.info("the order is looked after already")

    async def _report(self, closed: AttemptClosed) -> None:
        campaign = workflow.get_external_workflow_handle(campaign_workflow_id(self._in.campaign_id))
        try:
            await campaign.signal(
                "attempt_finished",
                AttemptFinished(
                    attempt_id=self._in.attempt_id,
                    booked=closed.booked,
                    reason=closed.reason,
                    look_again=closed.look_again,
                ),
            )
        except ApplicationError:
            workflow.logger.info("the campaign has ended before its attempt")

    # Messages

    @workflow.update
    async def begin_authentication(self, request: BeginAuthentication) -> AuthenticationStart:
        """Take the traveller to the bank; None when there is nothing to do any more."""
        if not await self._customer_is_awaited():
            return AuthenticationStart(redirect_url=None)
        answer = await workflow.execute_activity_method(
            PaymentActivities.begin_authentication,
            AuthenticateInput(
                attempt_id=self._in.attempt_id,
                round=self._payments,
                return_url=request.return_url,
            ),
            summary="to the bank",
            **REPEATABLE,
        )
        self._returned = answer.status is not AuthorisationStatus.NEEDS_CUSTOMER
        return AuthenticationStart(redirect_url=answer.redirect_url)

    async def _customer_is_awaited(self) -> bool:
        """Say whether the bank wants its customer; the row may know it a moment before we do."""
        try:
            await workflow.wait_condition(
                lambda: self._waiting_for_customer, timeout=QUICK_TRAVELLER
            )
        except TimeoutError:
            return False
        return True

    @workflow.signal
    def authentication_returned(self) -> None:
        self._returned = True

    @workflow.signal
    def withdraw(self) -> None:
        """The traveller changed their mind; heeded only before the point of no return."""
        self._withdraw()

    @workflow.signal
    def hurry(self) -> None:
        """Ask now what became of the order: an operator knows of something new."""
        self._hurried = True

    @workflow.query
    def position(self) -> str:
        return self._now_at

    # Small steps

    def _withdraw(self) -> None:
        self._withdrawn = True

    def _at(self, where: str) -> None:
        self._now_at = where
        workflow.set_current_details(f"**{where}**\n\nlimit {self._in.limit}")

    async def _void(self, number: int) -> None:
        self._held = None
        await workflow.execute_activity_method(
            PaymentActivities.void_payment,
            PaymentStep(attempt_id=self._in.attempt_id, round=number),
            summary="release the hold",
            **VOID,
        )
        self._saga.forget(f"void:{number}")

    async def _record(self, state: AttemptState, reason: FailureReason) -> None:
        await workflow.execute_local_activity_method(
            AttemptActivities.record_step,
            AttemptStep(attempt_id=self._in.attempt_id, state=state, reason=reason),
            **ROWS,
        )

    async def _send_notices(self) -> int:
        return await workflow.execute_activity_method(
            NoticeActivities.send_notices, self._in.campaign_id, **SEND_NOTICES
        )

    async def _ask_operator(self, what: str) -> None:
        await workflow.execute_local_activity_method(
            AttemptActivities.open_operator_task,
            OperatorTaskInput(
                key=f"{what}:{self._in.attempt_id}",
                kind=what.partition(":")[0],
                attempt_id=self._in.attempt_id,
                booking_id=self._in.booking_id,
                detail=f"{what} could not be settled without a person",
            ),
            **ROWS,
        )
