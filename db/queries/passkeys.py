"""Passkeys, and the questions that were put to them."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from db.journal import remember
from db.models.passkey import PasskeyChallengeRow, PasskeyRow
from domain.ids import UserId
from domain.journal import Act

_TABLE = str(PasskeyRow.__tablename__)


@dataclass(frozen=True)
class PasskeyIds:
    """Which passkey a credential is, and whose."""

    passkey_id: UUID
    user_id: UserId


async def find_passkey(session: AsyncSession, credential_id: bytes) -> PasskeyIds | None:
    """Find whose passkey this is, before it is known who asks."""
    query = text("SELECT passkey_id, owner_id FROM find_passkey(:credential)")
    row = (await session.execute(query, {"credential": credential_id})).one_or_none()
    return None if row is None else PasskeyIds(row.passkey_id, UserId(row.owner_id))


async def add_passkey(session: AsyncSession, row: PasskeyRow) -> bool:
    """Keep a passkey; False if somebody has this very credential already."""
    added = await session.execute(
        insert(PasskeyRow)
        .values(**row.model_dump())
        .on_conflict_do_nothing()
        .returning(col(PasskeyRow.id))
    )
    return added.scalar_one_or_none() is not None


async def list_passkeys(session: AsyncSession, user_id: UserId) -> list[PasskeyRow]:
    """Return the person's passkeys, the oldest first."""
    query = select(PasskeyRow).where(col(PasskeyRow.user_id) == user_id)
    return list(await session.scalars(query.order_by(col(PasskeyRow.created_at))))


async def get_passkey(
    session: AsyncSession, user_id: UserId, passkey_id: UUID, *, lock: bool = False
) -> PasskeyRow | None:
    row = await session.get(
        PasskeyRow, passkey_id, populate_existing=True, with_for_update=True if lock else None
    )
    return row if row is not None and row.user_id == user_id else None


async def delete_passkey(session: AsyncSession, user_id: UserId, passkey_id: UUID) -> bool:
    gone = await session.execute(
        delete(PasskeyRow)
        .where(col(PasskeyRow.id) == passkey_id, col(PasskeyRow.user_id) == user_id)
        .returning(col(PasskeyRow.id))
    )
    found = gone.scalar_one_or_none()
    remember(session, Act.REMOVED, _TABLE, [found] if found else [], user_id)
    return found is not None


async def delete_passkeys(session: AsyncSession, user_id: UserId) -> None:
    query = delete(PasskeyRow).where(col(PasskeyRow.user_id) == user_id)
    gone = await session.scalars(query.returning(col(PasskeyRow.id)))
    remember(session, Act.REMOVED, _TABLE, gone, user_id)


async def keep_challenge(
    session: AsyncSession, challenge_hash: str, bound_to: str, expires_at: datetime, now: datetime
) -> None:
    """Remember a question until it is answered or its time is over; old ones go meanwhile.

    The same question put again, as a mandate's may be, is good for one answer all the same.
    """
    await session.execute(
        delete(PasskeyChallengeRow).where(col(PasskeyChallengeRow.expires_at) <= now)
    )
    values = {"bound_to": bound_to, "expires_at": expires_at}
    await session.execute(
        insert(PasskeyChallengeRow)
        .values(challenge_hash=challenge_hash, **values)
        .on_conflict_do_update(index_elements=["challenge_hash"], set_=values)
    )


async def take_challenge(
    session: AsyncSession, challenge_hash: str, bound_to: str, now: datetime
) -> bool:
    """Use a question up; False if it was not asked so, was answered, or its time is over."""
    taken = await session.execute(
        delete(PasskeyChallengeRow)
        .where(
            col(PasskeyChallengeRow.challenge_hash) == challenge_hash,
            col(PasskeyChallengeRow.bound_to) == bound_to,
            col(PasskeyChallengeRow.expires_at) > now,
        )
        .returning(col(PasskeyChallengeRow.challenge_hash))
    )
    return taken.scalar_one_or_none() is not None
