"""What operators' actions work with, wherever they are asked for; and the process of one."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Self
from uuid import UUID

from temporalio.client import WorkflowFailureError
from temporalio.common import WorkflowIDConflictPolicy, WorkflowIDReusePolicy
from temporalio.exceptions import WorkflowAlreadyStartedError
from temporalio.service import RPCError

from api.errors import ApiProblem, unavailable
from api.services import Services, TemporalLink
from db.session import Database
from db.vault import PersonalVault
from domain.messages.operator import OperatorInput, operator_workflow_id
from runtime.operating_settings import OperatingSettings
from runtime.temporal import MAIN_QUEUE, RPC_TIMEOUT

# Most actions are done by then; of the others the page says that they are under way.
_PATIENCE = RPC_TIMEOUT.total_seconds() + 0.5


@dataclass(frozen=True)
class Desk:
    """`database` is under the operators' own role."""

    database: Database
    vault: PersonalVault
    temporal: TemporalLink
    limits: OperatingSettings
    clock: Callable[[], datetime]

    @classmethod
    def of(cls, services: Services) -> Self:
        if services.operators is None:
            raise unavailable("This process was given no way for operators. Nothing was done.")
        return cls(
            services.operators,
            services.vault,
            services.temporal,
            services.settings.operating,
            services.clock,
        )


async def run_action(desk: Desk, action_id: UUID) -> None:
    """Have an action's process do it, and wait a short while for that; again is harmless."""
    try:
        client = await desk.temporal.client()
        async with asyncio.timeout(_PATIENCE):
            handle = await client.start_workflow(
                "OperatorActionWorkflow",
                OperatorInput(action_id=action_id),
                id=operator_workflow_id(action_id),
                task_queue=MAIN_QUEUE,
                id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
                id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
                rpc_timeout=RPC_TIMEOUT,
            )
            await handle.result()
    except (WorkflowAlreadyStartedError, WorkflowFailureError, TimeoutError):
        return  # the row says how it stands
    except (RPCError, ApiProblem) as error:
        raise unavailable(
            "The engine that does it does not answer. What you asked for is written down, and"
            " begins by itself once it does."
        ) from error
