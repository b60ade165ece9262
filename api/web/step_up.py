"""Step-up: a second factor, shown a short while ago, before money can move.

A page that is gated by `SteppedUpDep` leads to `/step-up` and back to itself. What somebody has
typed must not be lost by that: a POST that needs it first stores its draft, then calls
`require_step_up` with the page that shows the draft. Where there is nothing to store,
`step_up_then` says to which page a POST comes back.
"""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Depends, Query
from starlette.responses import Response

from api.telling import tell
from api.web import passkeys
from api.web.factor_desk import desk_of, note
from api.web.forms import Form, FormDep, Problems
from api.web.pages import redirect, render
from api.web.sessions import keep_session, rotate_session
from api.web.visits import Elsewhere, SignedInDep, Visit, back_to, safe_next
from api.web.words import span_of
from db.queries.factors import factors_of
from db.queries.web_sessions import get_session
from db.second_factors import CodeAnswer, CodeKind
from domain.factors import Factors, is_fresh

router = APIRouter(tags=["pages"], include_in_schema=False)
PATH = "/step-up"
# Long enough to fetch another telephone, short enough that nobody finds the session open.
RECOVERY_LASTS = timedelta(minutes=30)


def is_stepped_up(visit: Visit) -> bool:
    """Say whether a second factor was shown a short while ago, here, by who is signed in."""
    lasts = visit.services.settings.accounts.step_up
    return visit.visitor is not None and is_fresh(visit.me.stepped_up_at, visit.now, lasts)


def require_step_up(visit: Visit, back: str) -> None:
    """Go on if a second factor was shown a short while ago; else lead there, and then to `back`.

    `back` is a page, shown by GET, that has kept what was typed.

    Raises:
        Elsewhere: to the page that asks for a second factor.
    """
    if not is_stepped_up(visit):
        raise Elsewhere(back_to(PATH, back))


async def _stepped_up(visit: SignedInDep) -> Visit:
    """Come back to the same address: it must be one that a GET shows too."""
    gets = visit.request.method in {"GET", "HEAD"}
    require_step_up(visit, visit.here if gets else visit.request.url.path)
    return visit


SteppedUpDep = Annotated[Visit, Depends(_stepped_up)]


def step_up_then(page: str) -> Callable[[Visit], Awaitable[Visit]]:
    """Make a dependency for a POST whose page is at another address.

    `page` may hold the route's own parameters: `Depends(step_up_then("/bookings/{booking_id}"))`.
    """

    async def stepped_up(visit: SignedInDep) -> Visit:
        require_step_up(visit, page.format(**visit.request.path_params))
        return visit

    return stepped_up


@router.get(PATH)
async def show_step_up(
    visit: SignedInDep, wanted: Annotated[str | None, Query(alias="next", max_length=2000)] = None
) -> Response:
    """Ask for a second factor, or lead somebody who has none to their first."""
    onward = safe_next(wanted)
    if is_stepped_up(visit):
        return redirect(onward)
    async with visit.transaction() as session:
        factors = await factors_of(session, visit.user_id)
    return _ask(visit, factors, onward)


@router.post(PATH)
async def submit_step_up(visit: SignedInDep, form: FormDep) -> Response:
    """Take a code of the authenticator app, or a recovery code."""
    onward = safe_next(form.text("next"))
    recovering = form.flag("recovering")
    typed = form.text("recovery_code" if recovering else "code")
    async with visit.transaction() as session:
        factors = await factors_of(session, visit.user_id)
        if not factors.any:
            return _ask(visit, factors, onward)
        answer = await desk_of(visit).check_code(
            session,
            visit.user_id,
            typed,
            place=f"step-up:{visit.me.session_id}",
            now=visit.now,
        )
        token = None
        if answer.kind is CodeKind.TOTP:
            token = await rotate_session(
                session, visit.services, visit.me.session_id, stepped_up=True
            )
        elif answer.kind is CodeKind.RECOVERY:
            row = await get_session(session, visit.me.session_id)
            assert row is not None
            row.factors_open_until = visit.now + RECOVERY_LASTS
            left = factors.codes_left - 1
            await note(session, visit, "recovery_code_used", left=left)
    if token is not None:
        response: Response = redirect(onward)
        keep_session(response, visit.services, token)
        return response
    if answer.kind is CodeKind.RECOVERY:
        await tell(visit.services, visit.user_id)
        return redirect(
            back_to("/account/security", onward),
            say="Your recovery code was taken. For 30 minutes you can remove what you have lost"
            " and set up another; money moves only by that.",
        )
    return _ask(visit, factors, onward, _problems(visit, form, answer, recovering=recovering))


def _problems(visit: Visit, form: Form, answer: CodeAnswer, *, recovering: bool) -> Problems:
    problems = Problems()
    name = "recovery_code" if recovering else "code"
    if answer.not_before is not None:
        wait = span_of(int((answer.not_before - visit.now).total_seconds()) + 1)
        problems.add(name, f"Too many wrong codes. Wait {wait}, then try again.")
    elif not form.text(name):
        problems.add(name, "Enter the code.")
    elif recovering:
        problems.add(name, "This is not one of your recovery codes, or it was used before.")
    else:
        problems.add(
            name,
            "This code is wrong, or it was used before. Wait for the next one in your app; if none"
            " works, check that the clock of your device is right.",
        )
    return problems


def _ask(visit: Visit, factors: Factors, onward: str, problems: Problems | None = None) -> Response:
    if not factors.any:
        return render(visit, "step_up/first.html", next=onward)
    status = 200
    if problems:
        status = 429 if "Too many" in " ".join(problems.fields.values()) else 422
    return render(
        visit,
        "step_up/ask.html",
        status=status,
        factors=factors,
        next=onward,
        problems=problems,
        minutes=visit.services.settings.accounts.step_up_minutes,
        passkeys_work=passkeys.relying_party(visit.services.settings) is not None,
    )
