"""Identities at a provider, found by their hash before it is known who asks."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from db.journal import remember
from db.models.oidc_identity import OidcIdentityRow
from domain.ids import UserId
from domain.journal import Act


@dataclass(frozen=True)
class IdentityIds:
    """Which identity it is, and whose account it opens."""

    identity_id: UUID
    user_id: UserId


async def find_identity(session: AsyncSession, identity_hash: str) -> IdentityIds | None:
    """Find whose account an identity opens."""
    query = text("SELECT identity_id, owner_id FROM find_oidc_identity(:hash)")
    row = (await session.execute(query, {"hash": identity_hash})).one_or_none()
    return None if row is None else IdentityIds(row.identity_id, UserId(row.owner_id))


async def add_identity(session: AsyncSession, row: OidcIdentityRow) -> bool:
    """Link an identity; False if it opens an account already, whosever."""
    added = await session.execute(
        insert(OidcIdentityRow)
        .values(**row.model_dump())
        .on_conflict_do_nothing()
        .returning(col(OidcIdentityRow.id))
    )
    return added.scalar_one_or_none() is not None


async def list_identities(session: AsyncSession, user_id: UserId) -> list[OidcIdentityRow]:
    query = select(OidcIdentityRow).where(col(OidcIdentityRow.user_id) == user_id)
    return list(await session.scalars(query.order_by(col(OidcIdentityRow.created_at))))


async def touch_identity(session: AsyncSession, identity_id: UUID, now: datetime) -> None:
    """Remember that somebody signed in with it; needs its owner's transaction."""
    row = await session.get(OidcIdentityRow, identity_id)
    if row is not None:
        row.last_used_at = now


async def delete_identity(session: AsyncSession, user_id: UserId, identity_id: UUID) -> bool:
    """Unlink one of the person's identities; False if they have no such one."""
    gone = await session.execute(
        delete(OidcIdentityRow)
        .where(col(OidcIdentityRow.id) == identity_id, col(OidcIdentityRow.user_id) == user_id)
        .returning(col(OidcIdentityRow.id))
    )
    found = gone.scalar_one_or_none()
    rows = [found] if found else []
    remember(session, Act.REMOVED, str(OidcIdentityRow.__tablename__), rows, user_id)
    return found is not None
