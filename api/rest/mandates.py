"""What a traveller consented to, to be read and checked by anybody they show it to."""

from uuid import UUID

from fastapi import APIRouter

from api.auth import CurrentUser
from api.dependencies import ServicesDep
from api.rest.campaign_answers import load
from api.rest.schemas.common import problems
from api.rest.schemas.mandates import CampaignMandateResponse, MandateBody, MandateKeysResponse
from db.queries.mandates import mandates_of, uses_of
from domain.mandate_document import MandateKind

KEYS_PATH = "/.well-known/parker-mandate-keys.json"
router = APIRouter(tags=["campaigns"])


@router.get(
    "/api/autobooking/campaigns/{campaign_id}/mandate",
    operation_id="get_mandate",
    responses=problems(404),
)
async def show(
    campaign_id: UUID, user: CurrentUser, services: ServicesDep
) -> CampaignMandateResponse:
    """Read your consent: the signed text, its signatures, and what was charged under it."""
    await load(services, user, campaign_id)
    keys, now = services.settings.mandate_signing, services.clock()
    async with services.database.transaction(user.user_id) as session:
        rows = await mandates_of(session, campaign_id)
        uses = await uses_of(session, campaign_id)
    standing = next(
        (r for r in rows if r.kind is MandateKind.BOOKING and r.revoked_at is None), None
    )
    return CampaignMandateResponse(
        campaign_id=campaign_id,
        mandate=MandateBody.of(standing, uses, keys, now) if standing else None,
        earlier=[MandateBody.of(row, uses, keys, now) for row in rows if row is not standing],
        keys=KEYS_PATH,
    )


@router.get(KEYS_PATH, operation_id="get_mandate_keys")
async def keys(services: ServicesDep) -> MandateKeysResponse:
    """Read the public keys that check what we signed."""
    return MandateKeysResponse.model_validate(services.settings.mandate_signing.published())
