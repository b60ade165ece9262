"""One booking as operators see it."""

from uuid import UUID

from fastapi import APIRouter
from fastapi.responses import HTMLResponse

from api.errors import not_found
from api.web.admin.bookings import PATH
from api.web.admin.doing import new_key, seen
from api.web.admin.entry import OperatorDep, console, operating
from api.web.admin.position import read_position, temporal_page
from api.web.views.console_attempt import call_view
from db.queries.console.bookings import booking_facts
from domain.messages.order import order_workflow_id

router = APIRouter(tags=["console"], include_in_schema=False)
ONE = f"{PATH}/{{booking_id}}"


@router.get(ONE)
async def show_booking(visit: OperatorDep, booking_id: UUID) -> HTMLResponse:
    """Show a booking's state, calls and money."""
    async with operating(visit) as session:
        facts = await booking_facts(session, booking_id)
    if facts is None:
        raise not_found("booking")
    workflow_id = order_workflow_id(booking_id)
    return console(
        visit,
        "admin/booking.html",
        room=PATH,
        facts=facts,
        booking=facts.booking,
        calls=[call_view(one) for one in facts.calls],
        position=await read_position(visit.services, workflow_id),
        temporal_page=temporal_page(visit.services.settings, workflow_id),
        expected=seen(facts.booking.state, facts.booking.row_version),
        key=new_key(),
    )
