"""Browsers at the served pages: of somebody unknown, and of people who are signed in."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any

import pytest
from browsing import Site, new_site

from db.models.user import Role
from db.queries.users import get_user
from db.session import Database, SystemActor

MakeSite = Callable[..., Awaitable[Site]]


@pytest.fixture
async def make_site(database: Database) -> AsyncIterator[MakeSite]:
    """Return a way to get a browser at an address; with a person it is theirs, signed in."""
    async with AsyncExitStack() as opened:

        async def make(url: str, settings: Any = None, person: Any = None) -> Site:
            site = await new_site(url, opened)
            if person is not None:
                await site.sign_in_as(settings, database, person.user_id)
            return site

        yield make


@pytest.fixture
async def stranger(make_site: MakeSite, api_url: str) -> Site:
    """Return the browser of somebody unknown; Temporal is away."""
    return await make_site(api_url)


@pytest.fixture
async def pages(make_site: MakeSite, api_url: str, settings: Any, ana: Any) -> Site:
    """Return Ana's browser, signed in and stepped up; Temporal is away."""
    return await make_site(api_url, settings, ana)


@pytest.fixture
async def other_pages(make_site: MakeSite, api_url: str, settings: Any, ben: Any) -> Site:
    """Return Ben's browser, to look at what is Ana's."""
    return await make_site(api_url, settings, ben)


MakeOperator = Callable[[str], Awaitable[Site]]


@pytest.fixture
def make_operator(
    make_site: MakeSite, make_person: Any, database: Database, api_url: str, settings: Any
) -> MakeOperator:
    """Return a way to get the browser of an operator, who has just shown a second factor."""

    async def make(role: str) -> Site:
        person = await make_person()
        async with database.transaction(SystemActor("tests")) as session:
            user = await get_user(session, person.user_id)
            assert user is not None
            user.role = Role(role)
        site = await make_site(api_url, settings, person)
        site.person = person
        return site

    return make


@pytest.fixture
async def admin(make_operator: MakeOperator) -> Site:
    return await make_operator("admin")


@pytest.fixture
async def support(make_operator: MakeOperator) -> Site:
    return await make_operator("support")
