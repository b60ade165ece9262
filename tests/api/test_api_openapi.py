"""The whole application: every route needs a key, every refusal is a problem, the document holds."""

import re
from typing import Any

import jsonschema
from fastapi.routing import APIRoute

from api.app import create_app

OPEN = {
    "/.well-known/parker-mandate-keys.json",
    "/healthz",
    "/readyz",
    "/api/v1/health",
    "/api/v1/policy",
    "/api/v1/places",
    "/api/v1/places/near",
    "/api/v1/airlines",
    "/pay/{token}",
    "/pay/{token}/return",
    "/api/autobooking/payment-methods/setups/return",
}
UUID = "3b241101-e2bb-4255-8caf-4136c566a962"


def _routes(settings: Any) -> list[tuple[str, str]]:
    found = []
    for path, methods in create_app(settings).openapi()["paths"].items():
        found += [(method.upper(), path) for method in methods]
    return found


async def test_every_route_but_the_open_ones_needs_a_key(nobody: Any, settings: Any) -> None:
    routes = _routes(settings)
    assert len(routes) > 25
    for method, path in routes:
        if path in OPEN:
            continue
        address = re.sub(r"\{[^}]+\}", UUID, path)
        for headers in ({}, {"Authorization": "Bearer pk_wrong"}, {"Authorization": "Basic eDp5"}):
            answer = await nobody.request(method, address, headers=headers, json={})
            assert answer.status_code == 401, (method, path, answer.text)
            assert answer.headers["content-type"] == "application/problem+json"
            assert answer.headers["www-authenticate"] == "Bearer"


async def test_every_route_with_an_id_hides_other_peoples_objects(ana: Any, settings: Any) -> None:
    bodies = {
        ("PUT", "/api/autobooking/traveler/{traveler_id}"): "traveler",
        ("PATCH", "/api/autobooking/campaigns/{campaign_id}"): {"expected_version": 1},
        ("POST", "/api/autobooking/campaigns/{campaign_id}/approve"): {"proposal_id": UUID},
        ("POST", "/api/autobooking/campaigns/{campaign_id}/consent"): {
            "consent": {"accepted": True, "text_version": "2026-11"}
        },
        ("POST", "/api/autobooking/campaigns/{campaign_id}/reject"): {"proposal_id": UUID},
        ("POST", "/api/autobooking/campaigns/{campaign_id}/allow-once"): {
            "look_id": UUID,
            "offer_id": "off_1",
            "maximum": {"amount": "1.00", "currency": "USD"},
            "accepted": True,
            "text_version": "2026-11-once",
        },
        ("POST", "/api/bookings/{booking_id}/cancellation/confirm"): {"quote_id": "q"},
    }
    for method, path in _routes(settings):
        if "{" not in path or path in OPEN or bodies.get((method, path)) == "traveler":
            continue
        address = re.sub(r"\{[^}]+\}", UUID, path)
        body = bodies.get((method, path))
        answer = await ana.http.request(method, address, json=body)
        assert answer.status_code == 404, (method, path, answer.status_code, answer.text)


async def test_the_document_is_complete(settings: Any) -> None:
    document = create_app(settings).openapi()
    operations = [
        operation for methods in document["paths"].values() for operation in methods.values()
    ]
    ids = [operation["operationId"] for operation in operations]
    assert len(set(ids)) == len(ids)
    assert all(re.fullmatch(r"[a-z_]+", one) for one in ids)
    assert all(operation["tags"] and operation["description"] for operation in operations)
    schemas = document["components"]["schemas"]
    for name in (
        "CreateCampaignRequest",
        "TravelerRequest",
        "EditCampaignRequest",
        "BacktestRequest",
    ):
        schema = schemas[name] | {"components": document["components"]}
        assert schema["examples"]
        for example in schema["examples"]:
            jsonschema.Draft202012Validator(schema).validate(example)


async def test_the_page_of_the_api_shows_every_operation_and_loads_nothing_from_elsewhere(
    nobody: Any, settings: Any
) -> None:
    shown = await nobody.get("/docs")
    assert shown.status_code == 200
    assert "default-src 'none'" in shown.headers["content-security-policy"]
    assert not re.search(r'(?:src|href)="(?:\w+:|//)', shown.text)
    for method, path in _routes(settings):
        assert f'class="method">{method}</strong> <code>{path}</code>' in shown.text
    # A body to begin with, of the document's own examples, and which key the call needs.
    assert "&#34;destinations&#34;" in shown.text
    assert "scope <code>spend</code>" in shown.text
    assert f"curl {settings.base_url}/api/autobooking/campaigns -H" in shown.text


async def test_hidden_routes_are_pages_and_what_providers_and_operators_call(
    settings: Any,
) -> None:
    routes = [one for one in create_app(settings).routes if isinstance(one, APIRoute)]
    hidden = {one.path for one in routes if not one.include_in_schema}
    assert {path for path in hidden if path.startswith("/api/")} == {
        "/api/autobooking/payment-methods/setups/return",
        "/api/temporal-codec/{tag}/decode",
        "/api/webhooks/duffel",
        "/api/webhooks/stripe",
    }


async def test_an_unknown_address_and_a_wrong_method_are_problems(nobody: Any) -> None:
    missing = await nobody.get("/nothing/here")
    assert (missing.status_code, missing.json()["code"]) == (404, "not_found")
    wrong = await nobody.put("/healthz")
    assert (wrong.status_code, wrong.json()["title"]) == (405, "Method not allowed")
    assert wrong.headers["allow"] == "GET, HEAD"
    assert "PUT is not for this address; it takes GET, HEAD." in wrong.json()["detail"]
    several = await nobody.put("/api/autobooking/campaigns")
    assert several.headers["allow"] == "GET, HEAD, POST"
    for answer in (missing, wrong):
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["type"].startswith("urn:parker-flight:problem:")


async def test_head_is_answered_as_get_is_without_the_body(nobody: Any) -> None:
    for path in ("/healthz", "/docs", "/static/app.css", "/nothing/here"):
        asked, shown = await nobody.head(path), await nobody.get(path)
        assert (asked.status_code, asked.content) == (shown.status_code, b"")
        assert asked.headers["content-type"] == shown.headers["content-type"]


async def test_large_and_unreadable_bodies_are_refused(ana: Any) -> None:
    large = await ana.http.post("/api/autobooking/traveler", content=b"{" + b" " * 200_000)
    assert large.status_code == 413
    json_type = {"Content-Type": "application/json"}
    broken = await ana.http.post("/api/autobooking/traveler", content=b"{nope", headers=json_type)
    assert (broken.status_code, broken.json()["code"]) == (400, "unreadable")
    assert broken.json()["errors"][0]["field"] == "body"
    untyped = await ana.http.post(
        "/api/autobooking/traveler", content=b"{}", headers={"Content-Type": "text/plain"}
    )
    assert "Content-Type: application/json" in untyped.json()["errors"][-1]["remedy"]
    deep = await ana.http.post(
        "/api/autobooking/traveler", content=b"[" * 60_000, headers=json_type
    )
    assert deep.status_code in {400, 422}


async def test_answers_carry_safe_headers(nobody: Any) -> None:
    answer = await nobody.get("/healthz")
    assert answer.json() == {"status": "ok"}
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "access-control-allow-origin" not in answer.headers


async def test_the_policy_says_which_reading_is_active(nobody: Any) -> None:
    body = (await nobody.get("/api/v1/policy")).json()
    assert body["policy"]["price_tolerance_percent"] == "2"
    assert {"C2", "C3", "C6", "C7", "C13"} <= {one["id"] for one in body["readings"]}
    assert "{cap}" in body["consent"]["template"]


async def test_readiness_tells_that_temporal_is_away(nobody: Any) -> None:
    answer = await nobody.get("/readyz")
    assert answer.status_code == 503
    assert answer.json() == {"status": "not_ready", "postgres": True, "temporal": False}


async def test_the_providers_are_reachable_and_called_a_sandbox(nobody: Any) -> None:
    body = (await nobody.get("/api/v1/health")).json()
    assert (body["status"], body["sandbox"]) == ("ok", True)
    assert {one["name"]: one["mode"] for one in body["providers"]} == {
        "duffel": "sandbox",
        "stripe": "sandbox",
        "smtp": "sandbox",
    }
