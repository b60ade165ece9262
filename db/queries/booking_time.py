"""How long an attempt took to book, from its row and its payments' events."""

from datetime import timedelta

from sqlalchemy import String, cast, select
from sqlalchemy.ext.asyncio import AsyncSession

from db.models import AttemptRow, CampaignEventRow, PaymentRow
from domain.attempts import AttemptState
from domain.booking_time import PaymentChange, bank_waits, time_to_book


async def booking_time(session: AsyncSession, attempt: AttemptRow) -> timedelta | None:
    """Return how long it took from the decision to the money taken; None if it was not taken."""
    if attempt.state is not AttemptState.CAPTURED or attempt.finished_at is None:
        return None
    payments = select(cast(PaymentRow.id, String)).where(PaymentRow.attempt_id == attempt.id)  # type: ignore[arg-type]
    query = (
        select(CampaignEventRow)
        .where(
            CampaignEventRow.campaign_id == attempt.campaign_id,  # type: ignore[arg-type]
            CampaignEventRow.data["payment_id"].as_string().in_(payments),
        )
        .order_by(CampaignEventRow.seq)  # type: ignore[arg-type]
    )
    changes = [
        PaymentChange(payment_id=e.data["payment_id"], state=e.data["state"], at=e.at)
        for e in await session.scalars(query)
    ]
    return time_to_book(attempt.started_at, attempt.finished_at, bank_waits(changes))
