"""Where an attempt stands, how it ends, and what its campaign does next."""

from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession
from temporalio import activity

from activities.offers import WORKER
from db.models import AttemptRow, CampaignRow
from db.queries.allowances import allowed_once
from db.queries.attempts import booking_of, failures_in_a_row, get_attempt, open_task
from db.queries.bookings import get_booking, record_failed_result
from db.queries.decisions import decide_failed
from db.queries.mandates import release_use, revoke_mandate
from db.queries.notices import NewNotice
from db.queries.payments import was_authorised
from db.queries.transitions import change_state, lock_attempt, lock_campaign
from db.session import Database
from domain.attempts import STOPS_CAMPAIGN, AttemptState, FailureReason
from domain.authorisations import backoff
from domain.campaigns import CampaignState
from domain.mandate_document import MandateKind
from domain.messages.attempt import AttemptClosed, AttemptStep, FailInput, OperatorTaskInput
from domain.orders import LIVE_BOOKINGS
from runtime.clock import activity_now

# Reasons that lie in these flights: they are left alone for a while, others may be booked.
_ITINERARY_AT_FAULT = frozenset(
    {
        FailureReason.OFFER_GONE,
        FailureReason.PRICE_ROSE,
        FailureReason.CRITERIA_NOT_MET,
        FailureReason.ORDER_REFUSED,
        FailureReason.ORDER_NEVER_HAPPENED,
    }
)
# Nobody's fault that a wait would mend: the flights were gone or the traveller called it off.
_NO_HOLD_OFF = frozenset({FailureReason.OFFER_GONE, FailureReason.WITHDRAWN})
CARD_LATER = timedelta(days=1)


class AttemptActivities:
    def __init__(self, database: Database) -> None:
        self._database = database

    @activity.defn
    async def record_step(self, step: AttemptStep) -> None:
        """Move the attempt's row on; a row that is there already, or has ended, stays."""
        now = activity_now()
        async with self._database.transaction(WORKER) as session:
            attempt = await lock_attempt(session, step.attempt_id)
            if attempt is None or attempt.state in {
                step.state,
                AttemptState.FAILED,
                AttemptState.CAPTURED,
            }:
                return
            attempt.failure_reason = step.reason
            await change_state(
                session,
                attempt,
                step.state,
                now=now,
                event=f"attempt.{step.state.value}",
                data={"reason": step.reason.value} if step.reason else {},
            )

    @activity.defn
    async def fail_attempt(self, request: FailInput) -> AttemptClosed:
        """End the attempt without a booking, and say in the same breath what the campaign does."""
        now = activity_now()
        async with self._database.transaction(WORKER) as session:
            campaign = await lock_campaign(session, request.campaign_id)
            attempt = await lock_attempt(
                session, request.attempt_id, campaign_id=request.campaign_id
            )
            if campaign is None or attempt is None:
                return AttemptClosed(booked=False, reason=request.reason)
            if attempt.state is AttemptState.CAPTURED:
                return AttemptClosed(booked=True)
            if attempt.state is not AttemptState.FAILED:
                await self._end(session, campaign, attempt, request, now)
            return AttemptClosed(
                booked=False, reason=attempt.failure_reason, look_again=attempt.look_again
            )

    async def _end(
        self,
        session: AsyncSession,
        campaign: CampaignRow,
        attempt: AttemptRow,
        request: FailInput,
        now: datetime,
    ) -> None:
        reason = request.reason
        once = await allowed_once(session, attempt)
        wait = backoff(await failures_in_a_row(session, campaign.id) + 1)
        held = await was_authorised(session, attempt.id)
        attempt.failure_reason, attempt.look_again = reason, request.look_again
        if reason in _ITINERARY_AT_FAULT and not once:
            attempt.ignore_until = now + wait
        if attempt.state is not AttemptState.COMPENSATING and attempt.state not in {
            AttemptState.VALIDATING,
            AttemptState.AUTHORISING,
            AttemptState.AWAITING_AUTHENTICATION,
        }:
            await change_state(
                session, attempt, AttemptState.COMPENSATING, now=now, event="attempt.compensating"
            )
        await change_state(
            session,
            attempt,
            AttemptState.FAILED,
            now=now,
            event="attempt.failed",
            data={"reason": reason.value},
            notices=_told_of_end(attempt, reason, held=held, once=once),
        )
        await record_failed_result(session, attempt, now)
        await decide_failed(session, attempt, reason)
        unpaid = await booking_of(session, attempt.id)
        if unpaid is None or unpaid.state not in LIVE_BOOKINGS:
            await release_use(session, attempt.id, now)
        if once:
            await revoke_mandate(session, campaign.id, now, kind=MandateKind.ALLOW_ONCE)
            wait = timedelta(0)  # the wish itself has not failed
        if campaign.status is CampaignState.BOOKING:
            await self._release_campaign(session, campaign, attempt, reason, now, wait)

    async def _release_campaign(  # noqa: PLR0917
        self,
        session: AsyncSession,
        campaign: CampaignRow,
        attempt: AttemptRow,
        reason: FailureReason,
        now: datetime,
        wait: timedelta,
    ) -> None:
        """Back to watching, or stop and ask the traveller."""
        unpaid = await booking_of(session, attempt.id)
        if reason in STOPS_CAMPAIGN or (unpaid and unpaid.state in LIVE_BOOKINGS):
            campaign.action_reason = reason.value
            await change_state(
                session,
                campaign,
                CampaignState.NEEDS_ACTION,
                now=now,
                event="campaign.needs_action",
                data={"reason": reason.value},
                notices=[_action_notice(attempt, reason)],
            )
            return
        if reason is FailureReason.CARD_TRY_LATER:
            campaign.hold_off_until = now + max(wait, CARD_LATER)
        elif reason not in _NO_HOLD_OFF and wait:
            campaign.hold_off_until = now + wait
        await change_state(
            session,
            campaign,
            CampaignState.ACTIVE,
            now=now,
            event="campaign.watching_again",
            data={"reason": reason.value},
        )

    @activity.defn
    async def open_operator_task(self, request: OperatorTaskInput) -> None:
        """Ask a person, once for each key."""
        async with self._database.transaction(WORKER) as session:
            attempt = await get_attempt(session, request.attempt_id) if request.attempt_id else None
            booking = await get_booking(session, request.booking_id) if request.booking_id else None
            await open_task(
                session, request.key, request.kind, request.detail, activity_now(), attempt, booking
            )


def _told_of_end(
    attempt: AttemptRow, reason: FailureReason, *, held: bool, once: bool
) -> list[NewNotice]:
    """Return what is told of an attempt's end where the wish goes on watching.

    Of a booking that its traveller allowed by hand they hear in any case.
    """
    if reason is FailureReason.WITHDRAWN or reason in STOPS_CAMPAIGN:
        return []
    if once:
        return [_failed_notice(attempt, reason, event="allowance_ended")]
    return [_failed_notice(attempt, reason)] if held else []


def _failed_notice(
    attempt: AttemptRow, reason: FailureReason, *, event: str = "failed"
) -> NewNotice:
    return NewNotice(
        event=event,
        subject_id=attempt.id,
        user_id=attempt.user_id,
        campaign_id=attempt.campaign_id,
        data={
            "reason": reason.value,
            "limit_minor": attempt.limit_minor,
            "currency": attempt.currency,
        },
    )


def _action_notice(attempt: AttemptRow, reason: FailureReason) -> NewNotice:
    return NewNotice(
        event="action_needed",
        subject_id=attempt.id,
        user_id=attempt.user_id,
        campaign_id=attempt.campaign_id,
        data={"reason": reason.value},
    )
