"""The one way to make a wish and the one to change it, for the JSON API and the pages alike."""

import json
from dataclasses import dataclass
from uuid import UUID

from pydantic import ValidationError

from api.errors import ApiProblem, field_refused, refused
from api.processes import ProcessEnded, ask_campaign, create_campaign
from api.rest.schemas.campaigns import ConsentBody, CreateCampaignRequest, EditCampaignRequest
from api.services import Services
from api.wishes import check_wish, consent_of, default_name, expiry, validation_problems
from db.models.campaign import CampaignRow
from db.queries.attempts import live_mandate
from db.queries.campaigns import get_campaign
from db.queries.drafts import get_trip_request
from domain.campaigns import BookingMode
from domain.criteria import Criteria, ScoreWeights
from domain.ids import CampaignId, PaymentMethodId, UserId, campaign_id_for
from domain.mandates import Mandate
from domain.messages.campaign import (
    CampaignAnswer,
    CampaignAnswerCode,
    CampaignEdit,
    Consent,
    NewCampaign,
)
from domain.money import Money
from runtime.crypto import hmac_hex


@dataclass(frozen=True)
class Made:
    """A campaign as it stands; not `fresh` if its key had made it before."""

    row: CampaignRow
    fresh: bool
    warnings: tuple[str, ...] = ()


async def make_wish(
    services: Services, owner: UserId, body: CreateCampaignRequest, key: str
) -> Made:
    """Start watching for a wish. Repeating with the same key never makes a second campaign."""
    campaign_id = campaign_id_for(owner, key)
    body_hmac = _body_hmac(services, body)
    known = await _of_key(services, owner, campaign_id, body_hmac)
    if known is not None:
        return Made(known, fresh=False)
    new, warnings = await _new_campaign(services, owner, body, campaign_id, body_hmac)
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


async def change_wish(
    services: Services,
    row: CampaignRow,
    body: EditCampaignRequest,
    expected_version: int,
    key: str | None = None,
) -> CampaignAnswer | None:
    """Ask the process for the change; None: it has ended, so the row alone answers."""
    change = await _edit_of(services, row, body, expected_version)
    try:
        return await ask_campaign(services.temporal, row.id, "edit", change, key=key)
    except ProcessEnded:
        return None


def consent_due(row: CampaignRow, mode: BookingMode, budget: Money) -> str | None:
    """Say why a change needs a new consent; None where the old one reaches."""
    if budget.currency != row.currency or budget > row.budget:
        return f"the budget rises to {budget}"
    if mode is BookingMode.AUTO and row.mode is not BookingMode.AUTO:
        return "the wish would be booked without asking you"
    return None


def house_weights(services: Services) -> ScoreWeights:
    """Return how offers are compared where a wish does not say."""
    policy = services.settings.policy
    return ScoreWeights(
        price=policy.weight_price,
        stops=policy.weight_stops,
        duration=policy.weight_duration,
        airline=policy.weight_airline,
        times=policy.weight_times,
    )


async def _new_campaign(
    services: Services,
    owner: UserId,
    body: CreateCampaignRequest,
    campaign_id: CampaignId,
    body_hmac: str,
) -> tuple[NewCampaign, tuple[str, ...]]:
    now = services.clock()
    criteria, traveler_ids = await _wished(services, owner, body)
    consent = consent_of(body.consent, criteria.budget, now)
    async with services.database.transaction(owner) as session:
        checked = await check_wish(
            session,
            services,
            owner=owner,
            criteria=criteria,
            traveler_ids=traveler_ids,
            payment_method_id=body.payment_method_id,
            expires_at=expiry(now, services.settings.policy.campaign_months),
            now=now,
        )
    new = NewCampaign(
        campaign_id=campaign_id,
        owner_id=owner,
        name=body.name or default_name(criteria),
        criteria=criteria,
        mode=body.mode,
        traveler_ids=checked.traveler_ids,
        party=checked.party,
        payment_method_id=_card(body.payment_method_id),
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
    services: Services, owner: UserId, body: CreateCampaignRequest
) -> tuple[Criteria, list[UUID]]:
    """Return what is wished for and for whom: as sent, else as the saved trip has it."""
    trip = None
    if body.trip_request_id is not None:
        async with services.database.transaction(owner) as session:
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


async def _edit_of(
    services: Services, row: CampaignRow, body: EditCampaignRequest, expected: int
) -> CampaignEdit:
    """Make the whole new wish of what was there and what changes; refuse what cannot hold."""
    now = services.clock()
    try:
        criteria = (
            body.criteria.applied_to(row.wish).criteria(house_weights(services))
            if body.criteria
            else row.wish
        )
    except ValidationError as error:
        raise refused(validation_problems(error, "criteria")) from error
    mode = body.mode or row.mode
    card = body.payment_method_id or row.payment_method_id
    owner = UserId(row.user_id)
    async with services.database.transaction(owner) as session:
        checked = await check_wish(
            session,
            services,
            owner=owner,
            criteria=criteria,
            traveler_ids=body.traveler_ids or list(row.traveler_ids),
            payment_method_id=card,
            expires_at=row.expires_at,
            now=now,
        )
        mandate = await live_mandate(session, row.id)
    why = consent_due(row, mode, criteria.budget)
    if body.consent is None and why is not None:
        raise _consent_needed(why)
    return CampaignEdit(
        expected_version=expected,
        name=body.name or row.name,
        criteria=criteria,
        mode=mode,
        traveler_ids=checked.traveler_ids,
        party=checked.party,
        payment_method_id=_card(card),
        consent=(
            consent_of(body.consent, criteria.budget, now)
            if isinstance(body.consent, ConsentBody)
            else _standing_consent(mandate, criteria.budget)
        ),
        opens_at=checked.opens_at,
        ends_at=checked.ends_at,
    )


def _standing_consent(mandate: Mandate | None, budget: Money) -> Consent:
    if mandate is None or mandate.cap.currency != budget.currency:
        raise _consent_needed("there is no consent to charge in this currency")
    return Consent(
        text_version=mandate.text_version, cap=mandate.cap, consented_at=mandate.consented_at
    )


def _consent_needed(reason: str) -> ApiProblem:
    return field_refused("consent", reason, "Send a consent with this change.")


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


def _card(wanted: UUID | None) -> PaymentMethodId | None:
    return PaymentMethodId(wanted) if wanted else None
