"""Asking to be forgotten, and taking it back: the row first, then the process that sees to it."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy.exc import IntegrityError
from temporalio.client import (
    RPCError,
    WithStartWorkflowOperation,
    WorkflowUpdateFailedError,
    WorkflowUpdateRPCTimeoutOrCancelledError,
)
from temporalio.common import WorkflowIDConflictPolicy, WorkflowIDReusePolicy
from temporalio.exceptions import WorkflowAlreadyStartedError

from api.errors import ApiProblem, answer_unknown, conflict
from api.services import Services
from api.telling import tell
from db.models.erasure import ErasureRow
from db.queries.erasures import add_erasure, hindrances, open_erasure
from db.queries.notices import NewNotice, add_notices
from domain.erasures import ErasureState, Hindrance
from domain.ids import TravelerId, UserId
from domain.messages.erasure import ErasureFacts, ErasureInput, erasure_workflow_id
from runtime.temporal import MAIN_QUEUE, RPC_TIMEOUT


class Hindered(Exception):
    """Something has to end first."""

    def __init__(self, found: list[Hindrance]) -> None:
        super().__init__("something has to end first")
        self.found = found


async def ask_erasure(
    services: Services, user_id: UserId, traveler_id: TravelerId | None
) -> ErasureRow:
    """Write down that the account, or one traveller, is to be erased; again returns the first.

    Raises:
        Hindered: orders or refunds are live.
    """
    now = services.clock()
    due_at = now + timedelta(days=services.settings.privacy.cool_off_days)
    async with services.database.transaction(user_id) as session:
        known = await open_erasure(session, user_id, traveler_id)
        if known is not None:
            return known
        if found := await hindrances(session, user_id, traveler_id, now):
            raise Hindered(found)
        try:
            row = await add_erasure(
                session,
                erasure_id=uuid4(),
                user_id=user_id,
                traveler_id=traveler_id,
                due_at=due_at,
                now=now,
            )
        except IntegrityError as error:
            raise conflict("asked_already", "This was asked for a moment ago.") from error
        notice = NewNotice(
            event="erasure_asked",
            subject_id=row.id,
            user_id=user_id,
            data={"traveler": traveler_id is not None, "due_at": due_at.isoformat()},
        )
        await add_notices(session, [notice], now)
    await _start(services, row.id)
    await tell(services, user_id)
    return row


async def withdraw_erasure(services: Services, erasure_id: UUID) -> ErasureState:
    """Take it back, if it has not begun; say how it stands then."""
    client = await services.temporal.client()
    start: WithStartWorkflowOperation[Any, Any] = WithStartWorkflowOperation(
        "ErasureWorkflow",
        ErasureInput(erasure_id=erasure_id),
        id=erasure_workflow_id(erasure_id),
        task_queue=MAIN_QUEUE,
        id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
        id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
    )
    try:
        async with asyncio.timeout(RPC_TIMEOUT.total_seconds()):
            facts: ErasureFacts = await client.execute_update_with_start_workflow(
                "withdraw",
                start_workflow_operation=start,
                id="withdraw",
                result_type=ErasureFacts,
                rpc_timeout=RPC_TIMEOUT,
            )
            return facts.state
    except WorkflowAlreadyStartedError:
        return ErasureState.DONE
    except (
        RPCError,
        WorkflowUpdateFailedError,
        WorkflowUpdateRPCTimeoutOrCancelledError,
        TimeoutError,
    ) as error:
        raise answer_unknown() from error


async def _start(services: Services, erasure_id: UUID) -> None:
    """Start the process; if that fails, a schedule finds the row and starts it."""
    try:
        client = await services.temporal.client()
        async with asyncio.timeout(RPC_TIMEOUT.total_seconds()):
            await client.start_workflow(
                "ErasureWorkflow",
                ErasureInput(erasure_id=erasure_id),
                id=erasure_workflow_id(erasure_id),
                task_queue=MAIN_QUEUE,
                rpc_timeout=RPC_TIMEOUT,
            )
    except (RPCError, ApiProblem, TimeoutError, WorkflowAlreadyStartedError):
        return
