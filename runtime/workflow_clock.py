"""Takes a workflow's own time along into its local activities.

The server stamps an ordinary activity with the workflow's time, but a local one never reaches the
server: its worker stamps it by the wall clock. Where time is skipped the two are months apart.
"""

from collections.abc import Mapping
from contextvars import ContextVar
from datetime import UTC, datetime
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


def local_activity_now() -> datetime | None:
    """Return the workflow's time inside a local activity; None elsewhere."""
    scheduled_at = _scheduled_at.get()
    if scheduled_at is None:
        return None
    info = activity.info()
    waited = info.started_time - info.scheduled_time  # a retry comes later than it was asked for
    return scheduled_at + waited


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
        token = _scheduled_at.set(_stamped(input.headers))
        try:
            return await super().execute_activity(input)
        finally:
            _scheduled_at.reset(token)


def _stamped(headers: Mapping[str, Payload]) -> datetime | None:
    stamp = headers.get(_HEADER)
    return datetime.fromisoformat(stamp.data.decode()).astimezone(UTC) if stamp else None
