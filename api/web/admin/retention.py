"""What is kept how long, and what the run of each night removed."""

from fastapi import APIRouter
from fastapi.responses import HTMLResponse

from api.web.admin.entry import OperatorDep, console, operating
from api.web.admin.schedules import read_schedule
from api.web.views.console_retention import retention_view
from db.queries.retention_runs import list_runs
from domain.messages.retention import RETENTION_ID

router = APIRouter(tags=["console"], include_in_schema=False)
PATH = "/admin/retention"
_NIGHTS = 14


@router.get(PATH)
async def show_retention(visit: OperatorDep) -> HTMLResponse:
    """Show the last runs, what each removed and did not get done, and when the next is due."""
    scheduled = await read_schedule(visit.services.temporal, RETENTION_ID)
    async with operating(visit) as session:
        runs = await list_runs(session, _NIGHTS)
    view = retention_view(runs, scheduled, visit.now)
    return console(visit, "admin/retention.html", room=PATH, view=view)
