"""How the API speaks to the processes: by id, with a deadline, and never believing silence.

An update's answer comes after its rows are committed. No answer in time means that nobody knows:
the caller is told so, and repeating with the same key is safe.
"""

import asyncio
import logging
from typing import Any, TypeVar
from uuid import UUID, uuid4

from pydantic import BaseModel
from temporalio.client import (
    RPCError,
    WithStartWorkflowOperation,
    WorkflowUpdateFailedError,
    WorkflowUpdateRPCTimeoutOrCancelledError,
)
from temporalio.common import (
    SearchAttributePair,
    TypedSearchAttributes,
    WorkflowIDConflictPolicy,
    WorkflowIDReusePolicy,
)
from temporalio.exceptions import ApplicationError, WorkflowAlreadyStartedError
from temporalio.service import RPCStatusCode

from api.errors import ApiProblem, answer_unknown, conflict, unavailable
from api.services import TemporalLink
from domain.messages.attempt import AuthenticationStart, BeginAuthentication, attempt_workflow_id
from domain.messages.campaign import (
    CampaignAnswer,
    CampaignInput,
    NewCampaign,
    campaign_workflow_id,
)
from domain.messages.order import (
    AnswerChange,
    CancellationOffer,
    ChangeAnswer,
    ConfirmAnswer,
    ConfirmCancellation,
    order_workflow_id,
)
from domain.messages.provider_events import EVENTS_ID, EventsInput
from runtime.temporal import (
    CAMPAIGN_EXPIRES_AT,
    CAMPAIGN_STATE,
    MAIN_QUEUE,
    MARKET,
    OWNER_REF,
    RPC_TIMEOUT,
)

T = TypeVar("T", bound=BaseModel)
_log = logging.getLogger("api")
# A little more than one call's time-out: an answer on its last moment is still an answer.
_DEADLINE = RPC_TIMEOUT.total_seconds() + 0.5
_NOT_REACHED = frozenset({RPCStatusCode.UNAVAILABLE, RPCStatusCode.RESOURCE_EXHAUSTED})


class ProcessEnded(Exception):
    """The process has ended or never was: the rows have the answer."""


async def create_campaign(link: TemporalLink, new: NewCampaign, key: str) -> CampaignAnswer:
    """Start a campaign's workflow, or join the one that this key started.

    Raises:
        ProcessEnded: the campaign of this key has ended before.
    """
    client = await link.client()
    start: WithStartWorkflowOperation[Any, Any] = WithStartWorkflowOperation(
        "CampaignWorkflow",
        CampaignInput(campaign_id=new.campaign_id, new=new),
        id=campaign_workflow_id(new.campaign_id),
        task_queue=MAIN_QUEUE,
        id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
        id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
        search_attributes=TypedSearchAttributes(
            [
                SearchAttributePair(CAMPAIGN_STATE, "active"),
                SearchAttributePair(MARKET, _market(new)),
                SearchAttributePair(OWNER_REF, str(new.owner_id)),
                SearchAttributePair(CAMPAIGN_EXPIRES_AT, new.expires_at),
            ]
        ),
        static_summary=_summary(new),
    )
    try:
        async with asyncio.timeout(_DEADLINE):
            answer: CampaignAnswer = await client.execute_update_with_start_workflow(
                "created",
                start_workflow_operation=start,
                id=key,
                result_type=CampaignAnswer,
                rpc_timeout=RPC_TIMEOUT,
            )
            return answer
    except WorkflowAlreadyStartedError as error:
        raise ProcessEnded from error
    except (
        RPCError,
        WorkflowUpdateFailedError,
        WorkflowUpdateRPCTimeoutOrCancelledError,
        TimeoutError,
    ) as error:
        raise _understood(error) from error


async def ask_campaign(
    link: TemporalLink, campaign_id: UUID, update: str, *args: object, key: str | None
) -> CampaignAnswer:
    """Ask a campaign's workflow for something.

    Raises:
        ProcessEnded: it is booked, cancelled or expired.
    """
    return await _ask(
        link, campaign_workflow_id(campaign_id), update, CampaignAnswer, *args, key=key
    )


async def quote_cancellation(
    link: TemporalLink, booking_id: UUID, key: str | None
) -> CancellationOffer:
    """Ask the order's workflow what cancelling would give back; may raise ProcessEnded."""
    workflow_id = order_workflow_id(booking_id)
    return await _ask(
        link, workflow_id, "quote_cancellation", CancellationOffer, key=key, patience=15
    )


async def confirm_cancellation(
    link: TemporalLink, request: ConfirmCancellation, key: str | None
) -> ConfirmAnswer:
    """Cancel as quoted; may raise ProcessEnded."""
    workflow_id = order_workflow_id(request.booking_id)
    return await _ask(
        link, workflow_id, "confirm_cancellation", ConfirmAnswer, request, key=key, patience=15
    )


async def answer_change(link: TemporalLink, update: str, request: AnswerChange) -> ChangeAnswer:
    """Answer a change of the airline's: `accept_change` or `ask_for_other_flights`.

    Neither does anything twice, so that asking again needs no key.

    Raises:
        ProcessEnded: the order is over.
    """
    workflow_id = order_workflow_id(request.booking_id)
    return await _ask(link, workflow_id, update, ChangeAnswer, request, key=None, patience=15)


async def begin_authentication(
    link: TemporalLink, attempt_id: UUID, return_url: str
) -> AuthenticationStart:
    """Ask the attempt for the bank's address; may raise ProcessEnded."""
    return await _ask(
        link,
        attempt_workflow_id(attempt_id),
        "begin_authentication",
        AuthenticationStart,
        BeginAuthentication(return_url=return_url),
        key=None,
        patience=15,
    )


async def signal_authentication_returned(link: TemporalLink, attempt_id: UUID) -> None:
    """Tell the attempt that the traveller is back from the bank; may raise ProcessEnded."""
    client = await link.client()
    handle = client.get_workflow_handle(attempt_workflow_id(attempt_id))
    try:
        await handle.signal("authentication_returned", rpc_timeout=RPC_TIMEOUT)
    except RPCError as error:
        raise _understood(error) from error


async def wake_events(link: TemporalLink) -> None:
    """Have stored events worked on now. Should it fail, a schedule finds them."""
    try:
        client = await link.client()
        async with asyncio.timeout(RPC_TIMEOUT.total_seconds()):
            await client.start_workflow(
                "ProviderEventsWorkflow",
                EventsInput(),
                id=EVENTS_ID,
                task_queue=MAIN_QUEUE,
                start_signal="look",
                rpc_timeout=RPC_TIMEOUT,
            )
    except (ApiProblem, RPCError, TimeoutError) as error:
        _log.warning("events are left to the schedule error=%s", type(error).__name__)


async def _ask(
    link: TemporalLink,
    workflow_id: str,
    update: str,
    result_type: type[T],
    *args: object,
    key: str | None,
    patience: float = _DEADLINE,
) -> T:
    # The update's name is part of its id, so that one key on pause and on resume is two requests.
    update_id = f"{update}:{key or uuid4()}"
    client = await link.client()
    handle = client.get_workflow_handle(workflow_id)
    try:
        async with asyncio.timeout(patience):
            answer: T = await handle.execute_update(
                update,
                args=list(args),
                id=update_id,
                result_type=result_type,
                rpc_timeout=RPC_TIMEOUT,
            )
            return answer
    except (
        RPCError,
        WorkflowUpdateFailedError,
        WorkflowUpdateRPCTimeoutOrCancelledError,
        TimeoutError,
    ) as error:
        raise _understood(error) from error


def _understood(error: Exception) -> Exception:
    """Say in our words what a call's failure means."""
    if isinstance(error, RPCError):
        if error.status is RPCStatusCode.NOT_FOUND:
            return ProcessEnded()
        if error.status in _NOT_REACHED:
            return unavailable(
                "The engine that runs campaigns does not answer at the moment; whether the request"
                " reached it is unknown. Repeat it with the same Idempotency-Key."
            )
    if isinstance(error, WorkflowUpdateFailedError):
        cause = error.cause
        kind = cause.type if isinstance(cause, ApplicationError) else None
        if kind == "AcceptedUpdateCompletedWorkflow":
            return ProcessEnded()
        if kind == "UnprocessedUpdate":
            # The server's word for a worker that lost its memory of the process just then.
            return unavailable("Nobody took the request in; nothing was changed. Repeat it.")
        return conflict("not_now", "That is not possible in the present state.")
    return answer_unknown()


def _market(new: NewCampaign) -> str:
    wish = new.criteria
    return f"{'+'.join(wish.origins)}-{'+'.join(wish.destinations)}"


def _summary(new: NewCampaign) -> str:
    wish = new.criteria
    nights = f", {wish.nights_min}-{wish.nights_max} nights" if wish.is_return else ", one-way"
    return (
        f"{_market(new)} {wish.departure_from} to {wish.departure_until}{nights},"
        f" at most {wish.budget}"
    )
