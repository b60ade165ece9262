"""All of somebody's flights as a calendar that their own one follows, at an address of its own."""

from datetime import timedelta
from uuid import uuid4

from fastapi import APIRouter
from starlette.responses import Response

from api.booking_reading import read_details
from api.handouts import calendars
from api.web.forms import FormDep
from api.web.pages import redirect, render
from api.web.shared_links import UNLISTED, Wanted, follow, is_open, make_link, owner_of
from api.web.visits import ConfirmedDep, SignedInDep, VisitDep
from db.models.shareable_link import LinkKind
from db.queries.shareable_links import flights_since, list_shared, revoke_shared
from domain.calendar_entries import CalendarEntry
from domain.order_details import OrderDetails

router = APIRouter(tags=["pages"], include_in_schema=False)
PATH = "/account/calendar"
_KIND = LinkKind.CALENDAR
# Long enough to be forgotten about in a calendar, and not for good.
_LASTS = timedelta(days=3 * 365)
_BACK = timedelta(days=30)
_MOST = 200


@router.get(PATH)
async def show_feed(visit: SignedInDep) -> Response:
    """Say whether somebody's flights can be followed, and how."""
    async with visit.transaction() as session:
        rows = await list_shared(session, visit.user_id, _KIND)
    link = next((row for row in rows if is_open(row, visit)), None)
    return render(visit, "shares/calendar.html", link=link, key=str(uuid4()))


@router.post(PATH)
async def submit_feed(visit: ConfirmedDep, form: FormDep) -> Response:
    """Make the address, or a fresh one instead of the one before; show it this once."""
    wanted = Wanted(
        kind=_KIND,
        key=form.text("key"),
        lasts=_LASTS,
        reference=form.flag("reference"),
        people=form.flag("people"),
    )
    async with visit.transaction() as session:
        known = await list_shared(session, visit.user_id, _KIND)
    token = await make_link(visit, wanted)
    if token is None:
        return redirect(PATH, say="This address was made already. It is shown only once.")
    async with visit.transaction() as session:
        for row in known:
            await revoke_shared(session, visit.user_id, _KIND, visit.now, link_id=row.id)
    return render(
        visit,
        "shares/made.html",
        title="Your calendar's address",
        what="Have your calendar follow it: “subscribe to a calendar”, or “from URL”.",
        address=f"{visit.services.settings.base_url}/calendar/{token}.ics",
        until=visit.now + _LASTS,
        back=PATH,
        nav="account",
        booking=None,
    )


@router.post(PATH + "/off")
async def submit_off(visit: SignedInDep, _form: FormDep) -> Response:
    """Let the address open nothing any more, at once."""
    async with visit.transaction() as session:
        await revoke_shared(session, visit.user_id, _KIND, visit.now)
    return redirect(PATH, say="The address is switched off: it opens nothing any more.")


@router.get("/calendar/{token}.ics")
async def follow_flights(visit: VisitDep, token: str) -> Response:
    """Give the flights of whoever made this address, those that were cancelled marked so."""
    link = await follow(visit, token, _KIND)
    if isinstance(link, Response):
        return link
    services, found = visit.services, list[CalendarEntry]()
    async with services.database.transaction(owner_of(link)) as session:
        since = visit.now - _BACK
        for row in await flights_since(session, owner_of(link), since, most=_MOST):
            details = OrderDetails()
            if link.shows_people or row.schedule_changes:
                details = await read_details(session, services.vault, row)
            found += calendars.entries(
                row, details, reference=link.shows_reference, people=link.shows_people
            )
    return Response(
        calendars.write(found, visit.now, followed=True),
        media_type=calendars.MEDIA_TYPE,
        headers=UNLISTED,
    )
