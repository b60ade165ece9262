"""Addresses that are given away: made, shown once, followed by whoever holds them.

What is not there and what guesses try are counted; what is followed is not, since one server of a
calendar's maker asks for many people.
"""

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from starlette.responses import Response

from api.throttle import link_tries, take
from api.web.pages import render
from api.web.visits import Visit
from db.models.shareable_link import LinkKind, ShareableLinkRow
from db.queries.shareable_links import add_shared, find_shared, get_shared
from db.session import SystemActor
from domain.ids import UserId, derive
from runtime.web_tokens import new_token, share_hash

_ACTOR = SystemActor("shared links")
# Not to be found by a search, nor told of by a link that is followed from there.
UNLISTED = {"X-Robots-Tag": "noindex, nofollow, noarchive", "Referrer-Policy": "no-referrer"}


@dataclass(frozen=True)
class Wanted:
    """What a link is to show, and for how long; `key` is the form's, so that it is made once."""

    kind: LinkKind
    key: str
    lasts: timedelta
    reference: bool
    people: bool
    booking_id: UUID | None = None


async def make_link(visit: Visit, wanted: Wanted) -> str | None:
    """Return the secret of a new link; None if this very form made it before."""
    link_id, token = derive("shared link", visit.user_id, wanted.key), new_token()
    async with visit.transaction() as session:
        if await get_shared(session, link_id) is not None:
            return None
        row = ShareableLinkRow(
            id=link_id,
            user_id=visit.user_id,
            kind=wanted.kind,
            booking_id=wanted.booking_id,
            token_hash=share_hash(visit.services.settings.api_key_pepper, token),
            shows_reference=wanted.reference,
            shows_people=wanted.people,
            created_at=visit.now,
            expires_at=visit.now + wanted.lasts,
        )
        await add_shared(session, row)
    return token


def is_open(row: ShareableLinkRow, visit: Visit) -> bool:
    return row.revoked_at is None and visit.now < row.expires_at


async def follow(visit: Visit, token: str, kind: LinkKind) -> ShareableLinkRow | Response:
    """Return the link that a secret belongs to, counted as seen, or the page that says why not."""
    services = visit.services
    digest = share_hash(services.settings.api_key_pepper, token)
    async with services.database.transaction(_ACTOR) as session:
        shared = await find_shared(session, digest)
    if shared is None:
        slow = await take(services, link_tries(visit.request)) is not None
        return _nothing(visit, 429 if slow else 404)
    async with services.database.transaction(shared.owner_id) as session:
        row = await get_shared(session, shared.link_id)
        if row is None or row.kind is not kind:
            return _nothing(visit, 404)
        if not is_open(row, visit):
            return _nothing(visit, 410)
        row.views, row.seen_at = row.views + 1, visit.now
    return row


def owner_of(row: ShareableLinkRow) -> UserId:
    return UserId(row.user_id)


_WHY = {
    404: "There is nothing at this address. Take care that it is complete.",
    410: "This link has run out, or whoever gave it to you has taken it back.",
    429: "Too many addresses were tried from where you are. Wait a minute, then try again.",
}


def _nothing(visit: Visit, status: int) -> Response:
    page = render(
        visit,
        "shares/nothing.html",
        status=status,
        sentence=_WHY[status],
    )
    page.headers.update(UNLISTED)
    return page
