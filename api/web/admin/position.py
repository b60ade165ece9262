"""Where a process stands in Temporal, and where an operator looks at it there."""

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import quote

from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.enums.v1 import PendingActivityState, WorkflowExecutionStatus
from temporalio.api.workflowservice.v1 import DescribeWorkflowExecutionRequest
from temporalio.service import RPCError, RPCStatusCode

from api.errors import ApiProblem
from api.services import Services
from runtime.settings import Settings
from runtime.temporal import RPC_TIMEOUT


@dataclass(frozen=True)
class Pending:
    """A step that was begun and has not ended."""

    name: str
    state: str
    tries: int
    next_at: datetime | None


@dataclass(frozen=True)
class Position:
    """`state` is Temporal's word; "away" where it does not answer, "none" where it knows none."""

    workflow_id: str
    state: str
    events: int = 0
    started_at: datetime | None = None
    closed_at: datetime | None = None
    pending: tuple[Pending, ...] = ()

    @property
    def runs(self) -> bool:
        return self.state == "running"


async def read_position(services: Services, workflow_id: str) -> Position:
    """Ask Temporal; whatever it answers, the rows of the ledgers stand."""
    try:
        client = await services.temporal.client()
        async with asyncio.timeout(RPC_TIMEOUT.total_seconds()):
            answer = await client.workflow_service.describe_workflow_execution(
                DescribeWorkflowExecutionRequest(
                    namespace=client.namespace,
                    execution=WorkflowExecution(workflow_id=workflow_id),
                ),
                timeout=RPC_TIMEOUT,
            )
    except RPCError as error:
        gone = error.status is RPCStatusCode.NOT_FOUND
        return Position(workflow_id, "none" if gone else "away")
    except (ApiProblem, TimeoutError):
        return Position(workflow_id, "away")
    info = answer.workflow_execution_info
    return Position(
        workflow_id,
        _word(WorkflowExecutionStatus.Name(info.status), "WORKFLOW_EXECUTION_STATUS_"),
        events=info.history_length,
        started_at=_instant(info, "start_time"),
        closed_at=_instant(info, "close_time"),
        pending=tuple(
            Pending(
                one.activity_type.name,
                _word(PendingActivityState.Name(one.state), "PENDING_ACTIVITY_STATE_"),
                one.attempt,
                _instant(one, "scheduled_time"),
            )
            for one in answer.pending_activities
        ),
    )


def temporal_page(settings: Settings, workflow_id: str) -> str:
    """Return the page of a workflow in Temporal's own user interface, as operators reach it."""
    place = settings.temporal_ui_url or f"http://127.0.0.1:{settings.temporal_ui_port}"
    return (
        f"{place.rstrip('/')}/namespaces/{quote(settings.temporal_namespace)}"
        f"/workflows/{quote(workflow_id, safe='')}"
    )


def _word(name: str, prefix: str) -> str:
    return name.removeprefix(prefix).replace("_", " ").lower()


def _instant(message: object, name: str) -> datetime | None:

    if not message.HasField(name):  # type: ignore[attr-defined]
        return None
    found: datetime = getattr(message, name).ToDatetime(UTC)
    return found
