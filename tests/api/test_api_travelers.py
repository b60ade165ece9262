"""Travellers over HTTP: kept encrypted, seen by their owner only."""

import uuid
from typing import Any

import psycopg

PATH = "/api/autobooking/traveler"


async def test_a_traveller_is_kept_read_changed_and_forgotten(ana: Any, traveler_body: Any) -> None:
    made = await ana.http.post(PATH, json=traveler_body)
    assert made.status_code == 201, made.text
    one = made.json()
    assert made.headers["Location"] == f"{PATH}/{one['id']}"
    assert {k: one[k] for k in traveler_body} == traveler_body
    assert (await ana.http.get(made.headers["Location"])).json() == one
    assert (await ana.http.get(PATH)).json() == {"items": [one], "next_cursor": None}

    changed = traveler_body | {"family_name": "Lima", "documents": [], "loyalty": []}
    answer = await ana.http.put(f"{PATH}/{one['id']}", json=changed)
    assert answer.status_code == 200, answer.text
    assert answer.json()["family_name"] == "Lima"
    assert answer.json()["created_at"] == one["created_at"]
    assert (await ana.http.get(f"{PATH}/{one['id']}")).json() == answer.json()

    assert (await ana.http.delete(f"{PATH}/{one['id']}")).status_code == 204
    assert (await ana.http.get(f"{PATH}/{one['id']}")).status_code == 404
    assert (await ana.http.delete(f"{PATH}/{one['id']}")).status_code == 404
    assert (await ana.http.get(PATH)).json()["items"] == []


async def test_repeating_with_a_key_makes_one_traveller(ana: Any, traveler_body: Any) -> None:
    headers = {"Idempotency-Key": "traveller-one"}
    first = await ana.http.post(PATH, json=traveler_body, headers=headers)
    second = await ana.http.post(PATH, json=traveler_body, headers=headers)
    assert first.json() == second.json()
    assert len((await ana.http.get(PATH)).json()["items"]) == 1


async def test_somebody_elses_traveller_is_not_there(
    ana: Any, ben: Any, traveler_body: Any
) -> None:
    one = (await ana.http.post(PATH, json=traveler_body)).json()
    path = f"{PATH}/{one['id']}"
    for answer in (
        await ben.http.get(path),
        await ben.http.put(path, json=traveler_body),
        await ben.http.delete(path),
        await ben.http.get(f"{PATH}/{uuid.uuid4()}"),
    ):
        assert answer.status_code == 404
        assert answer.json()["code"] == "not_found"
    assert (await ben.http.get(PATH)).json()["items"] == []


async def test_nothing_of_a_person_is_readable_in_the_database(
    ana: Any, traveler_body: Any, database_url: str
) -> None:
    await ana.http.post(PATH, json=traveler_body)
    async with await psycopg.AsyncConnection.connect(database_url) as connection:
        dump = ""
        for table in ("travelers", "traveler_documents", "users", "api_keys"):
            rows = await connection.execute(f"SELECT t::text FROM {table} t")
            dump += str(await rows.fetchall())
    secrets = ["Souza", "1990-04-12", "ana@example.com", "912345678", "CA123456", "512345678"]
    assert [text for text in [*secrets, ana.key] if text in dump] == []


async def test_what_an_airline_would_refuse_is_refused_with_field_reason_and_remedy(
    ana: Any, traveler_body: Any
) -> None:
    body = traveler_body | {"given_name": "安娜", "phone": "12", "title": "mr"}
    answer = await ana.http.post(PATH, json=body)
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    errors = answer.json()["errors"]
    assert {error["field"] for error in errors} == {"given_name", "phone", "title"}
    assert all(error["reason"] and error["remedy"] for error in errors)


async def test_a_misfit_is_named_without_echoing_it(ana: Any, traveler_body: Any) -> None:
    body = traveler_body | {"born_on": "Souza-secret", "surplus": 1}
    answer = await ana.http.post(PATH, json=body)
    assert answer.status_code == 422
    assert {e["field"] for e in answer.json()["errors"]} == {"born_on", "surplus"}
    assert "Souza-secret" not in answer.text
