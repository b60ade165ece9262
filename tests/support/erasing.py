"""Being forgotten, as somebody asks for it on the page."""

from contextlib import AsyncExitStack

from browsing import new_site
from house import eventually
from sqlalchemy import text

from cli.stack import Stack
from db.session import Database, SystemActor
from domain.erasures import ErasureState
from domain.ids import UserId

_TESTS = SystemActor("tests")


async def erase(stack: Stack, database: Database, user_id: UserId) -> None:
    """Ask for it, and wait until it is done."""
    async with AsyncExitStack() as opened:
        site = await new_site(stack.settings.base_url, opened)
        await site.sign_in_as(stack.settings, database, user_id)
        asked = await site.submit("/account/privacy/erase", {"agreed": "yes"})
        assert "to be erased" in asked.text, asked.text

    async def done() -> bool:
        # The row is emptied first; the keys and the histories go after it.
        query = text("SELECT state FROM erasures WHERE user_id = :id")
        async with database.transaction(_TESTS) as session:
            return await session.scalar(query, {"id": user_id}) == ErasureState.DONE

    await eventually(done, seconds=90)
