"""Who enters the console: an operator who signed in with a second factor, as far as a role goes."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any

from fastapi import Depends
from fastapi.responses import HTMLResponse
from sqlalchemy.ext.asyncio import AsyncSession

from api.access import CONSOLE, console_opens
from api.errors import ApiProblem, unavailable
from api.web.pages import render
from api.web.step_up import require_step_up
from api.web.visits import STEP_UP, Elsewhere, KnownDep, Visit, back_to
from db.models.user import Role
from db.session import Database, SystemActor

_ACTOR = SystemActor("console")
ROOMS = (
    ("GET /admin", "Health"),
    ("GET /admin/tasks", "Tasks"),
    ("GET /admin/bookings", "Bookings"),
    ("GET /admin/attempts", "Attempts"),
    ("GET /admin/refunds", "Refunds"),
    ("GET /admin/decisions", "Decisions"),
    ("GET /admin/campaigns", "Campaigns"),
    ("GET /admin/people", "People"),
    ("GET /admin/notices", "Notices"),
    ("GET /admin/webhooks", "Webhooks"),
    ("GET /admin/deliveries", "Deliveries"),
    ("GET /admin/providers", "Providers"),
    ("GET /admin/users", "Operators"),
    ("GET /admin/policy", "Policy"),
    ("GET /admin/retention", "Retention"),
    ("GET /admin/audit", "Audit"),
)


async def _operator(visit: KnownDep) -> Visit:
    method = "GET" if visit.request.method == "HEAD" else visit.request.method
    route = f"{method} {visit.request.scope['route'].path}"
    if visit.me.role is Role.TRAVELLER:
        raise ApiProblem(404, "not_found", "There is nothing at this address.")
    if not console_opens(visit.me.role, route):
        raise ApiProblem(
            403, "another_role", f"The role {visit.me.role} does not open this page of the console."
        )
    page = _page_of(visit, method)
    if visit.me.stepped_up_at is None:
        # Signed in without one: a password alone opens nothing of other people's.
        raise Elsewhere(back_to(STEP_UP, page))
    if method != "GET":
        require_step_up(visit, page)
    return visit


OperatorDep = Annotated[Visit, Depends(_operator)]


def _page_of(visit: Visit, method: str) -> str:
    """Return the page that somebody is at, to come back to: what is sent has none of its own."""
    if method == "GET":
        return visit.here
    asked, route = visit.request.url.path, visit.request.scope["route"].path
    while f"GET {route}" not in CONSOLE:
        asked, route = asked.rpartition("/")[0], route.rpartition("/")[0]
    return asked


def ledgers(visit: Visit) -> Database:
    """Return the console's way to the database, or say that there is none here."""
    if visit.services.operators is None:
        raise unavailable("This process has no login for operators, so there is no console here.")
    return visit.services.operators


@asynccontextmanager
async def operating(visit: Visit) -> AsyncIterator[AsyncSession]:
    """Open a transaction that sees what operators list, and no person's own."""
    async with ledgers(visit).transaction(_ACTOR) as session:
        yield session


def may(visit: Visit, route: str) -> bool:
    """Say whether a link to this is shown."""
    return console_opens(visit.me.role, route)


def console(visit: Visit, template: str, *, status: int = 200, **values: Any) -> HTMLResponse:
    """Render a page of the console."""
    rooms = [(route.removeprefix("GET "), word) for route, word in ROOMS if may(visit, route)]
    return render(
        visit,
        template,
        status=status,
        rooms=rooms,
        may=lambda route: may(visit, route),
        now=visit.now,
        **values,
    )
