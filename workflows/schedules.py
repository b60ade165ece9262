"""What must always run, declared in code and made so at every worker's start."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any, TypeVar

from temporalio.client import (
    Client,
    Schedule,
    ScheduleActionStartWorkflow,
    ScheduleAlreadyRunningError,
    ScheduleIntervalSpec,
    ScheduleOverlapPolicy,
    SchedulePolicy,
    ScheduleSpec,
)
from temporalio.common import WorkflowIDConflictPolicy

from domain.messages.audit import AUDIT_ID, ChainInput
from domain.messages.disputes import KEEP_DISPUTES_ID
from domain.messages.notices import SweepInput
from domain.messages.operator import KEEP_ACTIONS_ID, ActionsInput
from domain.messages.papers import PapersInput
from domain.messages.provider_events import KEEP_EVENTS_ID, EventsInput
from domain.messages.retention import RETENTION_ID, RetentionInput
from domain.messages.search import SearchInput, search_workflow_id
from runtime.temporal import MAIN_QUEUE, RPC_TIMEOUT
from workflows.audit import AuditKeeperWorkflow
from workflows.disputes import DisputeWorkflow
from workflows.notices import NoticeKeeperWorkflow, PaperKeeperWorkflow
from workflows.operator import OperatorKeeperWorkflow
from workflows.provider_events import ProviderEventsWorkflow
from workflows.retention import RetentionWorkflow
from workflows.search import SearchKeeperWorkflow, SearchWorkflow

Given = TypeVar("Given")
KEEP_EVERY = timedelta(minutes=30)
# Not on the hour, when everybody comes.
CLEAR_EVERY, CLEAR_AT = timedelta(days=1), timedelta(hours=3, minutes=7)
SWEEP_EVERY = timedelta(minutes=5)
# What was written later than this can be changed unseen by whoever owns the database.
CHAIN_EVERY = timedelta(minutes=1)
_SWEEP = "keep-notices"
# Often enough that nobody is warned a day late; what was told is not told again.
LOOK_THROUGH_EVERY = timedelta(hours=6)
_PAPERS = "keep-papers"
# Days are given to answer one; this is for what a webhook did not tell us.
FOLLOW_DISPUTES_EVERY = timedelta(hours=1)
# An operator who was told that it begins by itself looks again soon.
BEGIN_ACTIONS_EVERY = timedelta(minutes=2)
# For events of which nobody was told because Temporal was away when they came.
FIND_EVENTS_EVERY = timedelta(minutes=5)


async def ensure_search_runs(client: Client, seller: str) -> None:
    """Start the seller's search loop unless it runs, and have it started again if it ever ends."""
    await client.start_workflow(
        SearchWorkflow.run,
        SearchInput(seller=seller),
        id=search_workflow_id(seller),
        task_queue=MAIN_QUEUE,
        id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
        static_summary=f"looks at {seller}'s market for every campaign",
        rpc_timeout=RPC_TIMEOUT,
    )
    name = f"keep-{search_workflow_id(seller)}"
    await _regularly(
        client, _start(SearchKeeperWorkflow.run, SearchInput(seller=seller), name), KEEP_EVERY
    )


async def ensure_notices_are_told(client: Client) -> None:
    """Have notices looked for, again and again, that nobody was told of in time."""
    await _regularly(client, _start(NoticeKeeperWorkflow.run, SweepInput(), _SWEEP), SWEEP_EVERY)


async def ensure_papers_are_looked_through(client: Client) -> None:
    """Have cards and passports looked through, again and again, for those that expire."""
    action = _start(PaperKeeperWorkflow.run, PapersInput(), _PAPERS)
    await _regularly(client, action, LOOK_THROUGH_EVERY)


async def ensure_audit_is_chained(client: Client) -> None:
    """Have what was written in the audit log linked and signed, every minute."""
    await _regularly(client, _start(AuditKeeperWorkflow.run, ChainInput(), AUDIT_ID), CHAIN_EVERY)


async def ensure_retention(client: Client) -> None:
    """Have cleared away, every day, what was kept long enough."""
    action = _start(RetentionWorkflow.run, RetentionInput(), RETENTION_ID)
    await _regularly(client, action, CLEAR_EVERY, CLEAR_AT)


async def ensure_disputes_are_followed(client: Client) -> None:
    """Have the processor asked, again and again, what banks dispute."""
    action = ScheduleActionStartWorkflow(
        DisputeWorkflow.run, id=KEEP_DISPUTES_ID, task_queue=MAIN_QUEUE
    )
    await _regularly(client, action, FOLLOW_DISPUTES_EVERY)


async def ensure_actions_begin(client: Client) -> None:
    """Have begun, again and again, what operators asked for while nothing could begin it."""
    action = _start(OperatorKeeperWorkflow.run, ActionsInput(), KEEP_ACTIONS_ID)
    await _regularly(client, action, BEGIN_ACTIONS_EVERY)


async def ensure_events_are_worked_on(client: Client) -> None:
    """Have events found, again and again, that were stored and not worked on."""
    action = _start(ProviderEventsWorkflow.run, EventsInput(once=True), KEEP_EVENTS_ID)
    await _regularly(client, action, FIND_EVENTS_EVERY)


def _start(
    run: Callable[[Any, Given], Awaitable[object]], given: Given, name: str
) -> ScheduleActionStartWorkflow:
    return ScheduleActionStartWorkflow(run, given, id=name, task_queue=MAIN_QUEUE)


async def _regularly(
    client: Client,
    action: ScheduleActionStartWorkflow,
    every: timedelta,
    offset: timedelta | None = None,
) -> None:
    """Set a schedule up unless there is one; it bears its workflow's name."""
    schedule = Schedule(
        action=action,
        spec=ScheduleSpec(intervals=[ScheduleIntervalSpec(every=every, offset=offset)]),
        # One that still runs is about to do the same.
        policy=SchedulePolicy(overlap=ScheduleOverlapPolicy.SKIP),
    )
    try:
        await client.create_schedule(action.id, schedule)
    except ScheduleAlreadyRunningError:
        return
