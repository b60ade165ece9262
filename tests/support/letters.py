"""The mails that were written down for somebody, and the links in them."""

from typing import Any
from uuid import UUID

from sqlalchemy import text

from db.session import Database, SystemActor
from domain.account_notices import ONE_TIME_LINKS
from runtime.settings import Settings
from runtime.tokens import one_time_token

_TESTS = SystemActor("tests")


async def letters(database: Database, user_id: Any = None) -> list[dict[str, Any]]:
    """Return the notices of a person or of all, oldest first."""
    query = text(
        "SELECT * FROM notices WHERE cast(:id AS uuid) IS NULL OR user_id = :id"
        " ORDER BY created_at, event"
    )
    async with database.transaction(_TESTS) as session:
        return [dict(row) for row in (await session.execute(query, {"id": user_id})).mappings()]


async def events(database: Database, user_id: Any = None) -> list[str]:
    return [letter["event"] for letter in await letters(database, user_id)]


async def link_in(database: Database, settings: Settings, event: str, user_id: Any = None) -> str:
    """Return where the link of the newest such mail leads, as the sender makes it."""
    found = [one for one in await letters(database, user_id) if one["event"] == event]
    assert found, f"no {event} among {await events(database, user_id)}"
    purpose = ONE_TIME_LINKS[event]
    secret = settings.hmac_secret.get_secret_value()
    return f"/{purpose}/{one_time_token(secret, purpose, UUID(found[-1]['data']['link_id']))}"
