"""Takes a workflow's own time along into its activities, and on while they run.

The server stamps an ordinary activity with the workflow's time, but a local one never reaches the
server: its worker stamps it by the wall clock. Where time is skipped the two are months apart.
No time is skipped while an activity runs: its own clock goes on as ours does.
"""

import time
from collections.abc import Mapping
from contextvars import ContextVar
from datetime import UTC, datetime, timedelta
from typing import Any

from temporalio import activity, workflow
from temporalio.api.common.v1 import Payload
from temporalio.worker import (
    ActivityInboundInterceptor,
    ExecuteActivityInput,
    Interceptor,
    StartLocalActivityInput,
    WorkflowInboundInterceptor,
    WorkflowInterceptorClassInput,
    WorkflowOutboundInterceptor,
)

_HEADER = "parker-now"
_scheduled_at: ContextVar[datetime | None] = ContextVar("scheduled_at", default=None)
_begun: ContextVar[float | None] = ContextVar("begun", default=None)


def local_activity_now() -> datetime | None:
    """Return the workflow's time inside a local activity; None elsewhere."""
    scheduled_at = _scheduled_at.get()
    if scheduled_at is None:
        return None
    info = activity.info()
    waited = info.started_time - info.scheduled_time  # a retry comes later than it was asked for
    return scheduled_at + waited


def running_for() -> timedelta:
    """Return how long the activity has been running by now."""
    begun = _begun.get()
    return timedelta(0) if begun is None else timedelta(seconds=time.monotonic() - begun)


class WorkflowClock(Interceptor):
    """Install it on every worker that runs workflows."""

    def workflow_interceptor_class(
        self,
        input: WorkflowInterceptorClassInput,  # noqa: A002 - the SDK's name
    ) -> type[WorkflowInboundInterceptor]:
        del input
        return _Workflow

    def intercept_activity(self, next: ActivityInboundInterceptor) -> ActivityInboundInterceptor:  # noqa: A002 - the SDK's name
        return _Activity(next)


class _Workflow(WorkflowInboundInterceptor):
    def init(self, outbound: WorkflowOutboundInterceptor) -> None:
        super().init(_Outbound(outbound))


class _Outbound(WorkflowOutboundInterceptor):
    def start_local_activity(self, input: StartLocalActivityInput) -> workflow.ActivityHandle[Any]:  # noqa: A002 - the SDK's name
        stamp = Payload(data=workflow.now().isoformat().encode())
        input.headers = {**input.headers, _HEADER: stamp}
        return super().start_local_activity(input)


class _Activity(ActivityInboundInterceptor):
    async def execute_activity(self, input: ExecuteActivityInput) -> Any:  # noqa: A002 - the SDK's name
        # Each activity runs in a task of its own: nobody else sees what is set here.
        _scheduled_at.set(_stamped(input.headers))
        _begun.set(time.monotonic())
        return await super().execute_activity(input)


def _stamped(headers: Mapping[str, Payload]) -> datetime | None:
    stamp = headers.get(_HEADER)
    return datetime.fromisoformat(stamp.data.decode()).astimezone(UTC) if stamp else None
