"""Campaigns over HTTP, with their real processes behind them."""

import asyncio
from typing import Any

from asking import until

from db.queries.audit import list_audit
from db.session import Database, SystemActor
from domain.audit import Action

PATH = "/api/autobooking/campaigns"


async def _create(person: Any, body: Any, key: str = "campaign-one") -> Any:
    return await person.http.post(PATH, json=body, headers={"Idempotency-Key": key})


async def test_a_campaign_is_made_once_however_often_it_is_asked_for(
    cast: tuple[Any, Any], cheap: Any
) -> None:
    person, _ = cast
    answers = await asyncio.gather(*(_create(person, cheap) for _ in range(10)))
    assert {a.status_code for a in answers} <= {200, 201}, [a.text for a in answers]
    assert len({a.json()["id"] for a in answers}) == 1
    again = await _create(person, cheap)
    assert again.status_code == 200
    assert again.headers["location"] == f"{PATH}/{again.json()['id']}"
    assert len((await person.http.get(PATH)).json()["items"]) == 1

    other = cheap | {"name": "another"}
    clash = await _create(person, other)
    assert (clash.status_code, clash.json()["code"]) == (422, "key_reused")


async def test_a_campaign_is_paused_resumed_edited_and_cancelled(
    cast: tuple[Any, Any], cheap: Any, database: Database
) -> None:
    person, _ = cast
    made = (await _create(person, cheap)).json()
    path = f"{PATH}/{made['id']}"
    paused = await person.http.post(f"{path}/pause")
    assert (paused.status_code, paused.json()["status"]) == (200, "paused"), paused.text
    assert (await person.http.post(f"{path}/pause")).status_code == 200
    resumed = await person.http.post(f"{path}/resume")
    assert resumed.json()["status"] == "active"
    # It is in the audit log as done by the key that asked, though its process did it.
    async with database.transaction(SystemActor("tests")) as session:
        done = await list_audit(session, object_id=made["id"], action=Action.CAMPAIGN_STATE)
    assert [(row.actor_kind, row.after["state"]) for row in done] == [
        ("key", "active"), ("key", "paused"), ("workflow", "active"),
    ]  # fmt: skip
    assert done[0].actor == done[1].actor

    read = await person.http.get(path)
    change = {"criteria": {"max_connections": 0}, "name": "Non-stop"}
    unversioned = await person.http.patch(path, json=change)
    assert unversioned.status_code == 428
    edited = await person.http.patch(path, json=change, headers={"If-Match": read.headers["etag"]})
    assert edited.status_code == 200, edited.text
    assert edited.json()["criteria_version"] == 2
    assert edited.json()["criteria"]["max_connections"] == 0
    again = await person.http.patch(path, json=change | {"expected_version": 1})
    assert (again.status_code, again.json()["criteria_version"]) == (200, 2), "it is so already"
    other = change | {"expected_version": 1, "name": "Direct"}
    stale = await person.http.patch(path, json=other)
    assert (stale.status_code, stale.json()["criteria_version"]) == (412, 2)
    dearer = {"criteria": {"budget": {"amount": "2.00", "currency": "USD"}}, "expected_version": 2}
    unasked = await person.http.patch(path, json=dearer)
    assert (unasked.status_code, unasked.json()["errors"][0]["field"]) == (422, "consent")

    only_told = await person.http.patch(
        path, json={"mode": "notify", "expected_version": 2, "name": "Tell me"}
    )
    assert (only_told.status_code, only_told.json()["mode"]) == (200, "notify"), only_told.text
    booked_again = await person.http.patch(path, json={"mode": "auto", "expected_version": 3})
    assert (booked_again.status_code, booked_again.json()["errors"][0]["field"]) == (422, "consent")
    agreed = await person.http.patch(
        path, json={"mode": "auto", "expected_version": 3, "consent": cheap["consent"]}
    )
    assert (agreed.status_code, agreed.json()["status"]) == (200, "active"), agreed.text

    nothing = await person.http.post(f"{path}/approve", json={"proposal_id": made["id"]})
    assert (nothing.status_code, nothing.json()["code"]) == (409, "no_such_proposal")

    mandates = (await person.http.get(f"{path}/mandate")).json()
    assert (mandates["mandate"]["criteria_version"], mandates["mandate"]["uses"]) == (4, [])
    assert [(m["criteria_version"], m["standing"]) for m in mandates["earlier"]] == [
        (2, "withdrawn"),
        (1, "withdrawn"),
    ]
    waiting = {name: value for name, value in cheap.items() if name != "consent"}
    waiting = (await _create(person, waiting, key="without-a-consent")).json()
    assert waiting["status"] == "awaiting_consent"
    assert waiting["links"]["consent"] == f"/auto-booking/wishes/{waiting['id']}/consent"
    its_path = f"/api/autobooking/campaigns/{waiting['id']}"
    unconsented = await person.http.post(f"{its_path}/resume")
    assert (unconsented.status_code, unconsented.json()["code"]) == (409, "consent_needed")
    given = await person.http.post(f"{its_path}/consent", json={"consent": cheap["consent"]})
    assert (given.status_code, given.json()["status"]) == (200, "active"), given.text

    gone = await person.http.delete(path)
    assert (gone.status_code, gone.json()["status"]) == (200, "cancelled")
    # Its process has ended: the row answers.
    assert (await person.http.post(f"{path}/cancel")).status_code == 200
    late = await person.http.post(f"{path}/resume")
    assert (late.status_code, late.json()["code"]) == (409, "ended")
    again = await _create(person, cheap)
    assert (again.status_code, again.json()["status"]) == (200, "cancelled")


async def test_a_good_wish_is_booked_and_followed_to_its_ticket(
    cast: tuple[Any, Any],
) -> None:
    person, body = cast
    made = await _create(person, body)
    assert made.status_code == 201, made.text
    path = f"{PATH}/{made.json()['id']}"

    async def status() -> Any:
        return (await person.http.get(f"{path}/status")).json()

    booked = await until(status, lambda s: s["booking"] is not None and s["status"] == "booked")
    assert booked["best_price"] is not None
    assert booked["attempt"]["step"] in {"DUFFEL_TICKETING", "COMPLETED"}
    assert booked["last_look"]["offers"] > 0

    results = (await person.http.get(f"{path}/results")).json()["items"]
    assert results[0]["booking_reference"] == booked["booking"]["booking_reference"]
    first = (await person.http.get(f"{path}/decisions?limit=1")).json()
    assert len(first["items"]) == 1
    assert first["items"][0]["detail"]
    rest = await person.http.get(f"{path}/decisions", params={"cursor": first["next_cursor"]})
    assert first["items"][0] not in rest.json()["items"]
    bad = await person.http.get(f"{path}/decisions?cursor=nonsense")
    assert (bad.status_code, bad.json()["errors"][0]["field"]) == (422, "cursor")

    async def booking() -> Any:
        return (await person.http.get(booked["booking"]["href"])).json()

    ticketed = await until(booking, lambda b: b["status"] == "ticketed")
    assert ticketed["tickets"][0]["number"]
    assert ticketed["money"]["charged"] == ticketed["price"]
    assert (await person.http.get("/api/bookings")).json()["items"][0]["id"] == ticketed["id"]

    late = await person.http.post(f"{path}/cancel")
    assert (late.status_code, late.json()["code"]) == (409, "booked")
    assert late.json()["booking_reference"] == ticketed["booking_reference"]

    quote = await person.http.post(f"/api/bookings/{ticketed['id']}/cancellation")
    assert quote.status_code in {200, 409}, quote.text
    if quote.status_code == 200:
        wrong = await person.http.post(
            f"/api/bookings/{ticketed['id']}/cancellation/confirm", json={"quote_id": "other"}
        )
        assert wrong.status_code in {409, 412}


async def test_the_stream_tells_everything_once_and_ends(cast: tuple[Any, Any], cheap: Any) -> None:
    person, _ = cast
    made = (await _create(person, cheap)).json()
    path = f"{PATH}/{made['id']}"
    stream = {"Accept": "text/event-stream"}
    lines: list[str] = []
    live = asyncio.Event()

    async def listen() -> None:
        async with person.http.stream("GET", f"{path}/status", headers=stream) as answer:
            assert answer.headers["content-type"].startswith("text/event-stream")
            async for line in answer.aiter_lines():
                lines.append(line)
                if line.startswith("id: 1"):
                    live.set()

    listening = asyncio.create_task(listen())
    async with asyncio.timeout(60):
        await live.wait()
        await person.http.post(f"{path}/pause")
        await person.http.post(f"{path}/cancel")
        await listening
    numbers = [int(line.removeprefix("id: ")) for line in lines if line.startswith("id: ")]
    assert numbers == list(range(1, len(numbers) + 1))
    kinds = [line.removeprefix("event: ") for line in lines if line.startswith("event: ")]
    assert kinds[0] == "campaign.created"
    assert kinds[-1] == "end"

    resumed = await person.http.get(
        f"{path}/status", headers=stream | {"Last-Event-ID": str(numbers[-2])}
    )
    assert f"id: {numbers[-1]}\n" in resumed.text
    assert f"id: {numbers[-2]}\n" not in resumed.text


async def test_the_list_is_filtered_and_paged(cast: tuple[Any, Any], cheap: Any) -> None:
    person, _ = cast
    for number in range(3):
        answer = await _create(person, cheap | {"name": f"Trip {number}"}, f"campaign-{number}")
        assert answer.status_code == 201, answer.text
    first = (await person.http.get(PATH, params={"limit": 2})).json()
    assert [one["name"] for one in first["items"]] == ["Trip 2", "Trip 1"]
    second = (await person.http.get(PATH, params={"cursor": first["next_cursor"]})).json()
    assert [one["name"] for one in second["items"]] == ["Trip 0"]
    assert second["next_cursor"] is None
    assert len((await person.http.get(PATH, params={"q": "trip 1"})).json()["items"]) == 1
    assert len((await person.http.get(PATH, params={"q": "LIS"})).json()["items"]) == 3
    assert (await person.http.get(PATH, params={"status": "paused"})).json()["items"] == []


async def test_a_wish_that_cannot_hold_is_refused_field_by_field(
    cast: tuple[Any, Any],
) -> None:
    person, body = cast
    criteria = body["criteria"] | {"origins": ["LISS"], "departure_from": "2020-01-01"}
    answer = await _create(person, body | {"criteria": criteria, "traveler_ids": [str(UNKNOWN)]})
    assert answer.status_code == 422
    fields = {error["field"] for error in answer.json()["errors"]}
    assert "traveler_ids.0" in fields
    assert any(field.startswith("criteria.origins") for field in fields)
    assert (await person.http.post(PATH, json=body)).status_code == 422


UNKNOWN = "3b241101-e2bb-4255-8caf-4136c566a962"


async def test_with_no_worker_the_outcome_is_unknown_and_repeating_is_safe(
    running: Any, cast: tuple[Any, Any], cheap: Any
) -> None:
    person, _ = cast
    await running.workers.aclose()
    answer = await _create(person, cheap)
    assert answer.status_code == 503
    assert answer.json()["code"] == "outcome_unknown"
    assert int(answer.headers["retry-after"]) > 0
    assert (await person.http.get(PATH)).json()["items"] == []


async def test_with_temporal_away_nothing_is_half_written(
    ana: Any, card_saver: Any, traveler_body: Any, wish: Any
) -> None:
    await card_saver(ana)
    traveler = (await ana.http.post("/api/autobooking/traveler", json=traveler_body)).json()
    answer = await _create(ana, wish | {"traveler_ids": [traveler["id"]]})
    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
    assert int(answer.headers["retry-after"]) > 0
    assert (await ana.http.get(PATH)).json()["items"] == []
    assert (await ana.http.delete(f"/api/autobooking/traveler/{traveler['id']}")).status_code == 204


async def test_a_card_in_use_is_given_up_only_for_another(
    cast: tuple[Any, Any], cheap: Any, card_saver: Any
) -> None:
    person, _ = cast
    (card,) = (await person.http.get("/api/autobooking/payment-methods")).json()["items"]
    await _create(person, cheap | {"payment_method_id": card["id"]})
    path = f"/api/autobooking/payment-methods/{card['id']}"
    alone = await person.http.delete(path)
    assert (alone.status_code, alone.json()["code"]) == (409, "in_use")
    await card_saver(person, "5555555555554444")
    assert (await person.http.delete(path)).status_code == 204
