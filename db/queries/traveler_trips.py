"""The trips that a traveller is to fly: wishes that still run, and bookings that are not over."""

from collections.abc import Sequence
from datetime import date
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from db.models.booking import BookingRow
from db.models.campaign import CampaignRow
from domain.campaigns import ENDED
from domain.ids import UserId
from domain.orders import BookingState

_OVER = (BookingState.CANCELLED, BookingState.FLOWN)


async def trips_with(
    session: AsyncSession, user_id: UserId, traveler_ids: Sequence[UUID], *, today: date
) -> list[tuple[CampaignRow, BookingRow | None]]:
    """Return the wishes that would fly these people, and what is booked of them and not flown."""
    query = (
        select(CampaignRow, BookingRow)
        .join(
            BookingRow,
            (col(BookingRow.campaign_id) == col(CampaignRow.id))
            & col(BookingRow.state).not_in(_OVER),
            isouter=True,
        )
        .where(
            col(CampaignRow.user_id) == user_id,
            col(CampaignRow.traveler_ids).op("&&")(list(traveler_ids)),
            col(CampaignRow.departure_date_end) >= today,
            col(CampaignRow.status).not_in(ENDED) | col(BookingRow.id).is_not(None),
        )
        .order_by(col(CampaignRow.departure_date_start), col(CampaignRow.id))
    )
    return [(campaign, booking) for campaign, booking in await session.execute(query)]
