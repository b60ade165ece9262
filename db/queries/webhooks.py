"""Travellers' webhooks: their endpoints, what is to be delivered, and the log of calls."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import func, select, tuple_, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from db.models.notice import NoticeRow
from db.models.user import UserRow
from db.models.webhook import (
    DeliveryState,
    EndpointState,
    WebhookDeliveryRow,
    WebhookEndpointRow,
    WebhookTryRow,
)
from db.paging import Page, check_limit, decode_cursor, page_of
from domain.ids import UserId, derive
from domain.webhooks import TEST_TYPE, type_of

# Whoever took a delivery and died is followed by another after this.
LEASE = timedelta(minutes=2)
_PENDING = col(WebhookDeliveryRow.state) == DeliveryState.PENDING


async def list_endpoints(session: AsyncSession, user_id: UUID) -> list[WebhookEndpointRow]:
    """Return a person's endpoints that were not removed, oldest first."""
    query = (
        select(WebhookEndpointRow)
        .where(
            col(WebhookEndpointRow.user_id) == user_id,
            col(WebhookEndpointRow.state) != EndpointState.REMOVED,
        )
        .order_by(col(WebhookEndpointRow.created_at), col(WebhookEndpointRow.id))
    )
    return list(await session.scalars(query))


async def get_endpoint(
    session: AsyncSession, user_id: UUID, endpoint_id: UUID, *, lock: bool = False
) -> WebhookEndpointRow | None:
    """Return a person's endpoint unless it was removed."""
    row = await session.get(
        WebhookEndpointRow, endpoint_id, populate_existing=True, with_for_update=lock
    )
    if row is None or row.user_id != user_id or row.state is EndpointState.REMOVED:
        return None
    return row


async def lock_person(session: AsyncSession, user_id: UUID) -> None:
    """Let one change of a person's endpoints happen at a time."""
    await session.get(UserRow, user_id, with_for_update={"key_share": True}, populate_existing=True)


async def add_deliveries(
    session: AsyncSession,
    endpoints: Sequence[UUID],
    notice_id: UUID,
    *,
    user_id: UUID,
    event: str,
    now: datetime,
) -> None:
    """Have a notice delivered to each of these; what was written before stays as it is."""
    rows = [
        {
            "id": derive("webhook delivery", endpoint_id, notice_id),
            "user_id": user_id,
            "endpoint_id": endpoint_id,
            "notice_id": notice_id,
            "type": type_of(event),
            # The same to all endpoints and at every try, so that receivers know it again.
            "message_id": f"msg_{notice_id}",
            "state": DeliveryState.PENDING,
            "tries": 0,
            "next_try_at": now,
            "created_at": now,
        }
        for endpoint_id in endpoints
    ]
    if rows:
        await session.execute(insert(WebhookDeliveryRow).values(rows).on_conflict_do_nothing())


async def add_test(
    session: AsyncSession, endpoint: WebhookEndpointRow, delivery_id: UUID, now: datetime
) -> WebhookDeliveryRow:
    row = WebhookDeliveryRow(
        id=delivery_id,
        user_id=endpoint.user_id,
        endpoint_id=endpoint.id,
        type=TEST_TYPE,
        message_id=f"msg_{delivery_id}",
        next_try_at=now,
        created_at=now,
    )
    session.add(row)
    await session.flush()
    return row


async def list_deliveries(
    session: AsyncSession, endpoint_id: UUID, *, cursor: str | None = None, limit: int = 20
) -> Page[WebhookDeliveryRow]:
    """Return a page of an endpoint's log, newest first."""
    check_limit(limit)
    created, identity = col(WebhookDeliveryRow.created_at), col(WebhookDeliveryRow.id)
    query = select(WebhookDeliveryRow).where(col(WebhookDeliveryRow.endpoint_id) == endpoint_id)
    if cursor is not None:
        last = decode_cursor(cursor)
        query = query.where(tuple_(created, identity) < tuple_(last.at, last.uuid()))
    query = query.order_by(created.desc(), identity.desc()).limit(limit + 1)
    rows = list(await session.scalars(query))
    return page_of(rows, limit, lambda row: (row.created_at, row.id))


async def get_delivery(
    session: AsyncSession, endpoint_id: UUID, delivery_id: UUID
) -> WebhookDeliveryRow | None:
    row = await session.get(
        WebhookDeliveryRow, delivery_id, populate_existing=True, with_for_update=True
    )
    return row if row is not None and row.endpoint_id == endpoint_id else None


async def tries_of(
    session: AsyncSession, delivery_ids: Sequence[UUID]
) -> dict[UUID, list[WebhookTryRow]]:
    """Return the calls of each delivery, the last one first."""
    query = (
        select(WebhookTryRow)
        .where(col(WebhookTryRow.delivery_id).in_(delivery_ids))
        .order_by(col(WebhookTryRow.at).desc())
    )
    found: dict[UUID, list[WebhookTryRow]] = {each: [] for each in delivery_ids}
    for row in await session.scalars(query):
        found[row.delivery_id].append(row)
    return found


async def send_again(session: AsyncSession, row: WebhookDeliveryRow, now: datetime) -> None:
    """Have a delivery made again from the beginning, under the same id."""
    row.state, row.tries, row.next_try_at, row.finished_at = DeliveryState.PENDING, 0, now, None
    await session.flush()


async def send_failed_again(session: AsyncSession, endpoint_id: UUID, now: datetime) -> int:
    """Have everything made again that was given up for an endpoint; return how much."""
    changed = await session.scalars(
        update(WebhookDeliveryRow)
        .where(
            col(WebhookDeliveryRow.endpoint_id) == endpoint_id,
            col(WebhookDeliveryRow.state) == DeliveryState.FAILED,
        )
        .values(state=DeliveryState.PENDING, tries=0, next_try_at=now, finished_at=None)
        .returning(col(WebhookDeliveryRow.id))
    )
    return len(list(changed))


async def give_up_pending(session: AsyncSession, endpoint_id: UUID, now: datetime) -> None:
    """End what still waits for an endpoint that is called no more."""
    await session.execute(
        update(WebhookDeliveryRow)
        .where(col(WebhookDeliveryRow.endpoint_id) == endpoint_id, _PENDING)
        .values(state=DeliveryState.FAILED, next_try_at=None, finished_at=now)
    )


async def next_delivery(session: AsyncSession, user_id: UUID) -> datetime | None:
    """Return when a person's next delivery is due; None if there is none."""
    query = select(func.min(col(WebhookDeliveryRow.next_try_at))).where(
        _PENDING, col(WebhookDeliveryRow.user_id) == user_id
    )
    found: datetime | None = await session.scalar(query)
    return found


async def people_undelivered(
    session: AsyncSession, *, due_before: datetime, limit: int
) -> list[UserId]:
    """Return people of whom a delivery is overdue, the longest ago first."""
    due = col(WebhookDeliveryRow.next_try_at)
    query = (
        select(col(WebhookDeliveryRow.user_id))
        .where(_PENDING, due < due_before)
        .group_by(col(WebhookDeliveryRow.user_id))
        .order_by(func.min(due))
        .limit(limit)
    )
    return [UserId(user_id) for user_id in await session.scalars(query)]


async def owners_undelivered(
    session: AsyncSession, *, campaign_id: UUID | None = None, booking_id: UUID | None = None
) -> list[UserId]:
    """Return to whose servers something of a campaign or a booking is still to be delivered."""
    of = col(NoticeRow.campaign_id) if campaign_id is not None else col(NoticeRow.booking_id)
    query = (
        select(col(WebhookDeliveryRow.user_id))
        .join(NoticeRow, col(NoticeRow.id) == col(WebhookDeliveryRow.notice_id))
        .where(_PENDING, of == (campaign_id or booking_id))
        .distinct()
    )
    return [UserId(user_id) for user_id in await session.scalars(query)]


async def due_deliveries(
    session: AsyncSession, user_id: UUID, now: datetime, *, limit: int = 50
) -> list[UUID]:
    due = col(WebhookDeliveryRow.next_try_at)
    query = (
        select(col(WebhookDeliveryRow.id))
        .where(_PENDING, col(WebhookDeliveryRow.user_id) == user_id, due <= now)
        .order_by(due, col(WebhookDeliveryRow.id))
        .limit(limit)
    )
    return list(await session.scalars(query))


async def take_delivery(
    session: AsyncSession, delivery_id: UUID, now: datetime
) -> WebhookDeliveryRow | None:
    """Take a delivery that is due, for as long as a call may last; None if somebody else has it."""
    query = (
        select(WebhookDeliveryRow)
        .where(
            col(WebhookDeliveryRow.id) == delivery_id,
            _PENDING,
            col(WebhookDeliveryRow.next_try_at) <= now,
        )
        .with_for_update(skip_locked=True)
        .execution_options(populate_existing=True)
    )
    row: WebhookDeliveryRow | None = await session.scalar(query)
    if row is not None:
        row.tries += 1
        row.next_try_at = now + LEASE
        await session.flush()
    return row


def log_try(
    session: AsyncSession,
    delivery: WebhookDeliveryRow,
    *,
    at: datetime,
    status: int | None,
    code: str,
    milliseconds: int,
) -> None:
    session.add(
        WebhookTryRow(
            id=derive("webhook try", delivery.id, at.isoformat()),
            user_id=delivery.user_id,
            delivery_id=delivery.id,
            at=at,
            status=status,
            code=code,
            milliseconds=milliseconds,
        )
    )
