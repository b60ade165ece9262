"""One thing that only a person can decide: what it is about, and what is known."""

from uuid import UUID

from fastapi import APIRouter
from fastapi.responses import HTMLResponse

from api.errors import not_found
from api.web.admin.doing import new_key, seen
from api.web.admin.entry import OperatorDep, console, operating
from api.web.views.console_attempt import attempt_view, call_view
from api.web.views.console_task import guide_of
from db.models.operator_task import OperatorTaskRow
from db.queries.console.attempts import attempt_facts
from db.queries.console.bookings import booking_facts

router = APIRouter(tags=["console"], include_in_schema=False)
PATH = "/admin/tasks"
ONE = f"{PATH}/{{task_id}}"


@router.get(ONE)
async def show_task(visit: OperatorDep, task_id: UUID) -> HTMLResponse:
    """Show a task with everything that is needed to decide it."""
    async with operating(visit) as session:
        task = await session.get(OperatorTaskRow, task_id)
        if task is None:
            raise not_found("task")
        booking = await booking_facts(session, task.booking_id) if task.booking_id else None
        attempt_id = task.attempt_id or (booking.booking.attempt_id if booking else None)
        attempt = await attempt_facts(session, attempt_id) if attempt_id else None
    calls = booking.calls if booking else attempt.calls if attempt else ()
    return console(
        visit,
        "admin/task.html",
        room=PATH,
        task=task,
        guide=guide_of(task.kind),
        booking=booking,
        attempt=attempt,
        said=attempt_view(attempt, visit.now).sentence if attempt else "",
        calls=[call_view(one) for one in calls],
        expected=seen(task.state.value),
        key=new_key(),
    )
