"""The second factor at the door: a code, a recovery code or a passkey; and a passkey alone.

Who has lost all of them gets in after a reset of the password only: the mailed link is then the
other factor, and no new consent can be given for a day.
"""

import json
from datetime import datetime

from fastapi import APIRouter
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.responses import JSONResponse, Response

from api.errors import ApiProblem
from api.telling import tell
from api.throttle import passkey_tries, take
from api.web import passkeys
from api.web.code_words import code_problems, status_of
from api.web.devices import known_device
from api.web.factor_desk import ask_passkey, desk_of, note
from api.web.forms import Form, FormDep, Problems
from api.web.pages import redirect, render
from api.web.passkeys import PasskeyRefused, Purpose, Question
from api.web.signing_in import (
    SECOND_FACTOR_PAGE,
    Pending,
    finish_pending,
    finish_sign_in,
    pending_of,
)
from api.web.tries import too_many
from api.web.visits import Visit, VisitDep, safe_next
from db.models.user import Role
from db.queries.factors import factors_of
from db.queries.users import get_user
from db.second_factors import CodeAnswer, CodeKind, forget_factors
from domain.accounts import CONSENT_PAUSE
from domain.factors import FREE_TRIES, Factors

router = APIRouter(tags=["pages"], include_in_schema=False)
_OVER = "That took too long. Sign in again; nothing was changed."
_KEPT = (
    "An account with a role keeps its second factors: mail alone does not open it. Two admins, or"
    " whoever owns the machine, take the role away first. Nothing was changed."
)


@router.get(SECOND_FACTOR_PAGE)
async def show_second_factor(visit: VisitDep) -> Response:
    pending = await pending_of(visit)
    if pending is None:
        return redirect("/sign-in", say=_OVER)
    return await _page(visit, pending)


@router.post(SECOND_FACTOR_PAGE)
async def submit_second_factor(visit: VisitDep, form: FormDep) -> Response:
    """Take a code, a recovery code or a passkey's answer, and begin the session."""
    pending = await pending_of(visit)
    if pending is None:
        return redirect("/sign-in", say=_OVER)
    if answer := form.text("passkey"):
        return await _by_passkey(visit, pending, answer)
    return await _by_code(visit, pending, form)


@router.post(f"{SECOND_FACTOR_PAGE}/passkey")
async def ask_for_passkey(visit: VisitDep, _form: FormDep) -> Response:
    """Put a question to the person's passkeys, for the script of the page."""
    pending = await pending_of(visit)
    if pending is None:
        return redirect("/sign-in", say=_OVER)
    question = Question(Purpose.SIGN_IN, pending.pending_id)
    async with visit.services.database.transaction(pending.user_id) as session:
        return await ask_passkey(session, visit, pending.user_id, question)


@router.post(f"{SECOND_FACTOR_PAGE}/lost")
async def submit_lost(visit: VisitDep, _form: FormDep) -> Response:
    """Take all second factors away from somebody whose mailbox has just proved them."""
    pending = await pending_of(visit)
    if pending is None:
        return redirect("/sign-in", say=_OVER)
    now = visit.now
    async with visit.services.database.transaction(pending.user_id) as session:
        user = await get_user(session, pending.user_id)
        if user is not None and user.role is not Role.TRAVELLER:
            # Whoever reads an operator's mail must not become one.
            raise ApiProblem(403, "has_a_role", _KEPT)
        if user is None or not _just_reset(user.consent_blocked_until, now):
            raise ApiProblem(
                403,
                "reset_needed",
                "Choose a new password by the link in our mail first; within a day after that your"
                " second factors can be taken away here. Nothing was changed.",
            )
        user.consent_blocked_until = now + CONSENT_PAUSE
        await forget_factors(session, pending.user_id, now)
        await note(session, pending.user_id, now, "factor_removed", factor="all")
    await tell(visit.services, pending.user_id)
    response = await finish_pending(visit, pending, stepped_up=False)
    return response or redirect("/sign-in", say=_OVER)


@router.post("/sign-in/passkey/options")
async def ask_any_passkey(visit: VisitDep, _form: FormDep) -> Response:
    """Put a question to any passkey of ours that this browser has."""
    if again := await take(visit.services, passkey_tries(visit.request)):
        raise ApiProblem(429, "too_many", too_many(again, visit.now))
    return JSONResponse(json.loads(await passkeys.begin_sign_in(visit.services, visit.cookie)))


@router.post("/sign-in/passkey")
async def submit_passkey(visit: VisitDep, form: FormDep) -> Response:
    """Sign in whose passkey answered: it is something that one has and a proof of who uses it."""
    onward = safe_next(form.text("next"))
    try:
        found = await passkeys.finish_sign_in(visit.services, visit.cookie, form.text("passkey"))
    except PasskeyRefused as refusal:
        problems = Problems(general=[str(refusal)])
        return render(
            visit,
            "accounts/sign_in.html",
            status=422,
            nav="sign-in",
            email="",
            then=onward,
            problems=problems,
        )
    return await finish_sign_in(visit, found.user_id, leads_to=onward, stepped_up=True)


async def _by_passkey(visit: Visit, pending: Pending, answer: str) -> Response:
    question, refusal = Question(Purpose.SIGN_IN, pending.pending_id), None
    async with visit.services.database.transaction(pending.user_id) as session:
        try:
            await passkeys.finish_assertion(
                session, visit.services, pending.user_id, question, answer=answer
            )
        except PasskeyRefused as error:
            refusal = error
    if refusal is not None:
        return await _page(visit, pending, Problems(general=[str(refusal)]), status=422)
    return await finish_pending(visit, pending) or redirect("/sign-in", say=_OVER)


async def _by_code(visit: Visit, pending: Pending, form: Form) -> Response:
    recovering = form.flag("recovering")
    async with visit.services.database.transaction(pending.user_id) as session:
        answer = await _checked(session, visit, pending, form, recovering=recovering)
    if answer.kind is None:
        if answer.failures == FREE_TRIES and answer.not_before is None:
            await tell(visit.services, pending.user_id)
        problems = code_problems(form, answer, visit.now, recovering=recovering)
        return await _page(visit, pending, problems, status=status_of(answer))
    recovered = answer.kind is CodeKind.RECOVERY
    if recovered:
        await tell(visit.services, pending.user_id)
    response = await finish_pending(visit, pending, stepped_up=not recovered)
    return response or redirect("/sign-in", say=_OVER)


async def _checked(
    session: AsyncSession, visit: Visit, pending: Pending, form: Form, *, recovering: bool
) -> CodeAnswer:
    user = await get_user(session, pending.user_id)
    assert user is not None
    # Who knows the password and guesses codes slows down other strangers, not the owner's browser.
    device = known_device(visit.request, visit.services, user.email_hmac or "")
    answer = await desk_of(visit).check_code(
        session,
        pending.user_id,
        form.text("recovery_code" if recovering else "code"),
        place=f"sign-in:{device or 'strangers'}",
        now=visit.now,
    )
    if answer.kind is CodeKind.RECOVERY:
        left = (await factors_of(session, pending.user_id)).codes_left
        await note(session, pending.user_id, visit.now, "recovery_code_used", left=left)
    elif answer.failures == FREE_TRIES and answer.not_before is None:
        await note(session, pending.user_id, visit.now, "codes_guessed")
    return answer


async def _page(
    visit: Visit, pending: Pending, problems: Problems | None = None, *, status: int = 200
) -> Response:
    async with visit.services.database.transaction(pending.user_id) as session:
        factors: Factors = await factors_of(session, pending.user_id)
        user = await get_user(session, pending.user_id)
    blocked_until = user.consent_blocked_until if user is not None else None
    return render(
        visit,
        "accounts/second_factor.html",
        status=status,
        nav="sign-in",
        factors=factors,
        problems=problems,
        just_reset=_just_reset(blocked_until, visit.now),
        has_role=user is not None and user.role is not Role.TRAVELLER,
    )


def _just_reset(blocked_until: datetime | None, now: datetime) -> bool:
    return blocked_until is not None and now < blocked_until
