"""Notices: one row for each event and channel, whatever is repeated."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from db.models.notice import NoticeRow, NoticeState
from domain.ids import UserId, notice_id_for

EMAIL = "email"
_PENDING = col(NoticeRow.state) == NoticeState.PENDING


@dataclass(frozen=True)
class NewNotice:
    """Something to tell a person. `subject_id` is the very thing that the event happened to.

    `data` holds ids and figures only: names are read when the message is written.
    """

    event: str
    subject_id: UUID
    user_id: UUID
    campaign_id: UUID | None = None
    booking_id: UUID | None = None
    data: dict[str, Any] = field(default_factory=dict)
    channel: str = EMAIL
    to_encrypted: str | None = None
    """Another address than the account's, sealed for the row `id`; see `db.telling`."""

    @property
    def id(self) -> UUID:
        return notice_id_for(self.subject_id, self.event, self.channel)


def message_id(notice_id: UUID) -> str:
    """Return the Message-ID under which a notice is sent, however often."""
    return f"<{notice_id}@parkerflight>"


async def add_notices(session: AsyncSession, notices: Sequence[NewNotice], now: datetime) -> None:
    """Write the notices down; those that were written before stay as they are."""
    if not notices:
        return
    rows = [
        {
            "id": notice.id,
            "user_id": notice.user_id,
            "subject_id": notice.subject_id,
            "campaign_id": notice.campaign_id,
            "booking_id": notice.booking_id,
            "event": notice.event,
            "channel": notice.channel,
            "message_id": message_id(notice.id),
            "state": NoticeState.PENDING,
            "data": notice.data,
            "to_encrypted": notice.to_encrypted,
            "tries": 0,
            "created_at": now,
            "due_at": now,
        }
        for notice in notices
    ]
    # The rows that a notice points to may still be waiting in the session.
    await session.flush()
    await session.execute(insert(NoticeRow).values(rows).on_conflict_do_nothing())


async def pending_notices(
    session: AsyncSession,
    *,
    campaign_id: UUID | None = None,
    booking_id: UUID | None = None,
    user_id: UUID | None = None,
    now: datetime | None = None,
    limit: int = 100,
) -> list[NoticeRow]:
    """Return what is still to be sent, oldest first: of one of these, or of all.

    With `now`, what is held back until later is left out. What was never held back is not a matter
    of the clock: where clocks are moved, a sender's may be behind the writer's.
    """
    query = select(NoticeRow).where(_PENDING)
    if now is not None:
        due = col(NoticeRow.due_at)
        query = query.where(or_(due <= now, due == col(NoticeRow.created_at)))
    wanted = []
    if campaign_id is not None:
        wanted.append(col(NoticeRow.campaign_id) == campaign_id)
    if booking_id is not None:
        wanted.append(col(NoticeRow.booking_id) == booking_id)
    if user_id is not None:
        wanted.append(col(NoticeRow.user_id) == user_id)
    if wanted:
        query = query.where(or_(*wanted))
    query = query.order_by(col(NoticeRow.created_at), col(NoticeRow.id)).limit(limit)
    return list(await session.scalars(query))


async def next_due(session: AsyncSession, user_id: UUID) -> datetime | None:
    """Return when something is to be sent to a person next; None if nothing waits."""
    query = select(func.min(col(NoticeRow.due_at))).where(
        _PENDING, col(NoticeRow.user_id) == user_id
    )
    found: datetime | None = await session.scalar(query)
    return found


async def people_untold(session: AsyncSession, *, due_before: datetime, limit: int) -> list[UserId]:
    """Return people for whom something should have been sent by then, the longest ago first."""
    oldest = func.min(col(NoticeRow.due_at))
    query = (
        select(col(NoticeRow.user_id))
        .where(_PENDING, col(NoticeRow.due_at) < due_before)
        .group_by(col(NoticeRow.user_id))
        .order_by(oldest)
        .limit(limit)
    )
    return [UserId(user_id) for user_id in await session.scalars(query)]


async def take_pending(session: AsyncSession, notice_id: UUID) -> NoticeRow | None:
    """Lock a notice that is still to be sent; None if it is not.

    Waits for whoever is sending it now: should they fail, or be dead, it is still to be sent.
    """
    query = select(NoticeRow).where(col(NoticeRow.id) == notice_id, _PENDING)
    query = query.with_for_update().execution_options(populate_existing=True)
    row: NoticeRow | None = await session.scalar(query)
    return row


async def list_notices(
    session: AsyncSession, *, campaign_id: UUID | None = None, booking_id: UUID | None = None
) -> list[NoticeRow]:
    """Return every notice of a campaign or a booking, oldest first."""
    wanted = or_(col(NoticeRow.campaign_id) == campaign_id, col(NoticeRow.booking_id) == booking_id)
    query = select(NoticeRow).where(wanted).order_by(col(NoticeRow.created_at), col(NoticeRow.id))
    return list(await session.scalars(query))
