"""What Stripe tells us. The signature is checked in `providers/stripe/webhooks.py`.

An event is a hint that something changed, never the news itself: a process reads the object at
Stripe. So events may come twice, late or in any order, and one that is lost is made up for by the
schedule that asks anyway.
"""

import asyncio
import logging

from fastapi import APIRouter, Request, status
from starlette.responses import Response
from temporalio.service import RPCError

from api.dependencies import ServicesDep
from api.errors import ApiProblem, unavailable
from api.services import Services
from domain.messages.disputes import DISPUTES_ID
from providers.stripe.webhooks import WebhookRefused, verify
from runtime.temporal import MAIN_QUEUE, RPC_TIMEOUT

router = APIRouter(prefix="/api/webhooks", include_in_schema=False)
_log = logging.getLogger("api")
_DISPUTE = "charge.dispute."


@router.post("/stripe", status_code=status.HTTP_204_NO_CONTENT)
async def hear(request: Request, services: ServicesDep) -> Response:
    """Take a signed event; what we have no use for is taken too, so that it is not sent again."""
    try:
        event = verify(
            await request.body(),
            request.headers.get("stripe-signature"),
            services.settings.stripe_webhook_secret,
            now=services.clock(),
        )
    except WebhookRefused as refused:
        _log.warning("webhook refused vendor=stripe code=%s", refused.code)
        raise ApiProblem(400, refused.code, "This is not an event that Stripe signed.") from None
    if event.type.startswith(_DISPUTE):
        await _follow_disputes(services)
    return Response(status_code=status.HTTP_204_NO_CONTENT)


async def _follow_disputes(services: Services) -> None:
    """Have the process look, or once more if it is looking; else Stripe shall tell us again."""
    client = await services.temporal.client()
    try:
        async with asyncio.timeout(RPC_TIMEOUT.total_seconds()):
            await client.start_workflow(
                "DisputeWorkflow",
                id=DISPUTES_ID,
                task_queue=MAIN_QUEUE,
                start_signal="look_again",
                rpc_timeout=RPC_TIMEOUT,
            )
    except (RPCError, TimeoutError) as error:
        raise unavailable("The event was not taken in. Send it again later.") from error
