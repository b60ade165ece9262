"""Lets what an activity does be done by whoever asked, in the audit log: a person, or a process."""

from typing import Any

from temporalio import activity
from temporalio.worker import (
    ActivityInboundInterceptor,
    ExecuteActivityInput,
    Interceptor,
    WorkflowInboundInterceptor,
    WorkflowInterceptorClassInput,
)

from db.acting import act_from_here, actor_in
from domain.audit import Actor, ActorKind, Channel
from runtime.asked_by import PassingOn, asked_by


class AskersAct(Interceptor):
    """Install it on every worker."""

    def workflow_interceptor_class(
        self,
        input: WorkflowInterceptorClassInput,  # noqa: A002 - the SDK's name
    ) -> type[WorkflowInboundInterceptor]:
        del input
        return PassingOn

    def intercept_activity(self, next: ActivityInboundInterceptor) -> ActivityInboundInterceptor:  # noqa: A002 - the SDK's name
        return _Activity(next)


class _Activity(ActivityInboundInterceptor):
    async def execute_activity(self, input: ExecuteActivityInput) -> Any:  # noqa: A002 - the SDK's name
        said = asked_by(input.headers)
        process = Actor(ActorKind.WORKFLOW, str(activity.info().workflow_id), Channel.WORKER)
        # Each activity runs in a task of its own: nobody else sees what is set here.
        act_from_here(actor_in(said) if said else process)
        return await super().execute_activity(input)
