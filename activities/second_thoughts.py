"""Giving a wish up with a moment to think again: no money from the first instant on."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession
from temporalio import activity

from activities.campaign_rows import answer, came_before, closed, locked
from activities.offers import WORKER
from db.models import CampaignRow
from db.models.proposal import ProposalStatus
from db.queries.attempts import live_attempt
from db.queries.bookings import live_booking
from db.queries.campaigns import close_open_proposal
from db.queries.mandates import revoke_mandate
from db.queries.transitions import append_event, change_state
from db.queries.travelers import all_there
from db.session import Database
from domain.campaigns import AFTER_UNDO, CampaignState
from domain.ids import CampaignId
from domain.messages.campaign import Asked, CampaignAnswer
from domain.messages.campaign import CampaignAnswerCode as Code
from runtime.clock import activity_now
from runtime.policy import Policy


class SecondThoughtActivities:
    def __init__(self, database: Database, policy: Policy) -> None:
        self._database, self._policy = database, policy

    @activity.defn
    async def cancel_with_undo(self, asked: Asked) -> CampaignAnswer:
        """Cancel at once, as for ever, and remember for a moment what to go back to.

        An attempt before its point of no return is called off; it does not come back.
        """
        now = activity_now()
        async with self._database.transaction(WORKER) as session:
            row = await locked(session, asked.campaign_id)
            again = came_before(row, asked.request)
            attempt = await live_attempt(session, row.id)
            if row.status is CampaignState.CANCELLED:
                return await answer(session, row, Code.ALREADY, attempt)
            refusal = await closed(session, row, attempt)
            if refusal:
                return refusal
            if again:
                return await answer(session, row, Code.ALREADY)
            await close_open_proposal(session, row.id, ProposalStatus.VOID, now)
            row.undo_to = AFTER_UNDO.get(row.status, row.status)
            row.undo_until = now + self._policy.cancel_undo
            await change_state(
                session,
                row,
                CampaignState.CANCELLED,
                now=now,
                event="campaign.cancelled",
                data={"undo_until": row.undo_until.isoformat()},
            )
            return await answer(session, row, Code.DONE, attempt)

    @activity.defn
    async def undo_cancel(self, asked: Asked) -> CampaignAnswer:
        """Take a cancelling back while there is time; asked again, it is so already."""
        now = activity_now()
        async with self._database.transaction(WORKER) as session:
            row = await locked(session, asked.campaign_id)
            again = came_before(row, asked.request)
            if row.status is not CampaignState.CANCELLED:
                refusal = await closed(session, row, await live_attempt(session, row.id))
                return refusal or await answer(session, row, Code.ALREADY)
            if row.undo_to is None or row.undo_until is None or now >= row.undo_until:
                return await answer(session, row, Code.ENDED)
            if await live_booking(session, row.id) or not await all_there(
                session, row.traveler_ids
            ):
                return await answer(session, row, Code.NOT_NOW)
            if again:
                return await answer(session, row, Code.ALREADY)
            back = row.undo_to
            row.undo_to = row.undo_until = None
            await change_state(session, row, back, now=now, event="campaign.restored")
            return await answer(session, row, Code.DONE)

    @activity.defn
    async def close_cancelled(self, campaign_id: CampaignId) -> None:
        """End for good what nobody took back in time; the consent ends with it."""
        now = activity_now()
        async with self._database.transaction(WORKER) as session:
            row = await locked(session, campaign_id)
            if row.undo_until is None or now < row.undo_until:
                return
            await _close(session, row, now)


async def _close(session: AsyncSession, row: CampaignRow, now: datetime) -> None:
    row.undo_to = row.undo_until = None
    row.row_version += 1
    await revoke_mandate(session, row.id, now, kind=None)
    await append_event(session, row.id, "campaign.closed", {"state": row.status.value}, now)
