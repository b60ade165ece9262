"""What waits for a second person: a refund above the limit, a role, a limit itself."""

from fastapi import APIRouter
from fastapi.responses import HTMLResponse

from api.web.admin.entry import OperatorDep, console, operating
from db.queries.operator_actions import list_actions
from domain.operating import ActionState

router = APIRouter(tags=["console"], include_in_schema=False)
PATH = "/admin/decisions"
_SHOWN = 50


@router.get(PATH)
async def show_decisions(visit: OperatorDep) -> HTMLResponse:
    """List what waits, and what was decided before."""
    async with operating(visit) as session:
        waiting = await list_actions(session, state=ActionState.WAITING)
        actions = await list_actions(session, limit=_SHOWN)
    return console(
        visit,
        "admin/decisions.html",
        room=PATH,
        waiting=[one for one in waiting if one.decide_by is None or one.decide_by > visit.now],
        actions=[one for one in actions if one.state is not ActionState.WAITING],
        me=str(visit.user_id),
    )
