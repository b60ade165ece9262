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
    services: Services, caller: Caller, campaign_id: UUID, wanted: Money | None
) -> AsyncIterator[None]:
    """Let the key consent to a charge for a wish, if its limits allow; None: nothing is consented.

    It is written down before the wish is, so that wishes made at the same instant are counted too;
    a wish or a change that is refused in the block leaves everything as it was.

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
            await _let_go(services, caller, campaign_id, before)
        raise


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
) -> Money | None:
    """Write the consent down; return the one that it takes the place of."""
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
        await put_commitment(
            session,
            campaign_id=campaign_id,
            key_id=key_id,
            user_id=caller.user_id,
            amount=wanted,
            now=now,
        )
    return before


async def _let_go(
    services: Services, caller: Caller, campaign_id: UUID, before: Money | None
) -> None:
    key_id = _limited(caller)
    if key_id is None:
        return
    async with services.database.transaction(caller.user_id) as session:
        if before is None:
            await delete_commitment(session, campaign_id)
            return
        await put_commitment(
            session,
            campaign_id=campaign_id,
            key_id=key_id,
            user_id=caller.user_id,
            amount=before,
            now=services.clock(),
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
