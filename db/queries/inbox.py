"""A person's inbox: everything they were told, newest first, and what of it they saw."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import func, select, tuple_, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import SQLModel, col

from db.models.notice import NoticeRow
from db.paging import Page, check_limit, decode_cursor, page_of
from domain.telling import Channel

Row = TypeVar("Row", bound=SQLModel)
_INBOX = col(NoticeRow.channel) == Channel.INBOX
# More than this is "99+" to anybody.
COUNTED = 100


async def list_inbox(
    session: AsyncSession,
    user_id: UUID,
    *,
    only_unread: bool = False,
    cursor: str | None = None,
    limit: int = 20,
) -> Page[NoticeRow]:
    check_limit(limit)
    created, identity = col(NoticeRow.created_at), col(NoticeRow.id)
    query = select(NoticeRow).where(_INBOX, col(NoticeRow.user_id) == user_id)
    if only_unread:
        query = query.where(col(NoticeRow.read_at).is_(None))
    if cursor is not None:
        last = decode_cursor(cursor)
        query = query.where(tuple_(created, identity) < tuple_(last.at, last.uuid()))
    query = query.order_by(created.desc(), identity.desc()).limit(limit + 1)
    rows = list(await session.scalars(query))
    return page_of(rows, limit, lambda row: (row.created_at, row.id))


async def get_inbox_notice(
    session: AsyncSession, user_id: UUID, notice_id: UUID
) -> NoticeRow | None:
    query = select(NoticeRow).where(
        _INBOX, col(NoticeRow.user_id) == user_id, col(NoticeRow.id) == notice_id
    )
    row: NoticeRow | None = await session.scalar(query)
    return row


async def count_unread(session: AsyncSession, user_id: UUID) -> int:
    """Count what a person has not seen, up to a hundred."""
    some = (
        select(col(NoticeRow.id))
        .where(_INBOX, col(NoticeRow.user_id) == user_id, col(NoticeRow.read_at).is_(None))
        .limit(COUNTED)
        .subquery()
    )
    return int(await session.scalar(select(func.count()).select_from(some)) or 0)


async def mark_read(
    session: AsyncSession,
    user_id: UUID,
    now: datetime,
    *,
    notice_ids: Sequence[UUID] | None = None,
    until: datetime | None = None,
) -> int:
    """Note that notices were seen: these, or all that were there by then. Return how many."""
    unread = [_INBOX, col(NoticeRow.user_id) == user_id, col(NoticeRow.read_at).is_(None)]
    if notice_ids is not None:
        unread.append(col(NoticeRow.id).in_(notice_ids))
    if until is not None:
        unread.append(col(NoticeRow.created_at) <= until)
    query = update(NoticeRow).where(*unread).values(read_at=now).returning(col(NoticeRow.id))
    return len(list(await session.scalars(query)))


async def mark_unread(session: AsyncSession, user_id: UUID, notice_id: UUID) -> bool:
    query = (
        update(NoticeRow)
        .where(_INBOX, col(NoticeRow.user_id) == user_id, col(NoticeRow.id) == notice_id)
        .values(read_at=None)
        .returning(col(NoticeRow.id))
    )
    return await session.scalar(query) is not None


async def rows_by_id(
    session: AsyncSession, kind: type[Row], wanted: Iterable[UUID | None]
) -> dict[UUID | None, Row]:
    """Return what a page of notices is about, in one question a table."""
    ids = {each for each in wanted if each is not None}
    if not ids:
        return {}
    table: Any = kind
    rows: Iterable[Any] = await session.scalars(select(kind).where(col(table.id).in_(ids)))
    return {row.id: row for row in rows}
