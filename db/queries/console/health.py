"""How the product is, as operators see it: from the rows alone, the newest state of each thing."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Table, case, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from db.glances import CAMPAIGNS, DELIVERIES, DRAFTS, MANDATES, NOTICES
from db.models.attempt import AttemptRow
from db.models.operator_task import OperatorTaskRow, TaskState
from db.models.payment import PaymentRow
from db.models.provider_call import CallState, ProviderCallRow
from db.models.provider_event import ProviderEventRow
from db.queries.console.lists import table_of
from domain.attempts import LIVE, AttemptState
from domain.provider_events import EventState

_FAILED = (CallState.UNKNOWN, CallState.UNAVAILABLE, CallState.ABSENT)
_OPEN = (CallState.SENT, CallState.UNKNOWN)


@dataclass(frozen=True)
class ProviderFigures:
    """What a provider's calls of a while came to; refusals are answers, not failures."""

    provider: str
    calls: int
    failed: int
    refused: int
    p95_seconds: float | None

    @property
    def error_rate(self) -> float:
        return self.failed / self.calls if self.calls else 0.0


@dataclass(frozen=True)
class Completion:
    """How many of the wishes that were begun in a while were made, and how many wait as drafts."""

    made: int
    unfinished: int

    @property
    def percent(self) -> int:
        return round(100 * self.made / max(1, self.made + self.unfinished))


@dataclass(frozen=True)
class Backlog:
    """What waits to be sent: how much, since when, and how much was given up."""

    waiting: int
    oldest: datetime | None
    given_up: int


async def provider_figures(session: AsyncSession, since: datetime) -> list[ProviderFigures]:
    """Sum up the calls that move money or seats, by provider."""
    state, call = col(ProviderCallRow.state), col(ProviderCallRow.provider)
    took = col(ProviderCallRow.answered_at) - col(ProviderCallRow.sent_at)
    seconds = func.extract("epoch", took)
    query = (
        select(
            call,
            func.count(),
            func.count().filter(state.in_(_FAILED)),
            func.count().filter(state == CallState.REFUSED),
            func.percentile_cont(0.95).within_group(seconds.asc()),
        )
        .where(col(ProviderCallRow.sent_at) >= since)
        .group_by(call)
        .order_by(call)
    )
    return [
        ProviderFigures(name, calls, failed, refused, None if p95 is None else float(p95))
        for name, calls, failed, refused, p95 in await session.execute(query)
    ]


async def stuck_attempts(
    session: AsyncSession, now: datetime, *, patience: timedelta, limit: int = 50
) -> list[AttemptRow]:
    """Return attempts in which nothing has moved for longer than a step takes, longest first.

    One that waits for the traveller's bank is not stuck while its link is good.
    """
    query = (
        select(AttemptRow)
        .where(*_stuck(now, patience))
        .order_by(col(AttemptRow.updated_at), col(AttemptRow.id))
        .limit(limit)
    )
    return list(await session.scalars(query))


async def count_stuck(session: AsyncSession, now: datetime, *, patience: timedelta) -> int:
    query = select(func.count()).select_from(AttemptRow).where(*_stuck(now, patience))
    return int(await session.scalar(query) or 0)


def _stuck(now: datetime, patience: timedelta) -> list[ColumnElement[bool]]:
    state, moved = col(AttemptRow.state), col(AttemptRow.updated_at)
    bank = state == AttemptState.AWAITING_AUTHENTICATION
    # The bank's link is good for an hour.
    limit = case((bank, now - patience - timedelta(hours=1)), else_=now - patience)
    return [state.in_(LIVE), moved < limit]


async def open_calls(session: AsyncSession, before: datetime) -> int:
    """Count calls of whose outcome nobody knows, sent before an instant."""
    query = (
        select(func.count())
        .select_from(ProviderCallRow)
        .where(col(ProviderCallRow.state).in_(_OPEN), col(ProviderCallRow.sent_at) < before)
    )
    return int(await session.scalar(query) or 0)


async def mail_backlog(session: AsyncSession, now: datetime, since: datetime) -> Backlog:
    letter = NOTICES.c.channel == "email"
    return await _backlog(session, NOTICES, NOTICES.c.due_at, now, since, letter)


async def webhook_backlog(session: AsyncSession, now: datetime, since: datetime) -> Backlog:
    return await _backlog(session, DELIVERIES, DELIVERIES.c.next_try_at, now, since)


async def event_backlog(session: AsyncSession, now: datetime, since: datetime) -> Backlog:
    """Say how far what providers tell us is worked on; given up are the dead letters."""
    table = table_of(ProviderEventRow)
    gone = (table.c.state == EventState.DEAD) & (table.c.finished_at >= since)
    return await _backlog(session, table, table.c.next_try_at, now, since, gone=gone)


async def _backlog(
    session: AsyncSession,
    table: Table,
    due: ColumnElement[Any],
    now: datetime,
    since: datetime,
    *conditions: ColumnElement[bool],
    gone: ColumnElement[bool] | None = None,
) -> Backlog:
    waits = (table.c.state == "pending") & (due <= now)
    if gone is None:
        gone = (table.c.state == "failed") & (table.c.created_at >= since)
    query = select(
        func.count().filter(waits), func.min(due).filter(waits), func.count().filter(gone)
    ).where(or_(table.c.state == "pending", gone), *conditions)
    waiting, oldest, given_up = (await session.execute(query)).one()
    return Backlog(waiting, oldest, given_up)


async def booked_in_time(
    session: AsyncSession, since: datetime, target: timedelta
) -> tuple[int, int]:
    """Return how many bookings took no longer than they should, and how many there were.

    Those that waited for a traveller's bank are left out: that time is nobody's.
    """
    took = col(AttemptRow.finished_at) - col(AttemptRow.started_at)
    asked = (
        select(col(PaymentRow.id))
        .where(
            col(PaymentRow.attempt_id) == col(AttemptRow.id),
            col(PaymentRow.redirect_url_encrypted).is_not(None),
        )
        .exists()
    )
    query = select(func.count().filter(took <= target), func.count()).where(
        col(AttemptRow.state) == AttemptState.CAPTURED,
        col(AttemptRow.finished_at) >= since,
        ~asked,
    )
    within, total = (await session.execute(query)).one()
    return int(within), int(total)


async def signing_since(session: AsyncSession, key_id: str) -> datetime | None:
    """Return when a mandate was first signed with a key; None if none was yet."""
    query = select(func.min(MANDATES.c.consented_at)).where(MANDATES.c.key_id == key_id)
    found: datetime | None = await session.scalar(query)
    return found


async def open_tasks(session: AsyncSession) -> tuple[int, datetime | None]:
    """Return how many things only a person can decide, and since when the oldest waits."""
    query = select(func.count(), func.min(col(OperatorTaskRow.created_at))).where(
        col(OperatorTaskRow.state) == TaskState.OPEN
    )
    number, oldest = (await session.execute(query)).one()
    return number, oldest


async def tasks_of(
    session: AsyncSession, *, attempt_id: UUID | None = None, booking_id: UUID | None = None
) -> list[OperatorTaskRow]:
    """Return what was asked of a person about an attempt or a booking, newest first."""
    of = []
    if attempt_id is not None:
        of.append(col(OperatorTaskRow.attempt_id) == attempt_id)
    if booking_id is not None:
        of.append(col(OperatorTaskRow.booking_id) == booking_id)
    if not of:
        return []
    query = select(OperatorTaskRow).where(or_(*of))
    return list(await session.scalars(query.order_by(col(OperatorTaskRow.created_at).desc())))


async def completion(session: AsyncSession, since: datetime) -> Completion:
    """Count what was made, and what was begun and left; an edit of a wish is neither."""
    made = select(func.count()).where(CAMPAIGNS.c.created_at >= since)
    left = select(func.count()).where(DRAFTS.c.created_at >= since, DRAFTS.c.campaign_id.is_(None))
    return Completion(await session.scalar(made) or 0, await session.scalar(left) or 0)
