"""The access matrix: every route, asked by everybody, answers as `api/access.py` says."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx2
from belongings import Belongings, give_belongings

from api.access import ROUTES, Answer, Who
from api.app import create_app
from api.cards import SETUP_PURPOSE
from api.web import cookies
from db.models.user import Role
from db.queries.users import get_user
from db.queries.web_sessions import add_session
from db.session import Database, SystemActor
from db.vault import vault_of
from domain.ids import UserId
from runtime.codec_address import codec_tag
from runtime.settings import Settings
from runtime.tokens import PAY_PURPOSE, sign_token
from runtime.web_tokens import form_token, new_token, session_hash

_DOORS = {
    "/sign-in": Answer.SIGN_IN,
    "/account/confirm": Answer.CONFIRM,
    "/step-up": Answer.STEP_UP,
}
# What is sent where an empty request would be refused before anybody looks whose thing it is.
_BODIES: Mapping[str, Callable[[Belongings], dict[str, Any]]] = {
    "PATCH /api/autobooking/campaigns/{campaign_id}": lambda _: {"name": "Lisbon again"},
    "POST /api/autobooking/campaigns/{campaign_id}/approve": lambda own: {
        "proposal_id": str(own.proposal_id)
    },
    "POST /api/autobooking/campaigns/{campaign_id}/reject": lambda own: {
        "proposal_id": str(own.proposal_id)
    },
    "PUT /api/autobooking/traveler/{traveler_id}": lambda _: {
        "given_name": "Ada",
        "family_name": "Byron",
        "born_on": "1990-05-17",
        "gender": "f",
        "title": "ms",
        "email": "ada@example.com",
        "phone": "+442080160508",
    },
    "POST /api/bookings/{booking_id}/cancellation/confirm": lambda _: {"quote_id": "ore_1"},
}
_HEADERS: Mapping[str, dict[str, str]] = {
    "PATCH /api/autobooking/campaigns/{campaign_id}": {"If-Match": "*"},
}
# These end what other requests of the same person need.
_LAST = (
    "DELETE /api/autobooking/campaigns/{campaign_id}",
    "DELETE /api/autobooking/traveler/{traveler_id}",
    "DELETE /api/autobooking/payment-methods/{method_id}",
)


def _routes(found: Any, prefix: str = "") -> Iterator[str]:
    """Return `METHOD /path` of every route, those of included routers too."""
    for route in found:
        included = getattr(route, "original_router", None)
        if included is not None:
            yield from _routes(included.routes, prefix + route.include_context.prefix)
            continue
        methods = set(getattr(route, "methods", None) or {"GET"}) - {"HEAD"}
        yield from (f"{method} {prefix}{route.path}" for method in sorted(methods))


def test_every_route_has_a_row_and_every_row_a_route(settings: Settings) -> None:
    routes = list(_routes(create_app(settings).routes))
    assert len(routes) == len(set(routes)), "two routes at one address"
    assert sorted(set(routes) - set(ROUTES)) == [], "add these to api/access.py"
    assert sorted(set(ROUTES) - set(routes)) == [], "these are gone: take their rows out"


def test_every_row_says_how_everybody_is_answered() -> None:
    assert {
        name: set(Who) - set(rule) for name, rule in ROUTES.items() if set(rule) != set(Who)
    } == {}


class Asking:
    """Sends each route's request on somebody's behalf."""

    def __init__(self, http: httpx2.AsyncClient, settings: Settings) -> None:
        self._http, self._settings = http, settings

    async def answers(
        self, own: Belongings, owner: UserId, shown: "Credentials"
    ) -> dict[str, Answer]:
        """Ask every route for what is the owner's."""
        order = [*(name for name in ROUTES if name not in _LAST), *_LAST]
        values = {name: str(value) for name, value in asdict(own).items()}
        return {
            name: await self._ask(name, own, values | self._secrets(name, own, owner), shown)
            for name in order
        }

    async def _ask(
        self, name: str, own: Belongings, values: dict[str, str], shown: "Credentials"
    ) -> Answer:
        method, path = name.split(" ", 1)
        if name == "GET /static":
            path = "/static/app.css"
        address = path.format(**values)
        if not path.startswith("/api/"):
            return _understood(await self._ask_page(method, address, shown))
        key = shown.key
        headers = _HEADERS.get(name, {}) | ({"Authorization": f"Bearer {key}"} if key else {})
        body = _BODIES[name](own) if name in _BODIES else None
        params = {"token": values["token"]} if path.endswith("/setups/return") else None
        answer = await self._http.request(
            method, address, headers=headers, json=body, params=params
        )
        return _understood(answer)

    async def _ask_page(self, method: str, address: str, shown: "Credentials") -> httpx2.Response:
        """Ask as a browser does, whose form was shown to whoever sends it."""
        cookie = shown.session or new_token()
        name = cookies.SESSION if shown.session else cookies.VISIT
        secret = self._settings.hmac_secret.get_secret_value()
        data = {"form_token": form_token(secret, cookie)} if method == "POST" else None
        headers = {"Accept": "text/html", "Cookie": f"{name}={cookie}"}
        return await self._http.request(method, address, headers=headers, data=data)

    def _secrets(self, name: str, own: Belongings, owner: UserId) -> dict[str, str]:
        """Return the signed parts of an address."""
        secret = self._settings.hmac_secret.get_secret_value()
        purpose, subject = (
            (SETUP_PURPOSE, own.setup_id)
            if "setups/return" in name
            else (PAY_PURPOSE, own.attempt_id)
        )
        ends = datetime.now(UTC) + timedelta(hours=1)
        return {
            "token": sign_token(secret, purpose, subject, ends, owner=owner),
            "tag": codec_tag(secret),
        }


def _understood(answer: httpx2.Response) -> Answer:
    if answer.status_code in {401, 403, 404}:
        return Answer(str(answer.status_code))
    if answer.is_redirect:
        return _DOORS.get(httpx2.URL(answer.headers["location"]).path, Answer.HEARD)
    return Answer.HEARD


@dataclass(frozen=True)
class Credentials:
    """What somebody shows: a key to the JSON API, a session's cookie to the pages, or nothing."""

    key: str | None = None
    session: str | None = None


async def _credentials(
    settings: Settings, database: Database, person: Any, who: Who
) -> Credentials:
    """Make the person who they are to be, signed in, without a second factor shown."""
    token, now = new_token(), datetime.now(UTC)
    async with database.transaction(SystemActor("tests")) as session:
        user = await get_user(session, person.user_id)
        assert user is not None
        user.role = Role(who) if who in set(Role) else Role.TRAVELLER
        user.email_confirmed_at = None if who is Who.UNCONFIRMED else now
        await add_session(
            session,
            session_id=uuid4(),
            user_id=person.user_id,
            token_hash=session_hash(settings.api_key_pepper, token),
            device="A test",
            now=now,
            lasts=settings.accounts.session,
        )
    return Credentials(person.key, token)


async def test_every_route_answers_everybody_as_the_table_says(
    settings: Settings, database: Database, api_url: str, make_person: Any
) -> None:
    owner, other = await make_person(), await make_person()
    vault = vault_of(settings)
    wrong: list[str] = []
    async with httpx2.AsyncClient(base_url=api_url, timeout=30) as http:
        asking = Asking(http, settings)
        # The owner and the owner unconfirmed come last: what they ask for is done.
        for who in sorted(Who, key=lambda who: (who in {Who.OWNER, Who.UNCONFIRMED}, who)):
            own = await give_belongings(database, vault, owner.user_id, datetime.now(UTC))
            shown = Credentials()
            if who is not Who.NOBODY:
                person = owner if who in {Who.OWNER, Who.UNCONFIRMED} else other
                shown = await _credentials(settings, database, person, who)
            found = await asking.answers(own, owner.user_id, shown)
            wrong += [
                f"{name} asked by {who}: {answer}, not {ROUTES[name][who]}"
                for name, answer in found.items()
                if answer is not ROUTES[name][who]
            ]
    assert wrong == []
