"""The first admin is whoever opens the link of the start, once; from then on roles take two."""

from datetime import timedelta
from typing import Any

from browsing import Site

from api.operating.first_admin import link_to_first_admin
from db.models.user import Role
from db.queries.users import get_user
from db.session import Database, SystemActor
from runtime.clock import system_now
from runtime.settings import Settings

TESTS = SystemActor("tests")


async def _role(database: Database, person: Any) -> Role:
    async with database.transaction(TESTS) as session:
        user = await get_user(session, person.user_id)
        assert user is not None
        return user.role


async def test_a_link_makes_the_first_admin_and_no_second(
    pages: Site, other_pages: Site, ana: Any, ben: Any, database: Database, settings: Settings
) -> None:
    secret, now = settings.hmac_secret.get_secret_value(), system_now()
    link = link_to_first_admin("", secret, now)
    old = link_to_first_admin("", secret, now - timedelta(days=2))
    assert (await pages.get(old)).status == 410
    assert (await pages.get(link[:-2] + "xx")).status == 410
    shown = await pages.get(link)
    assert shown.status == 200
    assert "Become the first admin" in shown.text
    assert await _role(database, ana) is Role.TRAVELLER
    assert (await pages.submit(link)).path == "/admin"
    assert await _role(database, ana) is Role.ADMIN
    assert (await other_pages.get(link)).status == 410
    assert await _role(database, ben) is Role.TRAVELLER
