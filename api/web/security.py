"""The page of what an account is opened with besides its password, and how each is set up."""

import io
from collections.abc import Sequence

import segno
from fastapi import APIRouter
from markupsafe import Markup
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.responses import Response

from api.telling import tell
from api.web.factor_desk import desk_of, note
from api.web.forms import FormDep, Problems
from api.web.pages import redirect, render
from api.web.passkeys import passkey_names, relying_party
from api.web.security_gate import PATH, ChangingDep, Next, onward_of, with_next
from api.web.sessions import keep_session, rotate_session
from api.web.views.security import PasskeyShown
from api.web.visits import KnownDep, Visit
from db.queries.factors import delete_totp, factors_of, replace_recovery_codes
from db.queries.passkeys import list_passkeys
from db.queries.users import get_user
from domain.factors import grouped, provisioning_uri

router = APIRouter(tags=["pages"], include_in_schema=False)
_ISSUER = "Parker Flight"


@router.get(PATH)
async def show_security(visit: KnownDep, wanted: Next = None) -> Response:
    """Say what the account is opened with, and offer what is missing."""
    async with visit.transaction() as session:
        factors = await factors_of(session, visit.user_id)
        rows = await list_passkeys(session, visit.user_id)
        names = await passkey_names(session, visit.services, rows)
    return render(
        visit,
        "security/overview.html",
        factors=factors,
        passkeys=[PasskeyShown.of(row, name) for row, name in zip(rows, names, strict=True)],
        passkeys_work=relying_party(visit.services.settings) is not None,
        next=onward_of(wanted),
        nav="account",
    )


@router.post(f"{PATH}/app")
async def submit_app(visit: ChangingDep, form: FormDep) -> Response:
    """Begin with an authenticator app."""
    async with visit.transaction() as session:
        begun = await desk_of(visit).begin_app(session, visit.user_id, visit.now)
    if not begun:
        return redirect(PATH, say="You have an authenticator app already. Remove it first.")
    return redirect(with_next(f"{PATH}/app", onward_of(form.text("next"))))


@router.get(f"{PATH}/app")
async def show_app(visit: ChangingDep, wanted: Next = None) -> Response:
    """Show the QR code and ask for a first code."""
    return await _app_page(visit, onward_of(wanted))


@router.post(f"{PATH}/app/confirm")
async def submit_app_code(visit: ChangingDep, form: FormDep) -> Response:
    """Take the first code; show the recovery codes this once."""
    onward = onward_of(form.text("next"))
    async with visit.transaction() as session:
        confirmed = await desk_of(visit).confirm_app(
            session, visit.user_id, form.text("code"), visit.now
        )
        if not confirmed:
            pending = await desk_of(visit).pending_app(session, visit.user_id)
        else:
            left = (await factors_of(session, visit.user_id)).codes_left
            codes = (
                () if left else await desk_of(visit).new_codes(session, visit.user_id, visit.now)
            )
            await note(session, visit.user_id, visit.now, "factor_added", factor="totp")
            token = await rotate_session(
                session, visit.services, visit.me.session_id, stepped_up=True
            )
    if not confirmed and pending is None:
        return redirect(with_next(PATH, onward))
    if not confirmed:
        problems = Problems()
        problems.add(
            "code",
            "This is not the code that your app shows now. Check that the clock of your device is"
            " right, and enter the next one.",
        )
        return await _app_page(visit, onward, problems)
    await tell(visit.services, visit.user_id)
    response = (
        codes_page(visit, codes, onward, fresh=True)
        if codes
        else redirect(onward or PATH, say="Your authenticator app counts from now on.")
    )
    keep_session(response, visit.services, token)
    return response


@router.get(f"{PATH}/app/remove")
async def show_app_removal(visit: ChangingDep) -> Response:
    """Say what removing the app means, before it is done."""
    async with visit.transaction() as session:
        factors = await factors_of(session, visit.user_id)
    if not factors.totp:
        return redirect(PATH)
    return render(
        visit,
        "security/remove.html",
        what="your authenticator app",
        action=f"{PATH}/app/remove",
        last=factors.count == 1,
        nav="account",
    )


@router.post(f"{PATH}/app/remove")
async def submit_app_removal(visit: ChangingDep, _form: FormDep) -> Response:
    """Let codes of the app count no more."""
    async with visit.transaction() as session:
        removed = await delete_totp(session, visit.user_id)
        if removed:
            await factor_removed(session, visit, "totp")
    if removed:
        await tell(visit.services, visit.user_id)
    return redirect(PATH, say="Your authenticator app is removed; its codes open nothing any more.")


@router.post(f"{PATH}/recovery-codes")
async def submit_recovery_codes(visit: ChangingDep, form: FormDep) -> Response:
    """Make new recovery codes and show them this once; older ones open nothing any more."""
    async with visit.transaction() as session:
        factors = await factors_of(session, visit.user_id)
        if not factors.any:
            return redirect(PATH, say="Set up an authenticator app or a passkey first.")
        codes = await desk_of(visit).new_codes(session, visit.user_id, visit.now)
        await note(session, visit.user_id, visit.now, "factor_added", factor="recovery_codes")
    await tell(visit.services, visit.user_id)
    return codes_page(visit, codes, onward_of(form.text("next")))


async def factor_removed(session: AsyncSession, visit: Visit, factor: str) -> None:
    """Tell the owner; without a factor there is nothing that recovery codes could stand in for."""
    if not (await factors_of(session, visit.user_id)).any:
        await replace_recovery_codes(session, visit.user_id, (), visit.now)
    await note(session, visit.user_id, visit.now, "factor_removed", factor=factor)


def codes_page(
    visit: Visit, codes: Sequence[str], onward: str | None, *, fresh: bool = False
) -> Response:
    """Show recovery codes; this answer is the only place where they are."""
    return render(
        visit, "security/codes.html", codes=codes, next=onward, fresh=fresh, nav="account"
    )


async def _app_page(visit: Visit, onward: str | None, problems: Problems | None = None) -> Response:
    async with visit.transaction() as session:
        secret = await desk_of(visit).pending_app(session, visit.user_id)
        account = await account_address(session, visit)
    if secret is None:
        return redirect(with_next(PATH, onward))
    return render(
        visit,
        "security/app.html",
        status=422 if problems else 200,
        picture=_picture(provisioning_uri(secret, account, _ISSUER)),
        secret=grouped(secret),
        problems=problems,
        next=onward,
        nav="account",
    )


async def account_address(session: AsyncSession, visit: Visit) -> str:
    """Return the account's address, to be told apart by in an app or an authenticator."""
    user = await get_user(session, visit.user_id)
    assert user is not None
    return await visit.services.vault.open(
        session,
        visit.user_id,
        user.email_encrypted,
        table="users",
        column="email",
        row_id=visit.user_id,
    )


def _picture(uri: str) -> Markup:
    """Draw a QR code: dark on light in every colour scheme, or cameras do not read it."""
    out = io.BytesIO()
    segno.make(uri, error="m", micro=False).save(
        out, kind="svg", scale=4, border=4, dark="#000", light="#fff", xmldecl=False, svgns=False,
        svgclass=None, lineclass=None, omitsize=True,
    )  # fmt: skip
    return Markup(out.getvalue().decode())  # noqa: S704 - drawn by us, of squares alone
