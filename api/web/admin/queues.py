"""What waits in Temporal's task queues, and who asks there for work."""

import asyncio
from dataclasses import dataclass
from datetime import timedelta

from temporalio.api.enums.v1 import TaskQueueType
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import DescribeTaskQueueRequest
from temporalio.client import Client
from temporalio.service import RPCError

from api.errors import ApiProblem
from api.services import Services
from runtime.temporal import MAIN_QUEUE, RPC_TIMEOUT, SEARCH_QUEUE

_KINDS = {
    TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW: "decisions",
    TaskQueueType.TASK_QUEUE_TYPE_ACTIVITY: "steps",
}
# Nothing is decided in the queue of searches: nobody asks there for such work, and nobody need.
_QUEUES = (
    (MAIN_QUEUE, TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW),
    (MAIN_QUEUE, TaskQueueType.TASK_QUEUE_TYPE_ACTIVITY),
    (SEARCH_QUEUE, TaskQueueType.TASK_QUEUE_TYPE_ACTIVITY),
)


@dataclass(frozen=True)
class Queue:
    """One queue of one kind of task."""

    name: str
    kind: str
    workers: int
    backlog: int
    age: timedelta
    """Of the task that has waited longest."""
    limit: float | None
    """Tasks a second that the server hands out at most, if there is a limit."""


async def read_queues(services: Services) -> list[Queue] | None:
    """Return every queue that the product uses; None where Temporal does not answer."""
    try:
        client = await services.temporal.client()
        asked = [_describe(client, name, kind) for name, kind in _QUEUES]
        async with asyncio.timeout(RPC_TIMEOUT.total_seconds()):
            return list(await asyncio.gather(*asked))
    except (RPCError, ApiProblem, TimeoutError):
        return None


async def _describe(client: Client, name: str, kind: "TaskQueueType.ValueType") -> Queue:
    answer = await client.workflow_service.describe_task_queue(
        DescribeTaskQueueRequest(
            namespace=client.namespace,
            task_queue=TaskQueue(name=name),
            task_queue_type=kind,
            report_stats=True,
        ),
        timeout=RPC_TIMEOUT,
    )
    limit = answer.effective_rate_limit.requests_per_second
    return Queue(
        name=name,
        kind=_KINDS[kind],
        workers=len({poller.identity for poller in answer.pollers}),
        backlog=answer.stats.approximate_backlog_count,
        age=answer.stats.approximate_backlog_age.ToTimedelta(),
        # Without one the server names a number that nobody reaches.
        limit=limit if 0 < limit < _NO_LIMIT else None,
    )


_NO_LIMIT = 10_000
