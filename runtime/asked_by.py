"""Takes along who asked: from a request's update, through the workflow, into its activities.

A header travels beside the message; a workflow passes it on unread to what its handler of that
message does, and to nothing else. It names accounts and keys by their ids, and nobody's network.
"""

from collections.abc import Callable, Mapping
from contextvars import ContextVar
from typing import Any

from temporalio import client, workflow
from temporalio.api.common.v1 import Payload
from temporalio.worker import (
    HandleUpdateInput,
    StartActivityInput,
    StartLocalActivityInput,
    WorkflowInboundInterceptor,
    WorkflowOutboundInterceptor,
)

_HEADER = "parker-asked-by"
_asked_by: ContextVar[Payload | None] = ContextVar("asked_by", default=None)


def asked_by(headers: Mapping[str, Payload]) -> bytes | None:
    """Return who asked for an activity, as its sender wrote it."""
    found = headers.get(_HEADER)
    return found.data if found else None


class PassingOn(WorkflowInboundInterceptor):
    """In a workflow: what a handler starts was asked for by whoever sent its message."""

    def init(self, outbound: WorkflowOutboundInterceptor) -> None:
        super().init(_Outbound(outbound))

    async def handle_update_handler(self, input: HandleUpdateInput) -> Any:  # noqa: A002 - the SDK's name
        # Each handler runs in a task of its own: no other step sees what is set here.
        _asked_by.set(input.headers.get(_HEADER))
        return await super().handle_update_handler(input)


class _Outbound(WorkflowOutboundInterceptor):
    def start_activity(self, input: StartActivityInput) -> workflow.ActivityHandle[Any]:  # noqa: A002 - the SDK's name
        input.headers = _with(input.headers)
        return super().start_activity(input)

    def start_local_activity(self, input: StartLocalActivityInput) -> workflow.ActivityHandle[Any]:  # noqa: A002 - the SDK's name
        input.headers = _with(input.headers)
        return super().start_local_activity(input)


def _with(headers: Mapping[str, Payload]) -> Mapping[str, Payload]:
    known = _asked_by.get()
    return headers if known is None else {**headers, _HEADER: known}


class AskingFor(client.Interceptor):
    """Install it on a client; `who` says who asks at this moment."""

    def __init__(self, who: Callable[[], bytes | None]) -> None:
        self._who = who

    def intercept_client(self, next: client.OutboundInterceptor) -> client.OutboundInterceptor:  # noqa: A002 - the SDK's name
        return _Asking(next, self._who)


class _Asking(client.OutboundInterceptor):
    def __init__(self, inner: client.OutboundInterceptor, who: Callable[[], bytes | None]) -> None:
        super().__init__(inner)
        self._who = who

    async def start_workflow_update(
        self,
        input: client.StartWorkflowUpdateInput,  # noqa: A002 - the SDK's name
    ) -> client.WorkflowUpdateHandle[Any]:
        input.headers = self._named(input.headers)
        return await super().start_workflow_update(input)

    async def start_update_with_start_workflow(
        self,
        input: client.StartWorkflowUpdateWithStartInput,  # noqa: A002 - the SDK's name
    ) -> client.WorkflowUpdateHandle[Any]:
        inner = input.update_workflow_input
        inner.headers = self._named(inner.headers)
        return await super().start_update_with_start_workflow(input)

    def _named(self, headers: Mapping[str, Payload]) -> Mapping[str, Payload]:
        who = self._who()
        return headers if who is None else {**headers, _HEADER: Payload(data=who)}
