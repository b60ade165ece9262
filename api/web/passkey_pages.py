"""A new passkey, and taking one away."""

import json
from uuid import UUID

from fastapi import APIRouter
from starlette.responses import JSONResponse, Response

from api.errors import ApiProblem, not_found
from api.telling import tell
from api.web.factor_desk import desk_of, note
from api.web.forms import FormDep, Problems
from api.web.pages import redirect, render
from api.web.passkeys import (
    PasskeyRefused,
    begin_registration,
    finish_registration,
    passkey_names,
    relying_party,
    seal_name,
)
from api.web.security import account_address, codes_page, factor_removed
from api.web.security_gate import PATH, ChangingDep, Next, onward_of
from api.web.sessions import device_of, keep_session, rotate_session
from api.web.visits import Visit
from db.queries.factors import factors_of
from db.queries.passkeys import delete_passkey, get_passkey

router = APIRouter(tags=["pages"], include_in_schema=False)
_HERE = f"{PATH}/passkeys"


@router.get(f"{_HERE}/new")
async def show_new_passkey(visit: ChangingDep, wanted: Next = None) -> Response:
    return _new_page(visit, onward_of(wanted), device_of(visit.request))


@router.post(f"{_HERE}/options")
async def ask_for_new_passkey(visit: ChangingDep, _form: FormDep) -> Response:
    """Tell the page's script what passkey to make."""
    async with visit.transaction() as session:
        account = await account_address(session, visit)
        try:
            asked = await begin_registration(
                session,
                visit.services,
                visit.user_id,
                subject=visit.me.session_id,
                account=account,
            )
        except PasskeyRefused as refusal:
            raise ApiProblem(409, "no_passkeys", str(refusal)) from refusal
    return JSONResponse(json.loads(asked))


@router.post(_HERE)
async def submit_new_passkey(visit: ChangingDep, form: FormDep) -> Response:
    """Keep the passkey that the browser made."""
    onward, refusal, token = onward_of(form.text("next")), None, ""
    codes: tuple[str, ...] = ()
    async with visit.transaction() as session:
        try:
            await finish_registration(
                session,
                visit.services,
                visit.user_id,
                subject=visit.me.session_id,
                answer=form.text("passkey"),
                name=form.text("name"),
            )
        except PasskeyRefused as error:
            refusal = str(error)
        else:
            if not (await factors_of(session, visit.user_id)).codes_left:
                codes = await desk_of(visit).new_codes(session, visit.user_id, visit.now)
            await note(session, visit.user_id, visit.now, "factor_added", factor="passkey")
            token = await rotate_session(
                session, visit.services, visit.me.session_id, stepped_up=True
            )
    if refusal is not None:
        return _new_page(visit, onward, form.text("name"), Problems(general=[refusal]))
    await tell(visit.services, visit.user_id)
    said = "Your passkey is kept. You can sign in with it alone."
    response = (
        codes_page(visit, codes, onward, fresh=True)
        if codes
        else redirect(onward or PATH, say=said)
    )
    keep_session(response, visit.services, token)
    return response


@router.post(_HERE + "/{passkey_id}/name")
async def submit_passkey_name(visit: ChangingDep, passkey_id: UUID, form: FormDep) -> Response:
    """Call a passkey something else; it opens what it opened."""
    async with visit.transaction() as session:
        row = await get_passkey(session, visit.user_id, passkey_id)
        if row is None:
            raise not_found("passkey")
        row.name_encrypted = await seal_name(
            session, visit.services, visit.user_id, row.id, form.text("name")
        )
        (name,) = await passkey_names(session, visit.services, [row])
    return redirect(PATH, say=f"The passkey is called “{name}” now.")


@router.get(_HERE + "/{passkey_id}/remove")
async def show_passkey_removal(visit: ChangingDep, passkey_id: UUID) -> Response:
    """Say what removing this passkey means, before it is done."""
    async with visit.transaction() as session:
        row = await get_passkey(session, visit.user_id, passkey_id)
        if row is None:
            raise not_found("passkey")
        (name,) = await passkey_names(session, visit.services, [row])
        factors = await factors_of(session, visit.user_id)
    return render(
        visit,
        "security/remove.html",
        what=f"the passkey “{name}”",
        action=f"{_HERE}/{passkey_id}/remove",
        last=factors.count == 1,
        nav="account",
    )


@router.post(_HERE + "/{passkey_id}/remove")
async def submit_passkey_removal(visit: ChangingDep, passkey_id: UUID, _form: FormDep) -> Response:
    """Let the passkey open nothing any more."""
    async with visit.transaction() as session:
        if not await delete_passkey(session, visit.user_id, passkey_id):
            raise not_found("passkey")
        await factor_removed(session, visit, "passkey")
    await tell(visit.services, visit.user_id)
    return redirect(
        PATH, say="The passkey is removed and opens nothing any more. Delete it on your device too."
    )


def _new_page(
    visit: Visit, onward: str | None, name: str, problems: Problems | None = None
) -> Response:
    return render(
        visit,
        "security/passkey.html",
        status=422 if problems else 200,
        problems=problems,
        name=name,
        next=onward,
        passkeys_work=relying_party(visit.services.settings) is not None,
        base_url=visit.services.settings.base_url,
        nav="account",
    )
