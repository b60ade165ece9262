"""A consent that comes by itself: the first one, or one in the place of another."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession
from temporalio import activity

from activities.campaign_rows import answer, closed, locked
from activities.mandate_guard import MandateGuard
from activities.offers import WORKER
from db.models import CampaignRow
from db.queries.attempts import live_attempt
from db.queries.mandates import insert_mandate, live_mandate_row, mandate_row, revoke_mandate
from db.queries.transitions import append_event, change_state
from db.session import Database
from domain.attempts import FailureReason
from domain.campaigns import CampaignState
from domain.messages.campaign import CampaignAnswer, ConsentInput
from domain.messages.campaign import CampaignAnswerCode as Code
from runtime.clock import activity_now


class ConsentActivities:
    def __init__(self, database: Database, guard: MandateGuard) -> None:
        self._database, self._guard = database, guard

    @activity.defn
    async def give_consent(self, request: ConsentInput) -> CampaignAnswer:
        """Put a signed consent in the place of the one that stood, or did not; then watch.

        Asked again after it took effect, it answers that it is so.
        """
        now = activity_now()
        async with self._database.transaction(WORKER) as session:
            row = await locked(session, request.campaign_id)
            attempt = await live_attempt(session, row.id)
            refusal = await closed(session, row, attempt)
            if refusal:
                return refusal
            if attempt or row.status is CampaignState.BOOKING:
                return await answer(session, row, Code.BEING_BOOKED)
            document = self._guard.read(request.consent)
            standing = await live_mandate_row(session, row.id)
            if document and standing and standing.id == document.mandate_id:
                return await answer(session, row, Code.ALREADY)
            if not row.mode.books:
                return await answer(session, row, Code.NOT_NOW)
            if document is None:
                return await answer(session, row, Code.CONSENT_NEEDED)
            if document.criteria_version != row.criteria_version:
                return await answer(session, row, Code.STALE)
            given = mandate_row(row, request.consent)
            if await self._guard.refusal(session, row, given, row.least(), now):
                return await answer(session, row, Code.CONSENT_NEEDED)
            await revoke_mandate(session, row.id, now)
            await insert_mandate(session, row, request.consent)
            await self._go_on(session, row, now)
            return await answer(session, row, Code.DONE)

    async def _go_on(self, session: AsyncSession, row: CampaignRow, now: datetime) -> None:
        """Watch, if a consent was all that was missing; else only write it down."""
        asked = row.status is CampaignState.AWAITING_CONSENT or (
            row.status is CampaignState.NEEDS_ACTION
            and row.action_reason == FailureReason.CONSENT_NEEDED
        )
        if not asked:
            told = {"state": row.status.value}
            row.row_version += 1
            await append_event(session, row.id, "campaign.consented", told, now)
            return
        row.action_reason = row.hold_off_until = None
        await change_state(session, row, CampaignState.ACTIVE, now=now, event="campaign.consented")
