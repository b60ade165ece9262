"""From a right password to a session, by way of the second factor where there is one.

Between the two stands a pending sign-in: a cookie of its own that opens no page but the one which
asks for the factor. That page calls `pending_of`, then `finish_pending`.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from sqlalchemy.ext.asyncio import AsyncSession
from starlette.responses import RedirectResponse

from api.web import cookies
from api.web.devices import remember_device
from api.web.pages import redirect
from api.web.sessions import begin_session, keep_session
from api.web.visits import Visit
from db.models.pending_sign_in import PendingSignInRow
from db.queries.factors import factors_of
from db.queries.pending_sign_ins import (
    add_pending,
    delete_stale_pending,
    find_pending,
    get_pending,
)
from db.queries.users import get_user
from db.queries.web_sessions import revoke_session
from db.session import SystemActor
from domain.ids import UserId
from runtime.crypto import hmac_hex
from runtime.web_tokens import new_token

PENDING = "__Host-pending"
PENDING_LASTS = timedelta(minutes=10)
# Long enough to fetch another telephone, short enough that nobody finds the session open.
RECOVERY_LASTS = timedelta(minutes=30)
SECOND_FACTOR_PAGE = "/sign-in/second-factor"
_ACTOR = SystemActor("authentication")


@dataclass(frozen=True)
class Pending:
    """Somebody whose password was right and who still owes a second factor."""

    pending_id: UUID
    user_id: UserId
    leads_to: str


async def let_in(
    visit: Visit, user_id: UserId, *, leads_to: str, say: str | None = None
) -> RedirectResponse:
    """Sign somebody in who proved one factor, or lead them to where the second is asked for."""
    async with visit.services.database.transaction(user_id) as session:
        owes_another = (await factors_of(session, user_id)).any
        if owes_another:
            token = await _hold(session, visit, user_id, leads_to)
    if not owes_another:
        return await finish_sign_in(visit, user_id, leads_to=leads_to, say=say)
    response = redirect(SECOND_FACTOR_PAGE, say=say)
    cookies.keep(response, PENDING, token, seconds=int(PENDING_LASTS.total_seconds()))
    return response


async def finish_sign_in(
    visit: Visit,
    user_id: UserId,
    *,
    leads_to: str,
    stepped_up: bool = False,
    say: str | None = None,
) -> RedirectResponse:
    """Begin a session in this browser; one that it had, whoever's, is over."""
    await _end_session_here(visit)
    async with visit.services.database.transaction(user_id) as session:
        token, account = await _begin(session, visit, user_id, stepped_up=stepped_up)
    return _signed_in(visit, token, account, leads_to, say)


async def pending_of(visit: Visit) -> Pending | None:
    """Return the pending sign-in of this browser, if its time is not over."""
    token = visit.request.cookies.get(PENDING)
    if not token:
        return None
    async with visit.services.database.transaction(_ACTOR) as session:
        ids = await find_pending(session, _hash(visit, token))
    if ids is None:
        return None
    async with visit.services.database.transaction(ids.user_id) as session:
        row = await get_pending(session, ids.pending_id)
        if not _is_open(row, visit.now):
            return None
        assert row is not None
        return Pending(row.id, ids.user_id, row.leads_to)


async def finish_pending(
    visit: Visit, pending: Pending, *, stepped_up: bool = True
) -> RedirectResponse | None:
    """Begin the session after a second factor was shown; None if it was begun already.

    Not `stepped_up`: what was shown stands in for a factor that is lost. It lets factors be
    changed for a while; no money moves by it.
    """
    await _end_session_here(visit)
    async with visit.services.database.transaction(pending.user_id) as session:
        row = await get_pending(session, pending.pending_id, lock=True)
        if not _is_open(row, visit.now):
            return None
        assert row is not None
        row.ended_at = visit.now
        token, account = await _begin(
            session, visit, pending.user_id, stepped_up=stepped_up, recovering=not stepped_up
        )
    return _signed_in(visit, token, account, pending.leads_to, None)


async def _hold(session: AsyncSession, visit: Visit, user_id: UserId, leads_to: str) -> str:
    token, now = new_token(), visit.now
    await delete_stale_pending(session, user_id, now)
    row = PendingSignInRow(
        id=uuid4(),
        user_id=user_id,
        token_hash=_hash(visit, token),
        leads_to=leads_to,
        created_at=now,
        expires_at=now + PENDING_LASTS,
    )
    await add_pending(session, row)
    return token


async def _begin(
    session: AsyncSession,
    visit: Visit,
    user_id: UserId,
    *,
    stepped_up: bool,
    recovering: bool = False,
) -> tuple[str, str | None]:
    """Return the new session's token, and the hash of the account's address if it has one."""
    user = await get_user(session, user_id)
    token = await begin_session(
        session,
        visit.services,
        visit.request,
        user_id,
        stepped_up_at=visit.now if stepped_up else None,
        factors_open_until=visit.now + RECOVERY_LASTS if recovering else None,
    )
    return token, user.email_hmac if user is not None else None


def _signed_in(
    visit: Visit, token: str, account: str | None, leads_to: str, say: str | None
) -> RedirectResponse:
    response = redirect(leads_to, say=say)
    keep_session(response, visit.services, token)
    cookies.forget(response, PENDING)
    if account is not None:
        remember_device(response, visit.services, account)
    return response


async def _end_session_here(visit: Visit) -> None:
    if visit.visitor is not None:
        async with visit.transaction() as session:
            await revoke_session(session, visit.user_id, visit.me.session_id, visit.now)


def _is_open(row: PendingSignInRow | None, now: datetime) -> bool:
    return row is not None and row.ended_at is None and now < row.expires_at


def _hash(visit: Visit, token: str) -> str:
    return hmac_hex(visit.services.settings.api_key_pepper, f"pending-sign-in:{token}")
