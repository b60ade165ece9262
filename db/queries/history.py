"""What happened to a campaign: events, decisions and results, a page at a time."""

from collections.abc import Collection
from uuid import UUID

from sqlalchemy import select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from db.models.campaign_event import CampaignEventRow
from db.models.campaign_result import CampaignResultRow
from db.models.look import LookRow
from db.models.offer_decision import DecisionVerdict, OfferDecisionRow
from db.paging import Page, check_limit, decode_cursor, page_of


async def events_after(
    session: AsyncSession, campaign_id: UUID, seq: int, limit: int = 100
) -> list[CampaignEventRow]:
    """Return the events with a higher number, in their order."""
    query = (
        select(CampaignEventRow)
        .where(col(CampaignEventRow.campaign_id) == campaign_id, col(CampaignEventRow.seq) > seq)
        .order_by(col(CampaignEventRow.seq))
        .limit(limit)
    )
    return list(await session.scalars(query))


async def list_decisions(
    session: AsyncSession,
    campaign_id: UUID,
    *,
    verdicts: Collection[DecisionVerdict] = (),
    cursor: str | None = None,
    limit: int = 20,
) -> Page[OfferDecisionRow]:
    """Return why offers were taken or left, newest first; no verdicts means all.

    Raises:
        BadCursor, BadLimit: the paging is not one of ours.
    """
    query = select(OfferDecisionRow).where(col(OfferDecisionRow.campaign_id) == campaign_id)
    if verdicts:
        query = query.where(col(OfferDecisionRow.verdict).in_(list(verdicts)))
    if cursor:
        last = decode_cursor(cursor)
        place = tuple_(col(OfferDecisionRow.at), col(OfferDecisionRow.id))
        query = query.where(place < (last.at, last.number()))
    query = query.order_by(col(OfferDecisionRow.at).desc(), col(OfferDecisionRow.id).desc())
    rows = list(await session.scalars(query.limit(check_limit(limit) + 1)))
    return page_of(rows, limit, lambda row: (row.at, row.id or 0))


async def list_results(
    session: AsyncSession, campaign_id: UUID, *, cursor: str | None = None, limit: int = 20
) -> Page[CampaignResultRow]:
    """Return what came of the campaign's attempts, newest first.

    Raises:
        BadCursor, BadLimit: the paging is not one of ours.
    """
    query = select(CampaignResultRow).where(col(CampaignResultRow.campaign_id) == campaign_id)
    if cursor:
        last = decode_cursor(cursor)
        place = tuple_(col(CampaignResultRow.created_at), col(CampaignResultRow.id))
        query = query.where(place < (last.at, last.uuid()))
    query = query.order_by(
        col(CampaignResultRow.created_at).desc(), col(CampaignResultRow.id).desc()
    )
    rows = list(await session.scalars(query.limit(check_limit(limit) + 1)))
    return page_of(rows, limit, lambda row: (row.created_at, row.id))


async def last_look(session: AsyncSession, campaign_id: UUID) -> LookRow | None:
    """Return the newest look in which an offer was considered for the campaign."""
    query = (
        select(LookRow)
        .join(OfferDecisionRow, col(OfferDecisionRow.look_id) == col(LookRow.id))
        .where(
            col(OfferDecisionRow.campaign_id) == campaign_id,
            col(OfferDecisionRow.verdict) != DecisionVerdict.UNREAD,
        )
        .order_by(col(OfferDecisionRow.at).desc(), col(OfferDecisionRow.id).desc())
        .limit(1)
    )
    row: LookRow | None = await session.scalar(query)
    return row
