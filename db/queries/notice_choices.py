"""What people chose to be told: read with every notice that is written, changed on one page."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from db.models.notice_choice import NoticePreferenceRow, NoticeSettingsRow
from domain.telling import (
    LEAST_CHANGE_PERCENT,
    Channel,
    Choice,
    Kind,
    Preferences,
    QuietHours,
)

# In one question, since it is put wherever something is booked, charged or refused.
_READER = text(
    """
    SELECT u.time_zone, s.quiet_begins, s.quiet_ends, s.least_change_percent,
        ARRAY(SELECT ARRAY[p.kind, p.channel, p.choice] FROM notice_preferences p
            WHERE p.user_id = u.id) AS choices,
        ARRAY(SELECT e.id FROM webhook_endpoints e
            WHERE e.user_id = u.id AND e.state = 'active' ORDER BY e.created_at) AS endpoints
    FROM users u LEFT JOIN notice_settings s ON s.user_id = u.id
    WHERE u.id = :user
    """
)


@dataclass(frozen=True)
class Reader:
    """Somebody to be told: what they chose, and the servers of theirs that are called."""

    chosen: Preferences
    endpoints: tuple[UUID, ...] = ()


async def reader_of(session: AsyncSession, user_id: UUID) -> Reader:
    """Return a person as a reader; somebody unknown is one who chose nothing."""
    found = (await session.execute(_READER, {"user": user_id})).one_or_none()
    if found is None:
        return Reader(Preferences())
    quiet = None
    if found.quiet_begins is not None and found.quiet_ends is not None:
        quiet = QuietHours(begins=found.quiet_begins, ends=found.quiet_ends)
    chosen = Preferences(
        choices={
            (Kind(kind), Channel(channel)): Choice(choice)
            for kind, channel, choice in found.choices
        },
        quiet=quiet,
        least_change_percent=found.least_change_percent or LEAST_CHANGE_PERCENT,
        time_zone=found.time_zone,
        has_webhooks=bool(found.endpoints),
    )
    return Reader(chosen, tuple(found.endpoints))


async def preferences_of(session: AsyncSession, user_id: UUID) -> Preferences:
    """Return what a person chose."""
    return (await reader_of(session, user_id)).chosen


async def choose(
    session: AsyncSession,
    user_id: UUID,
    choices: Mapping[tuple[Kind, Channel], Choice],
    now: datetime,
) -> None:
    """Set a person's whole matrix."""
    mine = col(NoticePreferenceRow.user_id) == user_id
    await session.execute(delete(NoticePreferenceRow).where(mine))
    for (kind, channel), choice in choices.items():
        if choice is not Choice.AT_ONCE:
            session.add(
                NoticePreferenceRow(
                    user_id=user_id, kind=kind, channel=channel, choice=choice, updated_at=now
                )
            )
    await session.flush()


async def set_hours(
    session: AsyncSession,
    user_id: UUID,
    quiet: QuietHours | None,
    least_change_percent: int,
    now: datetime,
) -> None:
    values = {
        "quiet_begins": quiet.begins if quiet else None,
        "quiet_ends": quiet.ends if quiet else None,
        "least_change_percent": least_change_percent,
        "updated_at": now,
    }
    await session.execute(
        insert(NoticeSettingsRow)
        .values(user_id=user_id, **values)
        .on_conflict_do_update(index_elements=["user_id"], set_=values)
    )
