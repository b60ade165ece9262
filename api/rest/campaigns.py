"""Campaigns: made, read and changed. What has a process is changed by its process."""

import json
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response, status
from pydantic import ValidationError

from api.auth import Caller, CurrentUser
from api.dependencies import ServicesDep
from api.errors import ApiProblem, field_refused, refused
from api.processes import ProcessEnded, ask_campaign, create_campaign
from api.rest.campaign_answers import answered, shown
from api.rest.schemas.campaigns import (
    CampaignResponse,
    ConsentBody,
    CreateCampaignRequest,
    CreatedCampaignResponse,
    EditCampaignRequest,
)
from api.rest.schemas.common import (
    Cursor,
    IdempotencyKey,
    IfMatch,
    IfNoneMatch,
    Limit,
    OptionalKey,
    Page,
    body_problems,
    headers,
    problems,
)
from api.services import Services
from api.standing import display_of, etag_of, version_in
from api.wishes import check_wish, consent_of, default_name, expiry, validation_problems
from db.models.campaign import CampaignRow
from db.queries.attempts import live_mandate
from db.queries.campaigns import get_campaign
from db.queries.display import find_campaigns, standings
from domain.campaigns import BookingMode, CampaignState
from domain.criteria import ScoreWeights
from domain.ids import CampaignId, PaymentMethodId, campaign_id_for
from domain.messages.campaign import CampaignAnswerCode, CampaignEdit, Consent, NewCampaign
from domain.money import Money
from runtime.crypto import hmac_hex

router = APIRouter(prefix="/api/autobooking/campaigns", tags=["campaigns"])
_CREATED_HEADERS = headers(Location="Where the campaign is.", ETag="Its version.")


@router.post(
    "",
    operation_id="create_campaign",
    status_code=status.HTTP_201_CREATED,
    responses={
        **body_problems(503),
        201: {"headers": _CREATED_HEADERS},
        200: {
            "model": CreatedCampaignResponse,
            "description": "This key made it before; here it is as it stands now.",
            "headers": _CREATED_HEADERS,
        },
    },
)
async def create(
    body: CreateCampaignRequest,
    response: Response,
    user: CurrentUser,
    services: ServicesDep,
    key: IdempotencyKey,
) -> CreatedCampaignResponse:
    """Start watching for a wish. Repeating with the same key never makes a second campaign."""
    campaign_id = campaign_id_for(user.user_id, key)
    body_hmac = _body_hmac(services, body)
    known = await _of_key(services, user, campaign_id, body_hmac)
    if known is not None:
        response.status_code = status.HTTP_200_OK
        return await _created(services, user, known, response, ())
    now = services.clock()
    criteria = body.criteria.criteria(_weights(services))
    consent = consent_of(body.consent, criteria.budget, now)
    async with services.database.transaction(user.user_id) as session:
        checked = await check_wish(
            session,
            services,
            owner=user.user_id,
            criteria=criteria,
            traveler_ids=body.traveler_ids,
            payment_method_id=body.payment_method_id,
            expires_at=expiry(now, services.settings.policy.campaign_months),
            now=now,
        )
    new = NewCampaign(
        campaign_id=campaign_id,
        owner_id=user.user_id,
        name=body.name or default_name(criteria),
        criteria=criteria,
        mode=body.mode,
        traveler_ids=checked.traveler_ids,
        party=checked.party,
        payment_method_id=_card(body.payment_method_id),
        consent=consent,
        body_hmac=body_hmac,
        created_at=now,
        expires_at=checked.expires_at,
        opens_at=checked.opens_at,
        ends_at=checked.ends_at,
    )
    try:
        answer = await create_campaign(services.temporal, new, key)
        if answer.code is CampaignAnswerCode.KEY_CLASH:
            raise _clash()
    except ProcessEnded:
        # It ran and ended before; the row below says how.
        response.status_code = status.HTTP_200_OK
    row = await _of_key(services, user, campaign_id, body_hmac)
    if row is None:
        raise ApiProblem(
            503,
            "outcome_unknown",
            "The campaign is not there yet. Repeat with the same Idempotency-Key.",
            headers={"Retry-After": "2"},
        )
    return await _created(services, user, row, response, checked.warnings)


@router.get("", operation_id="list_campaigns", responses=problems())
async def list_all(
    *,
    user: CurrentUser,
    services: ServicesDep,
    statuses: Annotated[
        list[CampaignState], Query(alias="status", description="Only these; repeat for several.")
    ] = [],  # noqa: B006 - read only
    q: Annotated[
        str | None, Query(max_length=100, description="In the name, or a place's code.")
    ] = None,
    cursor: Cursor = None,
    limit: Limit = 20,
) -> Page[CampaignResponse]:
    """List your campaigns, newest first."""
    now = services.clock()
    async with services.database.transaction(user.user_id) as session:
        page = await find_campaigns(
            session, user.user_id, states=statuses, text=q, cursor=cursor, limit=limit
        )
        standing = await standings(session, page.rows)
    return Page(
        items=[
            CampaignResponse.of(row, display_of(row, standing[row.id], now)) for row in page.rows
        ],
        next_cursor=page.next_cursor,
    )


@router.get(
    "/{campaign_id}",
    operation_id="get_campaign",
    response_model=CampaignResponse,
    responses={**problems(404), 304: {"description": "As you have it."}},
)
async def get(
    campaign_id: UUID,
    response: Response,
    user: CurrentUser,
    services: ServicesDep,
    if_none_match: IfNoneMatch = None,
) -> CampaignResponse | Response:
    """Read one campaign."""
    row, body = await shown(services, user, campaign_id)
    if if_none_match == etag_of(row):
        return Response(status_code=status.HTTP_304_NOT_MODIFIED, headers={"ETag": etag_of(row)})
    response.headers["ETag"] = etag_of(row)
    return body


@router.patch(
    "/{campaign_id}",
    operation_id="edit_campaign",
    responses=body_problems(404, 409, 412, 428, 503),
)
async def edit(
    campaign_id: UUID,
    *,
    body: EditCampaignRequest,
    response: Response,
    user: CurrentUser,
    services: ServicesDep,
    key: OptionalKey = None,
    if_match: IfMatch = None,
) -> CampaignResponse:
    """Change the wish. Say which version you saw, by If-Match or `expected_version`."""
    row, _ = await shown(services, user, campaign_id)
    change = await _edit_of(services, user, row, body, if_match)
    try:
        answer = await ask_campaign(services.temporal, campaign_id, "edit", change, key=key)
    except ProcessEnded:
        answer = None
    row, shape = await answered(services, user, campaign_id, answer, "edit")
    response.headers["ETag"] = etag_of(row)
    return shape


async def _edit_of(
    services: Services,
    user: Caller,
    row: CampaignRow,
    body: EditCampaignRequest,
    if_match: str | None,
) -> CampaignEdit:
    """Make the whole new wish of what was there and what changes; refuse what cannot hold."""
    now = services.clock()
    expected = version_in(if_match) if if_match else body.expected_version
    if expected is None:
        raise ApiProblem(
            428, "version_needed", "Send If-Match with the campaign's ETag, or expected_version."
        )
    try:
        criteria = (
            body.criteria.applied_to(row.wish).criteria(_weights(services))
            if body.criteria
            else row.wish
        )
    except ValidationError as error:
        raise refused(validation_problems(error, "criteria")) from error
    mode = body.mode or row.mode
    card = body.payment_method_id or row.payment_method_id
    async with services.database.transaction(user.user_id) as session:
        checked = await check_wish(
            session,
            services,
            owner=user.user_id,
            criteria=criteria,
            traveler_ids=body.traveler_ids or list(row.traveler_ids),
            payment_method_id=card,
            expires_at=row.expires_at,
            now=now,
        )
        mandate = await live_mandate(session, row.id)
    consent = _consent(body.consent, row, mode, criteria.budget)
    if isinstance(consent, ConsentBody):
        given = consent_of(consent, criteria.budget, now)
    elif mandate is not None and mandate.cap.currency == criteria.budget.currency:
        given = Consent(
            text_version=mandate.text_version,
            cap=mandate.cap,
            consented_at=mandate.consented_at,
        )
    else:
        raise _consent_needed("there is no consent to charge in this currency")
    return CampaignEdit(
        expected_version=expected,
        name=body.name or row.name,
        criteria=criteria,
        mode=mode,
        traveler_ids=checked.traveler_ids,
        party=checked.party,
        payment_method_id=_card(card),
        consent=given,
        opens_at=checked.opens_at,
        ends_at=checked.ends_at,
    )


def _consent(
    given: ConsentBody | None, row: CampaignRow, mode: BookingMode, budget: Money
) -> ConsentBody | None:
    """Return the new consent; refuse its absence where the old one does not reach."""
    if given is not None:
        return given
    if budget.currency != row.currency or budget > row.budget:
        raise _consent_needed(f"the budget rises to {budget}")
    if mode is BookingMode.AUTO and row.mode is not BookingMode.AUTO:
        raise _consent_needed("the wish would be booked without asking you")
    return None


def _consent_needed(reason: str) -> ApiProblem:
    return field_refused("consent", reason, "Send a consent with this change.")


async def _of_key(
    services: Services, user: Caller, campaign_id: CampaignId, body_hmac: str
) -> CampaignRow | None:
    """Return the campaign that this key made; refuse a key that came with another body."""
    async with services.database.transaction(user.user_id) as session:
        row = await get_campaign(session, campaign_id)
    if row is not None and row.body_hmac != body_hmac:
        raise _clash()
    return row


async def _created(
    services: Services,
    user: Caller,
    row: CampaignRow,
    response: Response,
    warnings: tuple[str, ...],
) -> CreatedCampaignResponse:
    _, body = await shown(services, user, row.id)
    response.headers["Location"] = f"{router.prefix}/{row.id}"
    response.headers["ETag"] = etag_of(row)
    return CreatedCampaignResponse(**dict(body), warnings=list(warnings))


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


def _weights(services: Services) -> ScoreWeights:
    policy = services.settings.policy
    return ScoreWeights(
        price=policy.weight_price,
        stops=policy.weight_stops,
        duration=policy.weight_duration,
        airline=policy.weight_airline,
        times=policy.weight_times,
    )
