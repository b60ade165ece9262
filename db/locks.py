"""Rows and names locked until the transaction ends; rows that it holds are not asked for again."""

from typing import Any, TypeVar, cast
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import SQLModel

R = TypeVar("R", bound=SQLModel)

_HELD = "held_locks"


async def lock(session: AsyncSession, kind: type[R], row_id: UUID) -> R | None:
    """Read a row under lock, afresh unless this transaction has locked it before."""
    held = _held(session)
    if known := held.get((kind, row_id)):
        return cast("R", known)
    # What the caller has set is written first, so that reading again does not undo it. The lock
    # lets others insert rows that merely point here (NO KEY), such as a look's decisions.
    await session.flush()
    row = await session.get(
        kind, row_id, with_for_update={"key_share": True}, populate_existing=True
    )
    if row is not None:
        held[kind, row_id] = row
    return row


async def one_at_a_time(session: AsyncSession, name: str) -> None:
    """Lock what no row stands for: a sum, or something that is done once."""
    await session.execute(select(func.pg_advisory_xact_lock(func.hashtext(name))))


def hold(session: AsyncSession, row: SQLModel, row_id: UUID) -> None:
    """Remember a row that a query of its own has just read under lock."""
    _held(session)[type(row), row_id] = row


def _held(session: AsyncSession) -> dict[tuple[type[SQLModel], UUID], SQLModel]:
    """Return what the present transaction holds; locks end with it, and so does the memory.

    Savepoints are not used anywhere: rolling back to one would let go of locks unseen.
    """
    transaction = session.sync_session.get_transaction()
    known: tuple[Any, dict[tuple[type[SQLModel], UUID], SQLModel]] | None = session.info.get(_HELD)
    if known is None or transaction is None or known[0] is not transaction:
        known = (transaction, {})
        session.info[_HELD] = known
    return known[1]
