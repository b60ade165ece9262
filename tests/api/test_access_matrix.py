"""The access matrix: every route, asked by everybody, answers as `api/access.py` says."""

from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx2
import pytest
from belongings import Belongings, give_belongings

from api.access import CONSOLE, ROUTES, SCOPES, scope_of
from api.access_rules import OPERATORS, Answer, Who
from api.app import create_app
from api.cards import SETUP_PURPOSE
from api.web import cookies
from api.web.forms import TOKEN_FIELD
from db.accounts import issue_api_key
from db.models.user import Role
from db.queries.users import get_user
from db.queries.web_sessions import add_session
from db.session import Database, SystemActor
from db.vault import vault_of
from domain.accounts import LinkPurpose
from domain.api_keys import KeyGrant, Scope, scopes_up_to
from domain.ids import UserId
from runtime.codec_address import codec_tag
from runtime.settings import Settings
from runtime.tokens import PAY_PURPOSE, one_time_token, sign_token
from runtime.web_tokens import form_token, new_token, session_hash

_ROLES = {Who.SALES: Role.SALES, Who.SUPPORT: Role.SUPPORT, Who.ADMIN: Role.ADMIN}
# What they ask for is done, so they come last.
_OWNER = (Who.UNCONFIRMED, Who.OWNER, Who.STEPPED_UP)
_DOORS = {
    "/sign-in": Answer.SIGN_IN,
    "/account/confirm": Answer.CONFIRM,
    "/step-up": Answer.STEP_UP,
}
# What is sent where an empty request would be refused before anybody looks whose thing it is.
_BODIES: Mapping[str, Callable[[Belongings], dict[str, Any]]] = {
    "PATCH /api/autobooking/campaigns/{campaign_id}": lambda _: {"name": "Lisbon again"},
    "POST /api/autobooking/campaigns/{campaign_id}/consent": lambda _: {
        "consent": {"accepted": True, "text_version": "an earlier one"}
    },
    "POST /api/autobooking/campaigns/{campaign_id}/allow-once": lambda _: {
        "look_id": "3b241101-e2bb-4255-8caf-4136c566a962",
        "offer_id": "off_1",
        "maximum": {"amount": "1.00", "currency": "USD"},
        "accepted": True,
        "text_version": "an earlier one",
    },
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
# What is sent to a page as a form, besides the form's token.
_FORMS: Mapping[str, Callable[[Belongings], dict[str, str]]] = {
    "POST /auto-booking/new/{draft_id}/check": lambda _: {"go": "order", "consent": "yes"},
}
_HEADERS: Mapping[str, dict[str, str]] = {
    "PATCH /api/autobooking/campaigns/{campaign_id}": {"If-Match": "*"},
}
# These end what other requests of the same person need.
_LAST = (
    "POST /account/sessions/end-others",
    "POST /confirm/{token}",
    "POST /keep/{token}",
    "POST /sign-out",
    # Documents that are written anew have new ids.
    "PUT /api/autobooking/traveler/{traveler_id}",
    "DELETE /api/autobooking/campaigns/{campaign_id}",
    "DELETE /api/autobooking/traveler/{traveler_id}",
    "DELETE /api/autobooking/payment-methods/{method_id}",
    "DELETE /api/v1/webhooks/{webhook_id}",
)
_IN_ORDER = (*(name for name in ROUTES if name not in _LAST), *_LAST)
# Two routes end the same kind of thing: this one ends another than the one that is asked last.
_SPARE: Mapping[str, Callable[[Belongings], dict[str, str]]] = {
    "POST /account/webhooks/{webhook_id}/remove": lambda own: {
        "webhook_id": str(own.spare_webhook_id)
    },
    "POST /payment-methods/{method_id}/remove": lambda own: {"method_id": str(own.spare_method_id)},
    "POST /travelers/{traveler_id}/remove": lambda own: {"traveler_id": str(own.spare_traveler_id)},
}


@pytest.fixture
def settings(make_settings: Any) -> Settings:
    """Return settings with everything on that is off by itself; nobody listens at the issuer."""
    oidc = {"PARKER_OIDC_ISSUER": "http://127.0.0.1:1", "PARKER_OIDC_CLIENT_ID": "us"}
    made: Settings = make_settings(**oidc)
    return made


def _routes(found: Any) -> Iterator[str]:
    """Return `METHOD /path` of every route."""
    for route in found:
        methods = set(getattr(route, "methods", None) or {"GET"}) - {"HEAD"}
        yield from (f"{method} {route.path}" for method in sorted(methods))


def test_every_route_has_a_row_and_every_row_a_route(settings: Settings) -> None:
    routes = list(_routes(create_app(settings).routes))
    assert len(routes) == len(set(routes)), "two routes at one address"
    assert sorted(set(routes) - set(ROUTES)) == [], "add these to api/access.py"
    assert sorted(set(ROUTES) - set(routes)) == [], "these are gone: take their rows out"


def test_every_row_says_how_everybody_is_answered() -> None:
    assert {
        name: set(Who) - set(rule) for name, rule in ROUTES.items() if set(rule) != set(Who)
    } == {}


@dataclass(frozen=True)
class Asker:
    """What somebody shows: a key, the cookie of a session, or what a stranger's browser has."""

    key: str | None
    session: str | None

    @property
    def cookie(self) -> str:
        return self.session or "a-stranger"

    @property
    def headers(self) -> dict[str, str]:
        name = cookies.SESSION if self.session else cookies.VISIT
        shown = {"Cookie": f"{name}={self.cookie}", "Accept": "text/html, application/json"}
        return shown | ({"Authorization": f"Bearer {self.key}"} if self.key else {})


class Asking:
    """Sends each route's request on somebody's behalf."""

    def __init__(self, http: httpx2.AsyncClient, settings: Settings) -> None:
        self._http, self._settings = http, settings
        self.secret = settings.hmac_secret.get_secret_value()

    async def answers(
        self, own: Belongings, owner: UserId, shown: Callable[[], Awaitable[Asker]]
    ) -> dict[str, Answer]:
        """Ask every route for what is the owner's."""
        values = {name: str(value) for name, value in asdict(own).items()}
        values |= {"user_id": str(owner), "task_id": str(uuid4()), "action_id": str(uuid4())}
        asker, found = await shown(), {}
        for name in _IN_ORDER:
            if name in _LAST:
                asker = await shown()  # the one before may have ended its own session
            found[name] = await self._ask(
                name, own, values | self._secrets(name, own, owner), asker
            )
        return found

    async def of(
        self, names: Iterable[str], own: Belongings, owner: UserId, asker: Asker
    ) -> dict[str, Answer]:
        """Ask these routes for what is the owner's."""
        values = {name: str(value) for name, value in asdict(own).items()}
        values |= {"user_id": str(owner), "task_id": str(uuid4()), "action_id": str(uuid4())}
        return {
            name: await self._ask(name, own, values | self._secrets(name, own, owner), asker)
            for name in names
        }

    async def _ask(
        self, name: str, own: Belongings, values: dict[str, str], asker: Asker
    ) -> Answer:
        method, path = name.split(" ", 1)
        if name == "GET /static":
            path = "/static/app.css"
        sent: dict[str, Any] = {"headers": asker.headers | _HEADERS.get(name, {})}
        if name in _BODIES:
            sent["json"] = _BODIES[name](own)
        elif method == "POST" and not path.startswith("/api/"):
            fields = _FORMS[name](own) if name in _FORMS else {}
            sent["data"] = fields | {TOKEN_FIELD: form_token(self.secret, asker.cookie)}
        if path.endswith("/setups/return"):
            sent["params"] = {"token": values["token"]}
        values |= _SPARE[name](own) if name in _SPARE else {}
        answer = await self._http.request(method, path.format(**values), **sent)
        # Heard, whatever comes of it, but never by falling over what is missing.
        assert answer.status_code != 500, f"{name} fell over"
        return _understood(answer)

    def _secrets(self, name: str, own: Belongings, owner: UserId) -> dict[str, str]:
        """Return the signed parts of an address."""
        return {
            "token": self._token(name, own, owner),
            "tag": codec_tag(self.secret),
            "step": "route",
            "name": "lisbon",
        }

    def _token(self, name: str, own: Belongings, owner: UserId) -> str:
        first = name.split("/")[1]
        if first in own.shared:
            return own.shared[first]
        if first in set(LinkPurpose):
            return one_time_token(self.secret, first, own.links[first])
        purpose, subject = (
            (SETUP_PURPOSE, own.setup_id)
            if "setups/return" in name
            else (PAY_PURPOSE, own.attempt_id)
        )
        ends = datetime.now(UTC) + timedelta(hours=1)
        return sign_token(self.secret, purpose, subject, ends, owner=owner)


def _understood(answer: httpx2.Response) -> Answer:
    if answer.status_code in {401, 403, 404}:
        return Answer(str(answer.status_code))
    if answer.is_redirect:
        there = httpx2.URL(answer.headers["location"])
        # A door that leads on to what was asked for; signing out ends at the plain one.
        return _DOORS.get(there.path, Answer.HEARD) if "next" in there.params else Answer.HEARD
    return Answer.HEARD


async def _signed_in(
    settings: Settings, database: Database, user_id: UserId, who: Who, *, factor: bool = False
) -> str:
    """Make the account what it is to be, and sign a browser in."""
    token, now = new_token(), datetime.now(UTC)
    async with database.transaction(SystemActor("tests")) as session:
        user = await get_user(session, user_id)
        assert user is not None
        user.role = _ROLES.get(who, Role.TRAVELLER)
        user.email_confirmed_at = None if who is Who.UNCONFIRMED else now
        await add_session(
            session,
            session_id=uuid4(),
            user_id=user_id,
            token_hash=session_hash(settings.api_key_pepper, token),
            device="A test",
            now=now,
            lasts=settings.accounts.session,
            stepped_up_at=now if factor or who is Who.STEPPED_UP else None,
        )
    return token


_BY_NO_KEY = {name for name, rule in ROUTES.items() if rule[Who.NOBODY] is not Answer.KEY_NEEDED}


def test_every_change_over_a_key_says_which_scope_it_needs() -> None:
    changes = {name for name in set(ROUTES) - _BY_NO_KEY if not name.startswith("GET ")}
    assert sorted(changes - set(SCOPES)) == [], "add these to SCOPES in api/access.py"
    assert sorted(set(SCOPES) - changes) == [], "these are gone: take their scopes out"


@pytest.mark.parametrize("scope", Scope)
async def test_a_key_opens_what_its_scope_says_and_nothing_else(
    settings: Settings, database: Database, api_url: str, make_person: Any, scope: Scope
) -> None:
    owner = await make_person()
    now = datetime.now(UTC)
    secret = settings.hmac_secret.get_secret_value()
    own = await give_belongings(database, vault_of(settings), owner.user_id, now, secret=secret)
    grant = KeyGrant(scopes=scopes_up_to(scope))
    async with database.transaction(SystemActor("tests")) as session:
        _, key = await issue_api_key(
            session,
            owner.user_id,
            name="tests",
            pepper=settings.api_key_pepper,
            now=now,
            grant=grant,
        )
    async with httpx2.AsyncClient(base_url=api_url, timeout=30) as http:
        names = [name for name in _IN_ORDER if name not in _BY_NO_KEY]
        found = await Asking(http, settings).of(names, own, owner.user_id, Asker(key, None))
    wrong = []
    for name, answer in found.items():
        method, path = name.split(" ", 1)
        allowed = grant.may(scope_of(method, path))
        expected = ROUTES[name][Who.OWNER] if allowed else Answer.FORBIDDEN
        wrong += [f"{name}: {answer}, not {expected}"] if answer is not expected else []
    assert wrong == [], "\n".join(wrong)


async def test_every_route_answers_everybody_as_the_table_says(
    settings: Settings, database: Database, api_url: str, make_person: Any
) -> None:
    owner, other = await make_person(), await make_person()
    vault = vault_of(settings)
    wrong: list[str] = []
    async with httpx2.AsyncClient(base_url=api_url, timeout=30) as http:
        asking = Asking(http, settings)
        for who in (*(who for who in Who if who not in _OWNER), *_OWNER):
            own = await give_belongings(
                database, vault, owner.user_id, datetime.now(UTC), secret=asking.secret
            )
            person = owner if who in _OWNER else other

            async def shown(who: Who = who, person: Any = person) -> Asker:
                if who is Who.NOBODY:
                    return Asker(None, None)
                cookie = await _signed_in(settings, database, person.user_id, who)
                return Asker(person.key, cookie)

            found = await asking.answers(own, owner.user_id, shown)
            wrong += [
                f"{name} asked by {who}: {answer}, not {ROUTES[name][who]}"
                for name, answer in found.items()
                if answer is not ROUTES[name][who]
            ]
    assert wrong == [], "\n".join(wrong)


async def test_the_console_opens_to_each_role_what_its_table_says_once_a_factor_was_shown(
    settings: Settings, database: Database, api_url: str, make_person: Any
) -> None:
    owner, operator = await make_person(), await make_person()
    secret = settings.hmac_secret.get_secret_value()
    own = await give_belongings(
        database, vault_of(settings), owner.user_id, datetime.now(UTC), secret=secret
    )
    wrong: list[str] = []
    async with httpx2.AsyncClient(base_url=api_url, timeout=30) as http:
        asking = Asking(http, settings)
        for who in OPERATORS:
            cookie = await _signed_in(settings, database, operator.user_id, who, factor=True)
            found = await asking.of(CONSOLE, own, owner.user_id, Asker(None, cookie))
            for name, answer in found.items():
                expected = Answer.HEARD if who in CONSOLE[name] else Answer.FORBIDDEN
                # Heard, and told that there is no such thing: what is asked for is made up.
                told = Answer.HEARD if answer is Answer.ABSENT else answer
                wrong += [f"{name} asked by {who}: {answer}"] if told is not expected else []
    assert wrong == [], "\n".join(wrong)
