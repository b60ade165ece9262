"""When Temporal starts something next that runs again and again."""

import asyncio
from dataclasses import dataclass
from datetime import datetime

from temporalio.service import RPCError, RPCStatusCode

from api.errors import ApiProblem
from api.services import TemporalLink
from runtime.temporal import RPC_TIMEOUT


@dataclass(frozen=True)
class Scheduled:
    """`next_at` is None where it is not known; `known` is False where Temporal knows no such."""

    known: bool = True
    next_at: datetime | None = None
    paused: bool = False
    running: bool = False


async def read_schedule(temporal: TemporalLink, name: str) -> Scheduled | None:
    """Ask Temporal; None where it does not answer."""
    try:
        client = await temporal.client()
        async with asyncio.timeout(RPC_TIMEOUT.total_seconds()):
            seen = await client.get_schedule_handle(name).describe(rpc_timeout=RPC_TIMEOUT)
    except RPCError as error:
        return Scheduled(known=False) if error.status is RPCStatusCode.NOT_FOUND else None
    except (ApiProblem, TimeoutError):
        return None
    return Scheduled(
        next_at=next(iter(seen.info.next_action_times), None),
        paused=seen.schedule.state.paused,
        running=bool(seen.info.running_actions),
    )
