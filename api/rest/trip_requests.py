"""Trips that are kept in mind, and what the past tells of one."""

from uuid import UUID, uuid4

from fastapi import APIRouter, Response, status

from api.auth import Caller, CurrentUser
from api.dependencies import ServicesDep
from api.errors import conflict, not_found, refused
from api.rest.schemas.common import Cursor, Limit, OptionalKey, Page, body_problems, problems
from api.rest.schemas.trips import (
    BacktestRequest,
    BacktestResponse,
    TripRequestRequest,
    TripRequestResponse,
)
from api.services import Services
from api.wishes import default_name, house_weights, possible
from db.models.trip_request import TripRequestRow
from db.queries.drafts import (
    add_trip_request,
    campaigns_of_request,
    delete_trip_request,
    get_trip_request,
    list_trip_requests,
)
from db.queries.market_history import seen_for
from domain.backtest import backtest
from domain.ids import derive

router = APIRouter(prefix="/api/v1", tags=["trips"])
_TRIPS = "/trip-requests"


@router.post("/backtests", operation_id="backtest_wish", responses=body_problems())
async def replay(
    body: BacktestRequest, user: CurrentUser, services: ServicesDep
) -> BacktestResponse:
    """Say what would have come of a wish with the prices seen in the last 90 days."""
    criteria, now = body.criteria.criteria(house_weights(services)), services.clock()
    if found := possible(criteria, services, now):
        raise refused(found)
    async with services.database.transaction(user.user_id) as session:
        seen = await seen_for(session, criteria, now)
    return BacktestResponse.of(backtest(criteria, seen, party=body.party.party(), now=now))


@router.post(
    _TRIPS,
    operation_id="create_trip_request",
    status_code=status.HTTP_201_CREATED,
    responses=body_problems(),
)
async def create(
    body: TripRequestRequest,
    response: Response,
    user: CurrentUser,
    services: ServicesDep,
    key: OptionalKey = None,
) -> TripRequestResponse:
    """Keep a trip in mind. To have it booked, make a campaign with its `trip_request_id`."""
    criteria, now = body.criteria.criteria(house_weights(services)), services.clock()
    if found := possible(criteria, services, now):
        raise refused(found)
    row = TripRequestRow(
        id=derive("trip-request", user.user_id, key) if key else uuid4(),
        user_id=user.user_id,
        name=body.name or default_name(criteria),
        criteria=criteria.model_dump(mode="json"),
        traveler_ids=body.traveler_ids,
        created_at=now,
        updated_at=now,
    )
    async with services.database.transaction(user.user_id) as session:
        kept = await add_trip_request(session, row)
    response.headers["Location"] = f"{router.prefix}{_TRIPS}/{kept.id}"
    return await _shown(services, user, kept)


@router.get(_TRIPS, operation_id="list_trip_requests", responses=problems())
async def list_all(
    user: CurrentUser, services: ServicesDep, cursor: Cursor = None, limit: Limit = 20
) -> Page[TripRequestResponse]:
    """List the trips that you keep in mind, newest first."""
    async with services.database.transaction(user.user_id) as session:
        page = await list_trip_requests(session, user.user_id, cursor=cursor, limit=limit)
    items = [await _shown(services, user, row) for row in page.rows]
    return Page(items=items, next_cursor=page.next_cursor)


@router.get(
    f"{_TRIPS}/{{trip_request_id}}", operation_id="get_trip_request", responses=problems(404)
)
async def get(
    trip_request_id: UUID, user: CurrentUser, services: ServicesDep
) -> TripRequestResponse:
    """Read one trip."""
    return await _shown(services, user, await _load(services, user, trip_request_id))


@router.delete(
    f"{_TRIPS}/{{trip_request_id}}",
    operation_id="delete_trip_request",
    status_code=status.HTTP_204_NO_CONTENT,
    responses=problems(404, 409),
)
async def delete(trip_request_id: UUID, user: CurrentUser, services: ServicesDep) -> None:
    """Forget a trip. One that a campaign was made of stays with its campaign."""
    await _load(services, user, trip_request_id)
    async with services.database.transaction(user.user_id) as session:
        if not await delete_trip_request(session, trip_request_id):
            raise conflict("in_use", "A campaign was made of this trip; it stays with that.")


async def _load(services: Services, user: Caller, request_id: UUID) -> TripRequestRow:
    async with services.database.transaction(user.user_id) as session:
        row = await get_trip_request(session, request_id)
    if row is None or row.user_id != user.user_id:
        raise not_found("trip request")
    return row


async def _shown(services: Services, user: Caller, row: TripRequestRow) -> TripRequestResponse:
    async with services.database.transaction(user.user_id) as session:
        made = await campaigns_of_request(session, row.id)
    return TripRequestResponse.of(row, [campaign.id for campaign in made])
