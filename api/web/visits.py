"""Who looks at a page: a visitor, known by the cookie of a session, or somebody unknown."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Annotated
from urllib.parse import quote
from uuid import UUID

from fastapi import Depends, Request
from sqlalchemy.ext.asyncio import AsyncSession

from api.dependencies import ServicesDep
from api.services import Services
from api.throttle import network_mark
from api.web import cookies
from db.acting import act_from_here
from db.models.user import Role, UserRow
from db.models.web_session import WebSessionRow
from db.queries.inbox import count_unread
from db.queries.users import get_user
from db.queries.web_sessions import TOUCH_AT_MOST_EVERY, find_session, get_session
from db.session import SystemActor, act_as
from domain.audit import Actor, ActorKind, Channel
from domain.ids import UserId
from runtime.account_settings import AccountSettings
from runtime.crypto import hmac_hex
from runtime.web_tokens import form_token, new_token, session_hash

STEP_UP = "/step-up"
_ACTOR = SystemActor("authentication")


@dataclass(frozen=True)
class Visitor:
    """Somebody who is signed in with a browser."""

    user_id: UserId
    session_id: UUID
    role: Role
    email_confirmed: bool
    stepped_up_at: datetime | None
    session_ends_at: datetime
    locale: str
    time_zone: str
    display_currency: str | None
    unread: int
    """Notices that were not seen, counted up to a hundred."""

    @property
    def owes_factor(self) -> bool:
        """Whether an operator signed in here with no more than a password."""
        return self.role is not Role.TRAVELLER and self.stepped_up_at is None

    def stepped_up(self, settings: AccountSettings, now: datetime) -> bool:
        """Say whether a second factor was shown a short while ago."""
        return self.stepped_up_at is not None and now - self.stepped_up_at < settings.step_up


@dataclass(frozen=True)
class Visit:
    """One request for a page: who asks, and what the page may work with."""

    request: Request
    services: Services
    visitor: Visitor | None
    now: datetime
    """When the request began: of two that change one thing, the later one holds."""

    @property
    def user_id(self) -> UserId:
        """The visitor's id; only where somebody is signed in."""
        assert self.visitor is not None
        return self.visitor.user_id

    @property
    def me(self) -> Visitor:
        """The visitor; only where somebody is signed in."""
        assert self.visitor is not None
        return self.visitor

    @property
    def currencies(self) -> tuple[str, ...]:
        """In what wishes can be made; what the visitor chose for new ones comes first."""
        known = self.services.settings.policy.seller_currencies
        own = self.me.display_currency
        return tuple(sorted(known, key=lambda one: one != own))

    @cached_property
    def cookie(self) -> str:
        """What forms are bound to: the session, or for somebody unknown a cookie of the visit's."""
        if self.visitor is not None:
            return self.request.cookies[cookies.SESSION]
        return self.request.cookies.get(cookies.VISIT) or new_token()

    @cached_property
    def form_token(self) -> str:
        secret = self.services.settings.hmac_secret.get_secret_value()
        return form_token(secret, self.cookie)

    @cached_property
    def account_tag(self) -> str:
        """Tell accounts apart on one device without naming them; empty for somebody unknown."""
        if self.visitor is None:
            return ""
        secret = self.services.settings.hmac_secret.get_secret_value()
        return hmac_hex(secret, f"device:{self.visitor.user_id}")[:20]

    @property
    def here(self) -> str:
        """The address asked for, with its query, to come back to."""
        url = self.request.url
        return url.path + (f"?{url.query}" if url.query else "")

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncSession]:
        """Open a transaction on the visitor's behalf."""
        async with self.services.database.transaction(self.user_id) as session:
            yield session


class Elsewhere(Exception):
    """This page is not for the visitor as they are; `path` is where they go first."""

    def __init__(self, path: str) -> None:
        super().__init__(path)
        self.path = path


async def visit(request: Request, services: ServicesDep) -> Visit:
    """Return the visit of anybody."""
    now = services.clock()
    found = Visit(request, services, await _visitor(request, services, now), now)
    who, role = (str(found.user_id), found.me.role.value) if found.visitor else ("", "")
    network = network_mark(services.settings, request, who) if who else ""
    # Somebody unknown may turn out to be somebody: whose transaction it is says who.
    act_from_here(Actor(ActorKind.PERSON, who, Channel.PAGES, role, network))
    request.state.visit = found
    return found


VisitDep = Annotated[Visit, Depends(visit)]


def back_to(path: str, there: str) -> str:
    """Return an address that leads on to another one of ours."""
    return f"{path}?next={quote(there, safe='')}"


def safe_next(wanted: str | None, *, default: str = "/auto-booking/dashboard") -> str:
    """Return where to go on to, if it is a path of ours and nobody else's address."""
    if not wanted or not wanted.startswith("/") or wanted.startswith(("//", "/\\")):
        return default
    return default if any(ord(letter) < 32 or letter == "\\" for letter in wanted) else wanted


async def known(visit: VisitDep) -> Visit:
    """Return the visit of somebody signed in, be it with a password alone."""
    if visit.visitor is None:
        raise Elsewhere(back_to("/sign-in", _page_here(visit)))
    return visit


KnownDep = Annotated[Visit, Depends(known)]
"""For the pages where a second factor is set up or shown, and for what asks for one by itself."""


async def signed_in(visit: KnownDep) -> Visit:
    """Return the visit of somebody signed in; lead others to the door, and back.

    An account with a role opens nothing, its own things neither, until this session has shown a
    second factor: whoever has learnt the password must get nowhere.
    """
    if visit.me.owes_factor:
        raise Elsewhere(back_to(STEP_UP, _page_here(visit)))
    return visit


SignedInDep = Annotated[Visit, Depends(signed_in)]


async def confirmed(visit: SignedInDep) -> Visit:
    """Return the visit of somebody whose address is confirmed."""
    if not visit.me.email_confirmed:
        raise Elsewhere(back_to("/account/confirm", visit.here))
    return visit


ConfirmedDep = Annotated[Visit, Depends(confirmed)]


def _page_here(visit: Visit) -> str:
    """Return where to come back to. What was posted is gone; the page it came from has it still."""
    return visit.here if visit.request.method in {"GET", "HEAD"} else came_from(visit)


def came_from(visit: Visit) -> str:
    base = visit.services.settings.base_url
    referrer = visit.request.headers.get("referer", "")
    return safe_next(referrer.removeprefix(base) if referrer.startswith(f"{base}/") else None)


async def _visitor(request: Request, services: Services, now: datetime) -> Visitor | None:
    token = request.cookies.get(cookies.SESSION)
    if not token:
        return None
    digest = session_hash(services.settings.api_key_pepper, token)
    limits = services.settings.accounts
    async with services.database.transaction(_ACTOR) as session:
        ids = await find_session(session, digest)
        if ids is None:
            return None
        # The look-up tells ids only: all else is read as their owner.
        await act_as(session, ids.user_id)
        row = await get_session(session, ids.session_id)
        user = await get_user(session, ids.user_id)
        if row is None or user is None or not is_live(row, limits, now):
            return None
        if row.last_seen_at < now - TOUCH_AT_MOST_EVERY:
            row.last_seen_at = now
        unread = await count_unread(session, ids.user_id)
        return _visitor_of(row, user, limits, now, unread)


def is_live(row: WebSessionRow, limits: AccountSettings, now: datetime) -> bool:
    """Say whether a session still stands: not ended, not too old, not unseen for too long."""
    if row.revoked_at is not None or row.expires_at <= now:
        return False
    return now - row.last_seen_at < limits.idle


def _visitor_of(
    row: WebSessionRow, user: UserRow, limits: AccountSettings, now: datetime, unread: int
) -> Visitor:
    return Visitor(
        user_id=UserId(user.id),
        session_id=row.id,
        role=user.role,
        email_confirmed=user.email_confirmed_at is not None,
        stepped_up_at=row.stepped_up_at,
        session_ends_at=min(row.expires_at, now + limits.idle),
        locale=user.locale,
        time_zone=user.time_zone,
        display_currency=user.display_currency,
        unread=unread,
    )
