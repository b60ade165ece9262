"""What providers tell us of their own accord: checked, stored once, acknowledged, handed on.

What is said is never believed: `activities/provider_events.py` makes whoever owns the thing ask.
"""

import logging
from collections.abc import Mapping

from fastapi import APIRouter, Request, status
from starlette.background import BackgroundTask
from starlette.responses import Response

from api.dependencies import ServicesDep
from api.errors import ApiProblem
from api.processes import wake_events
from api.services import Services
from db.queries.provider_events import count_refused, store_event
from db.session import SystemActor
from domain.provider_events import Teller
from providers.duffel import webhooks as duffel
from providers.signed_events import EventRefused, Verify
from providers.stripe import webhooks as stripe
from runtime.settings import Settings

router = APIRouter(prefix="/api/webhooks", include_in_schema=False)
_log = logging.getLogger("api")
_ACTOR = SystemActor("provider events")
_CHECKS: Mapping[Teller, tuple[Verify, str]] = {
    Teller.DUFFEL: (duffel.verify, duffel.HEADER),
    Teller.STRIPE: (stripe.verify, stripe.HEADER),
}


@router.post("/duffel", status_code=status.HTTP_204_NO_CONTENT)
async def hear_duffel(request: Request, services: ServicesDep) -> Response:
    """Take an event that Duffel signed."""
    return await _hear(request, services, Teller.DUFFEL)


@router.post("/stripe", status_code=status.HTTP_204_NO_CONTENT)
async def hear_stripe(request: Request, services: ServicesDep) -> Response:
    """Take an event that Stripe signed."""
    return await _hear(request, services, Teller.STRIPE)


async def _hear(request: Request, services: Services, teller: Teller) -> Response:
    """Store what is signed, and acknowledge it once it is stored: from then on it is ours."""
    verify, header = _CHECKS[teller]
    body, now = await request.body(), services.clock()
    try:
        secret = _secret(services.settings, teller)
        event = verify(body, request.headers.get(header), secret, now=now)
    except EventRefused as refused:
        code = refused.signature.value
        _log.warning("webhook refused vendor=%s code=%s", teller.value, code)
        async with services.database.transaction(_ACTOR) as session:
            await count_refused(session, teller, refused.signature, now)
        raise ApiProblem(400, code, f"This is no event that {teller.value} signed.") from None
    async with services.database.transaction(_ACTOR) as session:
        somebody_looks = await store_event(session, teller, event, now)
    wake = BackgroundTask(wake_events, services.temporal) if somebody_looks else None
    return Response(status_code=status.HTTP_204_NO_CONTENT, background=wake)


def _secret(settings: Settings, teller: Teller) -> str:
    match teller:
        case Teller.DUFFEL:
            return settings.duffel_webhook_secret
        case Teller.STRIPE:
            return settings.stripe_webhook_secret
