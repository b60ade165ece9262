"""Links that came by mail. They show a page; only its button acts, once."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession
from starlette.responses import Response

from api.throttle import link_tries, take
from api.web.pages import render
from api.web.tries import too_many, wait_until
from api.web.visits import Visit
from db.models.account_link import AccountLinkRow
from db.models.user import UserRow
from db.queries.account_links import LinkIds, find_link, get_link
from db.queries.users import get_user
from db.session import SystemActor
from domain.accounts import LinkPurpose
from domain.ids import UserId

_ACTOR = SystemActor("mailed links")


@dataclass(frozen=True)
class Followed:
    """A link that can still be acted at, and what its page shows."""

    ids: LinkIds
    account_address: str
    link_address: str | None
    """The address that the link is about, if not the account's own."""
    has_password: bool
    claimed: bool
    """Whether the account's own address was confirmed before."""

    @property
    def user_id(self) -> UserId:
        return self.ids.user_id


async def follow(visit: Visit, token: str, *purposes: LinkPurpose) -> Followed | None:
    """Return what a link leads to; None if it is nothing of ours, was used or has run out."""
    services = visit.services
    async with services.database.transaction(_ACTOR) as session:
        ids = await find_link(session, services.account_mail.hash_of(token))
    if ids is None:
        return None
    async with services.database.transaction(ids.user_id) as session:
        link = await get_link(session, ids.link_id)
        user = await get_user(session, ids.user_id)
        if link is None or user is None:
            return None
        if link.purpose not in purposes or not is_open(link, visit.now):
            return None
        return Followed(
            ids=ids,
            account_address=await address_of(session, visit, user),
            link_address=await services.account_mail.open_address(session, link),
            has_password=user.password_hash is not None,
            claimed=user.email_confirmed_at is not None,
        )


async def use_link(session: AsyncSession, ids: LinkIds, now: datetime) -> AccountLinkRow | None:
    """Use a link up, on its owner's transaction; None if somebody was faster."""
    link = await get_link(session, ids.link_id, lock=True)
    if link is None or not is_open(link, now):
        return None
    link.used_at = now
    return link


def is_open(link: AccountLinkRow, now: datetime) -> bool:
    return link.used_at is None and now < link.expires_at


async def address_of(session: AsyncSession, visit: Visit, user: UserRow) -> str:
    """Return the account's address, on its owner's transaction."""
    return await visit.services.vault.open(
        session,
        UserId(user.id),
        user.email_encrypted,
        table="users",
        column="email",
        row_id=user.id,
    )


async def slowed(visit: Visit) -> Response | None:
    """Return the page that says to wait, where somebody tries link after link."""
    again = await take(visit.services, link_tries(visit.request))
    if again is None:
        return None
    page = dead_link(visit, sentence=too_many(again, visit.now), status=429)
    return wait_until(page, again, visit.now)


def dead_link(visit: Visit, *, sentence: str | None = None, status: int = 410) -> Response:
    """Say that a link does not work, and where to get another one."""
    return render(
        visit,
        "accounts/dead_link.html",
        status=status,
        nav="account" if visit.visitor else "sign-in",
        sentence=sentence or "This link was used already, has run out, or is not complete.",
    )
