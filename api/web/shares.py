"""One booking's flights for others: links that its owner makes and takes back, and their page."""

from datetime import timedelta
from uuid import UUID, uuid4

from fastapi import APIRouter
from starlette.responses import Response

from api.booking_reading import read_booking
from api.errors import not_found
from api.web.bookings import read_own, view_of
from api.web.forms import Form, FormDep, Problems
from api.web.pages import redirect, render
from api.web.shared_links import UNLISTED, Wanted, follow, is_open, make_link, owner_of
from api.web.views.booking_detail import booking_view
from api.web.visits import ConfirmedDep, SignedInDep, Visit, VisitDep
from db.models.shareable_link import LinkKind
from db.queries.shareable_links import list_shared, revoke_shared

router = APIRouter(tags=["pages"], include_in_schema=False)
_KIND = LinkKind.ITINERARY
_DAYS = (7, 30, 90)
_MOST = 20  # links of one booking that are open at a time


@router.get("/bookings/{booking_id}/share")
async def show_shares(visit: SignedInDep, booking_id: UUID) -> Response:
    """Show a booking's links, and offer to make another."""
    return await _page(visit, booking_id)


@router.post("/bookings/{booking_id}/share")
async def submit_share(visit: ConfirmedDep, booking_id: UUID, form: FormDep) -> Response:
    """Make a link; show it this once."""
    read = await read_own(visit, booking_id)
    problems = Problems()
    days = form.text("days")
    if days not in {str(one) for one in _DAYS}:
        problems.add("days", "Choose for how long the link works.")
    async with visit.transaction() as session:
        rows = await list_shared(session, visit.user_id, _KIND, booking_id)
    if sum(is_open(row, visit) for row in rows) >= _MOST:
        problems.general.append(f"This booking has {_MOST} links. Take one back first.")
    if problems:
        return await _page(visit, booking_id, form, problems)
    wanted = Wanted(
        kind=_KIND,
        key=form.text("key"),
        lasts=timedelta(days=int(days)),
        reference=form.flag("reference"),
        people=form.flag("people"),
        booking_id=booking_id,
    )
    token = await make_link(visit, wanted)
    if token is None:
        return redirect(_path(booking_id), say="This link was made already. It is shown only once.")
    return render(
        visit,
        "shares/made.html",
        title="Your link",
        what="Whoever has it sees the flights, without signing in.",
        address=f"{visit.services.settings.base_url}/i/{token}",
        until=visit.now + wanted.lasts,
        back=_path(booking_id),
        nav="bookings",
        booking=view_of(visit, read),
    )


@router.post("/bookings/{booking_id}/share/{link_id}/revoke")
async def submit_taking_back(
    visit: SignedInDep, booking_id: UUID, link_id: UUID, _form: FormDep
) -> Response:
    """Let a link open nothing any more, at once."""
    async with visit.transaction() as session:
        if not await revoke_shared(session, visit.user_id, _KIND, visit.now, link_id=link_id):
            raise not_found("link")
    return redirect(_path(booking_id), say="The link is taken back: it opens nothing any more.")


@router.get("/i/{token}")
async def show_shared(visit: VisitDep, token: str) -> Response:
    """Show flights to whoever holds the link: what their owner chose, and no money."""
    row = await follow(visit, token, _KIND)
    if isinstance(row, Response):
        return row
    services = visit.services
    async with services.database.transaction(owner_of(row)) as session:
        assert row.booking_id is not None
        read = await read_booking(session, services.vault, owner_of(row), row.booking_id)
    if read is None:
        raise not_found("link")
    page = render(
        visit,
        "shares/itinerary.html",
        booking=booking_view(read, services.settings.money, visit.now),
        link=row,
    )
    page.headers.update(UNLISTED)
    return page


async def _page(
    visit: Visit, booking_id: UUID, form: Form | None = None, problems: Problems | None = None
) -> Response:
    read = await read_own(visit, booking_id)
    async with visit.transaction() as session:
        rows = await list_shared(session, visit.user_id, _KIND, booking_id)
    values = form.values() if form else {}
    return render(
        visit,
        "shares/list.html",
        status=422 if problems else 200,
        booking=view_of(visit, read),
        links=[row for row in rows if is_open(row, visit)],
        values=values,
        problems=problems,
        key=values.get("key") or str(uuid4()),
        day_options=[(days, f"{days} days") for days in _DAYS],
    )


def _path(booking_id: UUID) -> str:
    return f"/bookings/{booking_id}/share"
