"""The whole OpenAPI document against the running product: no crash, and answers as documented."""

import asyncio
import warnings
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import HypothesisWarning, Unsatisfiable

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # of libraries that Schemathesis brings, not of ours
    import schemathesis
    from schemathesis.checks import not_a_server_error
    from schemathesis.core.failures import FailureGroup
    from schemathesis.generation import GenerationMode
    from schemathesis.specs.openapi.checks import (
        content_type_conformance,
        response_headers_conformance,
        response_schema_conformance,
        status_code_conformance,
    )

CAMPAIGNS = "/api/autobooking/campaigns"
EXAMPLES = 12
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]


async def _real_ids(running: Any, person: Any, card_saver: Any, body: Any, wish: Any) -> Any:
    """Make one of each thing that a path may name; the campaign has ended, so streams end too."""
    card = await card_saver(person)
    traveler = (await person.http.post("/api/autobooking/traveler", json=body)).json()
    criteria = wish["criteria"] | {"budget": {"amount": "1.00", "currency": "USD"}}
    request = wish | {"criteria": criteria, "traveler_ids": [traveler["id"]]}
    made = await person.http.post(CAMPAIGNS, json=request, headers={"Idempotency-Key": "fuzz-0001"})
    assert made.status_code == 201, made.text
    campaign = made.json()["id"]
    assert (await person.http.post(f"{CAMPAIGNS}/{campaign}/cancel")).status_code == 200
    trip = (await person.http.post("/api/v1/trip-requests", json={"criteria": criteria})).json()
    return {
        "campaign_id": campaign,
        "traveler_id": traveler["id"],
        "method_id": card["id"],
        "trip_request_id": trip["id"],
    }


@pytest.mark.parametrize("mode", list(GenerationMode), ids=str)
async def test_every_operation_answers_as_the_document_says(
    running: Any, card_saver: Any, traveler_body: Any, wish: Any, mode: GenerationMode
) -> None:
    person = await running.make_person()
    ids = await _real_ids(running, person, card_saver, traveler_body, wish)
    failures = await asyncio.to_thread(_examine, running.url, person.key, ids, mode)
    assert failures == []


def _examine(url: str, key: str, ids: dict[str, str], mode: GenerationMode) -> list[str]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.simplefilter("error", HypothesisWarning)
        schema = schemathesis.openapi.from_url(f"{url}/openapi.json")
        found = [one.ok() for one in schema.get_all_operations()]
        assert len(found) > 25
        return [text for one in found if (text := _fuzz(one, key, ids, mode))]


def _fuzz(operation: Any, key: str, ids: dict[str, str], mode: GenerationMode) -> str:
    """Call one operation with made-up data, every other time with an id that exists."""
    calls = 0

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        derandomize=True,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def examine(case: Any) -> None:
        nonlocal calls
        calls += 1
        if calls % 2:
            for name in set(case.path_parameters or {}) & set(ids):
                case.path_parameters[name] = ids[name]
        answer = case.call(headers={"Authorization": f"Bearer {key}"}, timeout=30)
        case.validate_response(answer, checks=CHECKS)

    try:
        examine()
    except FailureGroup as error:
        return f"{operation.label}: {error.exceptions}"
    except Unsatisfiable:
        assert mode is GenerationMode.NEGATIVE, "an operation without a good request"
    return ""
