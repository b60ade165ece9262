"""The product's steps taken by hand, each on real rows and against the stand-ins; no Temporal."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from house import TESTS, House, eventually
from sqlalchemy import text
from temporalio.testing import ActivityEnvironment

from domain.campaigns import BookingMode
from domain.ids import CampaignId
from domain.messages.attempt import (
    AttemptInput,
    Authorisation,
    AuthoriseInput,
    CaptureInput,
    CaptureOutcome,
    ChosenOffer,
    CreateOrderInput,
    NoOffer,
    OrderOutcome,
)
from domain.messages.campaign import Asked, NewCampaign, OfferFound, Opened, OpenInput
from domain.messages.search import LookInput
from domain.money import Money
from domain.offers import DatePair
from worker import Activities

PATIENCE = 2.0  # seconds that a silent provider is waited for


class Desk:
    """Takes one step after the other, or the same one twice."""

    def __init__(self, house: House, activities: Activities) -> None:
        self.house, self.all = house, activities

    async def take(
        self, step: Callable[..., Awaitable[Any]], *words: object, after: timedelta = timedelta(0)
    ) -> Any:
        """Take a step as a worker does, on a clock that may be ahead of ours."""
        environment = ActivityEnvironment()
        environment.info = replace(environment.info, started_time=datetime.now(UTC) + after)
        return await environment.run(step, *words)

    async def ask(
        self, step: Callable[..., Awaitable[Any]], campaign_id: CampaignId,
        request: UUID | None = None, *, after: timedelta = timedelta(0),
    ) -> Any:  # fmt: skip
        """Ask something of a wish: another request each time, unless it is one from before."""
        asked = Asked(campaign_id=campaign_id, request=request or uuid4())
        return await self.take(step, asked, after=after)

    async def attempt(self, card: str = "pm_card_visa", **wish: Any) -> AttemptInput:
        """Let a new person make a wish, find its match, and open the attempt."""
        new = await self.wish(card, **wish)
        opened = await self.act(new, await self.found(new))
        assert opened.attempt, opened.why
        return AttemptInput.model_validate(opened.attempt)

    async def wish(
        self, card: str = "pm_card_visa", *, mode: BookingMode = BookingMode.AUTO, **wish: Any
    ) -> NewCampaign:
        house = self.house
        user, traveler = await house.someone(card)
        new = house.new_campaign(user, (traveler,), house.wish(**wish), mode=mode)
        await self.take(self.all.campaigns.create_campaign, new)
        return new

    async def found(self, new: NewCampaign) -> OfferFound:
        """Look at the market, and return what the wish is told of."""
        criteria = new.criteria
        pair = DatePair(
            origin=criteria.origins[0],
            destination=criteria.destinations[0],
            departs_on=criteria.departure_from,
        )
        look = LookInput(seller="duffel", look_key=str(uuid4()), pair=pair, reason="a test")
        found = await self.take(self.all.search.look, look)
        (match,) = [m.offer for m in found.matches if m.campaign_id == new.campaign_id]
        return match

    async def act(
        self, new: NewCampaign, match: OfferFound, key: str = "", **words: object
    ) -> Opened:
        request = OpenInput(
            campaign_id=new.campaign_id, opening_key=key or str(uuid4()), offer=match, **words
        )
        opened: Opened = await self.take(self.all.campaigns.act_on_match, request)
        return opened

    async def chosen(self, attempt: AttemptInput) -> ChosenOffer:
        offer: ChosenOffer | NoOffer = await self.take(self.all.offers.choose_offer, attempt)
        assert isinstance(offer, ChosenOffer), offer
        return offer

    async def hold(self, attempt: AttemptInput, amount: Money, number: int = 1) -> Authorisation:
        request = AuthoriseInput(
            attempt_id=attempt.attempt_id,
            campaign_id=attempt.campaign_id,
            amount=amount,
            round=number,
        )
        held: Authorisation = await self.take(self.all.payments.authorise_payment, request)
        return held

    def order_of(
        self, attempt: AttemptInput, offer: ChosenOffer, number: int = 1
    ) -> CreateOrderInput:
        return CreateOrderInput(
            attempt_id=attempt.attempt_id,
            campaign_id=attempt.campaign_id,
            booking_id=attempt.booking_id,
            criteria_version=attempt.criteria_version,
            offer=offer,
            round=number,
            payment_round=1,
        )

    async def order(
        self, attempt: AttemptInput, offer: ChosenOffer, number: int = 1
    ) -> OrderOutcome:
        request = self.order_of(attempt, offer, number)
        outcome: OrderOutcome = await self.take(self.all.orders.create_order, request)
        return outcome

    async def capture(
        self, attempt: AttemptInput, amount: Money, number: int = 1
    ) -> CaptureOutcome:
        request = CaptureInput(
            attempt_id=attempt.attempt_id,
            campaign_id=attempt.campaign_id,
            booking_id=attempt.booking_id,
            round=number,
            amount=amount,
        )
        outcome: CaptureOutcome = await self.take(self.all.payments.capture_payment, request)
        return outcome

    async def ready_to_order(self, **wish: Any) -> tuple[AttemptInput, ChosenOffer]:
        """Come as far as the point of no return, the money held."""
        attempt = await self.attempt(**wish)
        offer = await self.chosen(attempt)
        await self.hold(attempt, offer.total)
        return attempt, offer

    async def while_ordering(
        self, attempt: AttemptInput, offer: ChosenOffer, do: Awaitable[object], **fault: Any
    ) -> OrderOutcome:
        """Place the order, and do something else before its answer has come."""
        before = self.house.calls("duffel", "create_order")
        self.house.fault("duffel", "create_order", **({"effect": "delay", "seconds": 1} | fault))
        ordering = asyncio.create_task(self.order(attempt, offer))

        async def under_way() -> bool:
            return self.house.calls("duffel", "create_order") > before

        await eventually(under_way)
        await do
        return await ordering

    async def set(self, table: str, row_id: object, **values: object) -> None:
        """Write into a row what another has written there meanwhile."""
        pairs = ", ".join(f"{name} = :{name}" for name in values)
        async with self.house.database.transaction(TESTS) as session:
            await session.execute(
                text(f"UPDATE {table} SET {pairs} WHERE id = :row_id"), {**values, "row_id": row_id}
            )

    async def state_of(self, attempt: AttemptInput) -> str:
        return str((await self.house.row("booking_attempts", attempt.attempt_id))["state"])
