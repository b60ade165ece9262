"""Signing in by way of a real OpenID provider, over HTTP: what is believed, and what never is."""

from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urljoin

import httpx2
import pytest
from browsing import Shown, Site
from joserfc.jwk import RSAKey
from letters import events
from oidc_server import (
    CLIENT_ID,
    CLIENT_SECRET,
    OidcServer,
    Person,
    client_secret_key,
    elliptic_key,
    running_oidc_server,
)
from sqlalchemy import text

from api.web import cookies
from api.web.signing_in import PENDING, SECOND_FACTOR_PAGE
from db.session import SystemActor
from runtime.clock import system_now
from runtime.settings import Settings

_TESTS = SystemActor("tests")


@pytest.fixture
async def provider() -> AsyncIterator[OidcServer]:
    async with running_oidc_server() as server:
        yield server


@pytest.fixture
def settings(make_settings: Any, provider: OidcServer) -> Settings:
    made: Settings = make_settings(
        PARKER_OIDC_ISSUER=provider.issuer,
        PARKER_OIDC_CLIENT_ID=CLIENT_ID,
        PARKER_OIDC_CLIENT_SECRET=CLIENT_SECRET,
        PARKER_OIDC_NAME="Works Ltd",
    )
    return made


async def _at_the_provider(address: str) -> str:
    """Be signed in there, and return where it sends the person back to."""
    async with httpx2.AsyncClient() as browser:
        answer = await browser.get(address)
    assert answer.status_code == 302, answer.text
    return answer.headers["location"]


async def _back(site: Site, address: str, **more: Any) -> Shown:
    """Come back from the provider; its address of ours is by name, this server's by number."""
    path = "/" + address.split("/", 3)[3]
    return await site.get(urljoin(site.url, path), **more)


async def _sign_in(site: Site, *, follow: bool = False) -> Shown:
    begun = await site.get("/sign-in/provider?next=/bookings", follow=False)
    assert begun.status == 303
    return await _back(site, await _at_the_provider(begun.headers["location"]), follow=follow)


async def _users(database: Any) -> int:
    async with database.transaction(_TESTS) as session:
        return int(await session.scalar(text("SELECT count(*) FROM users")) or 0)


async def test_an_account_is_opened_by_an_identity_and_signed_in_to_by_it_again(
    stranger: Site, make_site: Any, api_url: str, database: Any, provider: OidcServer
) -> None:
    assert "Sign in with Works Ltd" in (await stranger.get("/sign-in")).text
    asked = await _sign_in(stranger)
    assert asked.headers["location"] == "/sign-in/provider/new"
    shown = await stranger.get("/sign-in/provider/new")
    assert "An address alone links nothing" in shown.text
    assert 'value="ana@idp.example"' in shown.html
    assert (await stranger.submit(shown, {"email": "nonsense"})).status == 422
    done = await stranger.submit(shown, follow=False)
    assert done.headers["location"] == "/account/confirm?next=%2Fbookings"
    assert await events(database) == ["confirm_email"]  # the provider's word confirms nothing
    async with database.transaction(_TESTS) as session:
        stored = str((await session.execute(text("SELECT * FROM oidc_identities"))).all())
        stored += str((await session.execute(text("SELECT * FROM users"))).all())
    assert "ana@idp.example" not in stored
    assert "sub-1" not in stored
    # Again, from another browser, with another address there: it is the subject that counts.
    provider.person = Person("sub-1", "married@idp.example")
    other = await make_site(api_url)
    assert (await _sign_in(other)).headers["location"] == "/bookings"
    assert cookies.SESSION in other.jar
    assert await _users(database) == 1
    # The same address under another subject is another person.
    provider.person = Person("sub-2", "ana@idp.example")
    third = await make_site(api_url)
    assert (await _sign_in(third)).headers["location"] == "/sign-in/provider/new"


async def test_an_address_that_we_know_opens_nothing(
    stranger: Site, database: Any, provider: OidcServer, ana: Any
) -> None:
    provider.person = Person("attacker", str(ana.email))
    assert (await _sign_in(stranger)).headers["location"] == "/sign-in/provider/new"
    assert cookies.SESSION not in stranger.jar
    await stranger.submit("/sign-in/provider/new", follow=False)
    assert await events(database) == ["account_exists"]
    assert await events(database, ana.user_id) == []
    assert await _users(database) == 2


async def test_a_second_factor_is_asked_for_here_all_the_same(
    stranger: Site, make_site: Any, api_url: str, database: Any
) -> None:
    await _sign_in(stranger)
    await stranger.submit("/sign-in/provider/new", follow=False)
    async with database.transaction(_TESTS) as session:
        await session.execute(
            text(
                "INSERT INTO totp_factors (user_id, secret_encrypted, created_at, confirmed_at)"
                " SELECT id, '-', :now, :now FROM users"
            ),
            {"now": system_now()},
        )
    other = await make_site(api_url)
    assert (await _sign_in(other)).headers["location"] == SECOND_FACTOR_PAGE
    assert cookies.SESSION not in other.jar
    assert PENDING in other.jar


async def test_nothing_but_a_true_token_for_this_sign_in_is_believed(
    stranger: Site, database: Any, provider: OidcServer
) -> None:
    now = int(system_now().timestamp())
    lies: list[tuple[str, dict[str, Any]]] = [
        ("nonce", {"claims": {"nonce": "another"}}),
        ("no nonce", {"claims": {"nonce": None}}),
        ("issuer", {"claims": {"iss": provider.issuer + "/"}}),
        ("audience", {"claims": {"aud": "somebody-else"}}),
        ("several audiences", {"claims": {"aud": [CLIENT_ID, "another"]}}),
        ("azp", {"claims": {"azp": "another"}}),
        ("expired", {"claims": {"exp": now - 120}}),
        ("no end", {"claims": {"exp": None}}),
        ("from the future", {"claims": {"iat": now + 600}}),
        ("no subject", {"claims": {"sub": None}}),
        ("empty subject", {"claims": {"sub": ""}}),
        ("unsigned", {"algorithm": "none"}),
        ("client's secret", {"algorithm": "HS256", "key": client_secret_key()}),
        ("another key", {"key": RSAKey.generate_key(2048, {"kid": "k1"})}),
        ("another kind", {"algorithm": "ES256", "key": elliptic_key()}),
        ("unknown key", {"key": RSAKey.generate_key(2048, {"kid": "k9"})}),
    ]
    honest = {"claims": {}, "algorithm": "RS256", "key": None}
    for what, lie in lies:
        for name, value in (honest | lie).items():
            setattr(provider, name, value)
        shown = await _sign_in(stranger)
        assert (what, shown.status) == (what, 400)
        assert "nobody was signed in" in shown.text
        assert cookies.SESSION not in stranger.jar
    for name, value in honest.items():
        setattr(provider, name, value)
    assert await _users(database) == 0
    assert (await _sign_in(stranger)).status == 303  # the truth still works


async def test_an_answer_counts_once_in_the_browser_that_asked(
    stranger: Site, make_site: Any, api_url: str, database: Any, provider: OidcServer
) -> None:
    begun = await stranger.get("/sign-in/provider", follow=False)
    back = await _at_the_provider(begun.headers["location"])
    # Handed to somebody else: their browser began nothing of the kind.
    victim = await make_site(api_url)
    assert (await _back(victim, back)).status == 400
    await victim.get("/sign-in/provider", follow=False)
    assert (await _back(victim, back)).status == 400
    # Changed on the way, or from another provider.
    for change in (
        back.replace("state=", "state=x"),
        back.split("&iss=", maxsplit=1)[0] + "&iss=https%3A%2F%2Felsewhere.example",
    ):
        assert (await _back(stranger, change)).status == 400
    assert (await _back(stranger, back, follow=False)).status == 303
    assert (await _back(stranger, back)).status == 400  # used up
    # PKCE: the code alone is worth nothing, even with the client's secret.
    assert provider.tokens == 1
    # The provider says no, is away, or speaks for somebody else.
    provider.says_no = True
    assert "said no" in (await _sign_in(stranger, follow=True)).text
    provider.says_no = False


async def test_a_document_of_another_issuer_is_not_believed(
    stranger: Site, provider: OidcServer
) -> None:
    for document in (
        {"issuer": "https://elsewhere.example"},
        {"token_endpoint": "https://elsewhere.example/token"},
    ):
        provider.document = document
        shown = await stranger.get("/sign-in/provider", follow=False)
        assert shown.status == 503
    provider.document = {}
    assert (await stranger.get("/sign-in/provider", follow=False)).status == 303
    # A new key is found when it is first used.
    await _sign_in(stranger)
    provider.rotate()
    assert (await _sign_in(stranger)).status == 303
    # Somebody who makes keys up does not make us read them all the time.
    provider.key = RSAKey.generate_key(2048, {"kid": "k9"})
    read = provider.keys_read
    for _ in range(3):
        assert (await _sign_in(stranger)).status == 400
    assert provider.keys_read == read


async def test_it_is_linked_by_who_is_signed_in_and_has_stepped_up_and_confirms(
    pages: Site, other_pages: Site, make_site: Any, api_url: str, database: Any, ana: Any
) -> None:
    await database_steps_down(database, ana)
    led = await pages.submit("/account/identity", action="/account/identity/link", follow=False)
    assert led.headers["location"] == "/step-up?next=%2Faccount%2Fidentity"
    await database_steps_up(database, ana)
    go = await pages.submit("/account/identity", action="/account/identity/link")
    link = go.soup.select_one("main a.btn.main")
    assert link is not None
    back = await _at_the_provider(str(link["href"]))
    # Not in another browser, though signed in there too.
    assert (await _back(other_pages, back)).status == 400
    asked = await _back(pages, back)
    assert "Is this you?" in asked.text
    assert "ana@idp.example" in asked.text
    assert (await _links(database)) == 0
    done = await pages.submit(asked)
    assert "It opens your account from now on" in done.text
    assert "factor_added" in await events(database, ana.user_id)
    stranger = await make_site(api_url)
    assert (await _sign_in(stranger)).headers["location"] == "/bookings"
    # It opens one account and no other.
    go = await other_pages.submit("/account/identity", action="/account/identity/link")
    link = go.soup.select_one("main a.btn.main")
    assert link is not None
    asked = await _back(other_pages, await _at_the_provider(str(link["href"])))
    assert "It opens an account already" in (await other_pages.submit(asked)).text
    shown = await pages.get("/account/identity")
    removal = next(
        str(f["action"]) for f in shown.soup.select("form") if "remove" in str(f["action"])
    )
    assert (
        await other_pages.submit(await pages.get("/account/identity"), action=removal)
    ).status in {403, 404}
    assert "It opens your account no longer" in (await pages.submit(shown, action=removal)).text
    assert await _links(database) == 0


async def _links(database: Any) -> int:
    async with database.transaction(_TESTS) as session:
        return int(await session.scalar(text("SELECT count(*) FROM oidc_identities")) or 0)


async def database_steps_down(database: Any, person: Any) -> None:
    async with database.transaction(_TESTS) as session:
        change = text("UPDATE web_sessions SET stepped_up_at = NULL WHERE user_id = :id")
        await session.execute(change, {"id": person.user_id})


async def database_steps_up(database: Any, person: Any) -> None:
    async with database.transaction(_TESTS) as session:
        change = text("UPDATE web_sessions SET stepped_up_at = :now WHERE user_id = :id")
        await session.execute(change, {"id": person.user_id, "now": system_now()})


async def test_without_a_provider_there_is_no_such_page(
    make_settings: Any, database: Any, api_serving: Any, make_site: Any
) -> None:
    plain = make_settings()
    async with api_serving(plain, database) as make:
        person = await make()
        site = await make_site(f"http://127.0.0.1:{plain.api_port}", plain, person)
        assert (await site.get("/account/identity")).status == 404
        site.jar.clear()
        assert (await site.get("/sign-in/provider")).status == 404
        assert "Works Ltd" not in (await site.get("/sign-in")).text
