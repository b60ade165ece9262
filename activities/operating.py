"""What an operator decided, done under the same locks as everything else that touches money."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession
from temporalio import activity
from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.workflowservice.v1 import ResetActivityRequest
from temporalio.client import Client, RPCError, WorkflowExecutionStatus, WorkflowHandle
from temporalio.exceptions import ApplicationError
from temporalio.service import RPCStatusCode

from activities.failures import provider_call
from activities.offers import WORKER
from activities.orders import OrderActivities
from db.models.attempt import AttemptRow
from db.models.operator_action import OperatorActionRow
from db.models.provider_call import CallState
from db.queries import calls
from db.queries.attempts import get_attempt
from db.queries.openings import attempt_input
from db.queries.operator_actions import (
    end_overdue,
    get_action,
    last_done,
    lock_action,
    note_action,
    overdue_actions,
    settle_action,
)
from db.queries.payments import captured_payment, count_payments, refunds_of
from db.queries.transitions import change_state, lock_attempt, lock_booking, lock_campaign
from db.session import Database
from domain.attempts import LIVE, PAST_NO_RETURN, AttemptState, FailureReason
from domain.campaigns import CampaignState
from domain.ids import AttemptId, BookingId
from domain.messages.attempt import OrderStatus, attempt_workflow_id
from domain.messages.operator import (
    ActionPlan,
    ActionsInput,
    Adopted,
    AdoptOrder,
    CloseAction,
    Doubt,
    Reach,
    ReachAttempt,
    Unbegun,
)
from domain.money import Money
from domain.operating import BY_PROCESS, ActionState, OperatorAction, Refusal, told_of
from providers.ports import FlightOrders
from runtime.clock import activity_now
from runtime.temporal import RPC_TIMEOUT

_MAY_EXIST = (CallState.SENT, CallState.UNKNOWN)
_PENDING, _FAILED = "pending", "failed"


class _Refused(Exception):
    def __init__(self, refusal: Refusal, note: str = "") -> None:
        super().__init__(note)
        self.refusal, self.note = refusal, note


class OperatorActivities:
    def __init__(
        self,
        database: Database,
        orders: OrderActivities,
        seller: FlightOrders,
        begin_within: timedelta,
    ) -> None:
        self._database, self._orders, self._seller = database, orders, seller
        self._begin_within = begin_within

    # Taking an action up, and writing down what came of it

    @activity.defn
    async def find_unbegun(self, wanted: ActionsInput) -> Unbegun:
        """Find what was asked for while nothing could begin it; end what is too old for that."""
        now = activity_now()
        before = now - timedelta(seconds=wanted.overdue_seconds)
        async with self._database.transaction(WORKER) as session:
            rows = await overdue_actions(session, now, asked_before=before, limit=wanted.at_most)
            await end_overdue(session, rows, now, self._begin_within)
            left = [row for row in rows if row.state is ActionState.ASKED]
            return Unbegun(actions=tuple(row.id for row in left if row.action in BY_PROCESS))

    @activity.defn
    async def take_action(self, action_id: UUID) -> ActionPlan:
        """Take the action if its thing still is what the operator was looking at.

        Whoever locks it first takes it and its version moves on: another who was looking at the
        same is refused, and told who was first.
        """
        now = activity_now()
        async with self._database.transaction(WORKER) as session:
            seen = await get_action(session, action_id)
            if seen is None:
                raise ApplicationError("no such action", type="NoAction", non_retryable=True)
            try:
                plan = await self._take(session, seen, now)
            except _Refused as no:
                row = await _locked(session, action_id)
                await settle_action(session, row, ActionState.REFUSED, now, no.refusal, no.note)
                plan = _nothing(row)
        return plan

    async def _take(
        self, session: AsyncSession, seen: OperatorActionRow, now: datetime
    ) -> ActionPlan:
        # The thing is locked before the action: all locks are taken in that order.
        assert seen.target_id is not None
        if seen.action is OperatorAction.REFUND:
            return await self._take_refund(session, seen.target_id, seen.id, now)
        attempt = await lock_attempt(session, seen.target_id)
        row = await self._in_time(session, seen.id, now)
        if attempt is None:
            raise _Refused(Refusal.NOT_FOUND)
        if row.state is ActionState.ASKED:
            await _still(session, row, attempt.state.value, attempt.row_version)
            _possible(row.action, attempt)
            before = {"state": attempt.state.value, "version": attempt.row_version}
            attempt.row_version, attempt.updated_at = attempt.row_version + 1, now
            await _begin(session, row, now, kind="attempt", before=before)
        return ActionPlan(
            action_id=row.id,
            action=row.action,
            state=row.state,
            attempt=attempt_input(attempt),
            ended=attempt.state not in LIVE,
            payments=await count_payments(session, attempt.id),
            order_id=row.facts.get("order_id"),
        )

    async def _take_refund(
        self, session: AsyncSession, booking_id: UUID, action_id: UUID, now: datetime
    ) -> ActionPlan:
        booking = await lock_booking(session, booking_id)
        row = await self._in_time(session, action_id, now)
        payment = await captured_payment(session, booking_id, lock=True)
        if booking is None or payment is None or row.amount_minor is None:
            raise _Refused(Refusal.NOT_FOUND)
        amount = Money(minor=row.amount_minor, currency=row.currency or payment.currency)
        if row.state is ActionState.ASKED:
            await _still(session, row, booking.state.value, row.expected_version)
            begun = await refunds_of(session, booking.id)
            given = sum(one.amount_minor for one in begun if one.status != _FAILED)
            if payment.id != row.payment_id or payment.currency != amount.currency:
                raise _Refused(Refusal.MOVED_ON, "another payment stands")
            if amount.minor > payment.captured_minor - given:
                raise _Refused(Refusal.TOO_MUCH)
            before = {"state": booking.state.value, "version": booking.row_version}
            booking.row_version, booking.updated_at = booking.row_version + 1, now
            await _begin(session, row, now, kind="booking", before=before)
        return ActionPlan(
            action_id=row.id,
            action=row.action,
            state=row.state,
            booking_id=BookingId(booking.id),
            amount=amount,
        )

    async def _in_time(
        self, session: AsyncSession, action_id: UUID, now: datetime
    ) -> OperatorActionRow:
        """Lock the action; one whose process waited for a worker for too long is over."""
        row = await _locked(session, action_id)
        await end_overdue(session, [row], now, self._begin_within)
        return row

    @activity.defn
    async def close_action(self, close: CloseAction) -> None:
        """Write down what came of a taken action; what is closed stays."""
        now = activity_now()
        async with self._database.transaction(WORKER) as session:
            row = await _locked(session, close.action_id)
            if row.state is ActionState.TAKEN:
                state = ActionState.REFUSED if close.refusal else ActionState.DONE
                await settle_action(session, row, state, now, close.refusal, close.note)

    # Attempts

    @activity.defn
    async def reach_attempt(self, reach: ReachAttempt) -> bool:
        """Hurry, call off or stop an attempt's process; False if there is none that runs."""
        client = activity.client()
        handle = client.get_workflow_handle(attempt_workflow_id(reach.attempt_id))
        try:
            if reach.how is Reach.STOP:
                await handle.terminate("abandoned by an operator", rpc_timeout=RPC_TIMEOUT)
                return True
            if reach.how is Reach.WITHDRAW:
                await handle.signal("withdraw", rpc_timeout=RPC_TIMEOUT)
            await handle.signal("hurry", rpc_timeout=RPC_TIMEOUT)
            await _hurry_steps(client, handle)
        except RPCError as error:
            if error.status is RPCStatusCode.NOT_FOUND:
                return False
            raise
        return True

    @activity.defn
    async def close_door(self, attempt_id: AttemptId) -> Doubt:
        """Let nothing more be sent for an attempt; say which call may have taken effect already."""
        now = activity_now()
        async with self._database.transaction(WORKER) as session:
            attempt = await lock_attempt(session, attempt_id)
            # A step of a process that was stopped may have begun one since the action was taken.
            payments = await count_payments(session, attempt_id)
            if attempt is None or attempt.state not in LIVE:
                return Doubt(payments=payments)
            for call in await calls.order_calls(session, attempt_id):
                if call.state in _MAY_EXIST or call.state is CallState.ANSWERED:
                    return Doubt(round=int(call.facts["round"]), payments=payments)
            attempt.failure_reason = attempt.failure_reason or FailureReason.PROVIDER_UNAVAILABLE
            if attempt.state is not AttemptState.COMPENSATING:
                await change_state(
                    session, attempt, AttemptState.COMPENSATING, now=now,
                    event="attempt.compensating", data={"reason": attempt.failure_reason.value},
                )  # fmt: skip
        return Doubt(payments=payments)

    @activity.defn
    async def adopt_order(self, request: AdoptOrder) -> Adopted:
        """Write an order that an operator found down as the attempt's own, if it says so itself."""
        attempt = request.attempt
        async with provider_call():
            order = await self._seller.get(request.order_id)
        if order.attempt_reference != str(attempt.attempt_id):
            return Adopted(status=OrderStatus.REFUSED, note="the order is of another attempt")
        if order.cancelled_at is not None:
            return Adopted(status=OrderStatus.REFUSED, note="the order was cancelled")
        async with self._database.transaction(WORKER) as session:
            await lock_attempt(session, attempt.attempt_id, campaign_id=attempt.campaign_id)
            known = await calls.order_calls(session, attempt.attempt_id)
            if not known:
                return Adopted(status=OrderStatus.REFUSED, note="no order was ever sent")
            outcome = await self._orders.adopt(
                session,
                attempt.attempt_id,
                attempt.campaign_id,
                attempt.booking_id,
                known[0].key,
                order,
            )
        return Adopted(status=outcome.status)

    @activity.defn
    async def free_wish(self, attempt_id: AttemptId) -> bool:
        """Let the wish of a failed attempt be tried again at once; False if it does not watch."""
        now = activity_now()
        async with self._database.transaction(WORKER) as session:
            attempt = await get_attempt(session, attempt_id)
            assert attempt is not None  # it was taken
            campaign = await lock_campaign(session, attempt.campaign_id)
            attempt = await lock_attempt(session, attempt_id)
            if campaign is None or attempt is None or campaign.status is not CampaignState.ACTIVE:
                return False
            campaign.hold_off_until = attempt.ignore_until = None
            campaign.updated_at = attempt.updated_at = now
        return True


async def _hurry_steps(client: Client, handle: "WorkflowHandle[object, object]") -> None:
    """Have steps tried now that wait for their next try."""
    described = await handle.describe(rpc_timeout=RPC_TIMEOUT)
    if described.status is not WorkflowExecutionStatus.RUNNING:
        raise RPCError("it has ended", RPCStatusCode.NOT_FOUND, b"")
    execution = WorkflowExecution(workflow_id=described.id, run_id=described.run_id)
    for step in described.raw_description.pending_activities:
        if step.attempt > 1:
            await client.workflow_service.reset_activity(
                ResetActivityRequest(
                    namespace=client.namespace, execution=execution, id=step.activity_id
                ),
                timeout=timedelta(seconds=5),
            )


def _possible(action: OperatorAction, attempt: AttemptRow) -> None:
    """Refuse what cannot be done to an attempt in its state."""
    live, sent = attempt.state in LIVE, attempt.state in PAST_NO_RETURN
    match action:
        case OperatorAction.RETRY:
            possible, why = attempt.state is not AttemptState.CAPTURED, "it is booked"
        case OperatorAction.COMPENSATE:
            possible, why = live and not sent, "its order was sent; only its outcome decides"
        case OperatorAction.ABANDON:
            possible = live and attempt.state is not AttemptState.CAPTURING
            why = "its order stands"
        case OperatorAction.ADOPT:
            possible = attempt.state in {AttemptState.ORDERING, AttemptState.ORDER_UNKNOWN}
            why = "no order of it is in doubt"
        case _:
            raise AssertionError(action)
    if not possible:
        raise _Refused(Refusal.NOT_NOW, why if live else "it has ended")


async def _still(
    session: AsyncSession, row: OperatorActionRow, state: str, version: int | None
) -> None:
    """Refuse where it is not what the operator was looking at any more."""
    if row.expected_state == state and row.expected_version in {None, version}:
        return
    other = await last_done(session, row)
    raise _Refused(
        Refusal.MOVED_ON,
        told_of(other.action, other.role, other.operator, other.updated_at) if other else state,
    )


async def _begin(
    session: AsyncSession,
    row: OperatorActionRow,
    now: datetime,
    *,
    kind: str,
    before: Mapping[str, object],
) -> None:
    await settle_action(session, row, ActionState.TAKEN, now)
    await note_action(session, row, now, kind=kind, before=before)


async def _locked(session: AsyncSession, action_id: UUID) -> OperatorActionRow:
    row = await lock_action(session, action_id)
    assert row is not None
    return row


def _nothing(row: OperatorActionRow) -> ActionPlan:
    return ActionPlan(action_id=row.id, action=row.action, state=row.state)
