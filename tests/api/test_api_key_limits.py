"""What a key may consent to over HTTP: within its limits, until its time, and not a cent more."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import uuid4

import httpx2
import pytest
from belongings import give_belongings

from db.accounts import issue_api_key
from db.queries.api_keys import committed_minor
from db.session import SystemActor
from db.vault import vault_of
from domain.api_keys import KeyGrant, Scope, SpendingLimits, scopes_up_to
from domain.money import Money
from runtime.clock import system_now

# Nobody sells a fare for so little: nothing is booked meanwhile.
LIMITS = SpendingLimits(
    each=Money(minor=500, currency="USD"), total=Money(minor=800, currency="USD")
)


class Holder:
    """Ana with a key of her own making."""

    def __init__(self, person: Any, database: Any, settings: Any) -> None:
        self.person, self.database, self.settings = person, database, settings
        self.key_id = uuid4()

    async def key(self, **grant: Any) -> httpx2.AsyncClient:
        async with self.database.transaction(SystemActor("tests")) as session:
            row, key = await issue_api_key(
                session,
                self.person.user_id,
                name="tests",
                pepper=self.settings.api_key_pepper,
                now=system_now(),
                grant=KeyGrant(**grant),
            )
            self.key_id = row.id
        self.person.http.headers["Authorization"] = f"Bearer {key}"
        return self.person.http

    async def committed(self) -> int:
        async with self.database.transaction(self.person.user_id) as session:
            return await committed_minor(session, self.key_id, system_now())


async def ask(http: Any, body: Any, amount: str, key: str | None = None) -> Any:
    criteria = body["criteria"] | {"budget": {"amount": amount, "currency": "USD"}}
    return await http.post(
        "/api/autobooking/campaigns",
        json=body | {"criteria": criteria},
        headers={"Idempotency-Key": key or f"key-{uuid4()}"},
    )


def edit(http: Any, made: Any, amount: str, version: int = 1) -> Any:
    body = {
        "criteria": {"budget": {"amount": amount, "currency": "USD"}},
        "consent": {"accepted": True, "text_version": "2026-11"},
        "expected_version": version,
    }
    return http.patch(f"/api/autobooking/campaigns/{made.json()['id']}", json=body)


async def test_a_key_consents_within_its_limits_and_not_a_cent_more(
    cast: Any, cheap: Any, database: Any, running: Any
) -> None:
    person, _ = cast
    holder = Holder(person, database, running.settings)
    http = await holder.key(limits=LIMITS)
    refused = await ask(http, cheap, "5.01")
    assert (refused.status_code, refused.json()["reason"]) == (403, "above_each")
    assert "0.01 USD above the 5.00 USD" in refused.json()["detail"]
    # What comes to nothing is free again.
    broken = await ask(http, cheap | {"traveler_ids": [str(uuid4())]}, "5.00")
    assert broken.status_code == 422
    assert await holder.committed() == 0
    # Of wishes made at the same instant as many pass as the limit in all holds.
    first, second = await asyncio.gather(ask(http, cheap, "0.05"), ask(http, cheap, "0.04"))
    assert {first.status_code, second.status_code} == {201}
    answers = await asyncio.gather(*(ask(http, cheap, "3.00", f"again-key-{n}") for n in range(4)))
    passed = [one for one in answers if one.status_code == 201]
    assert len(passed) == 2
    assert await holder.committed() == 609
    assert {one.json()["reason"] for one in answers if one.status_code != 201} == {"above_total"}
    # A repeat is the same wish, whatever is left.
    number = next(n for n, one in enumerate(answers) if one.status_code == 201)
    assert (await ask(http, cheap, "3.00", f"again-key-{number}")).status_code == 200
    assert await holder.committed() == 609
    # A change is held against what the others left.
    assert (await edit(http, passed[0], "4.92")).status_code == 403
    raised = await edit(http, passed[0], "4.91")
    assert raised.status_code == 200, raised.text
    assert await holder.committed() == 800
    # A change that is refused, here as stale, leaves what was agreed before.
    stale = await edit(http, passed[0], "1.00")
    assert stale.status_code == 412, stale.text
    assert await holder.committed() == 800
    # A change that lowers what is agreed frees the rest, once it is made.
    lowered = await edit(http, passed[0], "4.00", version=2)
    assert lowered.status_code == 200, lowered.text
    assert await holder.committed() == 709
    # A wish that ended without a booking has cost nothing.
    gone = await http.post(f"/api/autobooking/campaigns/{passed[1].json()['id']}/cancel")
    assert gone.status_code == 200
    assert await holder.committed() == 409


async def test_a_yes_and_a_saved_trip_are_held_to_the_limits_too(
    ana: Any, wish: Any, database: Any, settings: Any
) -> None:
    own = await give_belongings(database, vault_of(settings), ana.user_id, system_now())
    holder = Holder(ana, database, settings)
    http = await holder.key(limits=LIMITS)
    approve = f"/api/autobooking/campaigns/{own.campaign_id}/approve"
    refused = await http.post(approve, json={"proposal_id": str(own.proposal_id)})
    assert (refused.status_code, refused.json()["reason"]) == (403, "above_each")
    assert "480.00 USD" in refused.json()["detail"]
    assert (await http.post(approve, json={"proposal_id": str(uuid4())})).status_code == 503
    trip = {"trip_request_id": str(own.trip_request_id), "consent": wish["consent"]}
    headers = {"Idempotency-Key": f"key-{uuid4()}"}
    made = await http.post("/api/autobooking/campaigns", json=trip, headers=headers)
    assert (made.status_code, made.json()["reason"]) == (403, "above_each"), made.text
    capped = {"consent": wish["consent"] | {"cap": {"amount": "9.00", "currency": "USD"}}}
    made = await http.post("/api/autobooking/campaigns", json=wish | capped, headers=headers)
    assert made.json()["reason"] == "above_each", made.text
    foreign = {"consent": wish["consent"] | {"cap": {"amount": "1.00", "currency": "EUR"}}}
    made = await http.post("/api/autobooking/campaigns", json=wish | foreign, headers=headers)
    assert made.json()["reason"] == "other_currency", made.text
    assert await holder.committed() == 0


async def test_a_wish_of_a_key_that_may_not_spend_waits_for_its_owner(
    cast: Any, cheap: Any, database: Any, running: Any
) -> None:
    person, _ = cast
    owners = {"Authorization": person.http.headers["Authorization"]}
    http = await Holder(person, database, running.settings).key(scopes=scopes_up_to(Scope.WRITE))
    made = await ask(http, cheap, "1.00")
    assert (made.status_code, made.json()["status"]) == (201, "awaiting_consent"), made.text
    path = made.json()["links"]["self"]
    assert (await http.get(f"{path}/mandate")).json()["mandate"] is None
    consent = {"consent": cheap["consent"]}
    refused = await http.post(f"{path}/consent", json=consent)
    assert (refused.status_code, refused.json()["code"]) == (403, "scope_needed")
    # Its owner consents; what was consented to is then not this key's to change.
    renamed = {"name": "Lisbon, sooner", "expected_version": 1}
    assert (await http.patch(path, json=renamed)).json()["status"] == "awaiting_consent"
    given = await http.post(f"{path}/consent", json=consent, headers=owners)
    assert (given.status_code, given.json()["status"]) == (200, "active"), given.text
    redirected = {"criteria": {"destinations": ["OPO"]}, "expected_version": 2}
    refused = await http.patch(path, json=redirected)
    assert (refused.status_code, refused.json()["code"]) == (403, "scope_needed")


async def test_a_key_that_may_not_spend_consents_to_nothing(
    ana: Any, wish: Any, database: Any, settings: Any
) -> None:
    holder = Holder(ana, database, settings)
    http = await holder.key(scopes=scopes_up_to(Scope.WRITE))
    # It may make a wish all the same, were everything in it right.
    refused = await ask(http, wish | {"traveler_ids": [str(uuid4())]}, "1.00")
    assert refused.status_code == 422
    approve = f"/api/autobooking/campaigns/{uuid4()}/approve"
    refused = await http.post(approve, json={"proposal_id": str(uuid4())})
    assert refused.json()["code"] == "scope_needed"
    assert refused.json()["scope"] == "spend"
    assert "/account/api-keys" in refused.json()["detail"]


@pytest.mark.parametrize("days", [-1, 1])
async def test_a_key_is_good_until_its_time(
    ana: Any, database: Any, settings: Any, days: int
) -> None:
    http = await Holder(ana, database, settings).key(expires_at=system_now() + timedelta(days=days))
    answer = await http.get("/api/autobooking/campaigns")
    assert answer.status_code == (200 if days > 0 else 401)
