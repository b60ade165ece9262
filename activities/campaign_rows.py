"""What every step on a campaign's row begins and ends with: its lock, its refusals, its answer."""

from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from db.models import AttemptRow, CampaignRow
from db.queries.bookings import live_booking
from db.queries.campaigns import get_campaign
from db.queries.notices import NewNotice
from db.queries.transitions import lock_campaign
from domain.attempts import PAST_NO_RETURN
from domain.campaigns import ENDED, CampaignState
from domain.ids import AttemptId, CampaignId
from domain.messages.campaign import CampaignAnswer
from domain.messages.campaign import CampaignAnswerCode as Code

_REMEMBERED = 16  # nobody makes more requests of a wish while one of its workers stands still


def notice(
    event: str, row: CampaignRow, data: dict[str, Any], *, subject_id: UUID | None = None
) -> NewNotice:
    return NewNotice(
        event=event,
        subject_id=subject_id or row.id,
        user_id=row.user_id,
        campaign_id=row.id,
        data=data,
    )


async def existing(session: AsyncSession, campaign_id: CampaignId) -> CampaignRow:
    row = await get_campaign(session, campaign_id)
    if row is None:
        raise LookupError(f"no campaign {campaign_id}")
    return row


async def locked(session: AsyncSession, campaign_id: CampaignId) -> CampaignRow:
    row = await lock_campaign(session, campaign_id)
    if row is None:
        raise LookupError(f"no campaign {campaign_id}")
    return row


def came_before(row: CampaignRow, request: UUID) -> bool:
    """Say whether a locked campaign had this request, and remember it.

    A worker that stood still in the midst of a step takes it when it goes on, though another has
    long taken it for it, and other requests followed.
    """
    if request in row.requests:
        return True
    row.requests = [*row.requests, request][-_REMEMBERED:]
    return False


async def closed(
    session: AsyncSession, row: CampaignRow, attempt: AttemptRow | None
) -> CampaignAnswer | None:
    """Answer for a campaign that can no longer be changed: booked, being booked, or ended."""
    if row.status is CampaignState.BOOKED:
        return await answer(session, row, Code.BOOKED)
    if row.status in ENDED:
        return await answer(session, row, Code.ENDED)
    if attempt and attempt.state in PAST_NO_RETURN:
        return await answer(session, row, Code.BEING_BOOKED)
    return None


async def answer(
    session: AsyncSession,
    row: CampaignRow,
    code: Code,
    attempt: AttemptRow | None = None,
) -> CampaignAnswer:
    booking = await live_booking(session, row.id) if code is Code.BOOKED else None
    return CampaignAnswer(
        code=code,
        campaign_id=CampaignId(row.id),
        state=row.status,
        criteria_version=row.criteria_version,
        booking_reference=booking.booking_reference if booking else None,
        attempt_id=AttemptId(attempt.id) if attempt else None,
    )
