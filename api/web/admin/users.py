"""Operators: who is one, which browsers are signed in, and how a role is given or taken."""

from uuid import UUID

from fastapi import APIRouter
from fastapi.responses import HTMLResponse

from api.errors import not_found
from api.web.admin.doing import new_key, seen
from api.web.admin.entry import OperatorDep, console, operating
from db.glances import ACCOUNTS
from db.models.user import Role
from db.paging import LARGEST_PAGE
from db.queries.console.lists import Narrow, newest, one
from db.queries.console.people import open_sessions

router = APIRouter(tags=["console"], include_in_schema=False)
PATH = "/admin/users"
ONE = f"{PATH}/{{user_id}}"
_OPERATORS = Narrow(words={"role": [role.value for role in Role if role is not Role.TRAVELLER]})


@router.get(PATH)
async def show_users(visit: OperatorDep) -> HTMLResponse:
    """List operators with the browsers that are signed in to their accounts."""
    async with operating(visit) as session:
        page = await newest(session, ACCOUNTS, _OPERATORS, limit=LARGEST_PAGE)
        sessions = await open_sessions(session, [row.id for row in page.rows])
    return console(
        visit,
        "admin/users.html",
        room=PATH,
        operators=page.rows,
        sessions=sessions,
        admins=sum(row.role == Role.ADMIN.value for row in page.rows),
    )


@router.get(ONE)
async def show_role(visit: OperatorDep, user_id: UUID) -> HTMLResponse:
    """Show what somebody is to the installation, and offer to change it."""
    async with operating(visit) as session:
        account = await one(session, ACCOUNTS, user_id)
    if account is None:
        raise not_found("account")
    return console(
        visit,
        "admin/user.html",
        room=PATH,
        account=account,
        roles=[(role.value, role.value) for role in Role if role.value != account.role],
        expected=seen(account.role),
        key=new_key(),
    )
