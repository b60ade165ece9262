"""The first admin: whoever opens the link that the start of an installation printed.

It is good for a day, and only while there is no admin: after that roles take two.
"""

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from api.operating.desk import Desk
from db.locks import one_at_a_time
from db.models.user import Role
from db.queries.users import get_user, give_role, list_accounts
from db.queries.web_sessions import revoke_sessions
from db.reads import Look, looking_at
from domain.ids import UserId
from runtime.tokens import BadToken, read_token, sign_token

PATH = "/first-admin"
LASTS = timedelta(days=1)
_PURPOSE, _NOBODY = "first-admin", UUID(int=0)


def link_to_first_admin(base_url: str, secret: str, now: datetime) -> str:
    token = sign_token(secret, _PURPOSE, _NOBODY, now + LASTS, owner=_NOBODY)
    return f"{base_url}{PATH}/{token}"


def is_good(secret: str, token: str, now: datetime) -> bool:
    try:
        read_token(secret, _PURPOSE, token, now)
    except BadToken:
        return False
    return True


async def nobody_is_admin(session: AsyncSession) -> bool:
    return not await list_accounts(session, Role.ADMIN, 1)


async def become_first_admin(
    desk: Desk, user_id: UserId, now: datetime, *, but: UUID | None = None
) -> bool:
    """Make somebody the first admin; False where there is one, or nobody confirmed the address.

    `but`: the browser that stays signed in.
    """
    why = "the first admin, by the link that the start printed"
    look = Look(str(user_id), "The account: made the first admin", why)
    async with looking_at(desk.database, desk.vault, user_id, look, now) as session:
        await one_at_a_time(session, "first admin")
        user = await get_user(session, user_id)
        if user is None or user.email_confirmed_at is None or not await nobody_is_admin(session):
            return False
        await give_role(session, user, Role.ADMIN, now, reason=why)
        await revoke_sessions(session, user_id, now, but=but)
    return True
