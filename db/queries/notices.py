"""Notices: one row for each event and channel, whatever is repeated."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from db.models.notice import NoticeRow, NoticeState
from db.queries.audit import write_down
from db.queries.notice_choices import reader_of
from db.queries.webhooks import add_deliveries
from domain.audit import ACCOUNT_EVENTS, Entry
from domain.ids import UserId, notice_id_for
from domain.telling import Channel, Delivery, deliveries

_PENDING = col(NoticeRow.state) == NoticeState.PENDING
_HELD: ColumnElement[bool] = col(NoticeRow.due_at) > col(NoticeRow.created_at)


@dataclass(frozen=True)
class NewNotice:
    """Something to tell a person. `subject_id` is the very thing that the event happened to.

    `data` holds ids and figures only: names are read when the message is written. Where it goes,
    and when, is the reader's choice within the rules of `domain.telling`.
    """

    event: str
    subject_id: UUID
    user_id: UUID
    campaign_id: UUID | None = None
    booking_id: UUID | None = None
    data: dict[str, Any] = field(default_factory=dict)
    to_encrypted: str | None = None
    """Another address than the account's, sealed for the letter `id`; see `db.telling`."""

    @property
    def id(self) -> UUID:
        """The id of the letter."""
        return self.on(Channel.EMAIL)

    def on(self, channel: Channel) -> UUID:
        """Return the notice's id on a channel."""
        return notice_id_for(self.subject_id, self.event, channel)


def message_id(notice_id: UUID) -> str:
    """Return the Message-ID under which a notice is sent, however often."""
    return f"<{notice_id}@parkerflight>"


async def add_notices(session: AsyncSession, notices: Sequence[NewNotice], now: datetime) -> None:
    """Write the notices down for each channel; those that were written before stay as they are."""
    if not notices:
        return
    # The rows that a notice points to may still be waiting in the session.
    await session.flush()
    for user_id in dict.fromkeys(notice.user_id for notice in notices):
        mine = [notice for notice in notices if notice.user_id == user_id]
        await _add_for(session, user_id, mine, now)
    for notice in notices:
        if action := ACCOUNT_EVENTS.get(notice.event):
            done = {"event": notice.event, **notice.data}
            account = str(notice.user_id)
            entry = Entry(action, "account", account, notice.user_id, after=done)
            await write_down(session, entry, now)


async def _add_for(
    session: AsyncSession, user_id: UUID, notices: Sequence[NewNotice], now: datetime
) -> None:
    reader = await reader_of(session, user_id)
    rows = [
        _row(notice, to, now)
        for notice in notices
        for to in deliveries(notice.event, reader.chosen, now)
    ]
    if rows:
        await session.execute(insert(NoticeRow).values(rows).on_conflict_do_nothing())
    for row in rows:
        if row["channel"] is Channel.WEBHOOK:
            await add_deliveries(
                session, reader.endpoints, row["id"], user_id=user_id, event=row["event"], now=now
            )


def _row(notice: NewNotice, to: Delivery, now: datetime) -> dict[str, Any]:
    letter = to.channel is Channel.EMAIL
    notice_id = notice.on(to.channel)
    return {
        "id": notice_id,
        "user_id": notice.user_id,
        "subject_id": notice.subject_id,
        "campaign_id": notice.campaign_id,
        "booking_id": notice.booking_id,
        "event": notice.event,
        "channel": to.channel,
        "message_id": message_id(notice_id),
        "state": NoticeState.PENDING if letter else NoticeState.SENT,
        "data": notice.data,
        "to_encrypted": notice.to_encrypted if letter else None,
        "tries": 0,
        "created_at": now,
        "due_at": to.due_at,
        "sent_at": None if letter else now,
    }


async def pending_notices(
    session: AsyncSession,
    *,
    campaign_id: UUID | None = None,
    booking_id: UUID | None = None,
    limit: int = 100,
) -> list[NoticeRow]:
    """Return letters still to be sent, oldest first: of a campaign, of a booking, or of all.

    What was held back for later is left to the telling of its reader. What was not is no matter of
    the clock: where clocks are moved, a sender's may be behind the writer's.
    """
    query = select(NoticeRow).where(_PENDING, _HELD.is_(False), *_of(campaign_id, booking_id))
    query = query.order_by(col(NoticeRow.created_at), col(NoticeRow.id)).limit(limit)
    return list(await session.scalars(query))


async def due_notices(
    session: AsyncSession, user_id: UUID, now: datetime, *, held: bool, limit: int = 100
) -> list[NoticeRow]:
    """Return a person's letters that are to be sent by now: those that were held back, or not."""
    query = select(NoticeRow).where(
        _PENDING,
        col(NoticeRow.user_id) == user_id,
        _HELD.is_(held),
        or_(col(NoticeRow.due_at) <= now, _HELD.is_(False)),
    )
    query = query.order_by(col(NoticeRow.created_at), col(NoticeRow.id)).limit(limit)
    return list(await session.scalars(query))


async def next_due(session: AsyncSession, user_id: UUID) -> datetime | None:
    """Return when something is to be sent to a person next; None if nothing waits."""
    query = select(func.min(col(NoticeRow.due_at))).where(
        _PENDING, col(NoticeRow.user_id) == user_id
    )
    found: datetime | None = await session.scalar(query)
    return found


async def owners_waiting(
    session: AsyncSession, *, campaign_id: UUID | None = None, booking_id: UUID | None = None
) -> list[UserId]:
    """Return whom something of a campaign or a booking is to be told at an hour to come."""
    query = select(col(NoticeRow.user_id)).where(_PENDING, _HELD, *_of(campaign_id, booking_id))
    query = query.distinct()
    return [UserId(user_id) for user_id in await session.scalars(query)]


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


def send_letter_again(row: NoticeRow, now: datetime) -> None:
    """Have a letter sent once more, under its own Message-ID."""
    row.state, row.tries, row.due_at, row.sent_at = NoticeState.PENDING, 0, now, None


async def address_refused(session: AsyncSession, user_id: UUID) -> datetime | None:
    """Return since when mail to a person's address is refused; None if the last one arrived."""
    tried = (
        select(NoticeRow)
        .where(
            col(NoticeRow.user_id) == user_id,
            col(NoticeRow.channel) == Channel.EMAIL,
            col(NoticeRow.state).in_([NoticeState.SENT, NoticeState.FAILED]),
            # Another address that was given and is wrong says nothing about the account's own.
            or_(
                col(NoticeRow.to_encrypted).is_(None),
                col(NoticeRow.state) == NoticeState.SENT,
            ),
        )
        .order_by(col(NoticeRow.created_at).desc(), col(NoticeRow.id).desc())
        .limit(1)
    )
    last: NoticeRow | None = await session.scalar(tried)
    refused = last is not None and last.state is NoticeState.FAILED
    return last.created_at if last and refused else None


def _of(campaign_id: UUID | None, booking_id: UUID | None) -> list[ColumnElement[bool]]:
    """Say whose notices are meant: a campaign's or a booking's, or everybody's."""
    wanted = []
    if campaign_id is not None:
        wanted.append(col(NoticeRow.campaign_id) == campaign_id)
    if booking_id is not None:
        wanted.append(col(NoticeRow.booking_id) == booking_id)
    return [or_(*wanted)] if wanted else []
