"""What somebody wants to know of a case that came to no end: what its workflows wait for."""

from collections.abc import Iterator, Sequence

from fault_case import Played
from temporalio.api.enums.v1 import PendingActivityState
from temporalio.api.workflow.v1 import PendingActivityInfo
from temporalio.client import Client, WorkflowExecutionDescription
from temporalio.service import RPCError, RPCStatusCode


async def standing(client: Client, cases: Sequence[Played]) -> list[str]:
    """Say of each case how its workflows stand and which steps of theirs are not done."""
    return [
        line
        for played in cases
        for kind in ("campaign", "attempt", "order")
        for line in await _workflow(client, played.workflow_id(kind))
    ]


async def _workflow(client: Client, workflow_id: str) -> list[str]:
    try:
        described = await client.get_workflow_handle(workflow_id).describe()
    except RPCError as error:
        if error.status is not RPCStatusCode.NOT_FOUND:
            raise
        return []
    return [f"  {workflow_id}: {'; '.join(_waits(described))}"]


def _waits(described: WorkflowExecutionDescription) -> Iterator[str]:
    yield described.status.name.lower() if described.status else "unknown"
    yield f"{described.history_length} events"
    raw = described.raw_description
    if raw.HasField("pending_workflow_task"):
        task = raw.pending_workflow_task
        since = task.scheduled_time.ToJsonString()
        yield f"workflow task, try {task.attempt} since {since}"
    for pending in raw.pending_activities:
        yield _activity(pending)


def _activity(pending: PendingActivityInfo) -> str:
    state = PendingActivityState.Name(pending.state)
    due = pending.scheduled_time.ToJsonString() if pending.HasField("scheduled_time") else "now"
    failed = pending.last_failure.application_failure_info.type or "nothing"
    return (
        f"{pending.activity_type.name} {state}, try {pending.attempt}, due {due}, {failed} failed"
    )
