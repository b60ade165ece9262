"""Acting on what providers tell us: whoever owns the thing is made to look at it now.

Nothing is believed and nothing is changed here. So an event may come twice, late or in any order,
and one that never comes is made up for by the polling that goes on anyway.
"""

from collections.abc import Awaitable, Callable
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession
from temporalio import activity
from temporalio.service import RPCError, RPCStatusCode

from activities.failures import heartbeats
from activities.offers import WORKER
from db.models.provider_event import ProviderEventRow
from db.queries.bookings import booking_by_order
from db.queries.provider_events import (
    attempt_of_intent,
    attempt_of_offer,
    next_event_due,
    refunded_by_intent,
    settle_event,
    take_event,
)
from db.session import Database
from domain.attempts import AttemptState
from domain.messages.attempt import attempt_workflow_id
from domain.messages.disputes import DISPUTES_ID
from domain.messages.order import order_workflow_id
from domain.provider_events import EventState, Owner, Refs, owner_of, refs_in
from runtime.clock import activity_now
from runtime.temporal import MAIN_QUEUE, RPC_TIMEOUT

_NOBODY = "nothing of ours hangs on it"
Looker = tuple[str, str]
"""The process that is made to look, and by which signal."""
MakeLook = Callable[[Looker], Awaitable[None]]


async def make_look(looker: Looker) -> None:
    """Signal a process. That of disputes lives only while it looks, so it is started, too.

    Raises:
        RPCError: it was not reached, or has ended.
    """
    client, (workflow_id, signal) = activity.client(), looker
    if workflow_id != DISPUTES_ID:
        handle = client.get_workflow_handle(workflow_id)
        await handle.signal(signal, rpc_timeout=RPC_TIMEOUT)
        return
    await client.start_workflow(
        "DisputeWorkflow",
        id=workflow_id,
        task_queue=MAIN_QUEUE,
        start_signal=signal,
        rpc_timeout=RPC_TIMEOUT,
    )


class ProviderEventActivities:
    def __init__(self, database: Database, make_look: MakeLook = make_look) -> None:
        self._database, self._make_look = database, make_look

    @activity.defn
    async def work_on_events(self) -> datetime | None:
        """Work on all events that are due; return when there is more to do, None for never."""
        async with heartbeats():
            while (taken := await self._take()) is not None:
                await self._work_on(taken)
        async with self._database.transaction(WORKER) as session:
            return await next_event_due(session)

    async def _take(self) -> ProviderEventRow | None:
        async with self._database.transaction(WORKER) as session:
            return await take_event(session, activity_now())

    async def _work_on(self, taken: ProviderEventRow) -> None:
        async with self._database.transaction(WORKER) as session:
            looker = await _looker_of(session, taken)
        state, outcome = EventState.LEFT, _NOBODY
        if looker is not None:
            state, outcome = await self._reach(looker)
        async with self._database.transaction(WORKER) as session:
            await settle_event(session, taken, state, outcome, activity_now())

    async def _reach(self, looker: Looker) -> tuple[EventState, str]:
        """Make a process look; return what the event is now (pending: tried again), and why."""
        workflow_id, signal = looker
        try:
            await self._make_look(looker)
        except RPCError as error:
            if error.status is RPCStatusCode.NOT_FOUND:
                return EventState.LEFT, f"{workflow_id}: has ended"
            return EventState.PENDING, f"{workflow_id}: {error.status.name.lower()}"
        return EventState.DONE, f"{workflow_id}: {signal}"


async def _looker_of(session: AsyncSession, event: ProviderEventRow) -> Looker | None:
    """Find who owns what an event is about; None where it is nobody of ours, or nobody waits."""
    refs = refs_in(event.facts)
    match owner_of(event.provider, event.kind):
        case Owner.NEW_ORDER:
            return await _who_ordered(session, refs) or await _order(session, refs)
        case Owner.ORDER:
            return await _order(session, refs)
        case Owner.HOLD if refs.intent is not None:
            attempt = await attempt_of_intent(session, refs.intent)
            # Only the bank's answer comes without anybody asking for it.
            if attempt is not None and attempt.state is AttemptState.AWAITING_AUTHENTICATION:
                return attempt_workflow_id(attempt.id), "authentication_returned"
        case Owner.REFUND if refs.intent is not None:
            return _of_booking(await refunded_by_intent(session, refs.intent))
        case Owner.DISPUTE:
            return DISPUTES_ID, "look_again"
        case _:
            pass
    return None


async def _who_ordered(session: AsyncSession, refs: Refs) -> Looker | None:
    attempt_id = await attempt_of_offer(session, refs.offer) if refs.offer else None
    return (attempt_workflow_id(attempt_id), "hurry") if attempt_id else None


async def _order(session: AsyncSession, refs: Refs) -> Looker | None:
    booking = await booking_by_order(session, refs.order) if refs.order else None
    return _of_booking(booking.id if booking else None)


def _of_booking(booking_id: UUID | None) -> Looker | None:
    return (order_workflow_id(booking_id), "nudge") if booking_id else None
