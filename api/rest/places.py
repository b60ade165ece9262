"""Airports, cities and airlines by what people write; nothing about anybody."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Response

from api.rest.schemas.common import body_problems, problems
from api.rest.schemas.trips import (
    AirlineBody,
    FoundAirlines,
    FoundPlaces,
    PlaceBody,
    PositionRequest,
)
from domain.airline_search import search_airlines
from domain.places import nearest_airports, search_places

router = APIRouter(prefix="/api/v1", tags=["places"])
_SAME_FOR_ALL = "public, max-age=3600"
Text = Annotated[
    str, Query(alias="q", min_length=1, max_length=60, description="A code, or part of a name.")
]
Most = Annotated[int, Query(ge=1, le=20, description="How many at most.")]
_Refusals = dict[int | str, dict[str, Any]]
_REFUSED: _Refusals = {422: problems()[422]}
_BODY_REFUSED: _Refusals = {status: body_problems()[status] for status in (400, 413, 422)}


@router.get("/places", operation_id="search_places", responses=_REFUSED)
async def search(response: Response, text: Text, limit: Most = 8) -> FoundPlaces:
    """Find airports and cities by code or name; small typos are forgiven."""
    response.headers["Cache-Control"] = _SAME_FOR_ALL
    return FoundPlaces(items=[PlaceBody.of(place) for place in search_places(text, limit)])


@router.post("/places/near", operation_id="find_places_near", responses=_BODY_REFUSED)
async def near(body: PositionRequest) -> FoundPlaces:
    """Find the airports about a position. It comes in the body, so that no log has it."""
    found = nearest_airports(body.latitude, body.longitude)
    return FoundPlaces(items=[PlaceBody.of(place) for place in found])


@router.get("/airlines", operation_id="search_airlines", responses=_REFUSED)
async def airlines(response: Response, text: Text, limit: Most = 8) -> FoundAirlines:
    """Find airlines by code or name; small typos are forgiven."""
    response.headers["Cache-Control"] = _SAME_FOR_ALL
    found = search_airlines(text, limit)
    return FoundAirlines(items=[AirlineBody(code=one.code, name=one.name) for one in found])
