"""Wishes that are being written down, and trips that are kept in mind."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import delete, select, tuple_
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from db import own_words
from db.models.campaign import CampaignRow
from db.models.campaign_draft import CampaignDraftRow
from db.models.trip_request import TripRequestRow
from db.paging import Page, check_limit, decode_cursor, page_of
from domain.ids import UserId

DRAFTS_KEPT_FOR = timedelta(days=30)
MOST_DRAFTS = 20
# A draft that says no more than this was begun and left: nobody would know it again.
_CHOSEN_BEFOREHAND = {"trip"}


async def save_draft(session: AsyncSession, draft: CampaignDraftRow) -> None:
    """Write a draft down, or what has become of it. What has run out goes on the same occasion.

    A page saves what is typed while it is sent as well: what was asked for earlier and comes to
    be written later changes nothing any more.
    """
    draft.expires_at = draft.updated_at + DRAFTS_KEPT_FOR
    values = own_words.dump(draft)
    kept = ("answers", "step", "updated_at", "expires_at")
    await session.execute(
        insert(CampaignDraftRow)
        .values(values)
        .on_conflict_do_update(
            index_elements=[col(CampaignDraftRow.id)],
            set_={name: values[name] for name in kept},
            where=col(CampaignDraftRow.updated_at) <= draft.updated_at,
        )
    )
    await _drop_surplus(session, UserId(draft.user_id), draft.updated_at)


async def get_draft(
    session: AsyncSession, draft_id: UUID, now: datetime
) -> CampaignDraftRow | None:
    row: CampaignDraftRow | None = await session.scalar(
        select(CampaignDraftRow)
        .where(col(CampaignDraftRow.id) == draft_id, col(CampaignDraftRow.expires_at) > now)
        .execution_options(populate_existing=True)
    )
    return row


async def list_drafts(
    session: AsyncSession, user_id: UserId, now: datetime
) -> list[CampaignDraftRow]:
    """Return the person's drafts of new wishes that say anything yet, the last touched first."""
    query = (
        select(CampaignDraftRow)
        .where(
            col(CampaignDraftRow.user_id) == user_id,
            col(CampaignDraftRow.campaign_id).is_(None),
            col(CampaignDraftRow.expires_at) > now,
        )
        .order_by(col(CampaignDraftRow.updated_at).desc(), col(CampaignDraftRow.id))
        .limit(MOST_DRAFTS)
    )
    rows = await session.scalars(query)
    return [row for row in rows if set(draft_answers(row)) != _CHOSEN_BEFOREHAND]


async def delete_draft(session: AsyncSession, draft_id: UUID) -> bool:
    """Forget a draft; False if it is not there."""
    gone = await session.execute(
        delete(CampaignDraftRow)
        .where(col(CampaignDraftRow.id) == draft_id)
        .returning(col(CampaignDraftRow.id))
    )
    return gone.scalar_one_or_none() is not None


async def _drop_surplus(session: AsyncSession, user_id: UserId, now: datetime) -> None:
    newest = (
        select(col(CampaignDraftRow.id))
        .where(col(CampaignDraftRow.user_id) == user_id, col(CampaignDraftRow.expires_at) > now)
        .order_by(col(CampaignDraftRow.updated_at).desc())
        .limit(MOST_DRAFTS)
    )
    await session.execute(
        delete(CampaignDraftRow).where(
            col(CampaignDraftRow.user_id) == user_id, col(CampaignDraftRow.id).not_in(newest)
        )
    )


async def add_trip_request(session: AsyncSession, row: TripRequestRow) -> TripRequestRow:
    """Keep a trip in mind; the same id twice is the same trip."""
    await session.execute(
        insert(TripRequestRow)
        .values(own_words.dump(row))
        .on_conflict_do_nothing(index_elements=[col(TripRequestRow.id)])
    )
    return await session.get_one(TripRequestRow, row.id, populate_existing=True)


async def get_trip_request(session: AsyncSession, request_id: UUID) -> TripRequestRow | None:
    return await session.get(TripRequestRow, request_id, populate_existing=True)


async def list_trip_requests(
    session: AsyncSession, user_id: UserId, *, cursor: str | None = None, limit: int = 20
) -> Page[TripRequestRow]:
    """Return the person's trip requests, newest first.

    Raises:
        BadCursor, BadLimit: the paging is not one of ours.
    """
    query = select(TripRequestRow).where(col(TripRequestRow.user_id) == user_id)
    if cursor:
        last = decode_cursor(cursor)
        place = tuple_(col(TripRequestRow.created_at), col(TripRequestRow.id))
        query = query.where(place < (last.at, last.uuid()))
    query = query.order_by(col(TripRequestRow.created_at).desc(), col(TripRequestRow.id).desc())
    rows = list(await session.scalars(query.limit(check_limit(limit) + 1)))
    return page_of(rows, limit, lambda row: (row.created_at, row.id))


async def campaigns_of_request(session: AsyncSession, request_id: UUID) -> list[CampaignRow]:
    """Return the campaigns that were made of a trip request, newest first."""
    query = select(CampaignRow).where(col(CampaignRow.trip_request_id) == request_id)
    return list(await session.scalars(query.order_by(col(CampaignRow.created_at).desc())))


async def delete_trip_request(session: AsyncSession, request_id: UUID) -> bool:
    """Forget a trip request that no campaign was made of; False if there is none such."""
    used = select(col(CampaignRow.id)).where(col(CampaignRow.trip_request_id) == request_id)
    if await session.scalar(used.limit(1)) is not None:
        return False
    await session.execute(
        delete(CampaignDraftRow).where(col(CampaignDraftRow.trip_request_id) == request_id)
    )
    gone = await session.execute(
        delete(TripRequestRow)
        .where(col(TripRequestRow.id) == request_id)
        .returning(col(TripRequestRow.id))
    )
    return gone.scalar_one_or_none() is not None


def draft_answers(row: CampaignDraftRow) -> dict[str, list[str]]:
    """Return what was typed, by the field's name."""
    found: dict[str, Any] = row.answers
    return {name: [str(value) for value in values] for name, values in found.items()}
