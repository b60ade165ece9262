"""Allowing flights once over HTTP: as the decision names them, for a maximum, and this once."""

from typing import Any
from uuid import uuid4

from asking import until


async def test_flights_just_over_the_budget_are_booked_once_they_are_allowed(
    cast: Any, cheap: Any, running: Any
) -> None:
    person, _ = cast
    http = person.http
    made = await http.post(
        "/api/autobooking/campaigns", json=cheap, headers={"Idempotency-Key": "allow-once-1"}
    )
    path = made.json()["links"]["self"]

    async def over_budget() -> list[dict[str, Any]]:
        items = (await http.get(f"{path}/decisions")).json()["items"]
        return [one for one in items if one["reason"] == "over_budget"]

    found = await until(over_budget, bool)
    decision = min(found, key=lambda one: float(one["price"]["amount"]))
    text = (await http.get("/api/v1/policy")).json()["allowance"]
    assert "{flights}" in text["template"]
    body = {
        "look_id": decision["look_id"],
        "offer_id": decision["offer_id"],
        "maximum": decision["price"],
        "accepted": True,
        "text_version": text["version"],
    }
    old = await http.post(f"{path}/allow-once", json=body | {"text_version": "2020"})
    assert (old.status_code, old.json()["errors"][0]["field"]) == (422, "text_version")
    less = {"amount": "0.50", "currency": "USD"}
    low = await http.post(f"{path}/allow-once", json=body | {"maximum": less})
    assert (low.status_code, low.json()["errors"][0]["field"]) == (422, "maximum")
    gone = await http.post(f"{path}/allow-once", json=body | {"look_id": str(uuid4())})
    assert (gone.status_code, gone.json()["code"]) == (409, "offer_gone")

    yes = await http.post(f"{path}/allow-once", json=body)
    assert (yes.status_code, yes.json()["status"]) == (200, "booking"), yes.text

    async def stands() -> dict[str, Any]:
        return dict((await http.get(f"{path}/status")).json())

    status = await until(stands, lambda now: now["status"] != "booking")
    assert status["status"] == "booked"
    assert status["budget"]["amount"] == "1.00"
    mandates = (await http.get(f"{path}/mandate")).json()
    (allowance,) = [one for one in mandates["earlier"] if one["kind"] == "allow_once"]
    assert allowance["uses"][0]["amount"] == decision["price"]
    assert allowance["uses"][0]["charged"] == decision["price"]
    assert mandates["mandate"]["kind"] == "booking"
    assert mandates["mandate"]["uses"] == []
