"""Places, history and trips over HTTP; and a trip that becomes a campaign."""

from datetime import date, timedelta
from typing import Any

from db.models.look import LookRow
from db.models.price_observation import PriceObservationRow
from db.session import Database, SystemActor
from domain.ids import derive
from runtime.clock import system_now

TRIPS = "/api/v1/trip-requests"


async def test_places_and_airlines_are_found_by_what_people_write(nobody: Any) -> None:
    found = await nobody.get("/api/v1/places", params={"q": "lisbn", "limit": 3})
    assert found.headers["cache-control"] == "public, max-age=3600"
    first = found.json()["items"][0]
    assert (first["code"], first["kind"], first["country_name"]) == ("LIS", "airport", "Portugal")
    london = (await nobody.get("/api/v1/places", params={"q": "London"})).json()["items"][0]
    assert (london["label"], london["airports"][0]) == ("London, all airports (LON)", "LHR")
    near = await nobody.post("/api/v1/places/near", json={"latitude": 38.7, "longitude": -9.1})
    assert near.json()["items"][0]["code"] == "LIS"
    nowhere = await nobody.post("/api/v1/places/near", json={"latitude": 99, "longitude": 0})
    assert nowhere.status_code == 422
    airlines = (await nobody.get("/api/v1/airlines", params={"q": "lufthansa"})).json()["items"]
    assert airlines == [{"code": "LH", "name": "Lufthansa"}]
    assert (await nobody.get("/api/v1/places", params={"q": ""})).status_code == 422


async def _observe(database: Database, minor: int, departs_on: date) -> None:
    look = derive("look", minor)
    facts: dict[str, Any] = {
        "seller": "duffel",
        "pair_key": "a pair",
        "origin": "JFK",
        "destination": "LIS",
        "departs_on": departs_on,
        "cabin": "economy",
        "party_code": "1a0c0i",
        "at": system_now() - timedelta(days=2),
    }
    async with database.transaction(SystemActor("tests")) as session:
        session.add(LookRow(id=look, reason="", campaigns=1, offers=1, **facts))
        await session.flush()
        session.add(
            PriceObservationRow(
                look_id=look, stops=0, airline="TP", total_minor=minor, currency="USD", **facts
            )
        )


async def test_the_past_is_told_as_far_as_it_is_known(
    ana: Any, database: Database, wish: Any
) -> None:
    asked = {"criteria": wish["criteria"], "party": {"adults": 2}}
    nothing = (await ana.http.post("/api/v1/backtests", json=asked)).json()
    assert nothing["sentence"] == "No history yet: nobody has looked at this route before."
    assert (nothing["would"], nothing["days_seen"]) == (None, 0)
    await _observe(database, 48_000, date.fromisoformat(wish["criteria"]["departure_from"]))
    told = (await ana.http.post("/api/v1/backtests", json=asked)).json()
    assert told["would"]["price"] == {"amount": "960.00", "currency": "USD"}
    assert told["caveats"][0] == "seen on 1 of 90 days, within your budget on 1"
    assert "seen for others and reckoned for 2" in told["caveats"]
    wrong = asked | {"criteria": wish["criteria"] | {"origins": ["Lisbn"]}}
    refused = await ana.http.post("/api/v1/backtests", json=wrong)
    assert refused.json()["errors"][0]["field"] == "criteria.origins.0"


async def test_a_trip_is_kept_in_mind_for_its_owner_alone(ana: Any, ben: Any, wish: Any) -> None:
    body = {"criteria": wish["criteria"]}
    key = {"Idempotency-Key": "lisbon-some-day"}
    made = await ana.http.post(TRIPS, json=body, headers=key)
    assert made.status_code == 201, made.text
    trip = made.json()
    assert (trip["name"], trip["campaign_ids"]) == ("New York to Lisbon", [])
    assert (await ana.http.post(TRIPS, json=body, headers=key)).json()["id"] == trip["id"]
    path = made.headers["location"]
    assert (await ana.http.get(path)).json() == trip
    assert (await ben.http.get(path)).status_code == 404
    assert [one["id"] for one in (await ana.http.get(TRIPS)).json()["items"]] == [trip["id"]]
    past = body["criteria"] | {"departure_from": "2020-01-01", "departure_until": "2020-01-02"}
    assert (await ana.http.post(TRIPS, json={"criteria": past})).status_code == 422
    assert (await ana.http.delete(path)).status_code == 204
    assert (await ana.http.get(path)).status_code == 404


async def test_a_saved_trip_becomes_a_campaign_and_both_ids_are_kept(
    cast: tuple[Any, Any], cheap: Any
) -> None:
    person, _ = cast
    trip = (await person.http.post(TRIPS, json={"criteria": cheap["criteria"]})).json()
    body = {
        "trip_request_id": trip["id"],
        "traveler_ids": cheap["traveler_ids"],
        "consent": cheap["consent"],
    }
    path, key = "/api/autobooking/campaigns", {"Idempotency-Key": "of-a-trip"}
    nobody = await person.http.post(path, json=body | {"traveler_ids": None}, headers=key)
    assert nobody.json()["errors"][0]["field"] == "traveler_ids"
    made = await person.http.post(path, json=body, headers=key)
    assert made.status_code == 201, made.text
    campaign = made.json()
    assert (campaign["trip_request_id"], campaign["criteria"]) == (trip["id"], trip["criteria"])
    kept = await person.http.get(f"{TRIPS}/{trip['id']}")
    assert kept.json()["campaign_ids"] == [campaign["id"]]
    assert (await person.http.delete(f"{TRIPS}/{trip['id']}")).status_code == 409
    unknown = body | {"trip_request_id": campaign["id"]}
    refused = await person.http.post(path, json=unknown, headers={"Idempotency-Key": "another-1"})
    assert refused.json()["errors"][0]["field"] == "trip_request_id"
    bare = await person.http.post(
        path, json={"consent": cheap["consent"]}, headers={"Idempotency-Key": "another-2"}
    )
    assert bare.json()["errors"][0]["field"] == "criteria"
