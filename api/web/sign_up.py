"""Opening an account.

Whoever opens one is signed in at once and may look around; the address is theirs when they follow
the link in our mail. Nothing here depends on whether the address has an account already: then its
owner is told so by mail, and the new account never gets it.
"""

from uuid import uuid4

from fastapi import APIRouter
from starlette.responses import Response

from api.services import Services
from api.telling import tell
from api.throttle import mail_tries, new_account_tries, take
from api.web.forms import Form, FormDep, Problems
from api.web.pages import redirect, render
from api.web.signing_in import finish_sign_in
from api.web.tries import too_many, wait_until
from api.web.visits import Visit, VisitDep, back_to, safe_next
from db.queries.users import create_user
from domain.accounts import NO_ADDRESS, clean_address
from domain.ids import UserId
from domain.passwords import SHORTEST, normalised, password_problem
from runtime.tokens import email_hash

router = APIRouter(tags=["pages"], include_in_schema=False)


@router.get("/sign-up")
async def show_sign_up(visit: VisitDep) -> Response:
    if visit.visitor is not None:
        return redirect(safe_next(visit.request.query_params.get("next")))
    return _page(visit, visit.request.query_params.get("next"))


@router.post("/sign-up")
async def submit_sign_up(visit: VisitDep, form: FormDep) -> Response:
    """Open the account and sign this browser in."""
    address, password = clean_address(form.text("email")), form.secret("password")
    problems = Problems()
    if address is None:
        problems.add("email", NO_ADDRESS)
    if sentence := password_problem(password, email=address or ""):
        problems.add("password", sentence)
    if problems or address is None:
        return _page(visit, form.text("next"), form, problems, status=422)
    if again := await take(visit.services, new_account_tries(visit.request)):
        problems.general.append(too_many(again, visit.now))
        page = _page(visit, form.text("next"), form, problems, status=429)
        return wait_until(page, again, visit.now)
    user_id = await _open_account(visit, address, password)
    leads_to = safe_next(form.text("next"))
    return await finish_sign_in(visit, user_id, leads_to=back_to("/account/confirm", leads_to))


async def _open_account(visit: Visit, address: str, password: str) -> UserId:
    services, now, user_id = visit.services, visit.now, UserId(uuid4())
    hashed = await services.passwords.hash(normalised(password))
    may_write = await _may_write_to(services, address)
    async with services.database.transaction(user_id) as session:
        user = await create_user(
            session, user_id=user_id, email_encrypted="", email_hmac=None, now=now
        )
        user.password_hash = hashed
        user.email_encrypted = await services.vault.seal(
            session, user_id, address, table="users", column="email", row_id=user_id
        )
        if may_write:
            await services.account_mail.confirm_address(session, user_id, address, now)
    await tell(services, user_id)
    return user_id


async def _may_write_to(services: Services, address: str) -> bool:
    """Say whether one more mail may go there: nobody's inbox is filled by way of us."""
    hashed = email_hash(services.settings.api_key_pepper, address)
    return await take(services, mail_tries("confirm", hashed)) is None


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
        "accounts/sign_up.html",
        status=status,
        nav="sign-up",
        email=form.text("email") if form else "",
        then=leads_to or "",
        shortest=SHORTEST,
        problems=problems,
    )
