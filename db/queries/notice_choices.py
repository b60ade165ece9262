"""What people chose to be told: read with every notice that is written, changed on one page."""

from collections.abc import Mapping
from datetime import datetime, time
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from db.models.notice_choice import NoticePreferenceRow, NoticeSettingsRow
from db.models.user import UserRow
from domain.telling import (
    LEAST_CHANGE_PERCENT,
    Channel,
    Choice,
    Kind,
    Preferences,
    QuietHours,
)


async def preferences_of(
    session: AsyncSession, user_id: UUID, *, has_webhooks: bool = False
) -> Preferences:
    """Return what a person chose; for somebody unknown, what holds without a choice."""
    query = (
        select(col(UserRow.time_zone), NoticeSettingsRow)
        .outerjoin(NoticeSettingsRow, col(NoticeSettingsRow.user_id) == col(UserRow.id))
        .where(col(UserRow.id) == user_id)
    )
    found = (await session.execute(query)).one_or_none()
    if found is None:
        return Preferences(has_webhooks=has_webhooks)
    zone, settings = found
    cells = await session.scalars(
        select(NoticePreferenceRow).where(col(NoticePreferenceRow.user_id) == user_id)
    )
    return Preferences(
        choices={(cell.kind, cell.channel): cell.choice for cell in cells},
        quiet=_quiet(settings),
        least_change_percent=settings.least_change_percent if settings else LEAST_CHANGE_PERCENT,
        time_zone=zone,
        has_webhooks=has_webhooks,
    )


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


def _quiet(row: NoticeSettingsRow | None) -> QuietHours | None:
    if row is None or row.quiet_begins is None or row.quiet_ends is None:
        return None
    return QuietHours(begins=_hour(row.quiet_begins), ends=_hour(row.quiet_ends))


def _hour(value: time) -> time:
    return value.replace(tzinfo=None)
