"""Cards and passports by when they end, read page by page for everybody."""

from collections.abc import Collection
from datetime import date
from uuid import UUID

from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from db.models.campaign import CampaignRow
from db.models.payment_method import PaymentMethodRow, PaymentMethodStatus
from db.models.traveler import TravelerRow
from db.models.traveler_document import TravelerDocumentRow
from domain.campaigns import ENDED


async def cards_that_end(
    session: AsyncSession, first: date, last: date, *, after: UUID | None, limit: int
) -> list[PaymentMethodRow]:
    """Return a page of saved cards whose month is within these days, by id."""
    month = col(PaymentMethodRow.exp_year) * 12 + col(PaymentMethodRow.exp_month)
    query = select(PaymentMethodRow).where(
        col(PaymentMethodRow.status) != PaymentMethodStatus.DETACHED,
        month.between(first.year * 12 + first.month, last.year * 12 + last.month),
    )
    if after is not None:
        query = query.where(col(PaymentMethodRow.id) > after)
    query = query.order_by(col(PaymentMethodRow.id)).limit(limit)
    return list(await session.scalars(query))


async def passports(
    session: AsyncSession, *, after: UUID | None, limit: int
) -> list[TravelerDocumentRow]:
    """Return a page of passports of travellers who were not deleted, by id.

    When they end is sealed, so all are looked through.
    """
    query = (
        select(TravelerDocumentRow)
        .join(TravelerRow, col(TravelerRow.id) == col(TravelerDocumentRow.traveler_id))
        .where(col(TravelerDocumentRow.kind) == "passport", col(TravelerRow.deleted_at).is_(None))
    )
    if after is not None:
        query = query.where(col(TravelerDocumentRow.id) > after)
    query = query.order_by(col(TravelerDocumentRow.id)).limit(limit)
    return list(await session.scalars(query))


async def campaigns_charging(session: AsyncSession, row: PaymentMethodRow) -> Collection[UUID]:
    """Return the campaigns under way that a card would be charged for: by name, or as default."""
    theirs = col(CampaignRow.payment_method_id) == row.id
    if row.is_default:
        theirs = or_(theirs, col(CampaignRow.payment_method_id).is_(None))
    query = select(col(CampaignRow.id)).where(
        col(CampaignRow.user_id) == row.user_id, col(CampaignRow.status).not_in(ENDED), theirs
    )
    return list(await session.scalars(query.order_by(col(CampaignRow.id))))
