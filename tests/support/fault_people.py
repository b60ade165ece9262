"""What time and the travellers do while faults are played, each thing again until it is done."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from consents import signed_edit
from fault_case import Played
from house import House
from temporalio.client import WorkflowHandle, WorkflowUpdateFailedError
from temporalio.service import RPCError

from domain.criteria import Criteria
from domain.ids import CampaignId
from domain.messages.attempt import AuthenticationStart, BeginAuthentication
from domain.messages.campaign import CampaignAnswer, CampaignEdit
from domain.messages.order import CancellationOffer, ConfirmAnswer, ConfirmCancellation
from domain.wishes import last_bookable
from tests.faults.matrix import DOUBT_SECONDS, Script

SETTLED_AFTER = timedelta(minutes=65)  # past an hour of doubt, a bank's hour, any offer's life
CARE_PAUSE = timedelta(minutes=11)
REFUND_PAUSE = timedelta(hours=7)
PAST_THE_DEADLINE = timedelta(hours=25)
PATIENCE_SECONDS = 60.0  # with an answer; it is asked for again after that

_STANDING = """
SELECT c.id AS campaign, c.status, c.ends_at, c.criteria_version AS version,
       a.id AS attempt, a.state AS attempt_state,
       b.id AS booking, b.state AS booking_state, b.cancelled_by,
       p.id AS proposal,
       EXISTS (
           SELECT 1 FROM operator_tasks t WHERE t.booking_id = b.id AND t.kind = 'unticketed'
       ) AS given_up
FROM autobooking_campaigns c
LEFT JOIN LATERAL (
    SELECT id, state FROM booking_attempts WHERE campaign_id = c.id ORDER BY number DESC LIMIT 1
) a ON true
LEFT JOIN bookings b ON b.attempt_id = a.id
LEFT JOIN proposals p ON p.campaign_id = c.id AND p.status = 'open'
WHERE c.id = ANY(:ids)
"""
Standing = dict[str, Any]


@dataclass(frozen=True)
class Chore:
    """Something to do about one thing in one state, once it has been in it for so long."""

    about: tuple[object, ...]
    after: float
    do: Callable[[], Awaitable[object]]


class People:
    """Travellers at their banks and in their inboxes, and the clocks of what waits for time."""

    def __init__(self, house: House, next_wish: Callable[[], Criteria]) -> None:
        self._house, self._next_wish = house, next_wish
        self._since: dict[tuple[object, ...], float] = {}
        self._doing: dict[tuple[object, ...], asyncio.Task[None]] = {}
        self._proposed: set[UUID] = set()
        self._steered: set[UUID] = set()

    async def look_around(self, played: Sequence[Played]) -> None:
        """Begin what is due for any of them."""
        by_campaign = {one.new.campaign_id: one for one in played}
        for row in await self._house.rows(_STANDING, ids=list(by_campaign)):
            for chore in self._chores(by_campaign[row["campaign"]], row):
                since = self._since.setdefault(chore.about, time.monotonic())
                if time.monotonic() - since >= chore.after and chore.about not in self._doing:
                    self._doing[chore.about] = asyncio.create_task(self._do(chore))

    async def go_home(self) -> None:
        """Let nothing be left undone behind."""
        tasks = list(self._doing.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _do(self, chore: Chore) -> None:
        try:
            with suppress(RPCError, RuntimeError, TimeoutError, WorkflowUpdateFailedError):
                await asyncio.wait_for(chore.do(), PATIENCE_SECONDS)
        finally:
            self._since[chore.about] = time.monotonic()  # should it come to nothing: again later
            self._doing.pop(chore.about, None)

    def _chores(self, one: Played, row: Standing) -> Iterator[Chore]:
        yield from self._of_attempt(one, row)
        yield from self._of_booking(one.scenario.script, row)
        yield from self._of_campaign(one, row)

    def _of_attempt(self, one: Played, row: Standing) -> Iterator[Chore]:
        about = (row["attempt"], row["attempt_state"])
        match row["attempt_state"]:
            case "awaiting_authentication":
                yield Chore(about, 2, lambda: self._visit_bank(row["attempt"]))
            case "order_unknown":
                attempt = self._house.attempt(row["attempt"])
                yield Chore(about, one.doubt_seconds, lambda: self._skip(attempt, SETTLED_AFTER))

    def _of_booking(self, script: Script, row: Standing) -> Iterator[Chore]:
        if row["booking"] is None:
            return
        about, order = (row["booking"], row["booking_state"]), self._house.order(row["booking"])
        match row["booking_state"]:
            case "ticketing" if row["given_up"]:
                return
            case "ticketing" if script is Script.WAIT_FOR_TICKETS:
                yield Chore(about, 2, lambda: self._skip(order, PAST_THE_DEADLINE))
            case "ticketing" | "cancelling":
                yield Chore(about, 2 * DOUBT_SECONDS, lambda: self._skip(order, CARE_PAUSE))
            case "ticketed" if script is Script.GIVE_BACK:
                yield Chore(about, 0, lambda: self._give_back(row["booking"]))
            case "cancelled" if row["cancelled_by"] == "traveller":
                yield Chore(about, 2 * DOUBT_SECONDS, lambda: self._skip(order, REFUND_PAUSE))

    def _of_campaign(self, one: Played, row: Standing) -> Iterator[Chore]:
        script, campaign = one.scenario.script, row["campaign"]
        about = (campaign, script)
        if row["proposal"]:
            self._proposed.add(campaign)
        # Each time after the first proposal, so that every course has as many letters.
        if script is Script.STEER and campaign in self._proposed - self._steered:
            yield Chore(about, 0, lambda: self._steer(one))
        if script is Script.LET_LAPSE and row["status"] in {"active", "awaiting_approval"}:
            left = row["ends_at"] - datetime.now(UTC) + timedelta(days=1)
            if row["proposal"]:
                handle = self._house.campaign(campaign)
                yield Chore(about, 0, lambda: self._skip(handle, left))
        if row["proposal"] and script is Script.REJECT:
            yield Chore(about, 0, lambda: self._give_up(campaign, row["proposal"]))
        if row["proposal"] and campaign in self._steered:
            about = (campaign, "approve")
            yield Chore(about, 0, lambda: self._house.update(campaign, "approve", row["proposal"]))

    async def _skip(self, handle: WorkflowHandle[Any, Any], span: timedelta) -> None:
        await self._house.skip(handle, span)

    async def _visit_bank(self, attempt_id: UUID) -> None:
        """Begin at the bank, leave its page, and never come back."""
        attempt = self._house.attempt(attempt_id)
        request = BeginAuthentication(return_url="https://parker.example/back")
        with suppress(RPCError, TimeoutError, WorkflowUpdateFailedError):
            asked = attempt.execute_update(
                "begin_authentication", request, result_type=AuthenticationStart
            )
            await asyncio.wait_for(asked, PATIENCE_SECONDS / 2)
        await self._skip(attempt, SETTLED_AFTER)

    async def _give_back(self, booking_id: UUID) -> None:
        """Ask what cancelling gives back and agree, as the API does."""
        order = self._house.order(booking_id)
        offer = await order.execute_update("quote_cancellation", result_type=CancellationOffer)
        if offer.quote_id:
            request = ConfirmCancellation(booking_id=offer.booking_id, quote_id=offer.quote_id)
            await order.execute_update("confirm_cancellation", request, result_type=ConfirmAnswer)

    async def _steer(self, one: Played) -> None:
        """Pause, go on, and wish for another day: one that no look has told of yet."""
        campaign = one.new.campaign_id
        row = await self._house.row("autobooking_campaigns", campaign)
        if row["criteria_version"] > 1:  # an answer was not waited for, and yet it was done
            self._steered.add(campaign)
            return
        await self._house.update(campaign, "pause")
        await self._house.update(campaign, "resume")
        answer = await self._edit(one)
        if answer.code == "done":
            self._steered.add(campaign)

    async def _give_up(self, campaign: CampaignId, proposal: UUID) -> None:
        await self._house.update(campaign, "reject", proposal)
        await self._house.update(campaign, "cancel")

    async def _edit(self, one: Played) -> CampaignAnswer:
        row = await self._house.row("autobooking_campaigns", one.new.campaign_id)
        wish = self._next_wish()
        last = datetime.combine(last_bookable(wish), datetime.min.time(), UTC)
        edit = CampaignEdit(
            expected_version=row["criteria_version"],
            name="another day",
            criteria=wish,
            mode=one.new.mode,
            traveler_ids=one.new.traveler_ids,
            party=one.new.party,
            consent=one.new.consent,
            ends_at=min(one.new.expires_at, last),
        )
        signed = signed_edit(one.new, edit)
        return await self._house.update(one.new.campaign_id, "edit", signed)
