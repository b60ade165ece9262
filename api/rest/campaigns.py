"""Campaigns: made, read and changed. What has a process is changed by its process."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response, status

from api.auth import Caller, CurrentUser
from api.dependencies import ServicesDep
from api.errors import ApiProblem
from api.rest.campaign_answers import answered, shown
from api.rest.schemas.campaigns import (
    CampaignResponse,
    CreateCampaignRequest,
    CreatedCampaignResponse,
    EditCampaignRequest,
)
from api.rest.schemas.common import (
    Cursor,
    IdempotencyKey,
    IfMatch,
    IfNoneMatch,
    Limit,
    OptionalKey,
    Page,
    body_problems,
    headers,
    problems,
)
from api.services import Services
from api.spending import cap_of_change, cap_of_new, consent_by_key, may_spend, refuse_to_carry_on
from api.standing import display_of, etag_of, version_in
from api.wish_changing import change_wish
from api.wish_making import Made, make_wish
from db.queries.display import find_campaigns, standings
from domain.campaigns import CampaignState
from domain.ids import campaign_id_for

router = APIRouter(prefix="/api/autobooking/campaigns", tags=["campaigns"])
_CREATED_HEADERS = headers(Location="Where the campaign is.", ETag="Its version.")


@router.post(
    "",
    operation_id="create_campaign",
    status_code=status.HTTP_201_CREATED,
    responses={
        **body_problems(503),
        201: {"headers": _CREATED_HEADERS},
        200: {
            "model": CreatedCampaignResponse,
            "description": "This key made it before; here it is as it stands now.",
            "headers": _CREATED_HEADERS,
        },
    },
)
async def create(
    body: CreateCampaignRequest,
    response: Response,
    user: CurrentUser,
    services: ServicesDep,
    key: IdempotencyKey,
) -> CreatedCampaignResponse:
    """Start watching for a wish. Repeating with the same key never makes a second campaign."""
    campaign_id = campaign_id_for(user.user_id, key)
    spends = may_spend(user)
    wanted = await cap_of_new(services, user, campaign_id, body) if spends else None
    async with consent_by_key(services, user, campaign_id, wanted):
        made = await make_wish(services, user.user_id, body, key, may_spend=spends)
    if not made.fresh:
        response.status_code = status.HTTP_200_OK
    return await _created(services, user, made, response)


@router.get("", operation_id="list_campaigns", responses=problems())
async def list_all(
    *,
    user: CurrentUser,
    services: ServicesDep,
    statuses: Annotated[
        list[CampaignState], Query(alias="status", description="Only these; repeat for several.")
    ] = [],  # noqa: B006 - read only
    q: Annotated[
        str | None, Query(max_length=100, description="In the name, or a place's code.")
    ] = None,
    cursor: Cursor = None,
    limit: Limit = 20,
) -> Page[CampaignResponse]:
    """List your campaigns, newest first."""
    now = services.clock()
    async with services.database.transaction(user.user_id) as session:
        page = await find_campaigns(
            session, user.user_id, states=statuses, text=q, cursor=cursor, limit=limit
        )
        standing = await standings(session, page.rows)
    return Page(
        items=[
            CampaignResponse.of(row, display_of(row, standing[row.id], now)) for row in page.rows
        ],
        next_cursor=page.next_cursor,
    )


@router.get(
    "/{campaign_id}",
    operation_id="get_campaign",
    response_model=CampaignResponse,
    responses={**problems(404), 304: {"description": "As you have it."}},
)
async def get(
    campaign_id: UUID,
    response: Response,
    user: CurrentUser,
    services: ServicesDep,
    if_none_match: IfNoneMatch = None,
) -> CampaignResponse | Response:
    """Read one campaign."""
    row, body = await shown(services, user, campaign_id)
    if if_none_match == etag_of(row):
        return Response(status_code=status.HTTP_304_NOT_MODIFIED, headers={"ETag": etag_of(row)})
    response.headers["ETag"] = etag_of(row)
    return body


@router.patch(
    "/{campaign_id}",
    operation_id="edit_campaign",
    responses=body_problems(404, 409, 412, 428, 503),
)
async def edit(
    campaign_id: UUID,
    *,
    body: EditCampaignRequest,
    response: Response,
    user: CurrentUser,
    services: ServicesDep,
    key: OptionalKey = None,
    if_match: IfMatch = None,
) -> CampaignResponse:
    """Change the wish. Say which version you saw, by If-Match or `expected_version`."""
    row, _ = await shown(services, user, campaign_id)
    expected = version_in(if_match) if if_match else body.expected_version
    if expected is None:
        raise ApiProblem(
            428, "version_needed", "Send If-Match with the campaign's ETag, or expected_version."
        )
    refuse_to_carry_on(user, row, body)
    async with consent_by_key(services, user, campaign_id, cap_of_change(row, body)):
        answer = await change_wish(services, row, body, expected, key)
        row, shape = await answered(services, user, campaign_id, answer, "edit")
    response.headers["ETag"] = etag_of(row)
    return shape


async def _created(
    services: Services, user: Caller, made: Made, response: Response
) -> CreatedCampaignResponse:
    row, body = await shown(services, user, made.row.id)
    response.headers["Location"] = f"{router.prefix}/{row.id}"
    response.headers["ETag"] = etag_of(row)
    return CreatedCampaignResponse(**dict(body), warnings=list(made.warnings))
