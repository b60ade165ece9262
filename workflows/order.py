"""Look after one order until it is flown: tickets, the airline's and the traveller's changes."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

from temporalio import workflow
from temporalio.exceptions import ActivityError

with workflow.unsafe.imports_passed_through():
    from activities.attempts import AttemptActivities
    from activities.care import CANCEL_ORDER, CARE_ROWS, CareActivities
    from activities.changes import ChangeActivities
    from activities.notices import SEND_NOTICES, NoticeActivities
    from activities.options import REPEATABLE
    from activities.refunds import REFUND, RefundActivities
    from domain.messages.attempt import OperatorTaskInput
    from domain.messages.order import (
        AnswerChange,
        CancellationOffer,
        CancelStatus,
        ChangeAnswer,
        ConfirmAnswer,
        ConfirmCancellation,
        ConfirmCode,
        OrderFacts,
        OrderInput,
        RefundInput,
    )
    from domain.orders import BookingState
    from workflows.moving_on import move_on, time_to_move_on
    from workflows.telling import Telling

TICKET_POLLS = (2, 5, 10, 30, 60, 120, 300)  # seconds; then every 10 minutes to the deadline
TICKET_POLL = timedelta(minutes=10)
CARE_POLL = timedelta(days=1)
CARE_POLL_NEAR = timedelta(hours=6)  # within three days of departure
REFUND_POLL = timedelta(hours=6)
NEAR = timedelta(days=3)


@workflow.defn
class OrderWorkflow:
    @workflow.init
    def __init__(self, order: OrderInput) -> None:
        self._id = order.booking_id
        self._progress = order.progress
        self._nudged = False
        self._lock = asyncio.Lock()
        self._telling = Telling(self._send_notices)

    @workflow.run
    async def run(self, order: OrderInput) -> OrderFacts:
        del order
        facts = await self._patiently(self._check)
        while not self._done(facts):
            await self._pause(facts)
            if time_to_move_on():
                await self._telling.finish()
                await workflow.wait_condition(workflow.all_handlers_finished)
                move_on(OrderInput(booking_id=self._id, progress=self._progress))
            facts = await self._patiently(self._care)
        await self._telling.finish()
        await workflow.wait_condition(workflow.all_handlers_finished)
        return facts

    async def _patiently(self, step: Callable[[], Awaitable[OrderFacts]]) -> OrderFacts:
        """Take a step until it succeeds: a refusal must not leave the order with nobody."""
        while True:
            try:
                return await step()
            except ActivityError:
                workflow.logger.exception("the care of an order met a refusal")
                await self._ask_operator()
                await workflow.sleep(TICKET_POLL, summary="a person was asked; trying again")

    async def _ask_operator(self) -> None:
        await workflow.execute_local_activity_method(
            AttemptActivities.open_operator_task,
            OperatorTaskInput(
                key=f"order_care:{self._id}",
                kind="order_care",
                booking_id=self._id,
                detail=f"a provider refuses what booking {self._id} needs; it is tried again",
            ),
            **CARE_ROWS,
        )

    async def _care(self) -> OrderFacts:
        """One round: what the traveller asked for, then what the airline did, then the money."""
        async with self._lock:
            if self._progress.confirmed_quote:
                await self._cancel(self._progress.confirmed_quote)
            facts = await self._check()
            if facts.refund_due or facts.refund_pending:
                facts = await self._refund()
            if self._late(facts):
                await self._alarm()
            return facts

    # The traveller's cancellation

    @workflow.update
    async def quote_cancellation(self) -> CancellationOffer:
        """Ask the seller what cancelling would give back; nothing is cancelled."""
        return await workflow.execute_activity_method(
            CareActivities.quote_cancellation,
            self._id,
            summary="what would cancelling give back?",
            **REPEATABLE,
        )

    @workflow.update
    async def confirm_cancellation(self, request: ConfirmCancellation) -> ConfirmAnswer:
        """Take the traveller's word; the airline is told by the loop."""
        answer = await workflow.execute_local_activity_method(
            CareActivities.accept_cancellation, request, **CARE_ROWS
        )
        if answer.code in {ConfirmCode.ACCEPTED, ConfirmCode.ALREADY}:
            self._progress = self._progress.model_copy(update={"confirmed_quote": request.quote_id})
            self._nudged = True
        return answer

    async def _cancel(self, quote_id: str) -> None:
        outcome = await workflow.execute_activity_method(
            CareActivities.confirm_cancellation,
            ConfirmCancellation(booking_id=self._id, quote_id=quote_id),
            summary="cancel the order",
            **CANCEL_ORDER,
        )
        if outcome.status is not CancelStatus.UNKNOWN:
            self._progress = self._progress.model_copy(update={"confirmed_quote": None})
            self._telling.tell()

    # The airline's changes

    @workflow.update
    async def accept_change(self, request: AnswerChange) -> ChangeAnswer:
        """Take the flights that the airline offers instead."""
        return await workflow.execute_activity_method(
            ChangeActivities.accept_change,
            request,
            summary="take the airline's new flights",
            **CANCEL_ORDER,
        )

    @workflow.update
    async def ask_for_other_flights(self, request: AnswerChange) -> ChangeAnswer:
        """Let a person look for other flights."""
        return await workflow.execute_local_activity_method(
            ChangeActivities.ask_for_other_flights, request, **CARE_ROWS
        )

    # The rounds' steps

    async def _check(self) -> OrderFacts:
        facts = await workflow.execute_activity_method(
            CareActivities.check_order, self._id, summary="how is the order?", **REPEATABLE
        )
        workflow.set_current_details(facts.summary)
        if facts.changed:
            self._telling.tell()
        return facts

    async def _refund(self) -> OrderFacts:
        await workflow.execute_activity_method(
            RefundActivities.refund_payment,
            RefundInput(booking_id=self._id),
            summary="give the money back",
            **REFUND,
        )
        facts = await self._check()
        self._telling.tell()
        return facts

    async def _alarm(self) -> None:
        await workflow.execute_local_activity_method(
            CareActivities.alarm_unticketed, self._id, **CARE_ROWS
        )
        self._progress = self._progress.model_copy(update={"ticketing_alarm": True})

    async def _pause(self, facts: OrderFacts) -> None:
        pause = self._next_poll(facts)
        self._progress = self._progress.model_copy(update={"polls": self._progress.polls + 1})
        try:
            await workflow.wait_condition(
                lambda: self._nudged, timeout=pause, timeout_summary="next look at the order"
            )
        except TimeoutError:
            return
        self._nudged = False

    def _next_poll(self, facts: OrderFacts) -> timedelta:
        if facts.refund_due or facts.refund_pending:
            return REFUND_POLL
        if facts.state in {BookingState.ORDERED, BookingState.TICKETING, BookingState.CANCELLING}:
            polls = self._progress.polls
            quick = polls < len(TICKET_POLLS)
            return timedelta(seconds=TICKET_POLLS[polls]) if quick else TICKET_POLL
        near = facts.departs_at - workflow.now() < NEAR
        return _until(facts.flown_at, CARE_POLL_NEAR if near else CARE_POLL)

    def _late(self, facts: OrderFacts) -> bool:
        return (
            facts.state is BookingState.TICKETING
            and not self._progress.ticketing_alarm
            and workflow.now() >= facts.ticketing_deadline
        )

    def _done(self, facts: OrderFacts) -> bool:
        settled = not (facts.refund_due or facts.refund_pending)
        ended = facts.state in {BookingState.CANCELLED, BookingState.FLOWN}
        return ended and settled and not self._progress.confirmed_quote

    async def _send_notices(self) -> int:
        return await workflow.execute_activity_method(
            NoticeActivities.send_booking_notices, self._id, **SEND_NOTICES
        )

    @workflow.signal
    def nudge(self) -> None:
        """Look now: a webhook or an operator knows of something new."""
        self._nudged = True


def _until(instant: datetime, at_most: timedelta) -> timedelta:
    left = instant - workflow.now()
    return max(min(left, at_most), timedelta(seconds=1))
