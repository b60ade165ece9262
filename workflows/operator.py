"""What an operator decided about money or seats, done step by step whoever dies meanwhile."""

from datetime import timedelta
from uuid import UUID

from temporalio import workflow
from temporalio.common import WorkflowIDReusePolicy
from temporalio.exceptions import ActivityError, WorkflowAlreadyStartedError
from temporalio.workflow import ParentClosePolicy

with workflow.unsafe.imports_passed_through():
    from activities.attempts import AttemptActivities
    from activities.operating import OperatorActivities
    from activities.options import REPEATABLE, ROWS, ActivityOptions
    from activities.orders import OrderActivities
    from activities.payments import VOID, PaymentActivities
    from activities.refunds import REFUND, RefundActivities
    from domain.attempts import AttemptState, FailureReason
    from domain.messages.attempt import (
        AttemptInput,
        AttemptStep,
        FailInput,
        OperatorTaskInput,
        OrderStatus,
        PaymentStep,
        ResolveInput,
        attempt_workflow_id,
    )
    from domain.messages.campaign import AttemptFinished, campaign_workflow_id
    from domain.messages.operator import (
        ActionPlan,
        ActionsInput,
        AdoptOrder,
        CloseAction,
        OperatorInput,
        Reach,
        ReachAttempt,
        RefundAsDecided,
        Unbegun,
        operator_workflow_id,
    )
    from domain.messages.search import search_workflow_id
    from domain.operating import ActionState, OperatorAction, Refusal
    from workflows.attempt import AttemptWorkflow

# A bank takes days; the refund's own row says the same all the while.
REFUND_POLLS, REFUND_POLL = 60, timedelta(hours=12)


# An operator waits for the answer; the attempt's own process asks for longer.
ASK_FOR_A_WHILE = REPEATABLE | ActivityOptions(schedule_to_close_timeout=timedelta(minutes=5))


class Refused(Exception):
    def __init__(self, refusal: Refusal, note: str) -> None:
        super().__init__(note)
        self.refusal, self.note = refusal, note


@workflow.defn
class OperatorActionWorkflow:
    """One action. The row says what; where the attempt's own process lives, that one does it."""

    @workflow.run
    async def run(self, action: OperatorInput) -> ActionState:
        plan = await workflow.execute_local_activity_method(
            OperatorActivities.take_action, action.action_id, **ROWS
        )
        if plan.state is not ActionState.TAKEN:
            return plan.state
        close = CloseAction(action_id=plan.action_id)
        try:
            note = await self._do(plan)
            close = close.model_copy(update={"note": note})
        except Refused as no:
            close = close.model_copy(update={"refusal": no.refusal, "note": no.note})
        except ActivityError:
            workflow.logger.exception("an operator's action met a refusal")
            note = "a step was refused; see the log of the worker"
            close = close.model_copy(update={"refusal": Refusal.NOT_NOW, "note": note})
        await workflow.execute_local_activity_method(OperatorActivities.close_action, close, **ROWS)
        return ActionState.REFUSED if close.refusal else ActionState.DONE

    async def _do(self, plan: ActionPlan) -> str:
        if plan.action is OperatorAction.REFUND:
            return await self._refund(plan)
        assert plan.attempt is not None
        match plan.action:
            case OperatorAction.RETRY if plan.ended:
                return await self._look_again(plan.attempt)
            case OperatorAction.RETRY:
                return await self._go_on(plan.attempt)
            case OperatorAction.COMPENSATE:
                if await self._reach(plan.attempt, Reach.WITHDRAW):
                    return "it was told to call itself off"
                return await self._end(plan, plan.attempt, FailureReason.WITHDRAWN)
            case OperatorAction.ABANDON:
                await self._reach(plan.attempt, Reach.STOP)
                return await self._end(plan, plan.attempt, FailureReason.PROVIDER_UNAVAILABLE)
            case OperatorAction.ADOPT:
                return await self._adopt(plan, plan.attempt)
            case _:
                raise AssertionError(plan.action)

    # Going on

    async def _go_on(self, attempt: AttemptInput) -> str:
        """Have what it waits for tried now; a process that was lost begins again from the rows."""
        if await self._reach(attempt, Reach.HURRY):
            return "it tries now"
        await self._begin_again(attempt)
        return "its process was gone and runs again"

    async def _begin_again(self, attempt: AttemptInput) -> None:
        try:
            await workflow.start_child_workflow(
                AttemptWorkflow.run,
                attempt,
                id=attempt_workflow_id(attempt.attempt_id),
                parent_close_policy=ParentClosePolicy.ABANDON,
                id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE,
            )
        except WorkflowAlreadyStartedError:
            workflow.logger.info("the attempt's process runs already")

    async def _look_again(self, attempt: AttemptInput) -> str:
        free = await workflow.execute_local_activity_method(
            OperatorActivities.free_wish, attempt.attempt_id, **ROWS
        )
        if not free:
            raise Refused(Refusal.NOT_NOW, "its wish does not watch")
        search = workflow.get_external_workflow_handle(search_workflow_id(attempt.seller))
        await search.signal("nudge")
        return "its wish holds off no longer: the next look may book"

    async def _adopt(self, plan: ActionPlan, attempt: AttemptInput) -> str:
        adopted = await workflow.execute_activity_method(
            OperatorActivities.adopt_order,
            AdoptOrder(attempt=attempt, order_id=plan.order_id or ""),
            summary="is this the attempt's order?",
            **REPEATABLE,
        )
        if adopted.status is not OrderStatus.PLACED:
            raise Refused(Refusal.NOT_NOW, adopted.note or "the order could not be adopted")
        await self._go_on(attempt)
        return "the order is the attempt's own; it goes on to the charge"

    # Ending

    async def _end(self, plan: ActionPlan, attempt: AttemptInput, reason: FailureReason) -> str:
        """End an attempt that no process looks after, unless an order of it may stand."""
        doubt = await workflow.execute_local_activity_method(
            OperatorActivities.close_door, attempt.attempt_id, **ROWS
        )
        if doubt.round is not None:
            reason = await self._settle(attempt, doubt.round)
        for number in range(max(plan.payments, doubt.payments), 0, -1):
            await self._void(attempt, number)
        closed = await workflow.execute_local_activity_method(
            AttemptActivities.fail_attempt,
            FailInput(
                attempt_id=attempt.attempt_id, campaign_id=attempt.campaign_id, reason=reason
            ),
            **ROWS,
        )
        campaign = workflow.get_external_workflow_handle(campaign_workflow_id(attempt.campaign_id))
        try:
            await campaign.signal(
                "attempt_finished",
                AttemptFinished(
                    attempt_id=attempt.attempt_id, booked=closed.booked, reason=closed.reason
                ),
            )
        except Exception:  # noqa: BLE001 - the wish's own process may have ended long ago
            workflow.logger.info("the campaign has ended before its attempt")
        return "it has ended; what was held is released"

    async def _settle(self, attempt: AttemptInput, number: int) -> FailureReason:
        """Find out what became of its order; where that is not certain the attempt goes on."""
        try:
            outcome = await workflow.execute_activity_method(
                OrderActivities.resolve_order,
                ResolveInput(
                    attempt_id=attempt.attempt_id,
                    campaign_id=attempt.campaign_id,
                    booking_id=attempt.booking_id,
                    round=number,
                ),
                summary="is there an order?",
                **ASK_FOR_A_WHILE,
            )
        except ActivityError:
            await self._begin_again(attempt)
            raise Refused(
                Refusal.NOT_NOW, "the seller cannot be asked whether there is an order"
            ) from None
        final = outcome.settled_at is not None and workflow.now() >= outcome.settled_at
        if outcome.status is OrderStatus.PLACED:
            await self._begin_again(attempt)
            raise Refused(Refusal.NOT_NOW, "its order stands; it goes on to the charge")
        if outcome.status is OrderStatus.UNKNOWN or (
            outcome.status is OrderStatus.ABSENT and not final
        ):
            await self._begin_again(attempt)
            until = f" before {outcome.settled_at:%Y-%m-%d %H:%M} UTC" if outcome.settled_at else ""
            raise Refused(Refusal.NOT_NOW, f"an order of it may still come to be{until}")
        await workflow.execute_local_activity_method(
            AttemptActivities.record_step,
            AttemptStep(
                attempt_id=attempt.attempt_id,
                state=AttemptState.COMPENSATING,
                reason=FailureReason.ORDER_NEVER_HAPPENED,
            ),
            **ROWS,
        )
        return FailureReason.ORDER_NEVER_HAPPENED

    async def _void(self, attempt: AttemptInput, number: int) -> None:
        try:
            await workflow.execute_activity_method(
                PaymentActivities.void_payment,
                PaymentStep(attempt_id=attempt.attempt_id, round=number),
                summary="release the hold",
                **VOID,
            )
        except ActivityError:
            await workflow.execute_local_activity_method(
                AttemptActivities.open_operator_task,
                OperatorTaskInput(
                    key=f"void:{number}:{attempt.attempt_id}",
                    kind="void",
                    attempt_id=attempt.attempt_id,
                    booking_id=attempt.booking_id,
                    detail=f"void:{number} could not be settled without a person",
                ),
                **ROWS,
            )

    async def _reach(self, attempt: AttemptInput, how: Reach) -> bool:
        return await workflow.execute_activity_method(
            OperatorActivities.reach_attempt,
            ReachAttempt(attempt_id=attempt.attempt_id, how=how),
            summary=how.value,
            **REPEATABLE,
        )

    # Money back

    async def _refund(self, plan: ActionPlan) -> str:
        assert plan.booking_id is not None
        assert plan.amount is not None
        request = RefundAsDecided(
            action_id=plan.action_id, booking_id=plan.booking_id, amount=plan.amount
        )
        for _ in range(REFUND_POLLS):
            outcome = await workflow.execute_activity_method(
                RefundActivities.refund_as_decided,
                request,
                summary=f"give {plan.amount} back",
                **REFUND,
            )
            if outcome.failed:
                raise Refused(Refusal.TOO_MUCH, "it was refused; nothing more was given back")
            if outcome.done:
                return f"{plan.amount} went back to the card that was charged"
            await workflow.sleep(REFUND_POLL, summary="the card's bank")
        raise Refused(Refusal.NOT_NOW, "the card's bank has not answered in a month")


@workflow.defn
class OperatorKeeperWorkflow:
    """Begins what operators asked for while nothing could begin it; a Schedule calls it again.

    Once: an action's process has the action's id, and begins no second time although it has ended.
    """

    @workflow.run
    async def run(self, wanted: ActionsInput) -> Unbegun:
        found = await workflow.execute_local_activity_method(
            OperatorActivities.find_unbegun, wanted, **ROWS
        )
        for action_id in found.actions:
            await self._begin(action_id)
        return found

    async def _begin(self, action_id: UUID) -> None:
        try:
            await workflow.start_child_workflow(
                OperatorActionWorkflow.run,
                OperatorInput(action_id=action_id),
                id=operator_workflow_id(action_id),
                parent_close_policy=ParentClosePolicy.ABANDON,
                id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
            )
        except WorkflowAlreadyStartedError:
            return
