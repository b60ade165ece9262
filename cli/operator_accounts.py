"""What an operator sees and changes of an account itself."""

from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from db.models.user import Role, UserRow
from db.queries.users import get_user, give_role, list_accounts
from db.queries.web_sessions import list_sessions, revoke_sessions
from domain.ids import UserId
from runtime.clock import system_now

if TYPE_CHECKING:
    from cli.operator import Operator

Change = Callable[[AsyncSession, UserRow], Awaitable[int]]


@dataclass(frozen=True)
class Account:
    """An account, as far as an operator is shown it."""

    id: UUID
    address: str
    role: Role
    created_at: datetime
    confirmed: bool
    has_password: bool
    no_consent_until: datetime | None
    browsers: int
    browsers_ended: int = 0

    def shown(self) -> dict[str, object]:
        return {name: value for name, value in asdict(self).items() if name != "browsers_ended"}


class OperatorAccounts:
    """Each look at one person is written down first, with its reason."""

    def __init__(self, operator: "Operator") -> None:
        self._operator = operator

    async def all(self, role: Role | None, limit: int) -> list[dict[str, object]]:
        """List accounts without a word of who they are."""
        roles = [role] if role is not None else list(Role)
        async with self._operator.transaction() as session:
            found = [await list_accounts(session, one, limit) for one in roles]
        return [asdict(row) for rows in found for row in rows]

    async def show(self, email: str, why: str) -> Account | None:
        async def change_nothing(_session: AsyncSession, _user: UserRow) -> int:
            return 0

        return await self._look(email, "The account", why, change_nothing)

    async def grant(self, email: str, role: Role, why: str) -> Account | None:
        """Give a role, and sign every browser out; nothing is done where nobody confirmed."""

        async def give(session: AsyncSession, user: UserRow) -> int:
            if user.email_confirmed_at is None:
                return 0
            await give_role(session, user, role, system_now(), reason=why)
            return await revoke_sessions(session, UserId(user.id), system_now())

        return await self._look(email, f"The account: made {role}", why, give)

    async def sign_out(self, email: str, why: str) -> Account | None:
        async def end(session: AsyncSession, user: UserRow) -> int:
            return await revoke_sessions(session, UserId(user.id), system_now())

        return await self._look(email, "The account: signed out", why, end)

    async def _look(self, email: str, what: str, why: str, change: Change) -> Account | None:
        user_id = await self._operator.person(email)
        if user_id is None:
            return None
        async with self._operator.looking(user_id, what, why) as session:
            user = await get_user(session, user_id)
            if user is None:
                return None
            ended = await change(session, user)
            return Account(
                id=user.id,
                address=await self._operator.address_of(session, user),
                role=user.role,
                created_at=user.created_at,
                confirmed=user.email_confirmed_at is not None,
                has_password=user.password_hash is not None,
                no_consent_until=user.consent_blocked_until,
                browsers=len(await list_sessions(session, user_id)),
                browsers_ended=ended,
            )
