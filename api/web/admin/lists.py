"""The console's lists that are read and nothing more: each with the words it is filtered by."""

from dataclasses import dataclass

from fastapi import APIRouter
from fastapi.responses import HTMLResponse

from api.web.admin.asking import Asked, CursorQuery, choices
from api.web.admin.entry import OperatorDep, operating
from api.web.admin.listing import Listing
from db.glances import ACCOUNTS, DELIVERIES, NOTICES
from db.models.notice import NoticeState
from db.models.operator_task import OperatorTaskRow, TaskState
from db.models.user import Role
from db.models.webhook import DeliveryState
from db.queries.console.health import webhook_backlog
from db.queries.console.lists import table_of
from domain.telling import Channel

router = APIRouter(tags=["console"], include_in_schema=False)
_NOTICES = Listing("/admin/notices", "admin/notices.html", NOTICES)
_DELIVERIES = Listing("/admin/deliveries", "admin/deliveries.html", DELIVERIES)
_TASKS = Listing("/admin/tasks", "admin/tasks.html", table_of(OperatorTaskRow))
PEOPLE = Listing("/admin/people", "admin/people.html", ACCOUNTS, counted="role")


@dataclass(frozen=True)
class NoticesAsked(Asked):
    state: str = ""
    channel: str = ""
    event: str = ""


@dataclass(frozen=True)
class DeliveriesAsked(Asked):
    state: str = ""
    type: str = ""


@dataclass(frozen=True)
class TasksAsked(Asked):
    state: str = TaskState.OPEN.value
    kind: str = ""


@dataclass(frozen=True)
class PeopleAsked(Asked):
    role: str = ""


@router.get(_NOTICES.path)
async def show_notices(visit: OperatorDep, cursor: CursorQuery = None) -> HTMLResponse:
    """List what people were told, or were to be told."""
    asked = NoticesAsked.of(visit.request.query_params)
    narrow = asked.narrow(state=[asked.state], channel=[asked.channel], event=[asked.event])
    return await _NOTICES.show(
        visit,
        asked,
        narrow,
        cursor,
        states=choices([one.value for one in NoticeState]),
        channels=choices([one.value for one in Channel], "Any"),
    )


@router.get(_DELIVERIES.path)
async def show_deliveries(visit: OperatorDep, cursor: CursorQuery = None) -> HTMLResponse:
    """List the calls to travellers' own servers."""
    asked = DeliveriesAsked.of(visit.request.query_params)
    narrow = asked.narrow(state=[asked.state], type=[asked.type])
    async with operating(visit) as session:
        return await _DELIVERIES.show_in(
            session,
            visit,
            asked,
            narrow,
            cursor,
            lag=await webhook_backlog(session, visit.now, visit.now),
            states=choices([one.value for one in DeliveryState]),
        )


@router.get(_TASKS.path)
async def show_tasks(visit: OperatorDep, cursor: CursorQuery = None) -> HTMLResponse:
    """List what only a person can decide, the open ones unless others are asked for."""
    asked = TasksAsked.of(visit.request.query_params)
    states = [one for one in TaskState if one.value == asked.state]
    narrow = asked.narrow(state=list(states), kind=[asked.kind])
    words = [(one.value, one.value) for one in TaskState]
    return await _TASKS.show(visit, asked, narrow, cursor, states=[*words, ("all", "all")])


@router.get(PEOPLE.path)
async def show_people(visit: OperatorDep, cursor: CursorQuery = None) -> HTMLResponse:
    """List accounts by role, without a word of whose they are."""
    asked = PeopleAsked.of(visit.request.query_params)
    roles = choices([one.value for one in Role])
    narrow = asked.narrow(role=[asked.role])
    return await PEOPLE.show(visit, asked, narrow, cursor, roles=roles, problems=None)
