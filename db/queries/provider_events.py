"""What providers tell us: stored once, taken one at a time, and whose process has to look."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Boolean, func, literal_column, or_, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from db.models.attempt import AttemptRow
from db.models.payment import PaymentRow
from db.models.provider_event import ProviderEventRow
from db.models.refund import RefundRow
from domain.ids import derive
from domain.provider_events import (
    MOST_TRIES,
    EventState,
    ProviderEvent,
    Signature,
    Teller,
    next_try,
    owner_of,
)

_PENDING = col(ProviderEventRow.state) == EventState.PENDING


async def store_event(
    session: AsyncSession, teller: Teller, event: ProviderEvent, now: datetime
) -> bool:
    """Store an event by the provider's id, or count that it came again.

    Return whether it is new and somebody has to look because of it.
    """
    wanted = owner_of(teller, event.kind) is not None
    row = ProviderEventRow(
        id=_id_of(teller, event.event_ref),
        provider=teller,
        signature=Signature.GOOD,
        event_ref=event.event_ref,
        kind=event.kind,
        object_ref=event.object_ref,
        facts=event.facts,
        state=EventState.PENDING if wanted else EventState.LEFT,
        next_try_at=now if wanted else None,
        outcome="" if wanted else "nobody needs to look at this kind",
        happened_at=event.happened_at,
        received_at=now,
        last_at=now,
        finished_at=None if wanted else now,
    )
    return await _store(session, row) and wanted


async def count_refused(
    session: AsyncSession, teller: Teller, signature: Signature, now: datetime
) -> None:
    """Count something that is not the provider's: a row for each hour and reason, no more."""
    hour = now.replace(minute=0, second=0, microsecond=0)
    row = ProviderEventRow(
        id=derive("refused event", teller, signature, hour.isoformat()),
        provider=teller,
        signature=signature,
        kind="",
        facts={},
        state=EventState.REFUSED,
        received_at=now,
        last_at=now,
        finished_at=now,
    )
    await _store(session, row)


def _id_of(teller: Teller, event_ref: str) -> UUID:
    return derive("provider event", teller, event_ref)


async def _store(session: AsyncSession, row: ProviderEventRow) -> bool:
    """Write a row, or count that it came again; return whether it is new."""
    again = {"times": col(ProviderEventRow.times) + 1, "last_at": row.last_at}
    written = (
        insert(ProviderEventRow)
        .values(row.model_dump())
        .on_conflict_do_update(index_elements=["id"], set_=again)
        # Of a row that was changed this names the transaction that did it.
        .returning(literal_column("xmax = 0", Boolean))
    )
    return bool(await session.scalar(written))


async def take_event(session: AsyncSession, now: datetime) -> ProviderEventRow | None:
    """Take the event that is due longest; None if none is, or somebody else has them.

    The try is counted before it is made: one that takes its worker down is given up some day, and
    keeps no other waiting.
    """
    due = col(ProviderEventRow.next_try_at)
    query = (
        select(ProviderEventRow)
        .where(_PENDING, due <= now)
        .order_by(due, col(ProviderEventRow.id))
        .limit(1)
        .with_for_update(skip_locked=True)
        .execution_options(populate_existing=True)
    )
    row: ProviderEventRow | None
    while (row := await session.scalar(query)) is not None:
        if row.tries < MOST_TRIES:
            row.tries += 1
            row.next_try_at = next_try(row.tries, now)
            await session.flush()
            return row
        _end(row, EventState.DEAD, now)
        await session.flush()
    return None


async def settle_event(
    session: AsyncSession, taken: ProviderEventRow, state: EventState, outcome: str, now: datetime
) -> None:
    """Write down what came of a try, unless the event was taken up anew meanwhile."""
    row = await lock_event(session, taken.id)
    if row is None or row.state is not EventState.PENDING or row.tries != taken.tries:
        return
    row.outcome = outcome
    if state is EventState.PENDING and row.tries < MOST_TRIES:
        return  # tried again at its hour
    _end(row, EventState.DEAD if state is EventState.PENDING else state, now)


def _end(row: ProviderEventRow, state: EventState, now: datetime) -> None:
    row.state, row.next_try_at, row.finished_at = state, None, now


async def lock_event(session: AsyncSession, event_id: UUID) -> ProviderEventRow | None:
    return await session.get(
        ProviderEventRow, event_id, with_for_update=True, populate_existing=True
    )


def work_again(row: ProviderEventRow, now: datetime) -> None:
    """Have an event worked on from the beginning."""
    row.state, row.tries, row.outcome = EventState.PENDING, 0, ""
    row.next_try_at, row.finished_at = now, None


async def events_about(session: AsyncSession, ref: str) -> list[UUID]:
    """Return the events that have this id at their provider, or are about what has it."""
    ids = [_id_of(teller, ref) for teller in Teller]
    query = select(col(ProviderEventRow.id)).where(
        or_(col(ProviderEventRow.id).in_(ids), col(ProviderEventRow.object_ref) == ref)
    )
    return list(await session.scalars(query.limit(200)))


async def next_event_due(session: AsyncSession) -> datetime | None:
    """Return when the next event is to be worked on; None if none waits."""
    query = select(func.min(col(ProviderEventRow.next_try_at))).where(_PENDING)
    found: datetime | None = await session.scalar(query)
    return found


async def attempt_of_offer(session: AsyncSession, offer_ref: str) -> UUID | None:
    """Return the live attempt that took this offer."""
    query = select(col(AttemptRow.id)).where(
        # In the words of the index of live attempts, which are few.
        text("state NOT IN ('captured', 'failed')"),
        col(AttemptRow.offer_id) == offer_ref,
    )
    found: UUID | None = await session.scalar(query.limit(1))
    return found


async def attempt_of_intent(session: AsyncSession, intent_ref: str) -> AttemptRow | None:
    """Return the attempt that holds money by this payment intent."""
    query = (
        select(AttemptRow)
        .join(PaymentRow, col(PaymentRow.attempt_id) == col(AttemptRow.id))
        .where(col(PaymentRow.intent_ref) == intent_ref)
    )
    found: AttemptRow | None = await session.scalar(query.limit(1))
    return found


async def refunded_by_intent(session: AsyncSession, intent_ref: str) -> UUID | None:
    """Return the booking from which money of this payment intent goes back."""
    query = (
        select(col(RefundRow.booking_id))
        .join(PaymentRow, col(PaymentRow.id) == col(RefundRow.payment_id))
        .where(col(PaymentRow.intent_ref) == intent_ref)
    )
    found: UUID | None = await session.scalar(query.limit(1))
    return found
