"""The account: at a glance, its password, its address."""

from datetime import datetime

from fastapi import APIRouter
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.responses import Response

from api.telling import tell
from api.throttle import mail_tries, own_password_tries, take
from api.web.forms import Form, FormDep, Problems
from api.web.mailed_links import address_of
from api.web.pages import redirect, render
from api.web.sessions import keep_session, rotate_session
from api.web.step_up import require_step_up
from api.web.tries import too_many, wait_until
from api.web.views.accounts import account_view, session_views
from api.web.visits import SignedInDep, Visit
from db.models.user import UserRow
from db.queries.account_links import void_links
from db.queries.factors import factors_of
from db.queries.pending_sign_ins import delete_pending
from db.queries.users import get_user
from db.queries.web_sessions import list_sessions, revoke_sessions
from domain.accounts import NO_ADDRESS, LinkPurpose, clean_address
from domain.passwords import LONGEST, SHORTEST, normalised, password_problem
from runtime.tokens import email_hash

router = APIRouter(tags=["pages"], include_in_schema=False)
ADDRESS = "/account/email"


@router.get("/account")
async def show_account(visit: SignedInDep) -> Response:
    async with visit.transaction() as session:
        user = await _me(session, visit)
        rows = await list_sessions(session, visit.user_id)
        factors = await factors_of(session, visit.user_id)
        address = await address_of(session, visit, user)
    limits = visit.services.settings.accounts
    live = session_views(rows, here=visit.me.session_id, idle=limits.idle, now=visit.now)
    view = account_view(
        user, address=address, browsers=len(live), second_factors=factors.count, now=visit.now
    )
    return render(visit, "accounts/overview.html", nav="account", account=view)


@router.get("/account/password")
async def show_password(visit: SignedInDep) -> Response:
    return await _password_page(visit)


@router.post("/account/password")
async def submit_password(visit: SignedInDep, form: FormDep) -> Response:
    """Change the password; every other browser is signed out."""
    problems, password = Problems(), form.secret("password")
    async with visit.transaction() as session:
        user = await _me(session, visit)
        address = await address_of(session, visit, user)
    if user.password_hash is None:
        # Whoever finds the browser open must not give the account a password: the inbox does.
        return redirect("/forgot")
    if sentence := password_problem(password, email=address):
        problems.add("password", sentence)
        return await _password_page(visit, problems, status=422)
    if again := await _check_own(visit, user, form, problems):
        return wait_until(await _password_page(visit, problems, status=429), again, visit.now)
    if problems:
        return await _password_page(visit, problems, status=422)
    hashed = await visit.services.passwords.hash(normalised(password))
    async with visit.transaction() as session:
        user = await _me(session, visit)
        user.password_hash = hashed
        await void_links(session, visit.user_id, LinkPurpose.RESET, visit.now)
        await delete_pending(session, visit.user_id)
        await revoke_sessions(session, visit.user_id, visit.now, but=visit.me.session_id)
        token = await rotate_session(session, visit.services, visit.me.session_id)
        await visit.services.account_mail.tell(
            session, visit.user_id, "password_changed", visit.now
        )
    await tell(visit.services, visit.user_id)
    say = "Your password is changed, and every other browser is signed out."
    response = redirect("/account", say=say)
    keep_session(response, visit.services, token)
    return response


@router.get(ADDRESS)
async def show_address(visit: SignedInDep) -> Response:
    return await _address_page(visit)


@router.post(ADDRESS)
async def submit_address(visit: SignedInDep, form: FormDep) -> Response:
    """Write to the new address; it takes the place of the old one when it is confirmed."""
    services, problems, wanted = visit.services, Problems(), clean_address(form.text("email"))
    async with visit.transaction() as session:
        user = await _me(session, visit)
        old = await address_of(session, visit, user)
        factors = await factors_of(session, visit.user_id)
    if wanted is None:
        problems.add("email", NO_ADDRESS)
    elif wanted == old:
        problems.add("email", "This is your address already.")
    if problems or wanted is None:
        return await _address_page(visit, form, problems, status=422)
    if factors.any or user.password_hash is None:
        require_step_up(visit, ADDRESS)
    if again := await _check_own(visit, user, form, problems):
        page = await _address_page(visit, form, problems, status=429)
        return wait_until(page, again, visit.now)
    if problems:
        return await _address_page(visit, form, problems, status=422)
    hashed = email_hash(services.settings.api_key_pepper, wanted)
    if again := await take(services, mail_tries("confirm", hashed)):
        problems.general.append(too_many(again, visit.now))
        page = await _address_page(visit, form, problems, status=429)
        return wait_until(page, again, visit.now)
    async with visit.transaction() as session:
        await services.account_mail.confirm_new_address(
            session,
            visit.user_id,
            old=old if visit.me.email_confirmed else None,
            new=wanted,
            now=visit.now,
        )
    await tell(services, visit.user_id)
    return redirect(
        "/account",
        say="We have written to the new address. It becomes yours when you follow the link there;"
        " until then everything goes to the one before.",
    )


async def _check_own(
    visit: Visit, user: UserRow, form: Form, problems: Problems
) -> datetime | None:
    """Note what is wrong with the current password; return when to try again if tried too often.

    An account without a password has nothing to check: it is opened in other ways.
    """
    if user.password_hash is None:
        return None
    tries = own_password_tries(visit.user_id, visit.me.session_id)
    if again := await take(visit.services, tries):
        problems.general.append(too_many(again, visit.now))
        return again
    typed = normalised(form.secret("current")[: LONGEST + 1])
    if not (await visit.services.passwords.check(user.password_hash, typed)).right:
        problems.add("current", "This is not your password.")
    return None


async def _password_page(
    visit: Visit,
    problems: Problems | None = None,
    *,
    status: int = 200,
) -> Response:
    async with visit.transaction() as session:
        user = await _me(session, visit)
        address = await address_of(session, visit, user)
    return render(
        visit,
        "accounts/password.html",
        status=status,
        nav="account",
        address=address,
        has_password=user.password_hash is not None,
        shortest=SHORTEST,
        problems=problems,
    )


async def _address_page(
    visit: Visit,
    form: Form | None = None,
    problems: Problems | None = None,
    *,
    status: int = 200,
) -> Response:
    async with visit.transaction() as session:
        user = await _me(session, visit)
        address = await address_of(session, visit, user)
    return render(
        visit,
        "accounts/email.html",
        status=status,
        nav="account",
        address=address,
        wanted=form.text("email") if form else "",
        has_password=user.password_hash is not None,
        problems=problems,
    )


async def _me(session: AsyncSession, visit: Visit) -> UserRow:
    user = await get_user(session, visit.user_id)
    assert user is not None
    return user
