"""What an API key consents to on its owner's behalf, held against the key's limits."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID

from api.auth import Caller
from api.errors import ApiProblem
from api.rest.schemas.campaigns import CreateCampaignRequest, EditCampaignRequest
from api.services import Services
from db.models.campaign import CampaignRow
from db.queries.api_keys import (
    Commitment,
    committed_minor,
    delete_commitment,
    get_commitment,
    lock_api_key,
    put_commitment,
)
from db.queries.campaigns import get_campaign
from db.queries.drafts import get_trip_request
from db.queries.openings import get_proposal
from domain.api_keys import Scope, SpendingProblem, may_consent
from domain.campaigns import CampaignState
from domain.money import Money


def may_spend(caller: Caller) -> bool:
    """Say whether the caller's key may consent to charges at all."""
    return caller.grant.may(Scope.SPEND)


@asynccontextmanager
async def consent_by_key(
    services: Services,
    caller: Caller,
    campaign_id: UUID,
    wanted: Money | None,
    *,
    replaces: bool = True,
) -> AsyncIterator[None]:
    """Let the key consent to a charge for a wish, if its limits allow; None: nothing is consented.

    The whole request belongs into the block, its refusal too: what is refused there leaves
    everything as it was. What is held is written down before the wish is, so that wishes made at
    the same instant are counted; meanwhile the greater of the old consent and the new one counts.
    Not `replaces`: the consent before goes on beside this one.

    Raises:
        ApiProblem: the key may not, or not so much.
    """
    if wanted is None:
        yield
        return
    before = await _hold(services, caller, campaign_id, wanted)
    try:
        yield
    except ApiProblem as problem:
        # Where the outcome is unknown the wish may be there all the same.
        if problem.status < 500:
            await _settle(services, caller, campaign_id, before)
        raise
    key_id = _limited(caller)
    if replaces and key_id is not None:
        await _settle(services, caller, campaign_id, Commitment(key_id, wanted))


async def cap_of_new(
    services: Services, caller: Caller, campaign_id: UUID, body: CreateCampaignRequest
) -> Money | None:
    """Return what the request for a wish consents to; None where the wish is there already."""
    async with services.database.transaction(caller.user_id) as session:
        if await get_campaign(session, campaign_id) is not None:
            return None
        if body.consent is None or not body.mode.books:
            return None
        trip = body.trip_request_id and await get_trip_request(session, body.trip_request_id)
    if body.consent.cap is not None:
        return body.consent.cap.money()
    if body.criteria is not None:
        return body.criteria.budget.money()
    # Where no such trip is, making the wish says so.
    return trip.wish.budget if trip else None


def cap_of_change(row: CampaignRow, body: EditCampaignRequest) -> Money | None:
    """Return what a change consents to; None where it comes without a consent, or needs none."""
    if body.consent is None or not (body.mode or row.mode).books:
        return None
    if body.consent.cap is not None:
        return body.consent.cap.money()
    changed = body.criteria.budget if body.criteria else None
    return changed.money() if changed else row.budget


def refuse_to_carry_on(caller: Caller, row: CampaignRow, body: EditCampaignRequest) -> None:
    """Refuse a change under the consent that stands, which its owner gave to another wish.

    Raises:
        ApiProblem: the key may not spend, and the changed wish would be booked.
    """
    waits = row.status is CampaignState.AWAITING_CONSENT
    if may_spend(caller) or waits or not (body.mode or row.mode).books:
        return
    raise ApiProblem(
        403,
        "scope_needed",
        "This key has not the scope `spend`, and the changed wish would be booked under its owner's"
        " consent. Nothing was changed. Its owner can change it on its page.",
        extra={"scope": Scope.SPEND},
    )


async def cap_of_approval(services: Services, caller: Caller, proposal_id: UUID) -> Money | None:
    """Return what the flights cost that are approved; None where there is no such proposal."""
    async with services.database.transaction(caller.user_id) as session:
        row = await get_proposal(session, proposal_id)
    return Money(minor=row.price_minor, currency=row.currency) if row else None


async def _hold(
    services: Services, caller: Caller, campaign_id: UUID, wanted: Money
) -> Commitment | None:
    """Hold what is wanted, or what was agreed if that is more; return what was agreed."""
    now, key_id = services.clock(), _limited(caller)
    async with services.database.transaction(caller.user_id) as session:
        committed = 0
        if key_id is not None:
            await lock_api_key(session, key_id)
            committed = await committed_minor(session, key_id, now, but=campaign_id)
        refusal = may_consent(caller.grant, wanted, committed)
        if refusal is not None:
            raise _refused(refusal)
        if key_id is None:
            return None
        before = await get_commitment(session, campaign_id)
        held = Commitment(key_id, before.least(key_id, wanted) if before else wanted)
        await put_commitment(
            session, campaign_id=campaign_id, user_id=caller.user_id, agreed=held, now=now
        )
    return before


async def _settle(
    services: Services, caller: Caller, campaign_id: UUID, agreed: Commitment | None
) -> None:
    if _limited(caller) is None:
        return
    now = services.clock()
    async with services.database.transaction(caller.user_id) as session:
        if agreed is None:
            await delete_commitment(session, campaign_id)
            return
        await put_commitment(
            session, campaign_id=campaign_id, user_id=caller.user_id, agreed=agreed, now=now
        )


def _limited(caller: Caller) -> UUID | None:
    """Return the key whose consents are counted; None where there is no limit to hold them to."""
    return caller.key_id if caller.grant.limits is not None else None


def _refused(problem: SpendingProblem) -> ApiProblem:
    words = problem.words
    return ApiProblem(
        403,
        "spending_refused",
        f"{words[:1].upper()}{words[1:]}. Nothing was made or charged.",
        extra={"reason": problem.kind},
    )
