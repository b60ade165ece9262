"""Who may change second factors: whoever has just shown one, or a recovery code.

Who has none yet shows their password again, unless they have just signed in: somebody who finds a
browser open must not make the first factor theirs.
"""

from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Depends, Query
from starlette.responses import Response

from api.throttle import Try, take
from api.web.forms import FormDep, Problems
from api.web.pages import redirect, render
from api.web.signing_in import RECOVERY_LASTS
from api.web.step_up import is_stepped_up
from api.web.tries import too_many, wait_until
from api.web.visits import Elsewhere, KnownDep, Visit, back_to, safe_next
from db.queries.factors import factors_of
from db.queries.users import get_user
from db.queries.web_sessions import get_session
from domain.factors import is_fresh
from domain.passwords import LONGEST, normalised
from domain.throttling import Limit

router = APIRouter(tags=["pages"], include_in_schema=False)
PATH = "/account/security"
PASSWORD = "/account/security/password"  # noqa: S105 - an address
Next = Annotated[str | None, Query(alias="next", max_length=2000)]
_TRIES = Limit(5, timedelta(minutes=1))


async def _changing(visit: KnownDep) -> Visit:
    if await _may_change(visit):
        return visit
    back = with_next(PATH, onward_of(visit.request.query_params.get("next")))
    raise Elsewhere(back_to("/step-up" if await _has_factors(visit) else PASSWORD, back))


ChangingDep = Annotated[Visit, Depends(_changing)]


async def _may_change(visit: Visit) -> bool:
    if is_stepped_up(visit):
        return True
    async with visit.transaction() as session:
        row = await get_session(session, visit.me.session_id)
        factors = await factors_of(session, visit.user_id)
    if row is None:
        return False
    if row.factors_open_until is not None and visit.now < row.factors_open_until:
        return True
    lasts = visit.services.settings.accounts.step_up
    return not factors.any and is_fresh(row.created_at, visit.now, lasts)


async def _has_factors(visit: Visit) -> bool:
    async with visit.transaction() as session:
        return (await factors_of(session, visit.user_id)).any


@router.get(PASSWORD)
async def show_password(visit: KnownDep, wanted: Next = None) -> Response:
    """Ask for the password again."""
    onward = onward_of(wanted) or PATH
    if await _may_change(visit):
        return redirect(onward)
    if await _has_factors(visit):
        return redirect(back_to("/step-up", onward))
    return await _page(visit, onward)


@router.post(PASSWORD)
async def submit_password(visit: KnownDep, form: FormDep) -> Response:
    """Let a first factor be set up by who knows the password."""
    onward = onward_of(form.text("next")) or PATH
    if await _may_change(visit):
        return redirect(onward)
    if await _has_factors(visit):
        return redirect(back_to("/step-up", onward))
    problems = Problems()
    if again := await take(
        visit.services, [Try(_TRIES, ("password-again", str(visit.me.session_id)))]
    ):
        problems.general.append(too_many(again, visit.now))
        page = await _page(visit, onward, problems, status=429)
        return wait_until(page, again, visit.now)
    async with visit.transaction() as session:
        user = await get_user(session, visit.user_id)
    typed = normalised(form.secret("password")[: LONGEST + 1])
    known = user.password_hash if user is not None else None
    if not (await visit.services.passwords.check(known, typed)).right:
        problems.add("password", "This is not the password of your account.")
        return await _page(visit, onward, problems, status=422)
    async with visit.transaction() as session:
        row = await get_session(session, visit.me.session_id)
        if row is not None:
            row.factors_open_until = visit.now + RECOVERY_LASTS
    return redirect(onward)


async def _page(
    visit: Visit, onward: str, problems: Problems | None = None, *, status: int = 200
) -> Response:
    async with visit.transaction() as session:
        user = await get_user(session, visit.user_id)
    return render(
        visit,
        "security/password.html",
        status=status,
        problems=problems,
        next=onward,
        has_password=user is not None and user.password_hash is not None,
        nav="account",
    )


def onward_of(wanted: str | None) -> str | None:
    """Return where somebody was on their way to, if they were."""
    return safe_next(wanted, default="") or None


def with_next(path: str, onward: str | None) -> str:
    return back_to(path, onward) if onward else path
