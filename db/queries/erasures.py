"""Being forgotten: who asked, what is in the way, and the rows that go, empty or stay."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Table, delete, exists, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped
from sqlalchemy.sql import ColumnElement
from sqlmodel import SQLModel, col

from db.journal import remember
from db.models.api_key import ApiKeyRow
from db.models.attempt import AttemptRow
from db.models.booking import BookingRow
from db.models.campaign import CampaignRow
from db.models.erasure import ErasureRow
from db.models.oidc_identity import OidcIdentityRow
from db.models.operator_task import OperatorTaskRow, TaskState
from db.models.payment import PaymentRow
from db.models.refund import RefundRow
from db.models.traveler import TravelerRow
from db.models.user import Role, UserRow
from db.models.web_session import WebSessionRow
from db.queries.audit import write_down
from domain.attempts import LIVE
from domain.audit import Action, Entry
from domain.campaigns import ENDED
from domain.erasures import OPEN_ERASURES, ErasureState, Hindrance, Obstacle
from domain.ids import CampaignId, TravelerId, UserId
from domain.journal import Act
from domain.messages.attempt import attempt_workflow_id
from domain.messages.campaign import campaign_workflow_id
from domain.messages.notices import telling_workflow_id
from domain.messages.order import order_workflow_id
from domain.orders import BookingState
from domain.payments import PaymentState
from domain.retention import TABLES, Fate

_OPEN = col(ErasureRow.state).in_(OPEN_ERASURES)
_ON_THEIR_WAY = "pending"
_HELD = (PaymentState.AUTHORISED, PaymentState.AUTHENTICATION_REQUIRED)


async def get_erasure(session: AsyncSession, erasure_id: UUID) -> ErasureRow | None:
    return await session.get(ErasureRow, erasure_id, populate_existing=True)


async def list_erasures(session: AsyncSession, user_id: UserId) -> list[ErasureRow]:
    """Return what the person asked for, the latest first."""
    query = select(ErasureRow).where(col(ErasureRow.user_id) == user_id)
    return list(await session.scalars(query.order_by(col(ErasureRow.asked_at).desc())))


async def open_erasure(
    session: AsyncSession, user_id: UserId, traveler_id: UUID | None = None
) -> ErasureRow | None:
    """Return the wish that is under way for the account, or for this traveller alone."""
    of = col(ErasureRow.traveler_id)
    query = select(ErasureRow).where(
        col(ErasureRow.user_id) == user_id,
        of == traveler_id if traveler_id else of.is_(None),
        _OPEN,
    )
    row: ErasureRow | None = await session.scalar(query)
    return row


async def open_erasures(session: AsyncSession) -> list[ErasureRow]:
    """Return every wish that a process has to be looking after."""
    query = select(ErasureRow).where(_OPEN)
    return list(await session.scalars(query.order_by(col(ErasureRow.due_at))))


async def add_erasure(
    session: AsyncSession,
    *,
    erasure_id: UUID,
    user_id: UserId,
    traveler_id: TravelerId | None,
    due_at: datetime,
    now: datetime,
) -> ErasureRow:
    row = ErasureRow(
        id=erasure_id,
        user_id=user_id,
        traveler_id=traveler_id,
        waits_for=[],
        asked_at=now,
        due_at=due_at,
        updated_at=now,
    )
    session.add(row)
    await session.flush()
    asked = {"traveler": traveler_id is not None, "due_at": due_at.isoformat()}
    entry = Entry(Action.ERASURE_ASKED, "erasure", str(erasure_id), user_id, after=asked)
    await write_down(session, entry, now)
    return row


async def hindrances(
    session: AsyncSession, user_id: UserId, traveler_id: UUID | None, now: datetime
) -> list[Hindrance]:
    """Return what has to end before the account, or this traveller, can be erased."""
    wishes = select(col(CampaignRow.id)).where(col(CampaignRow.user_id) == user_id)
    if traveler_id is not None:
        wishes = wishes.where(col(CampaignRow.traveler_ids).contains([traveler_id]))

    def theirs(owner: Mapped[Any], wish: Mapped[Any]) -> ColumnElement[bool]:
        return owner == user_id if traveler_id is None else wish.in_(wishes)

    booking = theirs(col(BookingRow.user_id), col(BookingRow.campaign_id))
    bookings = select(col(BookingRow.id)).where(booking)
    found = [
        Hindrance(Obstacle.TRIP, at)
        for at in await session.scalars(
            select(col(BookingRow.arrives_at)).where(
                booking,
                col(BookingRow.state).not_in({BookingState.CANCELLED, BookingState.FLOWN}),
            )
        )
    ]
    others: list[tuple[Obstacle, Any, tuple[ColumnElement[bool], ...]]] = [
        (
            Obstacle.BOOKING,
            AttemptRow.started_at,
            (
                theirs(col(AttemptRow.user_id), col(AttemptRow.campaign_id)),
                col(AttemptRow.state).in_(LIVE),
            ),
        ),
        (
            Obstacle.REFUND,
            RefundRow.created_at,
            (col(RefundRow.booking_id).in_(bookings), col(RefundRow.status) == _ON_THEIR_WAY),
        ),
        (
            Obstacle.HOLD,
            PaymentRow.updated_at,
            (
                theirs(col(PaymentRow.user_id), col(PaymentRow.campaign_id)),
                col(PaymentRow.state).in_(_HELD),
            ),
        ),
        (
            Obstacle.TASK,
            OperatorTaskRow.created_at,
            (
                theirs(col(OperatorTaskRow.user_id), col(OperatorTaskRow.campaign_id)),
                col(OperatorTaskRow.state) == TaskState.OPEN,
                # A letter that came back is no reason to stay.
                or_(
                    col(OperatorTaskRow.booking_id).is_not(None),
                    col(OperatorTaskRow.attempt_id).is_not(None),
                ),
            ),
        ),
    ]
    for obstacle, since, conditions in others:
        at = await session.scalar(select(func.max(col(since))).where(*conditions))
        if at is not None:
            found.append(Hindrance(obstacle, at))
    if traveler_id is not None and await _watching(session, wishes):
        found.append(Hindrance(Obstacle.WISH, now))
    return found


async def _watching(session: AsyncSession, wishes: Any) -> bool:
    query = wishes.where(col(CampaignRow.status).not_in(ENDED)).limit(1)
    return await session.scalar(query) is not None


async def wishes_not_ended(session: AsyncSession, user_id: UserId) -> list[CampaignId]:
    query = select(col(CampaignRow.id)).where(
        col(CampaignRow.user_id) == user_id, col(CampaignRow.status).not_in(ENDED)
    )
    return [CampaignId(found) for found in await session.scalars(query)]


async def histories_of(session: AsyncSession, user_id: UserId) -> list[str]:
    """Return the ids of every process that a person ever had."""
    found = [telling_workflow_id(user_id)]
    for row, name in (
        (CampaignRow, campaign_workflow_id),
        (AttemptRow, attempt_workflow_id),
        (BookingRow, order_workflow_id),
    ):
        ids = await session.scalars(select(col(row.id)).where(col(row.user_id) == user_id))
        found += [name(each) for each in ids]
    return found


async def shut_account(session: AsyncSession, user_id: UserId, now: datetime) -> None:
    """End every session and every key: nobody acts for this account any more."""
    for row in (WebSessionRow, ApiKeyRow):
        ended = await session.scalars(
            update(row)
            .where(col(row.user_id) == user_id, col(row.revoked_at).is_(None))
            .values(revoked_at=now)
            .returning(col(row.id))
        )
        remember(session, Act.REVOKED, str(row.__tablename__), ended, user_id, at=now)


async def forget_person(session: AsyncSession, user_id: UserId, now: datetime) -> None:
    """Let a person's rows go, empty or stay, each as `domain/retention.py` says."""
    tables = SQLModel.metadata.sorted_tables
    for table in tables:
        rule = TABLES[table.name]
        if rule.fate is Fate.EMPTIED:
            emptied = update(table).where(_of_person(table, user_id))
            await session.execute(emptied.values(dict(rule.empties)))
    for table in reversed(tables):
        if TABLES[table.name].fate is Fate.GONE:
            await session.execute(delete(table).where(_of_person(table, user_id)))
    await session.execute(
        update(UserRow)
        .where(col(UserRow.id) == user_id)
        # Still unique, and no address hashes to it.
        .values(email_hmac=f"erased:{user_id}", erased_at=now)
    )
    session.expire_all()


async def never_confirmed(session: AsyncSession, before: datetime, limit: int) -> list[UserId]:
    """Find accounts that were opened at the door before then and never taken up.

    Whoever was given a key, or came by way of an identity provider, was let in another way.
    """
    mine = col(UserRow.id)
    query = (
        select(mine)
        .where(
            col(UserRow.email_confirmed_at).is_(None),
            col(UserRow.erased_at).is_(None),
            col(UserRow.password_hash).is_not(None),
            col(UserRow.role) == Role.TRAVELLER,
            col(UserRow.created_at) < before,
            *(
                ~exists().where(col(kind.user_id) == mine)
                for kind in (CampaignRow, BookingRow, ApiKeyRow, OidcIdentityRow, ErasureRow)
            ),
        )
        .order_by(col(UserRow.created_at))
        .limit(limit)
    )
    return [UserId(user_id) for user_id in await session.scalars(query)]


async def forget_traveler(session: AsyncSession, user_id: UserId, traveler_id: UUID) -> None:
    """Let one traveller's rows go, and what their trips kept of them."""
    for table in reversed(SQLModel.metadata.sorted_tables):
        column = TABLES[table.name].of_traveler
        if column is not None:
            await session.execute(
                delete(table).where(_of_person(table, user_id), table.c[column] == traveler_id)
            )
    theirs = (
        col(CampaignRow.user_id) == user_id,
        col(CampaignRow.traveler_ids).contains([traveler_id]),
    )
    # An order as the airline sent it names everybody on board.
    await session.execute(
        update(BookingRow)
        .where(col(BookingRow.campaign_id).in_(select(col(CampaignRow.id)).where(*theirs)))
        .values(raw_order_encrypted=None)
    )
    await session.execute(
        update(CampaignRow)
        .where(*theirs)
        .values(traveler_ids=func.array_remove(col(CampaignRow.traveler_ids), traveler_id))
    )
    session.expire_all()


async def bookings_without_order(session: AsyncSession, user_id: UserId) -> list[UUID]:
    """Return the bookings of which nothing is left that names who flew."""
    query = select(col(BookingRow.id)).where(
        col(BookingRow.user_id) == user_id, col(BookingRow.raw_order_encrypted).is_(None)
    )
    return list(await session.scalars(query))


async def erased_people(session: AsyncSession) -> list[UserId]:
    """Return everybody of whom nothing should be left."""
    query = select(col(UserRow.id)).where(col(UserRow.erased_at).is_not(None))
    return [UserId(found) for found in await session.scalars(query)]


async def erased_travelers(session: AsyncSession) -> dict[UserId, list[UUID]]:
    """Return the travellers who were erased alone, or deleted, by whose they are."""
    erased = select(col(ErasureRow.user_id), col(ErasureRow.traveler_id)).where(
        col(ErasureRow.state) == ErasureState.DONE, col(ErasureRow.traveler_id).is_not(None)
    )
    deleted = select(col(TravelerRow.user_id), col(TravelerRow.id)).where(
        col(TravelerRow.deleted_at).is_not(None)
    )
    found: dict[UserId, list[UUID]] = defaultdict(list)
    for user_id, traveler_id in [*await session.execute(erased), *await session.execute(deleted)]:
        found[UserId(user_id)].append(traveler_id)
    return found


async def people_not_erased(session: AsyncSession, among: Sequence[UUID]) -> list[UserId]:
    """Return who of these is in the rows as if never erased: an older backup came back."""
    query = select(col(UserRow.id)).where(
        col(UserRow.id).in_(among), col(UserRow.erased_at).is_(None)
    )
    return [UserId(found) for found in await session.scalars(query)]


def _of_person(table: Table, user_id: UserId) -> ColumnElement[bool]:
    column = table.c.id if table.name == "users" else table.c.get("user_id")
    if column is None:
        raise LookupError(f"{table.name} names no person, yet has a person's rule")
    return column == user_id
