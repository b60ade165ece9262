"""Step-up: a second factor, shown a short while ago, before money can move.

A page that is gated by `SteppedUpDep` leads to `/step-up` and back to itself. What somebody has
typed must not be lost by that: a POST that needs it first stores its draft, then calls
`require_step_up` with the page that shows the draft. Where there is nothing to store,
`step_up_then` says to which page a POST comes back.
"""

from collections.abc import Awaitable, Callable
from typing import Annotated

from fastapi import APIRouter, Depends, Query
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.responses import Response

from api.telling import tell
from api.web.code_words import code_problems, status_of
from api.web.factor_desk import ask_passkey, desk_of, note
from api.web.forms import Form, FormDep, Problems
from api.web.pages import redirect, render
from api.web.passkeys import (
    PasskeyRefused,
    Purpose,
    Question,
    finish_assertion,
    relying_party,
)
from api.web.sessions import keep_session, rotate_session
from api.web.signing_in import RECOVERY_LASTS
from api.web.visits import STEP_UP, Elsewhere, KnownDep, Visit, back_to, safe_next
from db.queries.factors import factors_of
from db.queries.web_sessions import get_session
from db.second_factors import CodeKind
from domain.factors import Factors, is_fresh

router = APIRouter(tags=["pages"], include_in_schema=False)
PATH = STEP_UP


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


async def _stepped_up(visit: KnownDep) -> Visit:
    """Come back to the same address: it must be one that a GET shows too."""
    gets = visit.request.method in {"GET", "HEAD"}
    require_step_up(visit, visit.here if gets else visit.request.url.path)
    return visit


SteppedUpDep = Annotated[Visit, Depends(_stepped_up)]


def step_up_then(page: str) -> Callable[[Visit], Awaitable[Visit]]:
    """Make a dependency for a POST whose page is at another address.

    `page` may hold the route's own parameters: `Depends(step_up_then("/bookings/{booking_id}"))`.
    """

    async def stepped_up(visit: KnownDep) -> Visit:
        require_step_up(visit, page.format(**visit.request.path_params))
        return visit

    return stepped_up


@router.get(PATH)
async def show_step_up(
    visit: KnownDep, wanted: Annotated[str | None, Query(alias="next", max_length=2000)] = None
) -> Response:
    """Ask for a second factor, or lead somebody who has none to their first."""
    onward = safe_next(wanted)
    if is_stepped_up(visit):
        return redirect(onward)
    async with visit.transaction() as session:
        factors = await factors_of(session, visit.user_id)
    return _ask(visit, factors, onward)


@router.post(PATH)
async def submit_step_up(visit: KnownDep, form: FormDep) -> Response:
    """Take a passkey's answer, a code of the authenticator app, or a recovery code."""
    onward = safe_next(form.text("next"))
    if answer := form.text("passkey"):
        return await _by_passkey(visit, onward, answer)
    return await _by_code(visit, onward, form)


@router.post(f"{PATH}/passkey")
async def ask_for_passkey(visit: KnownDep, _form: FormDep) -> Response:
    """Put a question to the person's passkeys, for the script of the page."""
    question = Question(Purpose.STEP_UP, visit.me.session_id)
    async with visit.transaction() as session:
        return await ask_passkey(session, visit, visit.user_id, question)


async def _by_passkey(visit: Visit, onward: str, answer: str) -> Response:
    question, token = Question(Purpose.STEP_UP, visit.me.session_id), None
    problems = Problems()
    async with visit.transaction() as session:
        factors = await factors_of(session, visit.user_id)
        try:
            await finish_assertion(session, visit.services, visit.user_id, question, answer=answer)
            token = await _stepped_up_now(session, visit)
        except PasskeyRefused as refusal:
            problems.general.append(str(refusal))
    if token is None:
        return _ask(visit, factors, onward, problems, status=422)
    return _onward(visit, onward, token)


async def _stepped_up_now(session: AsyncSession, visit: Visit) -> str:
    return await rotate_session(session, visit.services, visit.me.session_id, stepped_up=True)


def _onward(visit: Visit, onward: str, token: str) -> Response:
    response = redirect(onward)
    keep_session(response, visit.services, token)
    return response


async def _by_code(visit: Visit, onward: str, form: Form) -> Response:
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
            token = await _stepped_up_now(session, visit)
        elif answer.kind is CodeKind.RECOVERY:
            row = await get_session(session, visit.me.session_id)
            assert row is not None
            row.factors_open_until = visit.now + RECOVERY_LASTS
            left = factors.codes_left - 1
            await note(session, visit.user_id, visit.now, "recovery_code_used", left=left)
    if token is not None:
        return _onward(visit, onward, token)
    if answer.kind is CodeKind.RECOVERY:
        await tell(visit.services, visit.user_id)
        return redirect(
            back_to("/account/security", onward),
            say="Your recovery code was taken. For 30 minutes you can remove what you have lost"
            " and set up another; money moves only by that.",
        )
    problems = code_problems(form, answer, visit.now, recovering=recovering)
    return _ask(visit, factors, onward, problems, status=status_of(answer))


def _ask(
    visit: Visit,
    factors: Factors,
    onward: str,
    problems: Problems | None = None,
    *,
    status: int = 200,
) -> Response:
    if not factors.any:
        works = relying_party(visit.services.settings) is not None
        return render(visit, "step_up/first.html", next=onward, passkeys_work=works)
    return render(
        visit,
        "step_up/ask.html",
        status=status,
        factors=factors,
        next=onward,
        problems=problems,
        minutes=visit.services.settings.accounts.step_up_minutes,
    )
