"""Links in mails, found by the hash of their token before it is known who asks."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import text, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from db.models.account_link import AccountLinkRow
from domain.accounts import LinkPurpose
from domain.ids import UserId


@dataclass(frozen=True)
class LinkIds:
    """Which link a token belongs to, and whose it is."""

    link_id: UUID
    user_id: UserId


async def add_link(session: AsyncSession, row: AccountLinkRow) -> AccountLinkRow:
    session.add(row)
    await session.flush()
    return row


async def find_link(session: AsyncSession, token_hash: str) -> LinkIds | None:
    """Find whose link this is."""
    query = text("SELECT link_id, owner_id FROM find_account_link(:hash)")
    row = (await session.execute(query, {"hash": token_hash})).one_or_none()
    return None if row is None else LinkIds(row.link_id, UserId(row.owner_id))


async def get_link(
    session: AsyncSession, link_id: UUID, *, lock: bool = False
) -> AccountLinkRow | None:
    return await session.get(
        AccountLinkRow, link_id, with_for_update=lock or None, populate_existing=True
    )


async def void_links(
    session: AsyncSession, user_id: UserId, purpose: LinkPurpose, now: datetime
) -> None:
    """Let every open link of a purpose open nothing any more."""
    await session.execute(
        update(AccountLinkRow)
        .where(
            col(AccountLinkRow.user_id) == user_id,
            col(AccountLinkRow.purpose) == purpose,
            col(AccountLinkRow.used_at).is_(None),
        )
        .values(used_at=now)
        .execution_options(synchronize_session=False)
    )
