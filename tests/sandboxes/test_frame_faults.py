"""Faults, as a client sees them over real connections."""

import json

import httpx
import pytest

from sandboxes.harness import Sandbox

SEARCH = {
    "data": {
        "slices": [{"origin": "JFK", "destination": "LHR", "departure_date": "2027-03-03"}],
        "passengers": [{"type": "adult"}],
    }
}
NOW = {"X-Sandbox-Now": "2026-12-01T09:00:00Z"}


def search(duffel: httpx.Client, **options: object) -> httpx.Response:
    return duffel.post("/air/offer_requests", json=SEARCH, headers=NOW, **options)


def searches(sandbox: Sandbox) -> int:
    return int(sandbox.ledger()["duffel"]["searches"])


def test_control_plane_wants_its_token(sandbox: Sandbox):
    for headers in ({}, {"X-Sandbox-Control": "wrong"}):
        answer = httpx.get(f"{sandbox.url}/_control/ledger", headers=headers)
        assert answer.status_code == 403


def test_lists_operations_with_their_kinds(sandbox: Sandbox):
    rows = sandbox.control("GET", "/operations")
    kinds = {(row["vendor"], row["operation"]): row["kind"] for row in rows}
    assert kinds["duffel", "create_order"] == "write"
    assert kinds["duffel", "get_offer"] == "read"
    assert kinds["mail", "deliver"] == "write"
    assert len(kinds) == len(rows)


@pytest.mark.parametrize("before", ["close_before", "timeout_before"])
def test_cut_before_leaves_nothing_done(sandbox: Sandbox, duffel: httpx.Client, before: str):
    sandbox.fault("duffel", "create_offer_request", before, seconds=0.2)
    with pytest.raises(httpx.TransportError):
        search(duffel)
    assert searches(sandbox) == 0
    assert search(duffel).status_code == 201


@pytest.mark.parametrize("after", ["close_after", "timeout_after"])
def test_cut_after_leaves_it_done(sandbox: Sandbox, duffel: httpx.Client, after: str):
    sandbox.fault("duffel", "create_offer_request", after, seconds=0.2)
    with pytest.raises(httpx.TransportError):
        search(duffel)
    assert searches(sandbox) == 1


def test_late_is_done_though_the_client_has_gone(sandbox: Sandbox, duffel: httpx.Client):
    sandbox.fault("duffel", "create_offer_request", "late", seconds=0.5)
    with pytest.raises(httpx.ReadTimeout):
        search(duffel, timeout=0.1)
    assert searches(sandbox) == 0
    # A second call, delayed for longer, answers after the first was done.
    sandbox.fault("duffel", "get_offer", "delay", seconds=1.5)
    duffel.get("/air/offers/off_none")
    assert searches(sandbox) == 1


@pytest.mark.parametrize(("effect", "done"), [("error_before", 0), ("error_after", 1)])
def test_errors_wear_the_vendors_envelope(
    sandbox: Sandbox, duffel: httpx.Client, effect: str, done: int
):
    sandbox.fault("duffel", "create_offer_request", effect, status=502, code="order_not_created")
    answer = search(duffel)
    assert answer.status_code == 502
    assert answer.json()["errors"][0]["code"] == "order_not_created"
    assert answer.json()["meta"]["status"] == 502
    assert searches(sandbox) == done


def test_rate_limit_shows_when_to_come_back(sandbox: Sandbox, duffel: httpx.Client):
    sandbox.fault("duffel", "create_offer_request", "rate_limit")
    answer = search(duffel)
    assert answer.status_code == 429
    assert answer.json()["errors"][0]["type"] == "rate_limit_error"
    assert answer.headers["ratelimit-remaining"] == "0"
    assert answer.headers["ratelimit-reset"].endswith("GMT")


def test_garbage_of_every_kind(sandbox: Sandbox, duffel: httpx.Client):
    offer = search(duffel).json()["data"]["offers"][0]
    path = f"/air/offers/{offer['id']}"
    sandbox.fault("duffel", "get_offer", "garbage_truncated")
    with pytest.raises(json.JSONDecodeError):
        duffel.get(path, headers=NOW).json()
    sandbox.fault("duffel", "get_offer", "garbage_types")
    assert not isinstance(duffel.get(path, headers=NOW).json()["data"]["total_amount"], str)
    sandbox.fault("duffel", "get_offer", "garbage_missing")
    assert "id" not in duffel.get(path, headers=NOW).json()["data"]
    sandbox.fault("duffel", "get_offer", "garbage_html")
    answer = duffel.get(path, headers=NOW)
    assert (answer.status_code, answer.headers["content-type"][:9]) == (200, "text/html")
    sandbox.fault("duffel", "get_offer", "hang_headers", seconds=0.2)
    with pytest.raises(httpx.RemoteProtocolError):
        duffel.get(path, headers=NOW)
    assert duffel.get(path, headers=NOW).json()["data"]["id"] == offer["id"]


def test_a_huge_body_can_be_left_early(sandbox: Sandbox, duffel: httpx.Client):
    sandbox.fault("duffel", "list_airlines", "garbage_huge")
    size = 0
    with duffel.stream("GET", "/air/airlines") as answer:
        for chunk in answer.iter_bytes():
            size += len(chunk)
            if size > 5_000_000:
                break
    assert size > 5_000_000
    assert duffel.get("/air/airlines").status_code == 200


def test_garbage_of_a_write_is_harmless_unless_after(sandbox: Sandbox, duffel: httpx.Client):
    sandbox.fault("duffel", "create_offer_request", "garbage_truncated")
    search(duffel)
    assert searches(sandbox) == 0
    sandbox.fault("duffel", "create_offer_request", "garbage_truncated", value="after")
    search(duffel)
    assert searches(sandbox) == 1


def test_skip_times_contains_and_counts(sandbox: Sandbox, duffel: httpx.Client):
    options = {"skip": 1, "times": 2, "contains": "/air/offers/off_", "status": 500}
    sandbox.fault("duffel", "*", "error_before", **options)
    statuses = [duffel.get("/air/offers/off_1").status_code for _ in range(4)]
    assert statuses == [404, 500, 500, 404]
    assert duffel.get("/air/orders/off_1").status_code == 404
    rule = sandbox.control("GET", "/faults")[0]
    assert (rule["seen"], rule["fired"]) == (4, 2)
    sandbox.control("DELETE", f"/faults/{rule['id']}")
    assert sandbox.control("GET", "/faults") == []


def test_refuses_rules_that_mean_nothing(sandbox: Sandbox):
    for bad in (
        {"vendor": "nobody", "effect": "delay"},
        {"vendor": "duffel", "effect": "explode"},
        {"vendor": "duffel", "operation": "fly", "effect": "delay"},
        {"vendor": "duffel", "effect": "delay", "times": 0},
        {"vendor": "mail", "effect": "order_503"},
    ):
        with pytest.raises(httpx.HTTPStatusError) as caught:
            sandbox.control("POST", "/faults", bad)
        assert caught.value.response.status_code == 422


def test_the_log_tells_what_came_and_how_it_ended(sandbox: Sandbox, duffel: httpx.Client):
    search(duffel)
    sandbox.fault("duffel", "get_order", "close_before")
    with pytest.raises(httpx.TransportError):
        duffel.get("/air/orders/ord_1")
    rows = sandbox.control("GET", "/requests?vendor=duffel")
    assert [(r["operation"], r["status"], r["fault"]) for r in rows] == [
        ("create_offer_request", 201, None),
        ("get_order", None, "close_before"),
    ]
    assert rows[0]["now"].startswith("2026-12-01T09:00:00")
    newer = sandbox.control("GET", f"/requests?since_id={rows[0]['id']}&operation=get_order")
    assert [row["id"] for row in newer] == [rows[1]["id"]]
    counts = sandbox.control("GET", "/requests/count")
    assert counts == {"duffel": {"create_offer_request": 1, "get_order": 1}}


def test_every_operation_can_be_cut_without_an_answer(sandbox: Sandbox, duffel: httpx.Client):
    for vendor in ("duffel", "stripe"):
        sandbox.fault(vendor, "*", "close_before", times=None)
    for row in sandbox.control("GET", "/operations"):
        if row["method"] == "SMTP":
            continue
        path = row["path"].replace("{id}", "x")
        with pytest.raises(httpx.TransportError):
            duffel.request(row["method"], f"{sandbox.url}{path}")


def test_a_bad_instant_is_refused(sandbox: Sandbox, duffel: httpx.Client):
    for text in ("yesterday", "2026-12-01T09:00:00"):
        answer = duffel.get("/air/orders", headers={"X-Sandbox-Now": text})
        assert answer.status_code == 400
