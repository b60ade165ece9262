"""All bookings across providers, without a word of who flies where; and as a file."""

import csv
import io
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from fastapi import APIRouter
from fastapi.responses import HTMLResponse
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.responses import Response

from api.web.admin.asking import Asked, CursorQuery, choices
from api.web.admin.entry import OperatorDep, operating
from api.web.admin.listing import Listing
from db.access import GLANCES
from db.glances import BOOKINGS
from db.models.booking import BookingProvider
from db.paging import LARGEST_PAGE
from db.queries.console.lists import Line, Narrow, booking_by_reference, newest
from domain.money import Money
from domain.orders import BookingState

router = APIRouter(tags=["console"], include_in_schema=False)
PATH = "/admin/bookings"
_EXPORT_MOST = 10_000


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
    lines: list[Line] = []
    cursor: str | None = None
    async with operating(visit) as session:
        narrow = await asked.found(session)
        while len(lines) < _EXPORT_MOST:
            page = await newest(session, BOOKINGS, narrow, cursor=cursor, limit=LARGEST_PAGE)
            lines += page.rows
            cursor = page.next_cursor
            if cursor is None:
                break
    return Response(
        _csv(lines),
        media_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": 'attachment; filename="bookings.csv"'},
    )


def _csv(lines: list[Line]) -> str:
    """Write ids, states, plain decimal amounts and instants: nothing that anybody has typed."""
    names = GLANCES["glance_bookings"].split()
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow([name.removesuffix("_minor") for name in names])
    for line in lines:
        writer.writerow([_cell(line, name) for name in names])
    return out.getvalue()


def _cell(line: Line, name: str) -> str:
    value = getattr(line, name)
    if name.endswith("_minor"):
        return Money(minor=value, currency=line.currency).amount()
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="seconds")
    return "" if value is None else str(value)
