"""Travellers of a person: kept by the API alone, in one transaction each."""

from uuid import UUID, uuid4

from fastapi import APIRouter, Response, status

from api.auth import CurrentUser
from api.dependencies import ServicesDep
from api.errors import conflict, not_found, refused
from api.rest.schemas.common import OptionalKey, Page, body_problems, problems
from api.rest.schemas.travelers import TravelerRequest, TravelerResponse
from db.errors import InUse
from db.queries.travelers import (
    add_traveler,
    delete_traveler,
    get_traveler,
    list_travelers,
    replace_traveler,
)
from domain.ids import TravelerId, derive
from domain.travelers import check_traveler

router = APIRouter(prefix="/api/autobooking/traveler", tags=["travellers"])
_MOST = 50


@router.get("", operation_id="list_travelers", responses=problems())
async def list_all(user: CurrentUser, services: ServicesDep) -> Page[TravelerResponse]:
    """List your travellers, oldest first."""
    async with services.database.transaction(user.user_id) as session:
        rows = await list_travelers(session, user.user_id)
        items = [
            TravelerResponse.of(
                row, await services.vault.open_traveler(session, TravelerId(row.id))
            )
            for row in rows
        ]
    return Page(items=items)


@router.post(
    "",
    operation_id="create_traveler",
    status_code=status.HTTP_201_CREATED,
    responses=body_problems(409),
)
async def create(
    body: TravelerRequest,
    response: Response,
    user: CurrentUser,
    services: ServicesDep,
    key: OptionalKey = None,
) -> TravelerResponse:
    """Add a traveller. With an Idempotency-Key a repeat returns the first one."""
    now = services.clock()
    details = body.details()
    if found := check_traveler(details, today=now.date()):
        raise refused(found)
    traveler_id = TravelerId(derive("traveler", user.user_id, key) if key else uuid4())
    async with services.database.transaction(user.user_id) as session:
        row = await get_traveler(session, traveler_id)
        if row is None:
            if len(await list_travelers(session, user.user_id)) >= _MOST:
                raise conflict("too_many", f"You have {_MOST} travellers already; remove one.")
            sealed = await services.vault.seal_traveler(
                session, user.user_id, traveler_id, details, now, label=body.label
            )
            row = await add_traveler(session, sealed.traveler, sealed.documents)
        answer = TravelerResponse.of(row, await services.vault.open_traveler(session, traveler_id))
    response.headers["Location"] = f"{router.prefix}/{traveler_id}"
    return answer


@router.get("/{traveler_id}", operation_id="get_traveler", responses=problems(404))
async def get(traveler_id: UUID, user: CurrentUser, services: ServicesDep) -> TravelerResponse:
    """Read one traveller."""
    async with services.database.transaction(user.user_id) as session:
        row = await get_traveler(session, traveler_id)
        if row is None or row.user_id != user.user_id:
            raise not_found("traveller")
        details = await services.vault.open_traveler(session, TravelerId(traveler_id))
    return TravelerResponse.of(row, details)


@router.put("/{traveler_id}", operation_id="replace_traveler", responses=body_problems(404))
async def replace(
    traveler_id: UUID, body: TravelerRequest, user: CurrentUser, services: ServicesDep
) -> TravelerResponse:
    """Write a traveller anew. Bookings already made keep the names they were made with."""
    now = services.clock()
    details = body.details()
    if found := check_traveler(details, today=now.date()):
        raise refused(found)
    async with services.database.transaction(user.user_id) as session:
        row = await get_traveler(session, traveler_id)
        if row is None or row.user_id != user.user_id:
            raise not_found("traveller")
        sealed = await services.vault.seal_traveler(
            session, user.user_id, TravelerId(traveler_id), details, now, label=body.label
        )
        replaced = await replace_traveler(session, sealed.traveler, sealed.documents)
    if replaced is None:
        raise not_found("traveller")
    return TravelerResponse.of(replaced, details)


@router.delete(
    "/{traveler_id}",
    operation_id="delete_traveler",
    status_code=status.HTTP_204_NO_CONTENT,
    responses=problems(404, 409),
)
async def delete(traveler_id: UUID, user: CurrentUser, services: ServicesDep) -> None:
    """Remove a traveller and forget what is known of them."""
    async with services.database.transaction(user.user_id) as session:
        row = await get_traveler(session, traveler_id)
        if row is None or row.user_id != user.user_id:
            raise not_found("traveller")
        try:
            await delete_traveler(session, traveler_id, services.clock())
        except InUse as error:
            raise conflict(
                "in_use",
                "A campaign that is still running would book this traveller. Cancel or edit it"
                " first.",
                campaigns=[str(one) for one in error.campaign_ids],
            ) from error
