"""Whether money and seats agree in our own ledgers: what was taken, given back, and lives.

The reckoning is that of the invariants (`cli/invariants.py`): for each wish, what was captured less
what went back is the price of what lives and the penalties that were accepted, less what operators
decided to give back besides.
"""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Subquery, and_, case, func, literal, or_, select, union_all
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from db.glances import BOOKINGS
from db.models.attempt import AttemptRow
from db.models.operator_task import OperatorTaskRow, TaskState
from db.models.payment import PaymentRow
from db.models.refund import RefundRow
from domain.attempts import LIVE
from domain.money import Money
from domain.operating import BY_OPERATOR
from domain.orders import BookingState

_MOST = 100
_SUCCEEDED, _PENDING, _FAILED = "succeeded", "pending", "failed"


@dataclass(frozen=True)
class Books:
    """All of one currency, in minor units."""

    currency: str
    taken_minor: int
    given_minor: int
    returning_minor: int
    """On its way back: the processor has not confirmed it yet."""
    live_minor: int
    penalties_minor: int
    live_bookings: int
    goodwill_minor: int
    """What operators decided to give back; where a booking lives on, it is the difference."""

    @property
    def difference_minor(self) -> int:
        """Return what was taken too much, or too little if negative."""
        kept = self.taken_minor - self.given_minor - self.returning_minor
        return kept - self.live_minor - self.penalties_minor


@dataclass(frozen=True)
class Unmatched:
    """One wish whose money and bookings do not agree."""

    campaign_id: UUID
    currency: str
    kept_minor: int
    due_minor: int
    under_way: bool
    """An attempt lives or a refund is due: it may settle by itself."""
    tasks: int

    @property
    def gap(self) -> Money:
        return Money(minor=abs(self.kept_minor - self.due_minor), currency=self.currency)

    @property
    def without_booking(self) -> bool:
        """Money that no booking accounts for; else it is a booking without its money."""
        return self.kept_minor > self.due_minor


async def books(session: AsyncSession) -> list[Books]:
    """Sum up everything, each currency by itself."""
    moves = _moves()
    figures = (moves.c.taken, moves.c.given, moves.c.returning, moves.c.live, moves.c.penalty)
    query = (
        select(
            moves.c.currency,
            *(func.sum(one) for one in figures),
            func.sum(moves.c.lives),
            func.sum(moves.c.goodwill),
        )
        .group_by(moves.c.currency)
        .order_by(moves.c.currency)
    )
    return [Books(name, *map(int, sums)) for name, *sums in await session.execute(query)]


async def unmatched(session: AsyncSession, limit: int = _MOST) -> list[Unmatched]:
    """Return the wishes whose money and bookings do not agree, the largest gap first."""
    moves = _moves()
    kept = func.sum(moves.c.taken - moves.c.given - moves.c.returning)
    due = func.sum(moves.c.live + moves.c.penalty)
    # No more than the penalty and the price of what lives: the rest is a plain refund.
    agreed = due - func.least(due, func.sum(moves.c.goodwill))
    live = (
        select(AttemptRow.id)  # type: ignore[call-overload]
        .where(col(AttemptRow.campaign_id) == moves.c.subject, col(AttemptRow.state).in_(LIVE))
        .exists()
    )
    tasks = (
        select(func.count())
        .where(
            col(OperatorTaskRow.campaign_id) == moves.c.subject,
            col(OperatorTaskRow.state) == TaskState.OPEN,
        )
        .scalar_subquery()
    )
    query = (
        select(moves.c.subject, moves.c.currency, kept, due, live, tasks)
        .group_by(moves.c.subject, moves.c.currency)
        .having(or_(kept > due, kept < agreed))
        .order_by(func.abs(kept - due).desc(), moves.c.subject)
        .limit(limit)
    )
    return [
        Unmatched(subject, currency, int(has), int(owes), under_way, number)
        for subject, currency, has, owes, under_way, number in await session.execute(query)
    ]


def _moves() -> Subquery:
    """Return every movement of money and every seat, by the wish that it is of."""
    none = literal(0)
    amount, state = col(RefundRow.amount_minor), col(RefundRow.status)
    decided = and_(state != _FAILED, col(RefundRow.reason).startswith(BY_OPERATOR))
    of_payment = func.coalesce(
        col(PaymentRow.campaign_id), col(PaymentRow.booking_id), col(PaymentRow.id)
    )
    taken: Any = select(
        of_payment.label("subject"), col(PaymentRow.currency).label("currency"),
        col(PaymentRow.captured_minor).label("taken"), none.label("given"),
        none.label("returning"), none.label("live"), none.label("penalty"), none.label("lives"),
        none.label("goodwill"),
    ).where(col(PaymentRow.captured_minor) > 0)  # fmt: skip
    given = select(
        of_payment, col(RefundRow.currency), none, case((state == _SUCCEEDED, amount), else_=0),
        case((state == _PENDING, amount), else_=0), none, none, none,
        case((decided, amount), else_=0),
    ).join(PaymentRow, col(PaymentRow.id) == col(RefundRow.payment_id))  # fmt: skip
    lives = BOOKINGS.c.state != BookingState.CANCELLED.value
    seats: Any = select(
        func.coalesce(BOOKINGS.c.campaign_id, BOOKINGS.c.id), BOOKINGS.c.currency, none, none, none,
        case((lives, BOOKINGS.c.price_minor), else_=0), BOOKINGS.c.penalty_minor,
        case((lives, 1), else_=0), none,
    )  # fmt: skip
    return union_all(taken, given, seats).subquery("moves")
