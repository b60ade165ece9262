"""All bookings across providers, without a word of who flies where; and as a file."""

from dataclasses import dataclass, replace

from fastapi import APIRouter
from fastapi.responses import HTMLResponse
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.responses import Response

from api.web.admin.asking import Asked, CursorQuery, choices
from api.web.admin.entry import OperatorDep, operating
from api.web.admin.files import csv_file, every_line
from api.web.admin.listing import Listing
from db.access import GLANCES
from db.glances import BOOKINGS
from db.models.booking import BookingProvider
from db.queries.console.lists import Narrow, booking_by_reference
from domain.orders import BookingState

router = APIRouter(tags=["console"], include_in_schema=False)
PATH = "/admin/bookings"


@dataclass(frozen=True)
class BookingsAsked(Asked):
    state: str = ""
    provider: str = ""
    reference: str = ""

    async def found(self, session: AsyncSession) -> Narrow:
        """Return what is looked for; a reference is looked up whole, it is in no list."""
        narrow = self.narrow(state=[self.state], provider=[self.provider])
        if not self.reference:
            return narrow
        return replace(narrow, ids=await booking_by_reference(session, self.reference))


_LISTING = Listing(PATH, "admin/bookings.html", BOOKINGS)


@router.get(PATH)
async def show_bookings(visit: OperatorDep, cursor: CursorQuery = None) -> HTMLResponse:
    """List bookings, the newest first."""
    asked = BookingsAsked.of(visit.request.query_params)
    async with operating(visit) as session:
        return await _LISTING.show_in(
            session,
            visit,
            asked,
            await asked.found(session),
            cursor,
            states=choices([one.value for one in BookingState]),
            sellers=choices([one.value for one in BookingProvider], "Any"),
            export_path=asked.path(f"{PATH}.csv"),
        )


@router.get(f"{PATH}.csv")
async def export_bookings(visit: OperatorDep) -> Response:
    """Give the same list as a file for spreadsheets."""
    asked = BookingsAsked.of(visit.request.query_params)
    async with operating(visit) as session:
        lines = await every_line(session, BOOKINGS, await asked.found(session))
    return csv_file("bookings.csv", GLANCES["glance_bookings"].split(), lines)
