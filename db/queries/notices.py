"""Notices: one row for each event and channel, whatever is repeated."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from db.models.notice import NoticeRow, NoticeState
from domain.ids import notice_id_for


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
    channel: str = "email"


def message_id(notice_id: UUID) -> str:
    """Return the Message-ID under which a notice is sent, however often."""
    return f"<{notice_id}@parkerflight>"


async def add_notices(session: AsyncSession, notices: Sequence[NewNotice], now: datetime) -> None:
    """Write the notices down; those that were written before stay as they are."""
    if not notices:
        return
    rows = []
    for notice in notices:
        notice_id = notice_id_for(notice.subject_id, notice.event, notice.channel)
        rows.append(
            {
                "id": notice_id,
                "user_id": notice.user_id,
                "subject_id": notice.subject_id,
                "campaign_id": notice.campaign_id,
                "booking_id": notice.booking_id,
                "event": notice.event,
                "channel": notice.channel,
                "message_id": message_id(notice_id),
                "state": NoticeState.PENDING,
                "data": notice.data,
                "tries": 0,
                "created_at": now,
            }
        )
    # The rows that a notice points to may still be waiting in the session.
    await session.flush()
    await session.execute(insert(NoticeRow).values(rows).on_conflict_do_nothing())


async def pending_notices(
    session: AsyncSession,
    *,
    campaign_id: UUID | None = None,
    booking_id: UUID | None = None,
    limit: int = 100,
) -> list[NoticeRow]:
    """Return what is still to be sent, oldest first: of a campaign, of a booking, or of all."""
    query = select(NoticeRow).where(col(NoticeRow.state) == NoticeState.PENDING)
    wanted = []
    if campaign_id is not None:
        wanted.append(col(NoticeRow.campaign_id) == campaign_id)
    if booking_id is not None:
        wanted.append(col(NoticeRow.booking_id) == booking_id)
    if wanted:
        query = query.where(or_(*wanted))
    query = query.order_by(col(NoticeRow.created_at), col(NoticeRow.id)).limit(limit)
    return list(await session.scalars(query))


async def take_pending(session: AsyncSession, notice_id: UUID) -> NoticeRow | None:
    """Lock a notice that is still to be sent; None if it is not.

    Waits for whoever is sending it now: should they fail, or be dead, it is still to be sent.
    """
    pending = col(NoticeRow.state) == NoticeState.PENDING
    query = select(NoticeRow).where(col(NoticeRow.id) == notice_id, pending)
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
