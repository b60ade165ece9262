"""What a booking gives to carry away: the itinerary on paper, and the flights for a calendar."""

from typing import Any
from uuid import UUID

from fastapi import APIRouter
from starlette.responses import Response

from api.auth import Caller, CurrentUser
from api.booking_reading import BookingRead, read_booking
from api.dependencies import ServicesDep
from api.errors import not_found, unavailable
from api.handouts import papers
from api.handouts.answers import calendar_answer, pdf_answer
from api.handouts.names import name_of
from api.handouts.press import NoPress, NotPrinted
from api.rest.schemas.common import problems
from api.services import Services

router = APIRouter(prefix="/api/bookings/{booking_id}", tags=["bookings"])


def _file(media_type: str, *refusals: int) -> dict[int | str, dict[str, Any]]:
    """Describe an answer that is a file."""
    schema = {"type": "string", "format": "binary"}
    found = {"description": "The file.", "content": {media_type: {"schema": schema}}}
    return {200: found, **problems(404, *refusals)}


@router.get(
    "/itinerary.pdf",
    operation_id="get_booking_itinerary",
    response_class=Response,
    responses=_file("application/pdf", 503),
)
async def get_itinerary(booking_id: UUID, user: CurrentUser, services: ServicesDep) -> Response:
    """Get flights, people and tickets as a tagged PDF."""
    read = await _read(services, user, booking_id)
    html = papers.itinerary(read, services.settings, services.clock())
    try:
        pdf = await services.press.put_on_paper(html)
    except NoPress as missing:
        raise unavailable(f"PDFs cannot be made on this machine. {missing}", seconds=3600) from None
    except NotPrinted:
        raise unavailable("The itinerary could not be put on paper just now.") from None
    return pdf_answer(pdf, name_of(read.row, "itinerary", "pdf"))


@router.get(
    "/calendar.ics",
    operation_id="get_booking_calendar",
    response_class=Response,
    responses=_file("text/calendar"),
)
async def get_calendar(booking_id: UUID, user: CurrentUser, services: ServicesDep) -> Response:
    """Get the flights as a calendar file (RFC 5545). Taken in again, it moves what has moved."""
    read = await _read(services, user, booking_id)
    return calendar_answer(read, services.settings, services.clock())


async def _read(services: Services, user: Caller, booking_id: UUID) -> BookingRead:
    async with services.database.transaction(user.user_id) as session:
        read = await read_booking(session, services.vault, user.user_id, booking_id)
    if read is None:
        raise not_found("booking")
    return read
