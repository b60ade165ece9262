"""What a traveller does elsewhere: at the bank, and with a booking that is not wanted any more."""

from contextlib import suppress

import httpx
from house import House
from temporalio.client import WorkflowUpdateFailedError
from temporalio.service import RPCError

from domain.ids import CampaignId
from domain.messages.order import CancellationOffer, ConfirmAnswer, ConfirmCancellation


async def visit_bank(house: House, campaign_id: CampaignId, outcome: str) -> None:
    """Answer the bank's page, if it asked for that, and come back."""
    query = "SELECT id FROM booking_attempts WHERE campaign_id = :id"
    query += " AND state = 'awaiting_authentication'"
    for row in await house.rows(query, id=campaign_id):
        with suppress(RPCError, WorkflowUpdateFailedError):  # it has ended meanwhile
            page = await house.way_to_the_bank(row["id"])
            if page:
                async with httpx.AsyncClient() as browser:
                    await browser.post(page, data={"outcome": outcome})
            await house.attempt(row["id"]).signal("authentication_returned")


async def give_back(house: House, campaign_id: CampaignId, *, again: bool) -> None:
    """Have the booking cancelled by its quote; `again`: the confirmation's answer got lost."""
    query = "SELECT id FROM bookings WHERE campaign_id = :id"
    for row in await house.rows(query, id=campaign_id):
        handle = house.order(row["id"])
        with suppress(RPCError, WorkflowUpdateFailedError):  # it has ended, or was refused
            quote = await handle.execute_update("quote_cancellation", result_type=CancellationOffer)
            if quote.quote_id is None:
                continue
            word = ConfirmCancellation(booking_id=row["id"], quote_id=quote.quote_id)
            for _ in range(1 + again):
                await handle.execute_update("confirm_cancellation", word, result_type=ConfirmAnswer)
