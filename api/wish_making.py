"""The one way to make a wish, for the JSON API and the pages alike."""

import json
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from api.errors import ApiProblem, field_refused
from api.mandates import DraftMandate, Wanted, draft_mandate
from api.processes import ProcessEnded, create_campaign
from api.rest.schemas.campaigns import CreateCampaignRequest
from api.services import Services
from api.wish_consenting import ShownConsent, consent_of
from api.wishes import Checked, cap_of, check_wish, default_name, expiry, house_weights, own_name
from db.models.campaign import CampaignRow
from db.queries.campaigns import get_campaign
from db.queries.drafts import get_trip_request
from domain.criteria import Criteria
from domain.ids import CampaignId, PaymentMethodId, UserId, campaign_id_for
from domain.mandates import CURRENT_CONSENT
from domain.messages.campaign import CampaignAnswerCode, NewCampaign
from runtime.crypto import hmac_hex


@dataclass(frozen=True)
class Made:
    """A campaign as it stands; not `fresh` if its key had made it before."""

    row: CampaignRow
    fresh: bool
    warnings: tuple[str, ...] = ()


async def make_wish(
    services: Services,
    owner: UserId,
    body: CreateCampaignRequest,
    key: str,
    *,
    shown: ShownConsent | None = None,
    may_spend: bool = True,
) -> Made:
    """Start watching for a wish. Repeating with the same key never makes a second campaign.

    A page passes on what was `shown`; without it the request itself is the consent. Without any,
    or from somebody who may not spend, the campaign waits for its owner's.
    """
    campaign_id = campaign_id_for(owner, key)
    body_hmac = _body_hmac(services, body)
    known = await _of_key(services, owner, campaign_id, body_hmac)
    if known is not None:
        return Made(known, fresh=False)
    new, warnings = await _new_campaign(services, owner, body, campaign_id, body_hmac, shown=shown)
    if not may_spend:
        new = new.model_copy(update={"consent": None})
    fresh = True
    try:
        answer = await create_campaign(services.temporal, new, key)
        if answer.code is CampaignAnswerCode.KEY_CLASH:
            raise _clash()
    except ProcessEnded:
        # It ran and ended before; the row below says how.
        fresh = False
    row = await _of_key(services, owner, campaign_id, body_hmac)
    if row is None:
        raise ApiProblem(
            503,
            "outcome_unknown",
            "The campaign is not there yet. Repeat with the same Idempotency-Key.",
            headers={"Retry-After": "2"},
        )
    return Made(row, fresh, warnings)


async def draft_for_new(
    services: Services, owner: UserId, body: CreateCampaignRequest, key: str
) -> DraftMandate:
    """Return the consent to show before this wish is made with this key."""
    now = services.clock()
    async with services.database.transaction(owner) as session:
        wanted, _ = await _wanted_of_new(
            session, services, owner, body, campaign_id_for(owner, key), now=now
        )
        return await draft_mandate(session, services, wanted, now)


async def _new_campaign(
    services: Services,
    owner: UserId,
    body: CreateCampaignRequest,
    campaign_id: CampaignId,
    body_hmac: str,
    *,
    shown: ShownConsent | None,
) -> tuple[NewCampaign, tuple[str, ...]]:
    now = services.clock()
    async with services.database.transaction(owner) as session:
        wanted, checked = await _wanted_of_new(session, services, owner, body, campaign_id, now=now)
        consent = None
        if wanted.mode.books and (shown or body.consent):
            consent = await consent_of(session, services, wanted, shown, now)
    new = NewCampaign(
        campaign_id=campaign_id,
        owner_id=owner,
        name=own_name(services, owner, body.name or default_name(wanted.criteria)),
        criteria=wanted.criteria,
        mode=wanted.mode,
        traveler_ids=checked.traveler_ids,
        party=checked.party,
        payment_method_id=PaymentMethodId(wanted.card_id) if wanted.card_id else None,
        trip_request_id=body.trip_request_id,
        consent=consent,
        body_hmac=body_hmac,
        created_at=now,
        expires_at=checked.expires_at,
        opens_at=checked.opens_at,
        ends_at=checked.ends_at,
    )
    return new, checked.warnings


async def _wished(
    session: AsyncSession, services: Services, owner: UserId, body: CreateCampaignRequest
) -> tuple[Criteria, list[UUID]]:
    """Return what is wished for and for whom: as sent, else as the saved trip has it."""
    trip = None
    if body.trip_request_id is not None:
        trip = await get_trip_request(session, body.trip_request_id)
        if trip is None or trip.user_id != owner:
            raise field_refused(
                "trip_request_id",
                "there is no such trip request",
                "Use an id of GET /api/v1/trip-requests.",
            )
    if body.criteria is not None:
        criteria = body.criteria.criteria(house_weights(services))
    elif trip is not None:
        criteria = trip.wish
    else:
        raise field_refused("criteria", "nothing is wished for", "Give criteria, or a saved trip.")
    people = body.traveler_ids or (list(trip.traveler_ids) if trip else [])
    if not people:
        raise field_refused("traveler_ids", "nobody travels", "Name one traveller at least.")
    return criteria, people


async def _wanted_of_new(
    session: AsyncSession,
    services: Services,
    owner: UserId,
    body: CreateCampaignRequest,
    campaign_id: CampaignId,
    *,
    now: datetime,
) -> tuple[Wanted, Checked]:
    criteria, traveler_ids = await _wished(session, services, owner, body)
    cap = cap_of(body.consent, criteria.budget) if body.consent else criteria.budget
    checked = await check_wish(
        session,
        services,
        owner=owner,
        criteria=criteria,
        traveler_ids=traveler_ids,
        payment_method_id=body.payment_method_id,
        expires_at=expiry(now, services.settings.policy.campaign_months),
        now=now,
        books=body.mode.books,
    )
    wanted = Wanted(
        campaign_id=campaign_id,
        owner=owner,
        criteria=criteria,
        mode=body.mode,
        criteria_version=1,
        traveler_ids=checked.traveler_ids,
        party=checked.party,
        card_id=body.payment_method_id,
        cap=cap,
        expires_at=checked.expires_at,
        text_version=body.consent.text_version if body.consent else CURRENT_CONSENT,
    )
    return wanted, checked


async def _of_key(
    services: Services, owner: UserId, campaign_id: CampaignId, body_hmac: str
) -> CampaignRow | None:
    """Return the campaign that this key made; refuse a key that came with another body."""
    async with services.database.transaction(owner) as session:
        row = await get_campaign(session, campaign_id)
    if row is not None and row.body_hmac != body_hmac:
        raise _clash()
    return row


def _clash() -> ApiProblem:
    return ApiProblem(
        422,
        "key_reused",
        "This Idempotency-Key was used before with another body. Use a new key for a new campaign.",
    )


def _body_hmac(services: Services, body: CreateCampaignRequest) -> str:
    """Fingerprint what was asked for; only what was sent counts, whatever the defaults become."""
    plain = json.dumps(body.model_dump(mode="json", exclude_unset=True), sort_keys=True)
    return hmac_hex(services.settings.hmac_secret.get_secret_value(), f"campaign:{plain}")
