"""The only place that changes a state: locked, checked, numbered and told in one transaction.

Locks are taken in one order everywhere: campaign, then attempt, booking, payment. Whoever needs
several starts with the campaign.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, assert_never
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm.attributes import set_committed_value
from sqlalchemy.sql import bindparam
from sqlmodel import col

from db.errors import StaleRow
from db.locks import hold, lock
from db.models.attempt import AttemptRow
from db.models.booking import PUBLISHED_BOOKING_STATUS, BookingRow
from db.models.campaign import CampaignRow
from db.models.erasure import ErasureRow
from db.models.payment import PaymentRow
from db.queries.audit import write_down
from db.queries.notices import NewNotice, add_notices
from domain.attempts import ATTEMPT_TRANSITIONS, AttemptState
from domain.audit import Action, Entry
from domain.campaigns import CAMPAIGN_TRANSITIONS, CampaignState
from domain.erasures import ERASURE_TRANSITIONS, ErasureState
from domain.orders import BOOKING_TRANSITIONS, BookingState
from domain.payments import PAYMENT_TRANSITIONS, PaymentState

OfCampaign = CampaignRow | AttemptRow | BookingRow | PaymentRow
Stateful = OfCampaign | ErasureRow
State = CampaignState | AttemptState | BookingState | PaymentState | ErasureState

EVENTS_CHANNEL = "campaign_events"
_AUDITED: Mapping[type[Stateful], tuple[Action, str]] = {
    CampaignRow: (Action.CAMPAIGN_STATE, "campaign"),
    AttemptRow: (Action.ATTEMPT_STATE, "attempt"),
    BookingRow: (Action.BOOKING_STATE, "booking"),
    PaymentRow: (Action.PAYMENT_STATE, "payment"),
    ErasureRow: (Action.ERASURE_STATE, "erasure"),
}
_NOTHING: Mapping[str, Any] = {}

# The number, the event and the nudge for whoever listens, in one round trip. The UPDATE waits for
# the campaign's row lock, so numbers have no gaps and become visible in their order.
_APPEND = text(
    """
    WITH numbered AS (
        UPDATE autobooking_campaigns SET event_seq = event_seq + 1
        WHERE id = :campaign RETURNING event_seq, user_id
    ), added AS (
        INSERT INTO campaign_events (campaign_id, seq, user_id, kind, data, at)
        SELECT :campaign, event_seq, user_id, :kind, :data, :at FROM numbered
        RETURNING campaign_id, seq, user_id
    )
    SELECT seq, pg_notify(:channel, campaign_id || ':' || seq || ':' || user_id) FROM added
    """
).bindparams(bindparam("data", type_=JSONB))


class NoSuchCampaign(LookupError):
    def __init__(self, campaign_id: UUID) -> None:
        super().__init__(str(campaign_id))


async def change_state(
    session: AsyncSession,
    row: Stateful,
    to: State,
    *,
    now: datetime,
    event: str,
    data: Mapping[str, Any] = _NOTHING,
    notices: Sequence[NewNotice] = (),
) -> None:
    """Move the row to another state, append its campaign's event and write the notices.

    The row is read again under lock first, unless this transaction holds that lock already, so
    `row` tells the truth afterwards.

    Raises:
        IllegalTransition: the domain's table does not allow the change from where the row is now.
        StaleRow: the row was changed after the caller read it.
    """
    await _lock_again(session, row)
    before = _state(row)
    _move(row, to, now)
    if not isinstance(row, PaymentRow):
        row.row_version += 1
    row.updated_at = now
    await session.flush()
    campaign_id = _campaign_of(row)
    if campaign_id is not None and not isinstance(row, ErasureRow):
        subject = {} if isinstance(row, CampaignRow) else {_subject(row): str(row.id)}
        told = {"state": to.value, **subject, **data}
        number = await append_event(session, campaign_id, event, told, now)
        if isinstance(row, CampaignRow):
            set_committed_value(row, "event_seq", number)
    after = {"state": to.value, "event": event} if event else {"state": to.value}
    action, kind = _AUDITED[type(row)]
    await write_down(
        session, Entry(action, kind, str(row.id), row.user_id, {"state": before}, after), now
    )
    await add_notices(session, notices, now)


def _state(row: Stateful) -> str:
    return row.status.value if isinstance(row, CampaignRow) else row.state.value


def _move(row: Stateful, to: State, now: datetime) -> None:
    match row, to:
        case CampaignRow(), CampaignState():
            CAMPAIGN_TRANSITIONS.check(row.status, to)
            row.status = to
        case AttemptRow(), AttemptState():
            ATTEMPT_TRANSITIONS.check(row.state, to)
            row.state = to
            if ATTEMPT_TRANSITIONS.final(to):
                row.finished_at = now
        case BookingRow(), BookingState():
            BOOKING_TRANSITIONS.check(row.state, to)
            row.state, row.status = to, PUBLISHED_BOOKING_STATUS[to]
        case PaymentRow(), PaymentState():
            PAYMENT_TRANSITIONS.check(row.state, to)
            row.state = to
        case ErasureRow(), ErasureState():
            ERASURE_TRANSITIONS.check(row.state, to)
            row.state = to
            if ERASURE_TRANSITIONS.final(to):
                row.ended_at = now
        case _:
            raise TypeError(f"{to!r} is no state of a {type(row).__name__}")


async def append_event(
    session: AsyncSession, campaign_id: UUID, kind: str, data: Mapping[str, Any], now: datetime
) -> int:
    """Append the campaign's next event and return its number; takes the campaign's lock.

    Raises:
        NoSuchCampaign: there is no such row.
    """
    await session.flush()
    parameters = {
        "campaign": campaign_id,
        "kind": kind,
        "data": dict(data),
        "at": now,
        "channel": EVENTS_CHANNEL,
    }
    number = (await session.execute(_APPEND, parameters)).scalar_one_or_none()
    if number is None:
        raise NoSuchCampaign(campaign_id)
    return int(number)


async def lock_campaign(session: AsyncSession, campaign_id: UUID) -> CampaignRow | None:
    return await lock(session, CampaignRow, campaign_id)


async def lock_attempt(
    session: AsyncSession, attempt_id: UUID, *, campaign_id: UUID | None = None
) -> AttemptRow | None:
    """Lock the attempt, and its campaign before it: who can name that saves a question.

    Raises:
        LookupError: the attempt is another campaign's.
    """
    if campaign_id is None:
        seen = await session.get(AttemptRow, attempt_id)
        if seen is None:
            return None
        campaign_id = seen.campaign_id
    await lock(session, CampaignRow, campaign_id)
    row = await lock(session, AttemptRow, attempt_id)
    if row is not None and row.campaign_id != campaign_id:
        raise LookupError(f"attempt {attempt_id} is not of campaign {campaign_id}")
    return row


async def lock_both(
    session: AsyncSession, campaign_id: UUID, attempt_id: UUID
) -> tuple[CampaignRow, AttemptRow] | None:
    """Lock a campaign and its attempt by one statement; None where there are not both.

    Postgres locks in the order of `of`. Where it had to wait it looks at both rows again.
    """
    await session.flush()
    query = (
        select(CampaignRow, AttemptRow)
        .join(AttemptRow, col(AttemptRow.campaign_id) == col(CampaignRow.id))
        .where(col(CampaignRow.id) == campaign_id, col(AttemptRow.id) == attempt_id)
        .with_for_update(key_share=True, of=[CampaignRow, AttemptRow])
    )
    found = (await session.execute(query.execution_options(populate_existing=True))).first()
    if found is None:
        return None
    campaign, attempt = found
    hold(session, campaign, campaign.id)
    hold(session, attempt, attempt.id)
    return campaign, attempt


async def lock_booking(
    session: AsyncSession, booking_id: UUID, *, campaign_id: UUID | None = None
) -> BookingRow | None:
    """Lock the booking, and its campaign, if it has one, before it; see `lock_attempt`.

    Raises:
        LookupError: the booking is not of the campaign that was named.
    """
    if campaign_id is None:
        seen = await session.get(BookingRow, booking_id)
        if seen is None:
            return None
        campaign_id = seen.campaign_id
    if campaign_id is not None:
        await lock(session, CampaignRow, campaign_id)
    row = await lock(session, BookingRow, booking_id)
    if row is not None and row.campaign_id != campaign_id:
        raise LookupError(f"booking {booking_id} is not of campaign {campaign_id}")
    return row


def payment_notice(
    event: str, attempt: AttemptRow, payment: PaymentRow, lapses_at: datetime | None = None
) -> NewNotice:
    """Tell the owner something about the money of an attempt."""
    return NewNotice(
        event=event,
        subject_id=payment.id,
        user_id=attempt.user_id,
        campaign_id=attempt.campaign_id,
        data={
            "attempt_id": str(attempt.id),
            "amount_minor": payment.amount_minor,
            "currency": payment.currency,
            **({"lapses_at": lapses_at.isoformat()} if lapses_at else {}),
        },
    )


async def _lock_again(session: AsyncSession, row: Stateful) -> None:
    seen = None if isinstance(row, PaymentRow) else row.row_version
    campaign_id = _campaign_of(row)
    if campaign_id is not None and not isinstance(row, CampaignRow):
        await lock(session, CampaignRow, campaign_id)
    found = await lock(session, type(row), row.id)
    if found is not row or (not isinstance(row, PaymentRow) and row.row_version != seen):
        raise StaleRow(type(row).__name__, row.id)


def _campaign_of(row: Stateful) -> UUID | None:
    match row:
        case CampaignRow():
            return row.id
        case ErasureRow():
            return None
        case _:
            return row.campaign_id


def _subject(row: AttemptRow | BookingRow | PaymentRow) -> str:
    match row:
        case AttemptRow():
            return "attempt_id"
        case BookingRow():
            return "booking_id"
        case PaymentRow():
            return "payment_id"
        case _:
            assert_never(row)
