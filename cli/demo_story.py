"""The demo's six wishes: who wants what, what the market does to them, and what came of it."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

from cli.demo_checks import Line, Year, verdict
from cli.demo_market import Market
from cli.demo_people import Town, Traveller, look_words
from cli.demo_stage import Stage
from cli.demo_time import Clocks
from cli.stack import Stack
from domain.ids import CampaignId
from runtime.clock import system_now
from runtime.temporal import connect

_GOOD_CARD = "4242424242424242"
_DECLINING_CARD = "4000000000000341"
# A market whose fares were near the limit is looked at every day or sooner; Ben's is not.
_FIRST_STEP, _SECOND_STEP = timedelta(hours=26), timedelta(hours=48)
_DAYS_BEFORE = _FIRST_STEP + _SECOND_STEP
_DROP_AFTER = timedelta(hours=60)
_YEAR_STEP, _YEAR_STEPS = timedelta(days=14), 27  # the wish ends within them
_STEPS_TOLD = 4

# Enough for every look of a year within seconds; a real installation keeps the seller's quota.
SETTINGS: Mapping[str, str] = {
    "PARKER_POLICY_SEARCHES_PER_MINUTE": "6000",
    "SANDBOX_SEARCH_RATE": "1000000",
}


@dataclass(frozen=True)
class Ending:
    """What came of the demo: the bookings by their owner's name, and the verdict."""

    bookings: tuple[tuple[str, Mapping[str, Any]], ...]
    verdict: tuple[Line, ...]

    @property
    def holds(self) -> bool:
        return all(line.holds for line in self.verdict)


class Story:
    """Plays the six wishes, side by side where they do not share a clock."""

    def __init__(self, town: Town, market: Market, clocks: Clocks, stage: Stage) -> None:
        self._town, self._market, self._clocks, self._stage = town, market, clocks, stage
        self._began = system_now()
        self._people: dict[str, Traveller] = {}

    async def play(self) -> Ending:
        self._stage.begin(self._began)
        self._stage.chapter("Six travellers, six wishes; each over the HTTP API")
        await self._wishes()
        self._stage.chapter("The next days: simulated, on the processes' own clocks")
        await self._later()
        self._stage.chapter("Fay's year: nobody else moves, her wish and the search loop do")
        year = await self._year()
        return await self._ending(year)

    # Chapter one: what happens at once

    async def _wishes(self) -> None:
        await asyncio.gather(
            self._at_once(), self._drop(), self._declined(), self._sold_out(), self._asked(),
            self._far_away(),
        )  # fmt: skip

    async def _at_once(self) -> None:
        ana = await self._wish("Ana", _wish("JFK", "LIS", self._on(42), "650.00"))
        await ana.until("booking.ticketed")

    async def _drop(self) -> None:
        wish = _wish("JFK", "LHR", self._on(47), "480.00")
        falls = self._began + _DROP_AFTER
        await self._market.fare(wish, "519.00", until=falls)
        await self._market.fare(wish, "431.00", since=falls)
        ben = await self._wish("Ben", wish)
        status = await ben.first_look()
        self._stage.tell("Ben", system_now(), f"looked: {look_words(status['last_look'])}")
        self._stage.tell("Ben", system_now(), status["display_status"]["sentence"])

    async def _declined(self) -> None:
        cleo = await self._wish(
            "Cleo", _wish("JFK", "CDG", self._on(52), "650.00"), _DECLINING_CARD
        )
        await cleo.until("campaign.needs_action")

    async def _sold_out(self) -> None:
        await self._market.sell_out_for("Dupont")
        dan = await self._wish("Dan", _wish("JFK", "MAD", self._on(57), "650.00"))
        await dan.until("payment.released")
        await dan.until("campaign.watching_again")
        await self._market.mend()

    async def _asked(self) -> None:
        wish = _wish("JFK", "FCO", self._on(62), "700.00")
        eva = await self._wish("Eva", wish | {"mode": "ask_me_first"})
        opened = await eva.until("proposal.opened")
        proposal = {"proposal_id": opened["data"]["proposal_id"]}
        await eva.call("POST", f"/api/autobooking/campaigns/{eva.campaign_id}/approve", proposal)
        await eva.until("booking.ticketed")

    async def _far_away(self) -> None:
        wish = _wish("JFK", "HND", self._on(356), "129.00", days=2)
        fay = await self._wish("Fay", wish)
        await fay.until("campaign.created")
        status = await fay.status()
        self._stage.tell("Fay", system_now(), status["display_status"]["sentence"])

    # Chapter two: the next days

    async def _later(self) -> None:
        ben, dan, fay = (self._people[name] for name in ("Ben", "Dan", "Fay"))
        await self._clocks.step(_FIRST_STEP, _id(ben), _id(dan), _id(fay))
        await dan.until("booking.ticketed")
        await self._clocks.step(_SECOND_STEP, _id(ben), _id(fay))
        await ben.until("booking.ticketed")

    # Chapter three: the year

    async def _year(self) -> Year:
        fay, before, looks = self._people["Fay"], await self._market.looks(), 0
        for number in range(1, _YEAR_STEPS + 1):
            await self._clocks.step(_YEAR_STEP, _id(fay))
            status, looks = await fay.status(), await self._market.looks() - before
            if status["status"] != "active":
                break
            if number % _STEPS_TOLD == 1:
                self._tell_look(status, self._began + _DAYS_BEFORE + number * _YEAR_STEP, looks)
        expired = datetime.fromisoformat((await fay.until("campaign.expired"))["at"])
        events = await self._clocks.history_length(_id(fay))
        self._stage.tell(
            "Fay", expired, f"the year took {looks} looks at the market and {events} events"
        )
        return Year(days=(expired - self._began).days, looks=looks, events=events)

    def _tell_look(self, status: Mapping[str, Any], at: datetime, looks: int) -> None:
        look = status["last_look"]
        words = look_words(look) if look else "nothing on sale yet"
        self._stage.tell("Fay", at, f"{looks} looks so far; the last: {words}")

    # The end

    async def _ending(self, year: Year) -> Ending:
        bookings: list[tuple[str, Mapping[str, Any]]] = []
        surprises: list[str] = []
        for name, wanted in _OUTCOMES.items():
            person = self._people[name]
            status = await person.status()
            if status["status"] != wanted:
                surprises.append(f"{name}'s wish is {status['status']}, not {wanted}")
            if status["booking"]:
                bookings.append((name, await person.call("GET", status["booking"]["href"])))
        rows = await self._town.settled_rows()
        accepted = [_id(person) for person in self._people.values()]
        lines = verdict(await self._market.ledger(), rows, accepted, year, surprises)
        return Ending(tuple(bookings), lines)

    async def _wish(self, name: str, wish: Mapping[str, Any], card: str = _GOOD_CARD) -> Traveller:
        person = self._people[name] = await self._town.traveller(name)
        criteria = wish["criteria"]
        self._stage.tell(
            name,
            system_now(),
            f"wishes {criteria['origins'][0]} to {criteria['destinations'][0]}"
            f" from {criteria['departure_from']} for at most {criteria['budget']['amount']} USD"
            + (", asked first" if wish["mode"] == "ask_me_first" else ""),
            "bold",
        )
        await person.wish(wish, _traveler(name), card)
        return person

    def _on(self, days: int) -> date:
        return (self._began + timedelta(days=days)).date()


_OUTCOMES = {
    "Ana": "booked",
    "Ben": "booked",
    "Cleo": "needs_action",
    "Dan": "booked",
    "Eva": "booked",
    "Fay": "expired",
}
_FAMILY_NAMES = {
    "Ana": "Souza",
    "Ben": "Harper",
    "Cleo": "Laurent",
    "Dan": "Dupont",
    "Eva": "Rossi",
    "Fay": "Tanaka",
}


async def play(stack: Stack, stage: Stage) -> Ending:
    """Play the demo on a running stack and return what came of it.

    Raises:
        DemoStuck: something that should have happened did not.
    """
    client = await connect(stack.settings, identity="demo")
    async with Town(stack.settings, stack.api_url, stage) as town, Market(stack) as market:
        return await Story(town, market, Clocks(client), stage).play()


def _id(person: Traveller) -> CampaignId:
    return CampaignId(UUID(person.campaign_id))


def _wish(origin: str, to: str, first: date, budget: str, *, days: int = 1) -> dict[str, Any]:
    return {
        "name": f"{origin} to {to}",
        "mode": "auto",
        "criteria": {
            "origins": [origin],
            "destinations": [to],
            "departure_from": first.isoformat(),
            "departure_until": (first + timedelta(days=days - 1)).isoformat(),
            "budget": {"amount": budget, "currency": "USD"},
        },
    }


def _traveler(name: str) -> dict[str, Any]:
    passport = {
        "kind": "passport",
        "number": "CA123456",
        "issuing_country": "PT",
        "expires_on": f"{datetime.now(UTC).year + 8}-08-01",
    }
    return {
        "label": "Me",
        "given_name": name,
        "family_name": _FAMILY_NAMES[name],
        "born_on": "1990-04-12",
        "gender": "f",
        "title": "ms",
        "email": f"{name.lower()}@example.com",
        "phone": "+351912345678",
        "documents": [passport],
        "loyalty": [],
    }
