"""Signing in with a password, and out again."""

from uuid import UUID

from fastapi import APIRouter
from starlette.responses import Response

from api.services import Services
from api.throttle import forgive, sign_in_tries, take
from api.web import cookies
from api.web.devices import known_device
from api.web.forms import Form, FormDep, Problems
from api.web.pages import redirect, render
from api.web.signing_in import let_in
from api.web.tries import too_many, wait_until
from api.web.visits import Visit, VisitDep, safe_next
from db.queries.users import find_user_id_by_email_hmac, get_user, renew_password_hash
from db.queries.web_sessions import revoke_session
from db.session import SystemActor
from domain.ids import UserId
from domain.passwords import LONGEST, normalised
from runtime.tokens import email_hash

router = APIRouter(tags=["pages"], include_in_schema=False)
_ACTOR = SystemActor("authentication")
# Nobody has this id: what it reads is nothing, in the time of reading something.
_NOBODY = UserId(UUID(int=0))
_WRONG = (
    "This address and this password do not belong together, or the address was never confirmed."
)


@router.get("/sign-in")
async def show_sign_in(visit: VisitDep) -> Response:
    leads_to = visit.request.query_params.get("next")
    if visit.visitor is not None:
        return redirect(safe_next(leads_to))
    return _page(visit, leads_to)


@router.post("/sign-in")
async def submit_sign_in(visit: VisitDep, form: FormDep) -> Response:
    """Check address and password; every wrong pair is answered alike, and as slowly."""
    problems = Problems()
    problems.need(form, {"email": "Enter the address of your account."})
    if not form.secret("password"):
        problems.add("password", "Enter your password.")
    if problems:
        return _page(visit, form.text("next"), form, problems, status=422)
    services = visit.services
    account = email_hash(services.settings.api_key_pepper, form.text("email"))
    tries = sign_in_tries(visit.request, account, known_device(visit.request, services, account))
    if again := await take(services, tries):
        problems.general.append(too_many(again, visit.now))
        page = _page(visit, form.text("next"), form, problems, status=429)
        return wait_until(page, again, visit.now)
    user_id = await right_password(services, account, form.secret("password"))
    if user_id is None:
        problems.general.append(_WRONG)
        return _page(visit, form.text("next"), form, problems, status=422)
    await forgive(services, tries[:1])
    return await let_in(visit, user_id, leads_to=safe_next(form.text("next")))


async def right_password(services: Services, account: str, password: str) -> UserId | None:
    """Return whose account and password these are; the same is done where there is no account."""
    async with services.database.transaction(_ACTOR) as session:
        found = await find_user_id_by_email_hmac(session, account)
    async with services.database.transaction(found or _NOBODY) as session:
        user = await get_user(session, found or _NOBODY)
        known = user.password_hash if user is not None else None
    # Longer ones were never taken: what is hashed stays small.
    verdict = await services.passwords.check(known, normalised(password[: LONGEST + 1]))
    if not verdict.right or found is None:
        return None
    if verdict.new_hash is not None:
        async with services.database.transaction(found) as session:
            await renew_password_hash(session, found, known, verdict.new_hash)
    return found


@router.get("/sign-out")
async def show_sign_out(visit: VisitDep) -> Response:
    """Ask, so that no link signs anybody out."""
    if visit.visitor is None:
        return redirect("/sign-in")
    return render(visit, "accounts/sign_out.html", nav="account")


@router.post("/sign-out")
async def submit_sign_out(visit: VisitDep, form: FormDep) -> Response:
    """End this browser's session, and let it forget what it has of us."""
    del form
    if visit.visitor is not None:
        async with visit.transaction() as session:
            await revoke_session(session, visit.user_id, visit.me.session_id, visit.now)
    return signed_out()


def signed_out() -> Response:
    """Let this browser forget what it has of us; the session itself was ended before."""
    response = redirect("/sign-in", say="You are signed out. Your wishes go on being watched.")
    cookies.forget(response, cookies.SESSION)
    # Not "cookies": the one that keeps strangers' tries from counting here is to stay.
    response.headers["Clear-Site-Data"] = '"cache", "storage"'
    return response


def _page(
    visit: Visit,
    leads_to: str | None,
    form: Form | None = None,
    problems: Problems | None = None,
    *,
    status: int = 200,
) -> Response:
    return render(
        visit,
        "accounts/sign_in.html",
        status=status,
        nav="sign-in",
        email=form.text("email") if form else "",
        then=leads_to or "",
        problems=problems,
    )
