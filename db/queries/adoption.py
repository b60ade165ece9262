"""Putting back the rows that a restored database lost: just enough for processes to find the rest.

The row of an order's call is its point of no return. Where it stands as sent, the attempt's own
process asks the seller, writes the booking, sees that the money was taken, and ends as it did.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from db.models.attempt import AttemptRow
from db.models.campaign import CampaignRow
from db.models.mandate import MandateRow
from db.models.payment import PaymentRow
from db.models.proposal import ProposalStatus
from db.queries import calls
from db.queries.attempts import card_of, live_attempt, next_number
from db.queries.decisions import decide_failed
from db.queries.mandates import mandates_of, write_use
from db.queries.openings import close_proposal
from db.queries.payments import get_payment
from db.queries.transitions import change_state, lock_attempt, lock_campaign
from domain.adoption import HOLDS, FoundOrder, FoundPayment, pair_of
from domain.attempts import LIVE, PAST_NO_RETURN, AttemptState, FailureReason
from domain.campaigns import CAMPAIGN_TRANSITIONS, CampaignState
from domain.ids import AttemptId, CampaignId, attempt_id_for, booking_id_for, derive
from domain.money import Money
from domain.payments import PaymentState

_MOST_ATTEMPTS = 1_000
_TO_ORDERING = {
    AttemptState.VALIDATING: (AttemptState.AUTHORISING, AttemptState.ORDERING),
    AttemptState.AWAITING_AUTHENTICATION: (AttemptState.AUTHORISING, AttemptState.ORDERING),
    AttemptState.AUTHORISING: (AttemptState.ORDERING,),
}


class ForAPerson(Exception):
    """No rule says what to do with what was found; the message says why."""


async def adopt_order(
    session: AsyncSession,
    found: FoundOrder,
    payments: Sequence[FoundPayment],
    mandate_fact: str,
    now: datetime,
) -> None:
    """Write down that the order was sent, with what was held for it.

    Raises:
        ForAPerson: and nothing is written.
    """
    campaign = await lock_campaign(session, found.campaign_id)
    if campaign is None:
        raise ForAPerson("its wish was made after the backup")
    if found.cancelled:
        raise ForAPerson("it was booked and cancelled after the backup")
    attempt = await lock_attempt(session, found.attempt_id, campaign_id=campaign.id)
    if attempt is not None and attempt.state in PAST_NO_RETURN:
        return  # its own process is about to ask
    mandate = await _mandate(session, campaign, found.total)
    paid = [payment for payment in payments if payment.state in HOLDS]
    if not paid:
        raise ForAPerson("no payment of it was found")
    if attempt is None:
        attempt = await _attempt(session, campaign, found, mandate, now)
    elif attempt.state not in LIVE:
        raise ForAPerson("its attempt had failed before the backup")
    rows = [await _payment(session, attempt, payment, now) for payment in payments]
    held = max((row for row in rows if row.state in HOLDS), key=lambda row: row.round)
    await write_use(session, attempt, mandate, held, found.total, now=now)
    facts = found.call_facts | {"payment_round": held.round, mandate_fact: str(mandate.id)}
    await calls.begin_call(
        session,
        key=found.call_key,
        kind=calls.ORDER,
        provider=attempt.seller,
        user_id=attempt.user_id,
        attempt_id=attempt.id,
        booking_id=booking_id_for(found.attempt_id),
        facts=facts,
        now=found.created_at,
    )
    attempt.order_sent_at = found.created_at
    for state in _TO_ORDERING.get(attempt.state, ()):
        await change_state(session, attempt, state, now=now, event=f"attempt.{state.value}")


async def remember_payment(session: AsyncSession, found: FoundPayment, now: datetime) -> bool:
    """Write a payment down that holds nothing and has no order; False if its wish is not known.

    Its attempt's number is used up: another attempt must not meet this payment under its own name.
    """
    campaign = await lock_campaign(session, found.campaign_id)
    if campaign is None:
        return False
    attempt = await lock_attempt(session, found.attempt_id, campaign_id=campaign.id)
    if attempt is None:
        attempt = await _insert(
            session,
            campaign,
            found.attempt_id,
            now,
            state=AttemptState.FAILED,
            failure_reason=FailureReason.WITHDRAWN,
            finished_at=now,
            pair={},
            itinerary_key="",
            matched_minor=found.amount.minor,
            limit_minor=found.amount.minor,
            currency=found.amount.currency,
        )
    await _payment(session, attempt, found, now)
    return True


async def _mandate(session: AsyncSession, campaign: CampaignRow, total: Money) -> MandateRow:
    """Return the newest consent that covers the order, withdrawn since or not."""
    for row in await mandates_of(session, campaign.id):
        if row.currency == total.currency and row.cap_minor >= total.minor:
            return row
    raise ForAPerson("no consent that was given before the backup covers its price")


async def _attempt(
    session: AsyncSession,
    campaign: CampaignRow,
    found: FoundOrder,
    mandate: MandateRow,
    now: datetime,
) -> AttemptRow:
    """Insert the attempt that ordered, and say of its wish that it is being booked."""
    earlier = await live_attempt(session, campaign.id)
    if earlier is not None:
        await _end(session, earlier, now)
    if campaign.status is not CampaignState.BOOKING:
        if not CAMPAIGN_TRANSITIONS.allows(campaign.status, CampaignState.BOOKING):
            raise ForAPerson(f"its wish was {campaign.status.value} at the backup")
        await close_proposal(session, campaign, ProposalStatus.VOID, now)
        await change_state(
            session,
            campaign,
            CampaignState.BOOKING,
            now=now,
            event="campaign.booking",
            data={
                "attempt_id": str(found.attempt_id),
                "matched_minor": found.total.minor,
                "currency": found.total.currency,
            },
        )
    return await _insert(
        session,
        campaign,
        found.attempt_id,
        found.created_at,
        seller=found.seller,
        pair=pair_of(found.itinerary).model_dump(mode="json"),
        itinerary_key=found.itinerary.key,
        matched_minor=found.total.minor,
        limit_minor=min(mandate.cap_minor, max(campaign.budget.minor, found.total.minor)),
        currency=found.total.currency,
        mandate_id=mandate.id,
    )


async def _end(session: AsyncSession, earlier: AttemptRow, now: datetime) -> None:
    """End an attempt that had ended before the one that ordered began; its process reads that."""
    row = await lock_attempt(session, earlier.id, campaign_id=earlier.campaign_id)
    if row is None or row.state in PAST_NO_RETURN or row.state is AttemptState.COMPENSATING:
        raise ForAPerson("another attempt of its wish was under way at the backup")
    row.failure_reason = FailureReason.WITHDRAWN
    await change_state(session, row, AttemptState.FAILED, now=now, event="attempt.failed")
    await decide_failed(session, row, FailureReason.WITHDRAWN)


async def _insert(
    session: AsyncSession,
    campaign: CampaignRow,
    attempt_id: AttemptId,
    began_at: datetime,
    **fields: Any,
) -> AttemptRow:
    """Insert an attempt under the very number that its id was made of."""
    first = await next_number(session, campaign.id)
    campaign_id = CampaignId(campaign.id)
    numbers = range(first, first + _MOST_ATTEMPTS)
    number = next((n for n in numbers if attempt_id_for(campaign_id, n) == attempt_id), None)
    if number is None:
        raise ForAPerson("its attempt is none of this wish")
    card = await card_of(session, campaign)
    if card is None:
        raise ForAPerson("its card is not known")
    values: dict[str, Any] = {
        "id": attempt_id,
        "campaign_id": campaign.id,
        "user_id": campaign.user_id,
        "number": number,
        "seller": "duffel",
        "criteria_version": campaign.criteria_version,
        "payment_method_id": card.id,
        "opening_key": f"restored:{attempt_id}",
        "started_at": began_at,
        "updated_at": began_at,
    }
    row = AttemptRow(**(values | fields))
    session.add(row)
    await session.flush()
    return row


async def _payment(
    session: AsyncSession, attempt: AttemptRow, found: FoundPayment, now: datetime
) -> PaymentRow:
    """Return the payment's row, with what the processor says; what was taken is left to be found.

    So a captured one is held here: taking it finds that it was taken, and writes that down.
    """
    row = await get_payment(session, attempt.id, found.round, lock=True)
    state = PaymentState.AUTHORISED if found.state in HOLDS else found.state
    if row is None:
        row = PaymentRow(
            id=derive("payment", attempt.id, found.round),
            attempt_id=attempt.id,
            campaign_id=attempt.campaign_id,
            user_id=attempt.user_id,
            round=found.round,
            rail="stripe",
            payment_method_id=attempt.payment_method_id,
            state=state,
            amount_minor=found.amount.minor,
            currency=found.amount.currency,
            authorised_minor=found.amount.minor if state is PaymentState.AUTHORISED else 0,
            intent_ref=found.intent_ref,
            created_at=now,
            updated_at=now,
        )
        session.add(row)
        await session.flush()
        return row
    row.intent_ref = row.intent_ref or found.intent_ref
    waits = {PaymentState.CREATED, PaymentState.AUTHENTICATION_REQUIRED}
    if row.state in waits and state is PaymentState.AUTHORISED:
        row.authorised_minor = found.amount.minor
        await change_state(session, row, state, now=now, event="payment.authorised")
    return row
