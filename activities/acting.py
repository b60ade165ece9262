"""Lets what an activity does be done by the process that asked for it, in the audit log."""

from typing import Any

from temporalio import activity
from temporalio.worker import ActivityInboundInterceptor, ExecuteActivityInput, Interceptor

from db.acting import act_from_here
from domain.audit import Actor, ActorKind, Channel


class ProcessesAct(Interceptor):
    """Install it on every worker that runs activities."""

    def intercept_activity(self, next: ActivityInboundInterceptor) -> ActivityInboundInterceptor:  # noqa: A002 - the SDK's name
        return _Activity(next)


class _Activity(ActivityInboundInterceptor):
    async def execute_activity(self, input: ExecuteActivityInput) -> Any:  # noqa: A002 - the SDK's name
        process = str(activity.info().workflow_id)
        # Each activity runs in a task of its own: nobody else sees what is set here.
        act_from_here(Actor(ActorKind.WORKFLOW, process, Channel.WORKER))
        return await super().execute_activity(input)
