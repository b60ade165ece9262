"""What a person was told: their inbox in their words, and what of it they saw."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from api.services import Services
from db.models.notice import NoticeRow
from db.paging import Page
from db.queries.inbox import get_inbox_notice, list_inbox
from db.queries.users import get_user
from db.telling import facts_of, link_of
from domain.ids import UserId
from domain.letters import Letter
from domain.notices import compose
from domain.telling import KIND_OF, Kind
from domain.words import Words
from runtime.catalogue import language_of, translator
from runtime.settings import ProviderMode


@dataclass(frozen=True)
class InboxItem:
    """One notice, ready to be read."""

    id: UUID
    event: str
    kind: Kind
    at: datetime
    read_at: datetime | None
    campaign_id: UUID | None
    booking_id: UUID | None
    letter: Letter


def words_for(locale: str, time_zone: str) -> Words:
    """Return how somebody is spoken to."""
    language = language_of(locale)
    return Words(language, time_zone, translator(language))


async def read_inbox(
    session: AsyncSession,
    services: Services,
    user_id: UserId,
    *,
    only_unread: bool = False,
    cursor: str | None = None,
    limit: int = 20,
) -> Page[InboxItem]:
    """Return a page of a person's inbox, newest first."""
    page = await list_inbox(session, user_id, only_unread=only_unread, cursor=cursor, limit=limit)
    items = await _written(session, services, user_id, page.rows)
    return Page(tuple(items), page.next_cursor)


async def read_notice(
    session: AsyncSession, services: Services, user_id: UserId, notice_id: UUID
) -> InboxItem | None:
    """Return one notice of a person's inbox."""
    row = await get_inbox_notice(session, user_id, notice_id)
    if row is None:
        return None
    (item,) = await _written(session, services, user_id, [row])
    return item


async def _written(
    session: AsyncSession, services: Services, user_id: UserId, rows: Sequence[NoticeRow]
) -> list[InboxItem]:
    user = await get_user(session, user_id)
    say = words_for(user.locale, user.time_zone) if user else Words()
    secret = services.settings.hmac_secret.get_secret_value()
    sandbox = services.settings.provider_mode("duffel") is ProviderMode.SANDBOX
    found = []
    facts = await facts_of(session, services.vault, rows, sandbox=sandbox)
    for row, known in zip(rows, facts, strict=True):
        whole = known.model_copy(update={"link": link_of(row, secret)})
        found.append(
            InboxItem(
                id=row.id,
                event=row.event,
                kind=KIND_OF.get(row.event, Kind.NEEDS_YOU),
                at=row.created_at,
                read_at=row.read_at,
                campaign_id=row.campaign_id,
                booking_id=row.booking_id,
                letter=compose(row.event, whole, say),
            )
        )
    return found
