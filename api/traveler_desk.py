"""Reading and writing travellers for pages: one part at a time, the rest stays as it is."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from api.services import Services
from db.models.traveler import TravelerRow
from db.models.traveler_document import TravelerDocumentRow
from db.queries.travelers import (
    add_document,
    add_traveler,
    delete_document,
    get_traveler,
    list_documents,
    list_travelers,
    replace_traveler,
)
from domain.ids import TravelerId, UserId
from domain.travelers import TravelerDetails, TravelerDocument

MOST_TRAVELERS = 50
MOST_DOCUMENTS = 6


@dataclass(frozen=True)
class TravelerRead:
    row: TravelerRow
    details: TravelerDetails
    documents: tuple[TravelerDocumentRow, ...]
    """The rows of `details.documents`, in the same order."""


async def read_travelers(
    session: AsyncSession, services: Services, owner: UserId
) -> list[TravelerRead]:
    rows = await list_travelers(session, owner)
    return [await _opened(session, services, row) for row in rows]


async def read_traveler(
    session: AsyncSession, services: Services, owner: UserId, traveler_id: UUID
) -> TravelerRead | None:
    """Return the owner's traveller; None where they have no such one."""
    row = await get_traveler(session, traveler_id)
    if row is None or row.user_id != owner:
        return None
    return await _opened(session, services, row)


async def keep_traveler(
    session: AsyncSession,
    services: Services,
    owner: UserId,
    traveler_id: UUID,
    details: TravelerDetails,
    *,
    now: datetime,
    label: str,
) -> None:
    """Write a traveller, new or known; the documents of a known one stay."""
    sealed = await services.vault.seal_traveler(
        session, owner, TravelerId(traveler_id), details, now, label=label
    )
    if await replace_traveler(session, sealed.traveler) is None:
        await add_traveler(session, sealed.traveler, sealed.documents)


async def keep_document(
    session: AsyncSession,
    services: Services,
    traveler: TravelerRow,
    document: TravelerDocument,
    *,
    document_id: UUID,
    now: datetime,
    instead_of: UUID | None = None,
) -> None:
    """Add a document, in the place of another one if that is named."""
    if instead_of is not None:
        await delete_document(session, traveler.id, instead_of)
    row = await services.vault.seal_document(session, traveler, document, document_id, now)
    await add_document(session, row)


async def _opened(session: AsyncSession, services: Services, row: TravelerRow) -> TravelerRead:
    details = await services.vault.open_traveler(session, TravelerId(row.id))
    return TravelerRead(row, details, tuple(await list_documents(session, row.id)))
