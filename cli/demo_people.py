"""The demo's travellers: each with an account, a saved card and a wish, all over the HTTP API."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime
from typing import Any, Self
from uuid import uuid4

import httpx2

from cli.demo_stage import Stage
from cli.invariants import Rows, load_rows, unsettled
from db.accounts import ensure_account, issue_api_key
from db.session import WORKER_ROLE, Database, SystemActor
from db.vault import vault_of
from runtime.clock import system_now
from runtime.settings import Settings

CAMPAIGNS = "/api/autobooking/campaigns"
CARDS = "/api/autobooking/payment-methods"
_TIMEOUT_SECONDS = 40.0
_WAIT_SECONDS = 45.0
_OPERATOR = SystemActor("operator")


class DemoStuck(Exception):
    """Something that should have happened did not; the message says what."""


class Traveller:
    """One person with one wish. `http` carries the person's key; `campaign_id` names the wish."""

    def __init__(self, name: str, http: httpx2.AsyncClient, stage: Stage) -> None:
        self.name, self.http, self._stage = name, http, stage
        self.campaign_id = ""
        self.events: list[dict[str, Any]] = []
        self._news = asyncio.Condition()
        self._following: asyncio.Task[None] | None = None
        self._told_look = ""

    async def call(self, method: str, path: str, body: object = None) -> Any:
        """Ask the API; every change has its own idempotency key.

        Raises:
            DemoStuck: the API refused.
        """
        headers = {"Idempotency-Key": f"demo-{uuid4()}"}
        answer = await self.http.request(method, path, json=body, headers=headers)
        if answer.status_code >= 400:
            raise DemoStuck(f"{method} {path} answered {answer.status_code}: {answer.text}")
        return answer.json()

    async def save_card(self, number: str) -> str:
        """Type a card into the payment provider's hosted page, as a browser would."""
        visit = await self.call("POST", CARDS)
        async with httpx2.AsyncClient(timeout=_TIMEOUT_SECONDS) as browser:
            left = await browser.post(visit["url"], data={"card": number})
            if left.status_code != 303:
                raise DemoStuck(f"the card page answered {left.status_code}")
            await browser.get(left.headers["location"])
        done = await self.call("POST", f"{CARDS}/setups/{visit['setup_id']}/complete")
        return str(done["payment_method"]["id"])

    async def wish(self, wish: Mapping[str, Any], traveler: Mapping[str, Any], card: str) -> None:
        """Save card and traveller, make the campaign, and follow it from then on."""
        await self.save_card(card)
        made = await self.call("POST", "/api/autobooking/traveler", traveler)
        text = await self.call("GET", "/api/v1/policy")
        consent = {"accepted": True, "text_version": text["consent"]["version"]}
        body = {**wish, "traveler_ids": [made["id"]], "consent": consent}
        self.campaign_id = (await self.call("POST", CAMPAIGNS, body))["id"]
        self._following = asyncio.create_task(self._follow(), name=f"follow {self.name}")

    async def status(self) -> dict[str, Any]:
        found: dict[str, Any] = await self.call("GET", f"{CAMPAIGNS}/{self.campaign_id}/status")
        self._stage.standing(self.name, found["display_status"]["sentence"])
        return found

    async def until(self, kind: str, *, times: int = 1) -> dict[str, Any]:
        """Return the n-th event of a kind, once it has happened.

        Raises:
            DemoStuck: it did not happen in time.
        """
        try:
            async with asyncio.timeout(_WAIT_SECONDS), self._news:
                await self._news.wait_for(lambda: len(self._happened(kind)) >= times)
        except TimeoutError:
            last = self.events[-1]["kind"] if self.events else "nothing"
            raise DemoStuck(
                f"{self.name}: {kind} did not happen within {_WAIT_SECONDS:.0f} s; last: {last}"
            ) from None
        return self._happened(kind)[times - 1]

    async def first_look(self) -> dict[str, Any]:
        """Return the status once the market was looked at for this wish.

        Raises:
            DemoStuck: nobody looked in time.
        """
        deadline = asyncio.get_running_loop().time() + _WAIT_SECONDS
        while (status := await self.status())["last_look"] is None:
            if asyncio.get_running_loop().time() > deadline:
                raise DemoStuck(f"{self.name}: nobody looked within {_WAIT_SECONDS:.0f} s")
            await asyncio.sleep(0.2)
        return status

    async def close(self) -> None:
        if self._following is not None:
            self._following.cancel()
            await asyncio.gather(self._following, return_exceptions=True)
        await self.http.aclose()

    def _happened(self, kind: str) -> list[dict[str, Any]]:
        return [event for event in self.events if event["kind"] == kind]

    async def _follow(self) -> None:
        """Read the status stream to its end; a broken one goes on where it stopped."""
        while True:
            seen = str(self.events[-1]["seq"]) if self.events else "0"
            headers = {"Accept": "text/event-stream", "Last-Event-ID": seen}
            path = f"{CAMPAIGNS}/{self.campaign_id}/status"
            try:
                async with self.http.stream("GET", path, headers=headers) as answer:
                    async for event in _events(answer):
                        await self._note(event)
            except httpx2.TransportError:
                await asyncio.sleep(0.5)
            else:
                return

    async def _note(self, event: dict[str, Any]) -> None:
        if event["kind"] in {"campaign.booking", "proposal.opened"}:
            await self._tell_look(event)
        # A declined hold is withdrawn as well; to a traveller there was none.
        if event["kind"] != "payment.released" or self._happened("payment.authorised"):
            self._stage.event(self.name, event)
        async with self._news:
            self.events.append(event)
            self._news.notify_all()

    async def _tell_look(self, event: Mapping[str, Any]) -> None:
        look = (await self.status())["last_look"]
        if look and look["at"] != self._told_look:
            self._told_look = look["at"]
            self._stage.tell(self.name, _instant(event["at"]), f"looked: {look_words(look)}")


def look_words(look: Mapping[str, Any]) -> str:
    cheapest = look["cheapest"]
    fare = f"from {cheapest['amount']} {cheapest['currency']}" if cheapest else "no fare"
    return f"{look['summary']}: {look['offers']} offers, {fare}"


class Town:
    """Where travellers come from: accounts are an operator's to open, so the demo is one."""

    def __init__(self, settings: Settings, api_url: str, stage: Stage) -> None:
        self._settings, self._url, self._stage = settings, api_url, stage
        self._database = Database(
            settings.database_for("worker"),
            role=WORKER_ROLE,
            pool_size=2,
            words=vault_of(settings).words(opens=False),
        )
        self._travellers: list[Traveller] = []

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc: object) -> None:
        await asyncio.gather(*(one.close() for one in self._travellers), return_exceptions=True)
        await self._database.close()

    async def settled_rows(self) -> Rows:
        """Return our side of the books once nothing is under way.

        Raises:
            DemoStuck: something stayed under way.
        """
        deadline = asyncio.get_running_loop().time() + _WAIT_SECONDS
        while True:
            async with self._database.transaction(_OPERATOR) as session:
                rows = await load_rows(session)
            waiting = unsettled(rows)
            if not waiting:
                return rows
            if asyncio.get_running_loop().time() > deadline:
                raise DemoStuck("; ".join(waiting))
            await asyncio.sleep(0.2)

    async def traveller(self, name: str) -> Traveller:
        """Open an account and return its person, who comes with a key."""
        pepper, now = self._settings.api_key_pepper, system_now()
        async with self._database.transaction(_OPERATOR) as session:
            user = await ensure_account(
                session,
                vault_of(self._settings),
                email=f"{name.lower()}@example.com",
                pepper=pepper,
                now=now,
            )
            _, key = await issue_api_key(session, user, name="demo", pepper=pepper, now=now)
        http = httpx2.AsyncClient(
            base_url=self._url,
            headers={"Authorization": f"Bearer {key}"},
            timeout=_TIMEOUT_SECONDS,
        )
        person = Traveller(name, http, self._stage)
        self._travellers.append(person)
        return person


async def _events(answer: httpx2.Response) -> AsyncIterator[dict[str, Any]]:
    """Yield the bodies of a server-sent event stream."""
    lines: list[str] = []
    async for line in answer.aiter_lines():
        if line.startswith("data:"):
            lines.append(line.removeprefix("data:").lstrip())
        elif not line and lines:
            body = json.loads("\n".join(lines))
            lines.clear()
            if isinstance(body, dict) and "kind" in body:
                yield body


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)
