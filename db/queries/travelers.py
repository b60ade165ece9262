"""Travellers and their documents: sealed rows in, sealed rows out."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from db.errors import InUse
from db.journal import remember
from db.models.campaign import CampaignRow
from db.models.traveler import TravelerRow
from db.models.traveler_document import TravelerDocumentRow
from db.models.traveler_file import TravelerFileRow
from domain.campaigns import ENDED
from domain.ids import UserId
from domain.journal import Act


async def add_traveler(
    session: AsyncSession, traveler: TravelerRow, documents: Sequence[TravelerDocumentRow] = ()
) -> TravelerRow:
    session.add(traveler)
    await session.flush()
    session.add_all(documents)
    await session.flush()
    return traveler


async def get_traveler(session: AsyncSession, traveler_id: UUID) -> TravelerRow | None:
    """Return the traveller unless they were deleted."""
    row = await session.get(TravelerRow, traveler_id, populate_existing=True)
    return row if row is not None and row.deleted_at is None else None


async def get_travelers(session: AsyncSession, traveler_ids: Sequence[UUID]) -> list[TravelerRow]:
    """Return those that exist and were not deleted, in the order asked for."""
    query = select(TravelerRow).where(
        col(TravelerRow.id).in_(traveler_ids), col(TravelerRow.deleted_at).is_(None)
    )
    found = {row.id: row for row in await session.scalars(query)}
    return [found[traveler_id] for traveler_id in traveler_ids if traveler_id in found]


async def list_travelers(session: AsyncSession, user_id: UserId) -> list[TravelerRow]:
    query = (
        select(TravelerRow)
        .where(col(TravelerRow.user_id) == user_id, col(TravelerRow.deleted_at).is_(None))
        .order_by(col(TravelerRow.created_at), col(TravelerRow.id))
    )
    return list(await session.scalars(query))


async def get_document(session: AsyncSession, document_id: UUID) -> TravelerDocumentRow | None:
    return await session.get(TravelerDocumentRow, document_id, populate_existing=True)


async def list_documents(session: AsyncSession, traveler_id: UUID) -> list[TravelerDocumentRow]:
    query = (
        select(TravelerDocumentRow)
        .where(col(TravelerDocumentRow.traveler_id) == traveler_id)
        .order_by(col(TravelerDocumentRow.created_at), col(TravelerDocumentRow.id))
    )
    return list(await session.scalars(query))


async def replace_traveler(
    session: AsyncSession,
    traveler: TravelerRow,
    documents: Sequence[TravelerDocumentRow] | None = None,
) -> TravelerRow | None:
    """Write a traveller anew under the same id; None if they are not there.

    `created_at` stays what it was, and so do the documents unless others are given.
    """
    row = await session.get(
        TravelerRow, traveler.id, with_for_update={"key_share": True}, populate_existing=True
    )
    if row is None or row.deleted_at is not None:
        return None
    for name, value in traveler.model_dump(exclude={"id", "user_id", "created_at"}).items():
        setattr(row, name, value)
    if documents is not None:
        await session.execute(
            delete(TravelerDocumentRow).where(col(TravelerDocumentRow.traveler_id) == row.id)
        )
        session.add_all(documents)
    await session.flush()
    return row


async def all_there(session: AsyncSession, traveler_ids: Sequence[UUID]) -> bool:
    """Say whether each of them can still travel: none was deleted meanwhile."""
    count = await session.scalar(
        select(func.count()).where(
            col(TravelerRow.id).in_(list(traveler_ids)), col(TravelerRow.deleted_at).is_(None)
        )
    )
    return count == len(set(traveler_ids))


async def add_document(session: AsyncSession, document: TravelerDocumentRow) -> None:
    session.add(document)
    await session.flush()


async def delete_document(session: AsyncSession, traveler_id: UUID, document_id: UUID) -> bool:
    """Forget a document; False if the traveller has no such one."""
    row = await get_document(session, document_id)
    if row is None or row.traveler_id != traveler_id:
        return False
    await session.delete(row)
    await session.flush()
    return True


async def delete_traveler(session: AsyncSession, traveler_id: UUID, now: datetime) -> bool:
    """Hide the traveller and forget what is known of them; False if they are not there.

    Raises:
        InUse: a campaign that has not ended would book them.
    """
    row = await session.get(TravelerRow, traveler_id, with_for_update=True, populate_existing=True)
    if row is None or row.deleted_at is not None:
        return False
    using = select(col(CampaignRow.id)).where(
        col(CampaignRow.user_id) == row.user_id,
        col(CampaignRow.status).not_in(ENDED),
        col(CampaignRow.traveler_ids).contains([traveler_id]),
    )
    campaigns = list(await session.scalars(using))
    if campaigns:
        raise InUse("this traveller", campaigns)
    for kept, whose in (
        (TravelerDocumentRow, col(TravelerDocumentRow.traveler_id)),
        (TravelerFileRow, col(TravelerFileRow.traveler_id)),
    ):
        await session.execute(delete(kept).where(whose == row.id))
    for name in TravelerRow.model_fields:
        if name.endswith("_encrypted"):
            setattr(row, name, None if name == "loyalty_encrypted" else "")
    row.label, row.deleted_at, row.updated_at = "", now, now
    remember(session, Act.ERASED, "travelers", [row.id], row.user_id, at=now)
    return True
