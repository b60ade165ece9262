"""Second factors that are codes: authenticator apps, recovery codes, and wrong codes counted."""

from collections.abc import Sequence
from datetime import datetime
from uuid import uuid4

from sqlalchemy import delete, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from db.journal import remember
from db.models.passkey import PasskeyRow
from db.models.second_factor import CodeFailureRow, RecoveryCodeRow, TotpFactorRow
from domain.factors import Factors
from domain.ids import UserId
from domain.journal import Act


async def factors_of(session: AsyncSession, user_id: UserId) -> Factors:
    """Return what the person has besides a password."""
    totp = (
        select(func.count())
        .select_from(TotpFactorRow)
        .where(col(TotpFactorRow.user_id) == user_id, col(TotpFactorRow.confirmed_at).is_not(None))
    )
    passkeys = (
        select(func.count()).select_from(PasskeyRow).where(col(PasskeyRow.user_id) == user_id)
    )
    codes = (
        select(func.count())
        .select_from(RecoveryCodeRow)
        .where(col(RecoveryCodeRow.user_id) == user_id, col(RecoveryCodeRow.used_at).is_(None))
    )
    query = select(totp.scalar_subquery(), passkeys.scalar_subquery(), codes.scalar_subquery())
    found = (await session.execute(query)).one()
    return Factors(totp=bool(found[0]), passkeys=found[1], codes_left=found[2])


async def get_totp(
    session: AsyncSession, user_id: UserId, *, lock: bool = False
) -> TotpFactorRow | None:
    """Return the person's authenticator app, confirmed or not."""
    return await session.get(
        TotpFactorRow, user_id, populate_existing=True, with_for_update=True if lock else None
    )


async def keep_totp(
    session: AsyncSession, user_id: UserId, secret_encrypted: str, now: datetime
) -> bool:
    """Keep a secret that is not confirmed yet, in the place of one that never was.

    False if the person has an app already: it would be lost.
    """
    fresh = insert(TotpFactorRow).values(
        user_id=user_id, secret_encrypted=secret_encrypted, created_at=now
    )
    kept = await session.execute(
        fresh.on_conflict_do_update(
            index_elements=["user_id"],
            set_={"secret_encrypted": secret_encrypted, "created_at": now, "last_step": None},
            where=col(TotpFactorRow.confirmed_at).is_(None),
        ).returning(col(TotpFactorRow.user_id))
    )
    return kept.scalar_one_or_none() is not None


async def delete_totp(session: AsyncSession, user_id: UserId) -> bool:
    """Forget the person's app; False if it was not confirmed, or there is none."""
    gone = await session.execute(
        delete(TotpFactorRow)
        .where(col(TotpFactorRow.user_id) == user_id)
        .returning(col(TotpFactorRow.confirmed_at))
    )
    remember(session, Act.REMOVED, str(TotpFactorRow.__tablename__), [user_id], user_id)
    return gone.scalar_one_or_none() is not None


async def replace_recovery_codes(
    session: AsyncSession, user_id: UserId, hashes: Sequence[str], now: datetime
) -> None:
    """Let older codes open nothing any more, and keep these."""
    older = delete(RecoveryCodeRow).where(col(RecoveryCodeRow.user_id) == user_id)
    gone = await session.scalars(older.returning(col(RecoveryCodeRow.id)))
    remember(session, Act.REMOVED, str(RecoveryCodeRow.__tablename__), gone, user_id, at=now)
    session.add_all(
        RecoveryCodeRow(id=uuid4(), user_id=user_id, code_hash=code_hash, created_at=now)
        for code_hash in hashes
    )
    await session.flush()


async def use_recovery_code(
    session: AsyncSession, user_id: UserId, code_hash: str, now: datetime
) -> bool:
    """Use a code up; False if it is not the person's or was used before."""
    used = await session.execute(
        update(RecoveryCodeRow)
        .where(
            col(RecoveryCodeRow.user_id) == user_id,
            col(RecoveryCodeRow.code_hash) == code_hash,
            col(RecoveryCodeRow.used_at).is_(None),
        )
        .values(used_at=now)
        .returning(col(RecoveryCodeRow.id))
    )
    found = used.scalar_one_or_none()
    rows = [found] if found else []
    remember(session, Act.REMOVED, str(RecoveryCodeRow.__tablename__), rows, user_id, at=now)
    return found is not None


async def lock_failures(
    session: AsyncSession, user_id: UserId, place: str, now: datetime
) -> CodeFailureRow:
    """Return the count of a place, made if new, and hold it: tries come one after the other."""
    await session.execute(
        insert(CodeFailureRow)
        .values(user_id=user_id, place=place, failures=0, last_failed_at=now)
        .on_conflict_do_nothing()
    )
    return await session.get_one(
        CodeFailureRow, (user_id, place), populate_existing=True, with_for_update=True
    )


async def forget_failures(session: AsyncSession, user_id: UserId, place: str) -> None:
    await session.execute(
        delete(CodeFailureRow).where(
            col(CodeFailureRow.user_id) == user_id, col(CodeFailureRow.place) == place
        )
    )
