"""Where a campaign stands: a snapshot, or a stream for whoever accepts one; and its past."""

from collections.abc import AsyncIterator
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Header, Query, Request, Response, status
from fastapi.responses import StreamingResponse
from fastapi.sse import format_sse_event

from api.auth import Caller, CurrentUser
from api.dependencies import ServicesDep
from api.rest.campaign_answers import load
from api.rest.schemas.campaigns import CampaignStatusResponse, DecisionResponse, ResultResponse
from api.rest.schemas.common import Cursor, IfNoneMatch, Limit, Page, headers, problems
from api.services import Services
from api.snapshots import Beat, follow, snapshot
from api.standing import etag_of
from db.models.campaign import CampaignRow
from db.models.offer_decision import DecisionVerdict
from db.queries.history import list_decisions, list_results

router = APIRouter(prefix="/api/autobooking/campaigns/{campaign_id}", tags=["campaigns"])
_STREAM_HEADERS = {"Cache-Control": "no-cache", "X-Accel-Buffering": "no"}
_RETRY_MILLISECONDS = 2000
_EVENT_DIGITS = 10  # no campaign comes near a thousand million events
LastEventId = Annotated[
    str | None,
    Header(alias="Last-Event-ID", description="Number of the last event you have seen."),
]


@router.get(
    "/status",
    operation_id="get_campaign_status",
    response_model=CampaignStatusResponse,
    responses={
        **problems(404),
        200: {
            "description": "A snapshot; or, with `Accept: text/event-stream`, every event since"
            " `Last-Event-ID` and each new one, until nothing more can happen.",
            "content": {"text/event-stream": {"schema": {"type": "string"}}},
            "headers": headers(ETag="Changes whenever anything happens."),
        },
        304: {"description": "As you have it."},
    },
)
async def show(
    campaign_id: UUID,
    *,
    request: Request,
    response: Response,
    user: CurrentUser,
    services: ServicesDep,
    if_none_match: IfNoneMatch = None,
    last_event_id: LastEventId = None,
) -> CampaignStatusResponse | Response:
    """Say where the campaign stands, once or as it happens."""
    row, standing = await load(services, user, campaign_id)
    if "text/event-stream" in request.headers.get("accept", ""):
        after = _number(last_event_id)
        return StreamingResponse(
            _events(services, user, row, after),
            media_type="text/event-stream",
            headers=_STREAM_HEADERS,
        )
    etag = etag_of(row)
    if if_none_match == etag:
        return Response(status_code=status.HTTP_304_NOT_MODIFIED, headers={"ETag": etag})
    response.headers["ETag"] = etag
    return await snapshot(services, user, row, standing)


@router.get("/results", operation_id="list_campaign_results", responses=problems(404))
async def results(
    campaign_id: UUID,
    user: CurrentUser,
    services: ServicesDep,
    cursor: Cursor = None,
    limit: Limit = 20,
) -> Page[ResultResponse]:
    """List what came of the campaign's attempts, newest first."""
    await load(services, user, campaign_id)
    async with services.database.transaction(user.user_id) as session:
        page = await list_results(session, campaign_id, cursor=cursor, limit=limit)
    return Page(items=[ResultResponse.of(row) for row in page.rows], next_cursor=page.next_cursor)


@router.get("/decisions", operation_id="list_campaign_decisions", responses=problems(404))
async def decisions(
    campaign_id: UUID,
    *,
    user: CurrentUser,
    services: ServicesDep,
    verdicts: Annotated[
        list[DecisionVerdict],
        Query(alias="verdict", description="Only these; repeat for several."),
    ] = [],  # noqa: B006 - read only
    cursor: Cursor = None,
    limit: Limit = 20,
) -> Page[DecisionResponse]:
    """List each offer that was considered and why it was or was not taken, newest first."""
    await load(services, user, campaign_id)
    async with services.database.transaction(user.user_id) as session:
        page = await list_decisions(
            session, campaign_id, verdicts=verdicts, cursor=cursor, limit=limit
        )
    return Page(items=[DecisionResponse.of(row) for row in page.rows], next_cursor=page.next_cursor)


def _number(last_event_id: str | None) -> int:
    """Read the number of an event; what is none of ours means from the beginning."""
    shown = last_event_id or ""
    return int(shown) if shown.isdecimal() and len(shown) < _EVENT_DIGITS else 0


async def _events(
    services: Services, user: Caller, row: CampaignRow, after: int
) -> AsyncIterator[bytes]:
    yield f"retry: {_RETRY_MILLISECONDS}\n\n".encode()
    async for event in follow(services, user, row, after):
        if isinstance(event, Beat):
            yield b": still here\n\n"
        else:
            yield format_sse_event(
                data_str=event.model_dump_json(), event=event.kind, id=str(event.seq)
            )
    # Browsers reconnect to a stream that ends; this event tells them not to.
    yield format_sse_event(data_str="{}", event="end")
