"""What is done to a campaign's row: by its traveller, by the clock, by a match."""

from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession
from temporalio import activity

from activities.campaign_rows import answer, came_before, closed, existing, locked, notice
from activities.mandate_guard import MandateGuard
from activities.offers import WORKER
from db.models import CampaignRow, MandateRow
from db.models.offer_decision import DecisionVerdict
from db.models.proposal import ProposalStatus
from db.queries import openings
from db.queries.attempts import attempt_opened_by, card_of, live_attempt
from db.queries.bookings import live_booking
from db.queries.campaigns import (
    apply_edit,
    edited_so,
    facts,
    facts_of,
    insert_campaign,
    stop_for,
)
from db.queries.decisions import decide
from db.queries.mandates import live_mandate_row, revoke_mandate
from db.queries.notice_choices import preferences_of
from db.queries.notices import add_notices
from db.queries.transitions import append_event, change_state
from db.session import Database
from domain.attempts import PAST_NO_RETURN, FailureReason
from domain.campaigns import CAMPAIGN_TRANSITIONS, ENDED, BookingMode, CampaignState
from domain.ids import CampaignId, derive
from domain.mandates import NEEDS_CONSENT
from domain.messages.attempt import AttemptInput
from domain.messages.campaign import (
    ApprovedProposal,
    Asked,
    CampaignAnswer,
    CampaignAnswerCode,
    CampaignFacts,
    EditInput,
    NewCampaign,
    OfferFound,
    Opened,
    Opening,
    OpenInput,
    ProposalInput,
)
from domain.money import Money
from domain.telling import is_news
from runtime.clock import activity_now
from runtime.policy import Policy

_Code = CampaignAnswerCode
CONSENT_NEEDED = FailureReason.CONSENT_NEEDED.value


class CampaignActivities:
    def __init__(self, database: Database, policy: Policy, guard: MandateGuard) -> None:
        self._database, self._policy, self._guard = database, policy, guard
        self._warn_before = timedelta(days=policy.expiring_soon_days)

    # Reading and creating

    @activity.defn
    async def create_campaign(self, new: NewCampaign) -> CampaignAnswer:
        """Commit the campaign. Asking again with the same body is the same campaign."""
        async with self._database.transaction(WORKER) as session:
            row, _ = await insert_campaign(session, new, activity_now())
            code = _Code.DONE if row.body_hmac == new.body_hmac else _Code.KEY_CLASH
            return await answer(session, row, code)

    @activity.defn
    async def campaign_answer(self, campaign_id: CampaignId) -> CampaignAnswer:
        async with self._database.transaction(WORKER) as session:
            row = await existing(session, campaign_id)
            return await answer(session, row, _Code.DONE)

    @activity.defn
    async def campaign_facts(self, campaign_id: CampaignId) -> CampaignFacts:
        async with self._database.transaction(WORKER) as session:
            found = await facts(session, campaign_id, activity_now(), warn_before=self._warn_before)
        if found is None:
            raise LookupError(f"no campaign {campaign_id}")
        return found

    @activity.defn
    async def live_attempt(self, campaign_id: CampaignId) -> AttemptInput | None:
        """Return the attempt that the rows say is under way."""
        async with self._database.transaction(WORKER) as session:
            row = await live_attempt(session, campaign_id)
            return openings.attempt_input(row) if row else None

    # What the traveller asks for. Each may run again after it took effect, its worker being dead
    # by then: the answer is then still that it is so, and what follows from it is done.

    @activity.defn
    async def edit_campaign(self, request: EditInput) -> CampaignAnswer:
        """Replace the wish. Refused while an attempt is under way, or against an old version."""
        now = activity_now()
        async with self._database.transaction(WORKER) as session:
            row = await locked(session, request.campaign_id)
            attempt = await live_attempt(session, row.id)
            refusal = await closed(session, row, attempt)
            if refusal:
                return refusal
            if attempt or row.status is CampaignState.BOOKING:
                return await answer(session, row, _Code.BEING_BOOKED)
            if edited_so(row, request.edit):
                return await answer(session, row, _Code.DONE)
            if row.criteria_version != request.edit.expected_version:
                return await answer(session, row, _Code.STALE)
            waits = row.status is CampaignState.AWAITING_CONSENT
            if request.edit.mode.books and request.edit.consent is None and not waits:
                return await answer(session, row, _Code.CONSENT_NEEDED)
            await apply_edit(session, row, request.edit, now)
            return await answer(session, row, _Code.DONE)

    @activity.defn
    async def pause_campaign(self, asked: Asked) -> CampaignAnswer:
        """Stop watching; an attempt before its point of no return is called off."""
        return await self._stop(asked, CampaignState.PAUSED, "campaign.paused")

    @activity.defn
    async def cancel_campaign(self, asked: Asked) -> CampaignAnswer:
        """End the campaign; an attempt before its point of no return is called off."""
        return await self._stop(asked, CampaignState.CANCELLED, "campaign.cancelled")

    async def _stop(self, asked: Asked, to: CampaignState, event: str) -> CampaignAnswer:
        now = activity_now()
        async with self._database.transaction(WORKER) as session:
            row = await locked(session, asked.campaign_id)
            again = came_before(row, asked.request)
            attempt = await live_attempt(session, row.id)
            if row.status is to:
                return await answer(session, row, _Code.ALREADY, attempt)
            refusal = await closed(session, row, attempt)
            if refusal:
                return refusal
            if not CAMPAIGN_TRANSITIONS.allows(row.status, to):
                return await answer(session, row, _Code.NOT_NOW)
            if again:
                return await answer(session, row, _Code.ALREADY)
            await openings.close_proposal(session, row, ProposalStatus.VOID, now)
            if to is CampaignState.CANCELLED:
                await revoke_mandate(session, row.id, now, kind=None)
            await change_state(session, row, to, now=now, event=event)
            return await answer(session, row, _Code.DONE, attempt)

    @activity.defn
    async def resume_campaign(self, asked: Asked) -> CampaignAnswer:
        """Watch again, at once: after a pause, or after what needed the traveller was mended."""
        now = activity_now()
        async with self._database.transaction(WORKER) as session:
            row = await locked(session, asked.campaign_id)
            again = came_before(row, asked.request)
            attempt = await live_attempt(session, row.id)
            refusal = await closed(session, row, attempt)
            if refusal:
                return refusal
            if row.status is CampaignState.AWAITING_CONSENT:
                return await answer(session, row, _Code.CONSENT_NEEDED)
            if row.status not in {CampaignState.PAUSED, CampaignState.NEEDS_ACTION}:
                return await answer(session, row, _Code.ALREADY)
            if await live_booking(session, row.id):
                return await answer(session, row, _Code.NOT_NOW)
            if row.mode.books:
                mandate = await live_mandate_row(session, row.id)
                problem = await self._guard.refusal(session, row, mandate, row.least(), now)
                if problem is not None and problem.kind in NEEDS_CONSENT:
                    return await answer(session, row, _Code.CONSENT_NEEDED)
            if again:
                return await answer(session, row, _Code.ALREADY)
            row.action_reason = row.hold_off_until = None
            await change_state(
                session, row, CampaignState.ACTIVE, now=now, event="campaign.resumed"
            )
            return await answer(session, row, _Code.DONE)

    # Proposals

    @activity.defn
    async def approve_proposal(self, request: ProposalInput) -> ApprovedProposal:
        """Take the traveller's yes: these flights, at or below this price, searched afresh."""
        now = activity_now()
        async with self._database.transaction(WORKER) as session:
            row = await locked(session, request.campaign_id)
            proposal = await openings.open_proposal(session, row.id)
            attempt = await live_attempt(session, row.id)
            if attempt and attempt.proposal_id == request.proposal_id:
                return ApprovedProposal(answer=await answer(session, row, _Code.ALREADY, attempt))
            refusal = await closed(session, row, attempt)
            if refusal:
                return ApprovedProposal(answer=refusal)
            agreed = await openings.approved_in_vain(session, row.id, request.proposal_id)
            if agreed and proposal is None and now < agreed.expires_at:
                match = openings.match_of(agreed)
                return ApprovedProposal(answer=await answer(session, row, _Code.DONE), offer=match)
            if proposal is None or proposal.id != request.proposal_id or now >= proposal.expires_at:
                return ApprovedProposal(answer=await answer(session, row, _Code.NO_SUCH_PROPOSAL))
            match = openings.match_of(proposal)
            await openings.close_proposal(session, row, ProposalStatus.APPROVED, now)
            await change_state(
                session, row, CampaignState.ACTIVE, now=now, event="campaign.approved"
            )
            return ApprovedProposal(answer=await answer(session, row, _Code.DONE), offer=match)

    @activity.defn
    async def reject_proposal(self, request: ProposalInput) -> CampaignAnswer:
        """Take the traveller's no: go on watching, and leave these flights alone for a while."""
        async with self._database.transaction(WORKER) as session:
            row = await locked(session, request.campaign_id)
            refusal = await closed(session, row, await live_attempt(session, row.id))
            if refusal:
                return refusal
            proposal = await openings.get_proposal(session, request.proposal_id)
            if proposal is None or proposal.campaign_id != row.id:
                return await answer(session, row, _Code.NO_SUCH_PROPOSAL)
            if proposal.status is ProposalStatus.REJECTED:
                return await answer(session, row, _Code.ALREADY)
            if proposal.status is not ProposalStatus.OPEN:
                return await answer(session, row, _Code.NO_SUCH_PROPOSAL)
            await self._close(session, row, ProposalStatus.REJECTED)
            return await answer(session, row, _Code.DONE)

    @activity.defn
    async def lapse_proposal(self, campaign_id: CampaignId) -> None:
        """Close a proposal that nobody answered in time, and watch again."""
        async with self._database.transaction(WORKER) as session:
            row = await locked(session, campaign_id)
            proposal = await openings.open_proposal(session, row.id)
            if proposal and activity_now() >= proposal.expires_at:
                await self._close(session, row, ProposalStatus.LAPSED)

    async def _close(self, session: AsyncSession, row: CampaignRow, status: ProposalStatus) -> None:
        now = activity_now()
        await openings.close_proposal(session, row, status, now)
        if row.status is CampaignState.AWAITING_APPROVAL:
            await change_state(
                session, row, CampaignState.ACTIVE, now=now, event="campaign.watching_again"
            )

    # Matches

    @activity.defn
    async def act_on_match(self, request: OpenInput) -> Opened:
        """Turn a match into an attempt or a proposal, if everything still allows it."""
        now = activity_now()
        async with self._database.transaction(WORKER) as session:
            row = await locked(session, request.campaign_id)
            standing = await openings.standing_of(session, row.id, request.opening_key)
            opened = await self._done_before(session, request, standing)
            if opened is None:
                opened = await self._act(session, row, request, standing, now)
            known = await facts_of(session, row, now, warn_before=self._warn_before)
        return opened.model_copy(update={"facts": known})

    async def _act(
        self,
        session: AsyncSession,
        row: CampaignRow,
        request: OpenInput,
        standing: openings.Standing,
        now: datetime,
    ) -> Opened:
        why = _unfit(row, request, standing, now)
        if not why and not row.mode.books:
            return await self._tell(session, row, request.offer, now)
        mandate = await live_mandate_row(session, row.id)
        problem = (
            None
            if why
            else await self._guard.refusal(session, row, mandate, request.offer.price, now)
        )
        if problem is not None and problem.kind in NEEDS_CONSENT:
            await self._ask_for_consent(session, row, mandate, now)
        if why or problem or mandate is None:
            return Opened(what=Opening.NOTHING, why=why or "not allowed by the mandate")
        if row.mode is BookingMode.ASK_ME_FIRST and request.proposal_id is None:
            return await self._propose(session, row, request, now)
        return await self._attempt(session, row, mandate, request, now)

    async def _tell(
        self, session: AsyncSession, row: CampaignRow, offer: OfferFound, now: datetime
    ) -> Opened:
        """Tell of a fare, for a wish that books nothing; only what is news."""
        told = None
        if row.told_minor is not None:
            told = Money(minor=row.told_minor, currency=row.currency)
        least = (await preferences_of(session, row.user_id)).least_change_percent
        if not is_news(told, row.told_at, offer.price, least_percent=least, now=now):
            return Opened(what=Opening.NOTHING, why="told before")
        row.told_minor, row.told_at, row.row_version = offer.price.minor, now, row.row_version + 1
        facts_told = {
            "price_minor": offer.price.minor,
            "currency": offer.price.currency,
            "look_id": str(offer.look_id),
            "itinerary_key": offer.itinerary_key,
        }
        await append_event(session, row.id, "campaign.fare_found", facts_told, now)
        subject = derive("fare_found", row.id, row.criteria_version, offer.look_id)
        await add_notices(session, [notice("fare_found", row, facts_told, subject_id=subject)], now)
        return Opened(what=Opening.TOLD)

    async def _ask_for_consent(
        self, session: AsyncSession, row: CampaignRow, mandate: MandateRow | None, now: datetime
    ) -> None:
        subject = mandate.id if mandate else row.id
        await stop_for(session, row, CONSENT_NEEDED, now, subject_id=subject)

    async def _done_before(
        self, session: AsyncSession, request: OpenInput, standing: openings.Standing
    ) -> Opened | None:
        if standing.attempted:
            attempt = await attempt_opened_by(session, request.opening_key)
            assert attempt is not None  # attempts are never deleted
            return Opened(what=Opening.ATTEMPT, attempt=openings.attempt_input(attempt))
        return Opened(what=Opening.PROPOSAL) if standing.proposed else None

    async def _attempt(
        self,
        session: AsyncSession,
        row: CampaignRow,
        mandate: MandateRow,
        request: OpenInput,
        now: datetime,
    ) -> Opened:
        card = await card_of(session, row)
        if card is None:
            await stop_for(session, row, "no_card", now)
            return Opened(what=Opening.NOTHING, why="no usable card")
        limit = min(row.budget, _cap(mandate), key=lambda m: m.minor)
        if request.proposal_id:
            limit = min(limit, request.offer.price, key=lambda m: m.minor)
        attempt = await openings.insert_attempt(
            session, row, card, request, limit=limit, mandate_id=mandate.id, now=now
        )
        await change_state(
            session,
            row,
            CampaignState.BOOKING,
            now=now,
            event="campaign.booking",
            data={
                "attempt_id": str(attempt.id),
                "matched_minor": attempt.matched_minor,
                "currency": attempt.currency,
            },
        )
        return Opened(what=Opening.ATTEMPT, attempt=openings.attempt_input(attempt))

    async def _propose(
        self, session: AsyncSession, row: CampaignRow, request: OpenInput, now: datetime
    ) -> Opened:
        offer = await openings.snapshot_of(session, request.offer)
        if offer is None:
            return Opened(what=Opening.NOTHING, why="the look's offer is gone")
        expires_at = min(now + self._policy.proposal_ttl, row.ends_at)
        proposal = await openings.insert_proposal(
            session, row, request, offer, expires_at=expires_at, now=now
        )
        await decide(session, row.id, request.offer, DecisionVerdict.PROPOSED)
        facts_told = {
            "proposal_id": str(proposal.id),
            "price_minor": proposal.price_minor,
            "currency": proposal.currency,
            "expires_at": expires_at.isoformat(),
        }
        await change_state(
            session,
            row,
            CampaignState.AWAITING_APPROVAL,
            now=now,
            event="proposal.opened",
            data=facts_told,
            notices=[notice("approval_needed", row, facts_told, subject_id=proposal.id)],
        )
        return Opened(what=Opening.PROPOSAL)

    # The clock

    @activity.defn
    async def expire_campaign(self, campaign_id: CampaignId) -> None:
        """End the campaign; an attempt past its point of no return is left to finish."""
        now = activity_now()
        async with self._database.transaction(WORKER) as session:
            row = await locked(session, campaign_id)
            attempt = await live_attempt(session, row.id)
            underway = attempt is not None and attempt.state in PAST_NO_RETURN
            if row.status in ENDED or underway or now < row.ends_at:
                return
            await openings.close_proposal(session, row, ProposalStatus.VOID, now)
            await change_state(
                session,
                row,
                CampaignState.EXPIRED,
                now=now,
                event="campaign.expired",
                notices=[notice("expired", row, {})],
            )

    @activity.defn
    async def warn_expiring(self, campaign_id: CampaignId) -> None:
        now = activity_now()
        async with self._database.transaction(WORKER) as session:
            row = await locked(session, campaign_id)
            if row.status in ENDED or row.warned_at:
                return
            row.warned_at = now
            told = {"ends_at": row.ends_at.isoformat()}
            await append_event(session, row.id, "campaign.expiring_soon", told, now)
            await add_notices(session, [notice("expiring_soon", row, told)], now)


def _unfit(row: CampaignRow, request: OpenInput, standing: openings.Standing, now: datetime) -> str:
    """Say what forbids acting on the match, in a word for the log."""
    if row.status is not CampaignState.ACTIVE or now >= row.ends_at:
        return "not watching"
    if request.offer.criteria_version != row.criteria_version:
        return "stale"
    if row.hold_off_until and now < row.hold_off_until and request.proposal_id is None:
        return "holding off"
    if standing.busy:
        return "one at a time"
    return "booking is stopped" if standing.stopped else ""


def _cap(mandate: MandateRow) -> Money:
    return Money(minor=mandate.cap_minor, currency=mandate.currency)
