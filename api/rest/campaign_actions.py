"""What a traveller may ask of a running campaign, each answered by its process."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response

from api.allowances import allow_once
from api.auth import Caller, CurrentUser
from api.dependencies import ServicesDep
from api.errors import field_refused
from api.processes import ProcessEnded, ask_campaign
from api.rest.campaign_answers import answered, load
from api.rest.schemas.campaign_requests import (
    AllowOnceRequest,
    ConsentRequest,
    ProposalRequest,
)
from api.rest.schemas.campaigns import CampaignResponse
from api.rest.schemas.common import OptionalKey, body_problems, problems
from api.services import Services
from api.spending import cap_of_approval, consent_by_key
from api.standing import etag_of
from api.wish_consenting import give_consent
from api.wishes import cap_of
from domain.mandates import CURRENT_ALLOWANCE

router = APIRouter(prefix="/api/autobooking/campaigns/{campaign_id}", tags=["campaigns"])
_RESPONSES = problems(404, 409, 503)
_BODY_RESPONSES = body_problems(404, 409, 503)


@router.post("/pause", operation_id="pause_campaign", responses=_RESPONSES)
async def pause(
    campaign_id: UUID,
    response: Response,
    user: CurrentUser,
    services: ServicesDep,
    key: OptionalKey = None,
) -> CampaignResponse:
    """Stop watching until you resume."""
    return await _ask(services, user, response, campaign_id, "pause", key=key)


@router.post("/resume", operation_id="resume_campaign", responses=_RESPONSES)
async def resume(
    campaign_id: UUID,
    response: Response,
    user: CurrentUser,
    services: ServicesDep,
    key: OptionalKey = None,
) -> CampaignResponse:
    """Watch again, after a pause or after you did what was needed."""
    return await _ask(services, user, response, campaign_id, "resume", key=key)


@router.post("/cancel", operation_id="cancel_campaign", responses=_RESPONSES)
async def cancel(
    campaign_id: UUID,
    *,
    response: Response,
    user: CurrentUser,
    services: ServicesDep,
    key: OptionalKey = None,
    undoable: Annotated[
        bool,
        Query(description="Cancelled at once all the same; `undo` takes it back for a minute."),
    ] = False,
) -> CampaignResponse:
    """Give the wish up. Once an order is being placed the answer is 409, with what to do then."""
    update = "cancel_with_undo" if undoable else "cancel"
    return await _ask(services, user, response, campaign_id, update, key=key)


@router.post("/undo", operation_id="undo_cancel_campaign", responses=_RESPONSES)
async def undo(
    campaign_id: UUID,
    response: Response,
    user: CurrentUser,
    services: ServicesDep,
    key: OptionalKey = None,
) -> CampaignResponse:
    """Take back a cancelling that was `undoable`, until `undo_until`."""
    return await _ask(services, user, response, campaign_id, "undo", key=key)


@router.delete("", operation_id="delete_campaign", responses=_RESPONSES)
async def delete(
    campaign_id: UUID,
    response: Response,
    user: CurrentUser,
    services: ServicesDep,
    key: OptionalKey = None,
) -> CampaignResponse:
    """Cancel the campaign. Its record stays, since it guards against a second booking."""
    return await _ask(services, user, response, campaign_id, "cancel", key=key)


@router.post(
    "/consent", operation_id="consent_to_campaign", responses=body_problems(403, 404, 409, 503)
)
async def consent(
    campaign_id: UUID,
    *,
    body: ConsentRequest,
    response: Response,
    user: CurrentUser,
    services: ServicesDep,
    key: OptionalKey = None,
) -> CampaignResponse:
    """Consent to be booked and charged: for the first time, or in the place of the last one."""
    row, _ = await load(services, user, campaign_id)
    cap = cap_of(body.consent, row.budget)
    async with consent_by_key(services, user, campaign_id, cap):
        answer = await give_consent(services, row, cap, key, text_version=body.consent.text_version)
        row, shape = await answered(services, user, campaign_id, answer, "consent")
    response.headers["ETag"] = etag_of(row)
    return shape


@router.post("/approve", operation_id="approve_proposal", responses=_BODY_RESPONSES)
async def approve(
    campaign_id: UUID,
    *,
    body: ProposalRequest,
    response: Response,
    user: CurrentUser,
    services: ServicesDep,
    key: OptionalKey = None,
) -> CampaignResponse:
    """Book the proposed flights at or below the proposed price, searched afresh."""
    price = await cap_of_approval(services, user, body.proposal_id)
    async with consent_by_key(services, user, campaign_id, price, replaces=False):
        return await _ask(
            services, user, response, campaign_id, "approve", body.proposal_id, key=key
        )


@router.post(
    "/allow-once",
    operation_id="allow_flights_once",
    responses=body_problems(403, 404, 409, 503),
)
async def allow(
    campaign_id: UUID,
    *,
    body: AllowOnceRequest,
    response: Response,
    user: CurrentUser,
    services: ServicesDep,
    key: OptionalKey = None,
) -> CampaignResponse:
    """Book flights that are just over the budget, this once; the budget stays as it is.

    They are searched afresh within minutes: gone or dearer than the maximum, nothing is booked.
    """
    row, _ = await load(services, user, campaign_id)
    if body.text_version != CURRENT_ALLOWANCE:
        raise field_refused(
            "text_version",
            "it is not the version of the text that holds now",
            f"Show the text of version {CURRENT_ALLOWANCE} and send that version.",
        )
    most = body.maximum.money()
    async with consent_by_key(services, user, campaign_id, most):
        answer = await allow_once(services, row, body.look_id, body.offer_id, most, key)
    row, shape = await answered(services, user, campaign_id, answer, "allow_once")
    response.headers["ETag"] = etag_of(row)
    return shape


@router.post("/reject", operation_id="reject_proposal", responses=_BODY_RESPONSES)
async def reject(
    campaign_id: UUID,
    *,
    body: ProposalRequest,
    response: Response,
    user: CurrentUser,
    services: ServicesDep,
    key: OptionalKey = None,
) -> CampaignResponse:
    """Turn the proposal down and go on watching."""
    return await _ask(services, user, response, campaign_id, "reject", body.proposal_id, key=key)


async def _ask(
    services: Services,
    user: Caller,
    response: Response,
    campaign_id: UUID,
    update: str,
    *args: object,
    key: str | None,
) -> CampaignResponse:
    await load(services, user, campaign_id)
    try:
        answer = await ask_campaign(services.temporal, campaign_id, update, *args, key=key)
    except ProcessEnded:
        answer = None
    row, body = await answered(services, user, campaign_id, answer, update)
    response.headers["ETag"] = etag_of(row)
    return body
