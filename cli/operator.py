"""What an operator does to one person's account, under the operator's own database role."""

import getpass
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from uuid import UUID, uuid4

from sqlalchemy.ext.asyncio import AsyncSession

from db.accounts import ensure_account, issue_api_key
from db.queries.users import find_user_id_by_email_hmac, list_api_keys, revoke_api_key
from db.reads import Look, looking_at
from db.session import OPERATOR_ROLE, Database, SystemActor
from db.vault import vault_of
from domain.api_keys import KeyGrant
from domain.ids import UserId
from runtime.clock import system_now
from runtime.settings import Settings, load_settings
from runtime.tokens import email_hash

_KEYS = "API keys"
_ACTOR = SystemActor("operator")


class Operator:
    """Somebody at the command line; each look at a person is written down with its reason."""

    def __init__(self, settings: Settings, database: Database) -> None:
        self._database, self._vault = database, vault_of(settings)
        self._pepper, self._name = settings.api_key_pepper, getpass.getuser()

    async def create(self, email: str, name: str, why: str, grant: KeyGrant) -> tuple[str, str]:
        """Make a key, and the account if it is new; return the key and its prefix."""
        user_id, now = await self._person(email) or UserId(uuid4()), system_now()
        async with self._looking(user_id, why) as session:
            await ensure_account(
                session, self._vault, email=email, pepper=self._pepper, now=now, new_id=user_id
            )
            row, key = await issue_api_key(
                session, user_id, name=name, pepper=self._pepper, now=now, grant=grant
            )
            return key, row.prefix

    async def list(self, email: str, why: str) -> "list[dict[str, object]]":
        user_id = await self._person(email)
        if user_id is None:
            return []
        async with self._looking(user_id, why) as session:
            rows = await list_api_keys(session, user_id)
            return [row.model_dump(exclude={"key_hash", "user_id"}) for row in rows]

    async def revoke(self, email: str, key_id: UUID, why: str) -> bool:
        user_id = await self._person(email)
        if user_id is None:
            return False
        async with self._looking(user_id, why) as session:
            return await revoke_api_key(session, user_id, key_id, system_now())

    async def _person(self, email: str) -> UserId | None:
        async with self._database.transaction(_ACTOR) as session:
            return await find_user_id_by_email_hmac(session, email_hash(self._pepper, email))

    def _looking(self, person: UserId, why: str) -> AbstractAsyncContextManager[AsyncSession]:
        look = Look(self._name, _KEYS, why)
        return looking_at(self._database, self._vault, person, look, system_now())


@asynccontextmanager
async def operating() -> AsyncIterator[Operator]:
    settings = load_settings()
    database = Database(settings.database_for("operator"), role=OPERATOR_ROLE, pool_size=2)
    try:
        yield Operator(settings, database)
    finally:
        await database.close()
