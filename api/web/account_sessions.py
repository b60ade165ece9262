"""Browsers that are signed in to an account: seen, ended, kept open."""

from uuid import UUID

from fastapi import APIRouter
from starlette.responses import JSONResponse, Response

from api.errors import not_found
from api.web.forms import FormDep
from api.web.pages import redirect, render
from api.web.sign_in import signed_out
from api.web.views.accounts import session_views
from api.web.visits import SignedInDep
from api.web.words import plural
from db.queries.web_sessions import list_sessions, revoke_session, revoke_sessions

router = APIRouter(prefix="/account/sessions", tags=["pages"], include_in_schema=False)


@router.get("")
async def show_sessions(visit: SignedInDep) -> Response:
    async with visit.transaction() as session:
        rows = await list_sessions(session, visit.user_id)
    limits = visit.services.settings.accounts
    return render(
        visit,
        "accounts/sessions.html",
        nav="account",
        sessions=session_views(rows, here=visit.me.session_id, idle=limits.idle, now=visit.now),
        limits=limits,
    )


@router.post("/end-others")
async def submit_end_others(visit: SignedInDep, form: FormDep) -> Response:
    """End every session but this one."""
    del form
    async with visit.transaction() as session:
        ended = await revoke_sessions(session, visit.user_id, visit.now, but=visit.me.session_id)
    say = f"{plural(ended, 'other browser')} signed out." if ended else "There was no other one."
    return redirect("/account/sessions", say=say)


@router.post("/extend")
async def submit_extend(visit: SignedInDep, form: FormDep) -> Response:
    """Say how long this session goes on; that it was asked for has kept it open."""
    del form
    left = visit.me.session_ends_at - visit.now
    return JSONResponse({"seconds_left": int(left.total_seconds())})


@router.post("/{session_id}/end")
async def submit_end(visit: SignedInDep, form: FormDep, session_id: UUID) -> Response:
    """End one session; another person's is answered like one that is not there."""
    del form
    async with visit.transaction() as session:
        ended = await revoke_session(session, visit.user_id, session_id, visit.now)
    if not ended:
        raise not_found("browser")
    if session_id == visit.me.session_id:
        return signed_out()
    return redirect("/account/sessions", say="That browser is signed out.")
