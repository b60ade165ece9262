"""Showing that an address is one's own: the account's, or one that shall take its place."""

from fastapi import APIRouter
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.responses import Response

from api.telling import tell
from api.throttle import confirm_tries, mail_tries, take
from api.web.forms import FormDep, Problems
from api.web.mailed_links import (
    Followed,
    address_of,
    dead_link,
    follow,
    slowed,
    use_link,
)
from api.web.pages import redirect, render
from api.web.sessions import keep_session, rotate_session
from api.web.signing_in import let_in
from api.web.tries import too_many, wait_until
from api.web.visits import SignedInDep, Visit, VisitDep, safe_next
from db.errors import EmailTaken
from db.queries.account_links import void_links
from db.queries.users import claim_address, get_user
from domain.accounts import LinkPurpose
from domain.passwords import LONGEST, normalised
from runtime.settings import ProviderMode
from runtime.tokens import email_hash

router = APIRouter(tags=["pages"], include_in_schema=False)
_DASHBOARD = "/auto-booking/dashboard"


@router.get("/account/confirm")
async def show_waiting(visit: SignedInDep) -> Response:
    """Say that a link waits in the inbox, and what can be done meanwhile."""
    leads_to = safe_next(visit.request.query_params.get("next"), default=_DASHBOARD)
    if visit.me.email_confirmed:
        return redirect(leads_to)
    settings = visit.services.settings
    sandbox = settings.provider_mode("smtp") is ProviderMode.SANDBOX
    return render(
        visit,
        "accounts/waiting.html",
        nav="account",
        address=await _own_address(visit),
        then=leads_to,
        inbox=f"{settings.sandbox_base_url}/mail" if sandbox else None,
    )


@router.post("/account/confirm")
async def submit_waiting(visit: SignedInDep, form: FormDep) -> Response:
    """Send the link once more."""
    here = "/account/confirm"
    del form
    if visit.me.email_confirmed:
        return redirect(_DASHBOARD)
    services, address = visit.services, await _own_address(visit)
    hashed = email_hash(services.settings.api_key_pepper, address)
    if again := await take(services, mail_tries("confirm", hashed)):
        return redirect(here, say=too_many(again, visit.now) + " The links sent before are good.")
    async with visit.transaction() as session:
        await services.account_mail.confirm_address(session, visit.user_id, address, visit.now)
    await tell(services, visit.user_id)
    return redirect(here, say="The mail is on its way.")


async def _own_address(visit: Visit) -> str:
    async with visit.transaction() as session:
        user = await get_user(session, visit.user_id)
        assert user is not None
        return await address_of(session, visit, user)


@router.get("/confirm/{token}")
async def show_confirm(visit: VisitDep, token: str) -> Response:
    followed = await follow(visit, token, LinkPurpose.CONFIRM)
    return _page(visit, token, followed) if followed else dead_link(visit)


@router.post("/confirm/{token}")
async def submit_confirm(visit: VisitDep, form: FormDep, token: str) -> Response:
    """Let the address be the account's, if whoever acts is its owner."""
    if (wait := await slowed(visit)) is not None:
        return wait
    followed = await follow(visit, token, LinkPurpose.CONFIRM)
    if followed is None:
        return dead_link(visit)
    if _wants_password(visit, followed):
        problems = await _wrong(visit, followed, form.secret("password"))
        if isinstance(problems, Response):
            return problems
        if problems:
            return _page(visit, token, followed, problems, status=422)
    try:
        confirmed = await _confirm(visit, followed)
    except EmailTaken:
        return render(visit, "accounts/taken.html", status=409, nav="account")
    if confirmed is None:
        return dead_link(visit)
    await tell(visit.services, followed.user_id)
    return await _lead_on(visit, followed)


async def _wrong(visit: Visit, followed: Followed, password: str) -> Problems | Response | None:
    """Say what is wrong with the password of the account; None if it is right."""
    services, problems = visit.services, Problems()
    tries = confirm_tries(visit.request, followed.user_id)
    if again := await take(services, tries):
        problems.general.append(too_many(again, visit.now))
        page = _page(visit, str(visit.request.path_params["token"]), followed, problems, status=429)
        return wait_until(page, again, visit.now)
    async with services.database.transaction(followed.user_id) as session:
        user = await get_user(session, followed.user_id)
        known = user.password_hash if user else None
    if (await services.passwords.check(known, normalised(password[: LONGEST + 1]))).right:
        return None
    problems.add("password", "This is not the password of the account that was opened.")
    return problems


async def _confirm(visit: Visit, followed: Followed) -> str | None:
    """Claim the address and return it; None if the link was used meanwhile.

    Raises:
        EmailTaken: another account has confirmed it.
    """
    services, user_id, now = visit.services, followed.user_id, visit.now
    address = followed.link_address or followed.account_address
    async with services.database.transaction(user_id) as session:
        if await use_link(session, followed.ids, now) is None:
            return None
        await _claim(session, visit, followed, address)
        await void_links(session, user_id, LinkPurpose.CONFIRM, now)
        if followed.link_address is not None:
            await services.account_mail.tell_address(
                session, user_id, "email_changed", followed.account_address, now
            )
    return address


async def _claim(session: AsyncSession, visit: Visit, followed: Followed, address: str) -> None:
    services, user_id = visit.services, followed.user_id
    user = await get_user(session, user_id)
    assert user is not None
    sealed = await services.vault.seal(
        session, user_id, address, table="users", column="email", row_id=user_id
    )
    hashed = email_hash(services.settings.api_key_pepper, address)
    await claim_address(session, user, email_encrypted=sealed, email_hmac=hashed, now=visit.now)


async def _lead_on(visit: Visit, followed: Followed) -> Response:
    changed = followed.link_address is not None
    say = "Your new address is confirmed." if changed else "Your address is confirmed."
    if visit.visitor is not None and visit.user_id == followed.user_id:
        async with visit.transaction() as session:
            token = await rotate_session(session, visit.services, visit.me.session_id)
        response = redirect("/account" if changed else _DASHBOARD, say=say)
        keep_session(response, visit.services, token)
        return response
    if changed:
        return redirect("/sign-in", say=say)
    return await let_in(visit, followed.user_id, leads_to=_DASHBOARD, say=say)


def _wants_password(visit: Visit, followed: Followed) -> bool:
    """Say whether the reader must show that the account is theirs too.

    A link alone proves the inbox. Somebody else may have opened the account for it, and would have
    its password: whoever reads the mail must not make that account good.
    """
    if followed.link_address is not None:
        return False  # asked for from within the account, with its password
    return visit.visitor is None or visit.user_id != followed.user_id


def _page(
    visit: Visit,
    token: str,
    followed: Followed,
    problems: Problems | None = None,
    *,
    status: int = 200,
) -> Response:
    return render(
        visit,
        "accounts/confirm.html",
        status=status,
        nav="account" if visit.visitor else "sign-in",
        action=f"/confirm/{token}",
        address=followed.link_address or followed.account_address,
        changes=followed.link_address is not None,
        asks=_wants_password(visit, followed),
        has_password=followed.has_password,
        problems=problems,
    )
