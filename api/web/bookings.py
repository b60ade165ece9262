"""The pages of bookings: the history with its filters, and one booking with all that it holds."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from fastapi.responses import HTMLResponse
from starlette.responses import Response

from api.booking_reading import BookingRead, read_booking
from api.errors import not_found
from api.web.live_stream import LivePage, Part, follow
from api.web.pages import render, render_part
from api.web.views import booking_history
from api.web.views.booking_detail import BookingView, booking_view
from api.web.views.booking_history import Asked
from api.web.views.booking_live import is_over
from api.web.visits import SignedInDep, Visit
from db.queries.booking_history import (
    HistoryLine,
    find_bookings,
    providers_used,
    sum_bookings,
    traveler_labels,
)

router = APIRouter(tags=["pages"], include_in_schema=False)
_PAGE = 20
_EXPORT_PAGE = 100
_EXPORT_MOST = 10_000
# The parts of a booking's page that are sent again when it changes, each a template.
PARTS = ("now", "news", "flights", "terms", "provider", "people", "story")
CursorQuery = Annotated[str | None, Query(max_length=200)]


@router.get("/auto-booking/history")
async def show_history(visit: SignedInDep, cursor: CursorQuery = None) -> HTMLResponse:
    """Show what was booked, found by what people know of a booking, with what it cost."""
    asked = Asked.of(visit.request.query_params)
    wanted = asked.filter()
    async with visit.transaction() as session:
        page = await find_bookings(session, visit.user_id, wanted, cursor=cursor, limit=_PAGE)
        totals = await sum_bookings(session, visit.user_id, wanted)
        labels = await traveler_labels(session, visit.user_id)
        used = await providers_used(session, visit.user_id)
    sums = [booking_history.totals_view(one) for one in totals]
    following = asked.path(cursor=page.next_cursor) if page.next_cursor else None
    return render(
        visit,
        "bookings/history.html",
        asked=asked,
        narrowed=wanted.narrows,
        lines=[booking_history.line_view(line, labels) for line in page.rows],
        sentence=booking_history.history_sentence(sums, narrowed=wanted.narrows),
        totals=sums,
        any_booking=bool(used),
        state_choices=booking_history.STATE_CHOICES,
        provider_choices=booking_history.provider_choices(used),
        traveler_choices=booking_history.traveler_choices(labels),
        export_path=asked.path(f"{booking_history.PATH}.csv"),
        next_path=following,
        first_path=asked.path() if cursor else None,
    )


@router.get("/auto-booking/history.csv")
async def export_history(visit: SignedInDep) -> Response:
    """Give the same list as a file for spreadsheets."""
    wanted = Asked.of(visit.request.query_params).filter()
    lines: list[HistoryLine] = []
    cursor: str | None = None
    async with visit.transaction() as session:
        labels = await traveler_labels(session, visit.user_id)
        while len(lines) < _EXPORT_MOST:
            page = await find_bookings(
                session, visit.user_id, wanted, cursor=cursor, limit=_EXPORT_PAGE
            )
            lines += page.rows
            cursor = page.next_cursor
            if cursor is None:
                break
    return Response(
        booking_history.history_csv(lines, labels),
        media_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": 'attachment; filename="bookings.csv"'},
    )


@router.get("/bookings/{booking_id}")
async def show_booking(visit: SignedInDep, booking_id: UUID) -> HTMLResponse:
    """Show one booking: the reference first, then what comes next."""
    read = await read_own(visit, booking_id)
    view = view_of(visit, read)
    return render(visit, "bookings/detail.html", booking=view, over=is_over(read))


@router.get("/bookings/{booking_id}/events")
async def follow_booking(visit: SignedInDep, booking_id: UUID) -> Response:
    """Send the page's parts as they change: a stream, or one answer to a poll."""
    own = await read_own(visit, booking_id)

    async def read() -> LivePage | None:
        found = await _read(visit, booking_id)
        return None if found is None else _live(visit, found)

    # What happens to a booking is told as its wish's news.
    return await follow(visit, own.row.campaign_id or visit.user_id, read)


async def read_own(visit: Visit, booking_id: UUID) -> BookingRead:
    """Return the visitor's booking, or say that there is none."""
    found = await _read(visit, booking_id)
    if found is None:
        raise not_found("booking")
    return found


async def _read(visit: Visit, booking_id: UUID) -> BookingRead | None:
    async with visit.transaction() as session:
        return await read_booking(session, visit.services.vault, visit.user_id, booking_id)


def view_of(visit: Visit, read: BookingRead) -> BookingView:
    return booking_view(read, visit.services.settings.money, visit.services.clock())


def _live(visit: Visit, read: BookingRead) -> LivePage:
    view = view_of(visit, read)

    def part(name: str) -> Part:
        return Part(
            view.version, lambda: render_part(visit, f"bookings/_{name}.html", booking=view)
        )

    return LivePage(
        version=view.version,
        code=view.code,
        say=view.sentence,
        parts={f"live-{name}": part(name) for name in PARTS},
        at=visit.services.clock(),
        over=is_over(read),
    )
