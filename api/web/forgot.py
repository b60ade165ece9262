"""A new password for whoever can read the account's mail."""

import asyncio
from uuid import uuid4

from fastapi import APIRouter
from starlette.responses import Response
from temporalio.service import RPCError

from api.errors import unavailable
from api.services import Services
from api.telling import tell
from api.throttle import mail_request_tries, mail_tries, take
from api.web.forms import FormDep, Problems
from api.web.mailed_links import Followed, dead_link, follow, slowed, use_link
from api.web.pages import redirect, render
from api.web.tries import too_many, wait_until
from api.web.visits import Visit, VisitDep
from db.queries.account_links import void_links
from db.queries.pending_sign_ins import delete_pending
from db.queries.users import get_user
from db.queries.web_sessions import revoke_sessions
from domain.accounts import CONSENT_PAUSE, NO_ADDRESS, LinkPurpose, clean_address
from domain.messages.accounts import ResetAsked, reset_workflow_id
from domain.passwords import SHORTEST, normalised, password_problem
from runtime.temporal import MAIN_QUEUE, RPC_TIMEOUT
from runtime.tokens import email_hash

router = APIRouter(tags=["pages"], include_in_schema=False)


@router.get("/forgot")
async def show_forgot(visit: VisitDep) -> Response:
    return _ask(visit)


@router.post("/forgot")
async def submit_forgot(visit: VisitDep, form: FormDep) -> Response:
    """Have a link sent if there is such an account; the answer is the same if there is none."""
    problems, address = Problems(), clean_address(form.text("email"))
    if address is None:
        problems.add("email", NO_ADDRESS)
        return _ask(visit, form.text("email"), problems, status=422)
    services = visit.services
    if again := await take(services, mail_request_tries(visit.request)):
        problems.general.append(too_many(again, visit.now))
        return wait_until(_ask(visit, address, problems, status=429), again, visit.now)
    account = email_hash(services.settings.api_key_pepper, address)
    # Refused without a word: the links sent before are still good, so that nobody who asks for
    # mails to somebody else's address keeps them from a new password.
    if await take(services, mail_tries("reset", account)) is None:
        await _ask_for_reset(services, account)
    return render(visit, "accounts/forgot_sent.html", nav="sign-in", address=address)


async def _ask_for_reset(services: Services, account: str) -> None:
    asked = ResetAsked(request_id=uuid4(), account=account)
    client = await services.temporal.client()
    try:
        async with asyncio.timeout(RPC_TIMEOUT.total_seconds()):
            await client.start_workflow(
                "PasswordResetWorkflow",
                asked,
                id=reset_workflow_id(asked.request_id),
                task_queue=MAIN_QUEUE,
                rpc_timeout=RPC_TIMEOUT,
            )
    except (RPCError, TimeoutError) as error:
        raise unavailable("We could not take this in. Send the form again in a moment.") from error


@router.get("/reset/{token}")
async def show_reset(visit: VisitDep, token: str) -> Response:
    followed = await follow(visit, token, LinkPurpose.RESET)
    return _choose(visit, token, followed) if followed else dead_link(visit)


@router.post("/reset/{token}")
async def submit_reset(visit: VisitDep, form: FormDep, token: str) -> Response:
    """Set the password, end every session, and let nobody consent to a charge for a day."""
    if (wait := await slowed(visit)) is not None:
        return wait
    followed = await follow(visit, token, LinkPurpose.RESET)
    if followed is None:
        return dead_link(visit)
    problems, password = Problems(), form.secret("password")
    if sentence := password_problem(password, email=followed.account_address):
        problems.add("password", sentence)
        return _choose(visit, token, followed, problems, status=422)
    hashed = await visit.services.passwords.hash(normalised(password))
    if not await _reset(visit, followed, hashed):
        return dead_link(visit)
    await tell(visit.services, followed.user_id)
    return redirect(
        "/sign-in",
        say="Your new password is set, and every browser is signed out. Sign in with it.",
    )


async def _reset(visit: Visit, followed: Followed, hashed: str) -> bool:
    now, user_id = visit.now, followed.user_id
    async with visit.services.database.transaction(user_id) as session:
        if await use_link(session, followed.ids, now) is None:
            return False
        user = await get_user(session, user_id)
        assert user is not None
        user.password_hash = hashed
        # Whoever has read the mail has the address; that the reader is the owner is not certain.
        user.email_confirmed_at = user.email_confirmed_at or now
        user.consent_blocked_until = now + CONSENT_PAUSE
        await void_links(session, user_id, LinkPurpose.RESET, now)
        await revoke_sessions(session, user_id, now)
        await delete_pending(session, user_id)
        await visit.services.account_mail.tell(session, user_id, "password_reset", now)
    return True


def _ask(
    visit: Visit, address: str = "", problems: Problems | None = None, *, status: int = 200
) -> Response:
    return render(
        visit,
        "accounts/forgot.html",
        status=status,
        nav="sign-in",
        email=address,
        problems=problems,
    )


def _choose(
    visit: Visit,
    token: str,
    followed: Followed,
    problems: Problems | None = None,
    *,
    status: int = 200,
) -> Response:
    return render(
        visit,
        "accounts/reset.html",
        status=status,
        nav="sign-in",
        action=f"/reset/{token}",
        address=followed.account_address,
        has_password=followed.has_password,
        shortest=SHORTEST,
        problems=problems,
    )
