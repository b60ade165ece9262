"""The sandboxes' control plane as the demo uses it: fares, faults and books."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Self

import httpx2

from cli.demo_people import DemoStuck
from cli.stack import Stack


class Market:
    """Sets what the airlines do, and reads what they wrote down."""

    def __init__(self, stack: Stack) -> None:
        self._http = httpx2.AsyncClient(
            base_url=f"{stack.sandbox_url}/_control",
            headers={"X-Sandbox-Control": stack.sandbox_control_token},
            timeout=30,
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self._http.aclose()

    async def fare(self, wish: Mapping[str, Any], amount: str, **when: datetime) -> None:
        """Fix the cheapest fare of the wish's day; `since` and `until` on the caller's clock."""
        criteria = wish["criteria"]
        body = {
            "origin": criteria["origins"][0],
            "destination": criteria["destinations"][0],
            "departure_date": criteria["departure_from"],
            "amount": amount,
        }
        names = {"since": "from", "until": "until"}
        await self._ask(
            "POST",
            "/duffel/fares",
            body | {names[name]: instant.isoformat() for name, instant in when.items()},
        )

    async def sell_out_for(self, family_name: str) -> None:
        """Let every order of a person fail as sold out, until `mend`."""
        rule = {"vendor": "duffel", "operation": "create_order", "effect": "sold_out"}
        await self._ask("POST", "/faults", rule | {"times": None, "contains": family_name})

    async def mend(self) -> None:
        await self._ask("DELETE", "/faults")

    async def looks(self) -> int:
        """Return how many searches were made so far."""
        counted = await self._ask("GET", "/requests/count?vendor=duffel")
        return int(counted.get("duffel", {}).get("create_offer_request", 0))

    async def ledger(self) -> dict[str, Any]:
        found: dict[str, Any] = await self._ask("GET", "/ledger")
        return found

    async def _ask(self, method: str, path: str, body: object = None) -> Any:
        answer = await self._http.request(method, path, json=body)
        if answer.status_code >= 400:
            raise DemoStuck(f"the sandboxes answered {answer.status_code}: {answer.text}")
        return answer.json() if answer.content else None
