"""The booking saga's steps as plain calls, for the alternatives; and a stopwatch on providers."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, cast
from uuid import UUID

from temporalio import activity
from temporalio.exceptions import ApplicationError
from temporalio.testing import ActivityEnvironment

import worker as product
from benchmarks.consents import Seals
from benchmarks.installation import Inside
from benchmarks.people import BENCH, Registry, new_campaign, wish
from db.queries.campaigns import insert_campaign
from domain.criteria import Criteria
from domain.messages.attempt import (
    AttemptInput,
    AuthoriseInput,
    CaptureInput,
    ChosenOffer,
    CreateOrderInput,
)
from domain.messages.campaign import CampaignInput, NewCampaign, OfferFound, OpenInput
from domain.messages.search import LookInput
from domain.offers import DatePair
from providers.ports import CardPayments, FlightOrders, FlightSearch, MailSender
from providers.registry import Providers

STEPS = ("act_on_match", "choose_offer", "authorise", "create_order", "capture", "send_notices")
RETRIES = 2  # a busy sandbox may close a connection; Temporal would try again
_CARE = "OrderWorkflow"  # it looks after the order beside the saga


class Stopwatch:
    """Counts the seconds that the saga waits for providers, and when money was last taken."""

    def __init__(self) -> None:
        self.seconds, self.taken_at, self.seconds_when_taken = 0.0, 0.0, 0.0

    def around(self, providers: Providers) -> Providers:
        """Return the providers with the stopwatch on every call of the saga."""
        return replace(
            providers,
            search=cast("FlightSearch", _Timed(providers.search, self)),
            orders=cast("FlightOrders", _Timed(providers.orders, self)),
            payments=cast("CardPayments", _Timed(providers.payments, self)),
            mail=cast("MailSender", _Timed(providers.mail, self)),
        )

    def restart(self) -> None:
        self.seconds = self.taken_at = self.seconds_when_taken = 0.0


class _Timed:
    """A port whose calls are timed."""

    def __init__(self, port: object, watch: Stopwatch) -> None:
        self._port, self._watch = port, watch

    def __getattr__(self, method: str) -> Callable[..., Awaitable[Any]]:
        call, watch = getattr(self._port, method), self._watch

        async def timed(*args: object, **named: object) -> object:
            if activity.info().workflow_type == _CARE:
                return await call(*args, **named)
            begun = time.perf_counter()
            try:
                return await call(*args, **named)
            finally:
                ended = time.perf_counter()
                watch.seconds += ended - begun
                if method == "capture":
                    watch.taken_at, watch.seconds_when_taken = ended, watch.seconds

        return timed


class Steps:
    """Each step is the product's own activity, called without Temporal; state is JSON."""

    def __init__(self, activities: product.Activities) -> None:
        self._all = activities

    async def run(self, step: str, state: dict[str, Any]) -> dict[str, Any]:
        """Take one step and return what is known after it.

        Raises:
            RuntimeError: the sandbox refused; a benchmark has no use for that.
        """
        added: dict[str, Any] = await getattr(self, f"_{step}")(state)
        return state | added

    async def _act_on_match(self, state: dict[str, Any]) -> dict[str, Any]:
        offer = OfferFound.model_validate(state["match"])
        campaign = UUID(state["campaign_id"])
        opened = await call(
            self._all.campaigns.act_on_match,
            OpenInput(campaign_id=campaign, opening_key=f"{campaign}:bench:1", offer=offer),
        )
        if opened.attempt is None:
            raise RuntimeError(f"no attempt: {opened.why}")
        return {"attempt": opened.attempt.model_dump(mode="json")}

    async def _choose_offer(self, state: dict[str, Any]) -> dict[str, Any]:
        chosen = await call(self._all.offers.choose_offer, _attempt(state))
        if not isinstance(chosen, ChosenOffer):
            raise RuntimeError(  # noqa: TRY004 - it is an answer, not a mistake in types
                f"no offer: {chosen.reason} {chosen.detail}"
            )
        return {"offer": chosen.model_dump(mode="json")}

    async def _authorise(self, state: dict[str, Any]) -> dict[str, Any]:
        attempt = _attempt(state)
        held = await call(
            self._all.payments.authorise_payment,
            AuthoriseInput(
                attempt_id=attempt.attempt_id,
                campaign_id=attempt.campaign_id,
                amount=_offer(state).total,
                round=1,
            ),
        )
        return {"held": held.status}

    async def _create_order(self, state: dict[str, Any]) -> dict[str, Any]:
        attempt = _attempt(state)
        order = await call(
            self._all.orders.create_order,
            CreateOrderInput(
                attempt_id=attempt.attempt_id,
                campaign_id=attempt.campaign_id,
                booking_id=attempt.booking_id,
                criteria_version=attempt.criteria_version,
                offer=_offer(state),
                round=1,
                payment_round=1,
            ),
        )
        return {"order": order.status}

    async def _capture(self, state: dict[str, Any]) -> dict[str, Any]:
        attempt = _attempt(state)
        taken = await call(
            self._all.payments.capture_payment,
            CaptureInput(
                attempt_id=attempt.attempt_id,
                campaign_id=attempt.campaign_id,
                booking_id=attempt.booking_id,
                round=1,
                amount=_offer(state).total,
            ),
        )
        if taken.status != "captured":
            raise RuntimeError(f"not captured: {taken.code}")
        return {"taken": taken.status}

    async def _send_notices(self, state: dict[str, Any]) -> dict[str, Any]:
        await call(self._all.notices.send_notices, UUID(state["campaign_id"]))
        return {}


async def call(function: Callable[..., Awaitable[Any]], *args: object) -> Any:
    """Call an activity as Temporal would, with a clock that shows the present."""
    environment = ActivityEnvironment()
    environment.info = replace(environment.info, started_time=datetime.now(UTC))
    for _ in range(RETRIES):
        try:
            return await environment.run(function, *args)
        except ApplicationError as error:
            if error.non_retryable:
                raise
            await asyncio.sleep(1)  # as the activities' own retry policies begin
    return await environment.run(function, *args)


async def ready_to_book(house: Inside, count: int, market: tuple[str, str]) -> list[dict[str, Any]]:
    """Return campaigns whose match was just found, each with a traveller and a card of its own."""
    registry, gate = Registry.of(house), asyncio.Semaphore(8)
    seals = Seals.of(house.settings)

    async def one() -> NewCampaign:
        async with gate:
            user, traveler = await registry.someone()
            new = new_campaign(user, traveler, _on(market), seals=seals)
            async with house.database.transaction(BENCH) as session:
                await insert_campaign(session, new, new.created_at)
        return new

    made = await asyncio.gather(*(one() for _ in range(count)))
    day = made[0].criteria.departure_from
    pair = DatePair(origin=market[0], destination=market[1], departs_on=day)
    look = LookInput(
        seller="duffel", look_key=f"bench:{made[0].campaign_id}", pair=pair, reason="bench"
    )
    found = await call(house.activities.search.look, look)
    matches = {match.campaign_id: match.offer for match in found.matches}
    return [
        {
            "campaign_id": str(new.campaign_id),
            "match": matches[new.campaign_id].model_dump(mode="json"),
            "input": CampaignInput(campaign_id=new.campaign_id, new=new).model_dump(mode="json"),
        }
        for new in made
        if new.campaign_id in matches
    ]


def _on(market: tuple[str, str]) -> Criteria:
    return wish(origins=market[:1], destinations=market[1:])


def _attempt(state: dict[str, Any]) -> AttemptInput:
    return AttemptInput.model_validate(state["attempt"])


def _offer(state: dict[str, Any]) -> ChosenOffer:
    return ChosenOffer.model_validate(state["offer"])
