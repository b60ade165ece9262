"""What an operator does to one person's account, under the operator's own database role."""

import getpass
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

from sqlalchemy.ext.asyncio import AsyncSession

from cli.operator_accounts import OperatorAccounts
from cli.operator_disputes import OperatorDisputes
from db.accounts import ensure_account, issue_api_key
from db.acting import act_from_here
from db.models.user import UserRow
from db.queries.users import find_user_id_by_email_hmac, list_api_keys, revoke_api_key
from db.reads import Look, looking_at
from db.session import OPERATOR_ROLE, Database, SystemActor
from db.vault import vault_of
from domain.api_keys import KeyGrant
from domain.audit import Actor, ActorKind, Channel
from domain.ids import UserId
from domain.operating import OperatorAction
from runtime.clock import system_now
from runtime.settings import Settings, load_settings
from runtime.tokens import email_hash

if TYPE_CHECKING:
    from api.operating.actions import Expected, Outcome

_KEYS = "API keys"
_ACTOR = SystemActor("operator")


class Operator:
    """Somebody at the command line; each look at a person is written down with its reason."""

    def __init__(self, settings: Settings, database: Database) -> None:
        self._settings = settings
        self._database, self._vault = database, vault_of(settings)
        self._pepper, self._name = settings.api_key_pepper, getpass.getuser()

    async def create(self, email: str, name: str, why: str, grant: KeyGrant) -> tuple[str, str]:
        """Make a key, and the account if it is new; return the key and its prefix."""
        user_id, now = await self.person(email) or UserId(uuid4()), system_now()
        async with self.looking(user_id, _KEYS, why) as session:
            await ensure_account(
                session, self._vault, email=email, pepper=self._pepper, now=now, new_id=user_id
            )
            row, key = await issue_api_key(
                session, user_id, name=name, pepper=self._pepper, now=now, grant=grant
            )
            return key, row.prefix

    async def list(self, email: str, why: str) -> "list[dict[str, object]]":
        user_id = await self.person(email)
        if user_id is None:
            return []
        async with self.looking(user_id, _KEYS, why) as session:
            rows = await list_api_keys(session, user_id)
            return [row.model_dump(exclude={"key_hash", "user_id"}) for row in rows]

    async def revoke(self, email: str, key_id: UUID, why: str) -> bool:
        user_id = await self.person(email)
        if user_id is None:
            return False
        async with self.looking(user_id, _KEYS, why) as session:
            return await revoke_api_key(session, user_id, key_id, system_now())

    async def person(self, email: str) -> UserId | None:
        async with self._database.transaction(_ACTOR) as session:
            return await find_user_id_by_email_hmac(session, email_hash(self._pepper, email))

    def looking(
        self, person: UserId, what: str, why: str
    ) -> AbstractAsyncContextManager[AsyncSession]:
        """Write down who looks at what and why, then show it."""
        look = Look(self._name, what, why)
        return looking_at(self._database, self._vault, person, look, system_now())

    def transaction(self) -> AbstractAsyncContextManager[AsyncSession]:
        """Open a transaction that sees no person."""
        return self._database.transaction(_ACTOR)

    async def address_of(self, session: AsyncSession, user: UserRow) -> str:
        return await self._vault.open(
            session, UserId(user.id), user.email_encrypted,
            table="users", column="email", row_id=user.id,
        )  # fmt: skip

    async def act(
        self,
        action: OperatorAction,
        target: UUID | None,
        *,
        reason: str,
        key: str | None,
        expected: "Expected",
    ) -> "Outcome":
        """Do what operators do; see `api/operating/actions.py`."""
        from api.operating import actions
        from api.operating.desk import Desk
        from api.services import TemporalLink

        desk = Desk(
            self._database, self._vault, TemporalLink(self._settings), self._settings.operating,
            system_now,
        )  # fmt: skip
        who = actions.Operator(at_the_machine())
        return await actions.act_at(
            desk, who, action, target,
            reason=reason, key=key or f"cli-{uuid4()}", expected=expected,
        )  # fmt: skip

    @property
    def accounts(self) -> OperatorAccounts:
        return OperatorAccounts(self)

    @property
    def disputes(self) -> OperatorDisputes:
        return OperatorDisputes(self)


def at_the_machine() -> Actor:
    """Return whoever is at the command line, as the audit log names them."""
    return Actor(ActorKind.COMMAND, getpass.getuser(), Channel.COMMAND_LINE)


@asynccontextmanager
async def operating() -> AsyncIterator[Operator]:
    settings = load_settings()
    act_from_here(at_the_machine())
    database = Database(
        settings.database_for("operator"),
        role=OPERATOR_ROLE,
        pool_size=2,
        words=vault_of(settings).words(),
        journal=settings.journal,
    )
    try:
        yield Operator(settings, database)
    finally:
        await database.close()
