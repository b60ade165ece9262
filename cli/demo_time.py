"""Simulated time on a real Temporal server: each process has its own clock, moved step by step.

A wish is moved before the search loop, so that what the loop finds meets a wish of the same day.
"""

import asyncio
from datetime import timedelta

from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode
from temporalio.testing import TimeSkipper, TimeSkippingConfig

from domain.ids import CampaignId
from domain.messages.campaign import campaign_workflow_id
from domain.messages.search import search_workflow_id

_SKIPS = 1_000_000  # the server stops a clock after 200 unless told otherwise
SELLER = "duffel"


class Clocks:
    """The clocks of the search loop and of the wishes."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._skipper = TimeSkipper(
            client, config=TimeSkippingConfig(enabled=False, max_session_skip_count=_SKIPS)
        )

    async def step(self, span: timedelta, *campaigns: CampaignId) -> None:
        """Move these wishes, then the search loop, by so much; all else keeps its clock."""
        await asyncio.gather(*(self._move(campaign_workflow_id(one), span) for one in campaigns))
        await self._move(search_workflow_id(SELLER), span)

    async def history_length(self, campaign: CampaignId) -> int:
        """Return how many events the wish's process has written into its history."""
        handle = self._client.get_workflow_handle(campaign_workflow_id(campaign))
        return (await handle.describe()).history_length

    async def _move(self, workflow_id: str, span: timedelta) -> None:
        try:
            await self._skipper.fast_forward(self._client.get_workflow_handle(workflow_id), span)
        except RPCError as error:
            if error.status is not RPCStatusCode.NOT_FOUND:  # it has ended, and needs no clock
                raise
