"""What API keys consented to, held against their limits."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from db.models.api_key import ApiKeyCommitmentRow, ApiKeyRow
from db.models.campaign import CampaignRow
from domain.campaigns import CampaignState
from domain.ids import UserId
from domain.money import Money

# A wish that is not there after so long was never made; asking for it again is held anew.
_MADE_WITHIN = timedelta(hours=1)
_CAME_TO_NOTHING = (CampaignState.CANCELLED, CampaignState.EXPIRED)


@dataclass(frozen=True)
class Commitment:
    """What one key consented to for one wish."""

    key_id: UUID
    amount: Money

    def least(self, key_id: UUID, wanted: Money) -> Money:
        """Return what is held while this key asks for more, or less, than it agreed to."""
        same = self.key_id == key_id and self.amount.currency == wanted.currency
        return max(self.amount, wanted) if same else wanted


async def lock_api_key(session: AsyncSession, key_id: UUID) -> ApiKeyRow:
    """Hold a key of the transaction's person, so that its consents come one after the other."""
    return await session.get_one(ApiKeyRow, key_id, populate_existing=True, with_for_update=True)


async def committed_minor(
    session: AsyncSession, key_id: UUID, now: datetime, *, but: UUID | None = None
) -> int:
    """Sum up what the key consented to and what may still cost something, or did.

    A wish that ended without a booking costs nothing. `but`: the wish that is asked about.
    """
    made, amount = col(ApiKeyCommitmentRow.updated_at), col(ApiKeyCommitmentRow.amount_minor)
    campaign, status = col(ApiKeyCommitmentRow.campaign_id), col(CampaignRow.status)
    query = (
        select(func.coalesce(func.sum(amount), 0))
        .select_from(ApiKeyCommitmentRow)
        .outerjoin(CampaignRow, col(CampaignRow.id) == campaign)
        .where(
            col(ApiKeyCommitmentRow.api_key_id) == key_id,
            status.is_not(None) | (made > now - _MADE_WITHIN),
            status.is_(None) | status.not_in(_CAME_TO_NOTHING),
        )
    )
    if but is not None:
        query = query.where(campaign != but)
    return int(await session.scalar(query) or 0)


async def put_commitment(
    session: AsyncSession,
    *,
    campaign_id: UUID,
    user_id: UserId,
    agreed: Commitment,
    now: datetime,
) -> None:
    """Write down what a key consents to for a wish, in the place of what it consented to before."""
    values = {
        "api_key_id": agreed.key_id,
        "amount_minor": agreed.amount.minor,
        "currency": agreed.amount.currency,
        "updated_at": now,
    }
    await session.execute(
        insert(ApiKeyCommitmentRow)
        .values(campaign_id=campaign_id, user_id=user_id, **values)
        .on_conflict_do_update(index_elements=["campaign_id"], set_=values)
    )


async def get_commitment(session: AsyncSession, campaign_id: UUID) -> Commitment | None:
    """Return what a key consented to for a wish, if one did."""
    row = await session.get(ApiKeyCommitmentRow, campaign_id, populate_existing=True)
    if row is None:
        return None
    return Commitment(row.api_key_id, Money(minor=row.amount_minor, currency=row.currency))


async def delete_commitment(session: AsyncSession, campaign_id: UUID) -> None:
    """Free what was held for a wish that came to nothing."""
    await session.execute(
        delete(ApiKeyCommitmentRow).where(col(ApiKeyCommitmentRow.campaign_id) == campaign_id)
    )
