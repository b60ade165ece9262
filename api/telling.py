"""Having somebody told of what was just written down."""

import asyncio
import logging
from uuid import UUID

from temporalio.service import RPCError

from api.errors import ApiProblem
from api.services import Services
from domain.ids import UserId
from domain.messages.notices import TellingInput, telling_workflow_id
from runtime.temporal import MAIN_QUEUE, RPC_TIMEOUT

_log = logging.getLogger("api")


async def tell(services: Services, user_id: UUID) -> None:
    """Have a person's pending notices sent; call it after the transaction that wrote them.

    Never fails: the rows stand, and a schedule finds what nobody was told in time.
    """
    try:
        client = await services.temporal.client()
        async with asyncio.timeout(RPC_TIMEOUT.total_seconds()):
            await client.start_workflow(
                "TellingWorkflow",
                TellingInput(user_id=UserId(user_id)),
                id=telling_workflow_id(user_id),
                task_queue=MAIN_QUEUE,
                start_signal="tell",
                rpc_timeout=RPC_TIMEOUT,
            )
    except (RPCError, ApiProblem, TimeoutError) as error:
        _log.warning("telling is left to the schedule error=%s", type(error).__name__)
