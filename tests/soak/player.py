"""Plays one schedule: a traveller of its own, on a day of its own, step by step."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx
from consents import signed_edit
from house import TESTS

from db.queries.payment_methods import make_default
from domain.campaigns import BookingMode
from domain.criteria import Criteria
from domain.ids import CampaignId, TravelerId, UserId, attempt_id_for, booking_id_for
from domain.messages.campaign import (
    CampaignAnswer,
    CampaignAnswerCode,
    CampaignEdit,
    Consent,
    NewCampaign,
)
from domain.money import Money
from tests.soak.errands import give_back, visit_bank
from tests.soak.places import LATE_SECONDS, Aim, hold, rule
from tests.soak.stage import SoakStage
from tests.soak.steps import (
    Ask,
    Bank,
    Card,
    Clock,
    Create,
    Edit,
    Fare,
    Fault,
    GiveBack,
    Kill,
    Rest,
    Schedule,
    Step,
)

ANSWER_SECONDS = 120.0  # a step takes so long at most, a worker's end in the middle included
REST_SECONDS = 60.0
STILL_SECONDS = 2.0  # what has not moved for so long goes on while the schedule does
LAST_STILL_SECONDS = 9.0  # at its end: longer than a silent provider is waited for
COMING_SECONDS = 4.0  # from a wish to its look, and from a match to what comes of it
QUIET_SECONDS = 0.4
POLL_SECONDS = 0.2
LIVE = "state NOT IN ('captured', 'failed')"
_WAITS = frozenset({"awaiting_authentication", "order_unknown"})


class Player:
    def __init__(self, stage: SoakStage, schedule: Schedule) -> None:
        self.stage, self.house, self.schedule = stage, stage.house, schedule
        self.wishes: dict[int, NewCampaign] = {}
        self.accepted: list[CampaignId] = []
        self.cancelled: list[CampaignId] = []
        self.rules: list[str] = []
        self.faults = 0  # that came about
        self._late: set[str] = set()
        self._held: list[str] = []

    # Getting ready

    async def prepare(self) -> None:
        """Let the traveller think of every wish, so that rules can be aimed at it before."""
        self.user = await self.house.user()
        await self.house.card(self.user, self.schedule.card)
        self.traveler = await self.house.traveler(self.user)
        for step in self.schedule.steps:
            if isinstance(step, Create):
                self.wishes[step.wish] = self._new(step, self.user, self.traveler)
        await self._set_fare(self.schedule.fare)

    def _new(self, step: Create, user: UserId, traveler: TravelerId) -> NewCampaign:
        wish = self._criteria(self.stage.next_day(), step.budget, refundable=step.refundable)
        mode = BookingMode(step.mode)
        return self.house.new_campaign(user, (traveler,), wish, mode=mode)

    def _criteria(self, day: date, budget: int, *, refundable: bool) -> Criteria:
        return self.house.wish(
            departure_from=day,
            departure_until=day,
            budget=Money(minor=budget * 100, currency="USD"),
            refundable_only=refundable,
        )

    def _aim(self, wish: int, number: int) -> Aim:
        attempt = attempt_id_for(self.wishes[wish].campaign_id, number)
        return Aim(
            attempt=f"@attempt:{attempt}",
            order=f"@order:{booking_id_for(attempt)}",
            person=f"{self.user}@example.com",
        )

    # Playing

    async def play(self) -> None:
        for step in self.schedule.steps:
            # A kill comes when others are ready for it; everything else has its time.
            async with asyncio.timeout(None if isinstance(step, Kill) else ANSWER_SECONDS):
                await self._do(step)
            await self._die_if_held()
        # Whoever made a wish stays for what becomes of it, with all that is still to go wrong.
        await asyncio.gather(*(self._rest(n, LAST_STILL_SECONDS) for n in self.wishes))

    async def _do(self, step: Step) -> None:
        ways: dict[type[Any], Callable[[Any], Awaitable[None]]] = {
            Create: self._create,
            Edit: self._edit,
            Ask: self._ask,
            Rest: lambda rest: self._rest(rest.wish, STILL_SECONDS),
            Fare: lambda fare: self._set_fare(fare.amount),
            Card: self._change_card,
            Clock: self._move_clock,
            Bank: lambda bank: visit_bank(self.house, self._id(bank.wish), bank.outcome),
            GiveBack: lambda give: give_back(self.house, self._id(give.wish), again=give.again),
            Fault: self._set_fault,
            Kill: self._plan_kill,
        }
        await ways[type(step)](step)

    async def _create(self, step: Create) -> None:
        new = self.wishes[step.wish]
        answers = await self._twice(lambda: self.house.create(new), again=step.again)
        assert all(a.code is CampaignAnswerCode.DONE for a in answers), answers
        self.accepted.append(new.campaign_id)

    async def _edit(self, step: Edit) -> None:
        new = self.wishes[step.wish]
        row = await self.house.row("autobooking_campaigns", new.campaign_id)
        old = new.criteria
        criteria = self._criteria(old.departure_from, step.budget, refundable=old.refundable_only)
        edit = CampaignEdit(
            expected_version=row["criteria_version"],
            name=new.name,
            criteria=criteria,
            mode=BookingMode(step.mode),
            traveler_ids=new.traveler_ids,
            party=new.party,
            consent=Consent(text_version="1", cap=criteria.budget, consented_at=new.created_at),
            ends_at=new.ends_at,
        )
        await self._request(step.wish, "edit", signed_edit(new, edit), again=step.again)

    async def _ask(self, step: Ask) -> None:
        campaign_id = self.wishes[step.wish].campaign_id
        if step.what not in {"approve", "reject"}:
            answers = await self._request(step.wish, step.what, again=step.again)
            if step.what == "cancel" and answers[0].code is CampaignAnswerCode.DONE:
                self.cancelled.append(campaign_id)
            return
        query = "SELECT id FROM proposals WHERE campaign_id = :id ORDER BY created_at DESC"
        found = await self.house.rows(query, id=campaign_id)
        proposal = found[0]["id"] if found else uuid4()
        await self._request(step.wish, step.what, proposal, again=step.again)

    async def _request(
        self, wish: int, name: str, *args: object, again: bool
    ) -> list[CampaignAnswer]:
        campaign_id, key = self.wishes[wish].campaign_id, str(uuid4())
        return await self._twice(
            lambda: self.house.update(campaign_id, name, *args, key=key), again=again
        )

    async def _twice(
        self, ask: Callable[[], Awaitable[CampaignAnswer]], *, again: bool
    ) -> list[CampaignAnswer]:
        """Ask; where the answer got lost the same request comes again, maybe before the answer."""
        return list(await asyncio.gather(*(ask() for _ in range(1 + again))))

    async def _set_fare(self, amount: int) -> None:
        fare = {"origin": "JFK", "destination": "LIS", "amount": f"{amount}.00"}
        for new in self.wishes.values():
            day = {"departure_date": new.criteria.departure_from.isoformat()}
            await self.stage.control("POST", "/duffel/fares", fare | day)

    async def _change_card(self, step: Card) -> None:
        card = await self.house.card(self.user, step.token)
        async with self.house.database.transaction(TESTS) as session:
            await make_default(session, self.user, card, datetime.now(UTC))

    async def _rest(self, wish: int, still: float) -> None:
        """Wait until nothing goes on by itself any more, or has not moved for a while."""
        campaign_id = self.wishes[wish].campaign_id
        loop = asyncio.get_running_loop()
        began = since = loop.time()
        last: object = None
        while loop.time() < began + REST_SECONDS and not await self._held_now():
            now = await self._position(campaign_id)
            if now != last:
                last, since = now, loop.time()
            moving = now["attempt"] and now["attempt"] not in _WAITS
            coming = now["status"] == "active" and (now["matched"] or not now["looked"])
            quiet = still if moving else COMING_SECONDS if coming else QUIET_SECONDS
            if loop.time() > since + quiet:
                return
            await asyncio.sleep(POLL_SECONDS)

    async def _position(self, campaign_id: CampaignId) -> dict[str, Any]:
        query = f"""SELECT status, event_seq,
            (SELECT state FROM booking_attempts WHERE campaign_id = c.id AND {LIVE}) AS attempt,
            EXISTS (SELECT 1 FROM offer_decisions
                WHERE campaign_id = c.id AND verdict <> 'unread') AS looked,
            EXISTS (SELECT 1 FROM offer_decisions WHERE campaign_id = c.id
                AND verdict = 'matched' AND criteria_version = c.criteria_version) AS matched
            FROM autobooking_campaigns c WHERE id = :id"""
        return (await self.house.rows(query, id=campaign_id))[0]

    def _id(self, wish: int) -> CampaignId:
        return self.wishes[wish].campaign_id

    # Faults and kills

    async def _set_fault(self, step: Fault) -> None:
        contains = self._aim(step.wish, step.attempt).at(step.place)
        body = rule(step.place, step.effect, contains, step.times)
        found = await self.stage.control("POST", "/faults", body)
        self.rules.append(found["id"])
        if step.effect == "late":
            self._late.add(found["id"])

    async def _plan_kill(self, step: Kill) -> None:
        if not step.place:
            await self.stage.kills.wait_for_kill()
            return
        contains = self._aim(step.wish, step.attempt).at(step.place)
        body = hold(step.place, contains, after=step.after)
        self._held.append((await self.stage.control("POST", "/faults", body))["id"])

    async def _fired(self) -> set[str]:
        return {r["id"] for r in await self.stage.control("GET", "/faults") if r["fired"]}

    async def _held_now(self) -> bool:
        return bool(self._held) and bool(await self._fired() & set(self._held))

    async def _die_if_held(self) -> None:
        """Have the worker killed if a call of ours hangs for that."""
        if await self._held_now():
            self._held.clear()
            await self.stage.kills.wait_for_kill()

    async def clear_faults(self) -> None:
        """Let nothing more go wrong; what is late already comes before any deadline passes."""
        await self._die_if_held()
        fired = await self._fired()
        late = self._late & fired
        self.faults = len(fired & set(self.rules))
        for each in (*self.rules, *self._held):
            with suppress(httpx.HTTPStatusError):
                await self.stage.control("DELETE", f"/faults/{each}")
        if late:
            await asyncio.sleep(LATE_SECONDS)  # the fault itself: providers are that slow
        underway = await self.stage.calls_underway()
        while underway:
            await asyncio.sleep(0.1)
            underway &= await self.stage.calls_underway()

    # Time

    async def _move_clock(self, step: Clock) -> None:
        span = timedelta(minutes=step.minutes)
        campaign_id = self.wishes[step.wish].campaign_id
        match step.what:
            case "search":
                await self.stage.skip_search(span)
            case "campaign":
                await self.stage.skip(self.house.campaign(campaign_id), span)
            case "attempt":
                # A call that comes late on the wall's clock must not come after the deadline.
                if not self._late:
                    await self.move_attempt(campaign_id, span)
            case "order":
                query = "SELECT id FROM bookings WHERE campaign_id = :id"
                for row in await self.house.rows(query, id=campaign_id):
                    await self.stage.skip(self.house.order(row["id"]), span)

    async def move_attempt(self, campaign_id: CampaignId, span: timedelta) -> None:
        query = f"SELECT id FROM booking_attempts WHERE campaign_id = :id AND {LIVE}"
        for row in await self.house.rows(query, id=campaign_id):
            await self.stage.skip(self.house.attempt(row["id"]), span)
