"""Searching and looking at offers, as a client of Duffel does."""

from decimal import Decimal

import httpx
import pytest

from sandboxes.harness import Sandbox

NOW = "2026-12-01T09:00:00Z"


def search(
    duffel: httpx.Client,
    *slices: tuple[str, str, str],
    now: str = NOW,
    passengers: list[dict[str, object]] | None = None,
    **fields: object,
) -> httpx.Response:
    body = {
        "slices": [
            {"origin": o, "destination": d, "departure_date": day}
            for o, d, day in slices or (("JFK", "LHR", "2027-03-03"),)
        ],
        "passengers": passengers or [{"type": "adult"}],
        **fields,
    }
    headers = {"X-Sandbox-Now": now}
    return duffel.post("/air/offer_requests/", json={"data": body}, headers=headers)


def get_offer(duffel: httpx.Client, offer_id: str, now: str = NOW) -> httpx.Response:
    path = f"/air/offers/{offer_id}?return_available_services=true"
    return duffel.get(path, headers={"X-Sandbox-Now": now})


def code(answer: httpx.Response) -> str:
    return str(answer.json()["errors"][0]["code"])


def test_the_door(sandbox: Sandbox):
    url = f"{sandbox.duffel_url}/air/orders"
    token = {"Authorization": "Bearer duffel_test_1"}
    cases: list[tuple[dict[str, str], int, str]] = [
        ({}, 401, "missing_authorization_header"),
        ({"Authorization": "Basic abc"}, 401, "invalid_authorization_header"),
        ({"Authorization": "Bearer duffel_live_1"}, 401, "access_token_not_found"),
        (token, 400, "missing_version_header"),
        (token | {"Duffel-Version": "v1"}, 400, "unsupported_version"),
    ]
    for headers, status, expected in cases:
        answer = httpx.get(url, headers=headers)
        assert (answer.status_code, code(answer)) == (status, expected)
        assert answer.headers["x-request-id"] == answer.json()["meta"]["request_id"]
    good = httpx.get(url, headers=token | {"Duffel-Version": "v2"})
    assert good.status_code == 200
    assert good.headers["ratelimit-limit"] == "4000"


def test_bodies_must_be_wrapped_json(duffel: httpx.Client):
    path = "/air/offer_requests"
    assert code(duffel.post(path, json={"slices": []})) == "missing_data_param"
    assert code(duffel.post(path, json={"data": []})) == "invalid_data_param"
    json_type = {"Content-Type": "application/json"}
    assert code(duffel.post(path, content=b"{", headers=json_type)) == "bad_request"
    assert code(duffel.post(path, content=b"a=b")) == "invalid_content_type_header"


def test_offers_have_what_a_booking_needs(duffel: httpx.Client):
    answer = search(duffel)
    assert answer.status_code == 201
    request = answer.json()["data"]
    offers = request["offers"]
    assert 12 <= len(offers) <= 40
    totals = [Decimal(offer["total_amount"]) for offer in offers]
    assert totals == sorted(totals)
    assert {"ZZ", "BA"} <= {offer["owner"]["iata_code"] for offer in offers}
    for offer in offers:
        assert offer["expires_at"] == "2026-12-01T09:30:00Z"
        parts = Decimal(offer["base_amount"]) + Decimal(offer["tax_amount"])
        assert parts == Decimal(offer["total_amount"])
        assert offer["passengers"][0]["id"] == request["passengers"][0]["id"]
        assert offer["available_services"] is None
        segments = offer["slices"][0]["segments"]
        assert segments[0]["departing_at"].startswith("2027-03-03T")
        assert segments[0]["origin"]["iata_code"] == "JFK"
        assert segments[-1]["destination"]["iata_code"] == "LHR"
    refundable = {o["conditions"]["refund_before_departure"]["allowed"] for o in offers}
    assert refundable == {True, False}


def test_the_same_search_gives_the_same_prices(duffel: httpx.Client):
    def prices(now: str) -> list[tuple[str, str, str]]:
        offers = search(duffel, now=now).json()["data"]["offers"]
        return [
            (o["total_amount"], o["owner"]["iata_code"], o["slices"][0]["fare_brand_name"])
            for o in offers
        ]

    assert prices("2026-12-01T09:00:00Z") == prices("2026-12-01T09:59:00Z")
    assert prices("2026-12-01T09:00:00Z") != prices("2026-12-03T09:00:00Z")


def test_round_trips_families_and_cabins(duffel: httpx.Client):
    there_and_back = (("JFK", "LON", "2027-03-03"), ("LON", "JFK", "2027-03-10"))
    people = [{"age": 40}, {"age": 7}, {"age": 1}]
    family = search(duffel, *there_and_back, passengers=list(people)).json()["data"]
    alone = search(duffel, *there_and_back).json()["data"]
    assert [p["type"] for p in family["passengers"]] == ["adult", "child", "infant_without_seat"]
    assert all(len(offer["slices"]) == 2 for offer in family["offers"])
    assert family["slices"][0]["destination_type"] == "city"
    ratio = Decimal(family["offers"][0]["total_amount"]) / Decimal(
        alone["offers"][0]["total_amount"]
    )
    assert abs(ratio - Decimal("1.85")) < Decimal("0.01")
    business = search(duffel, cabin_class="business").json()["data"]["offers"]
    cabins = {
        passenger["cabin_class"]
        for offer in business
        for passenger in offer["slices"][0]["segments"][0]["passengers"]
    }
    assert cabins == {"business"}


def test_connections_and_time_windows_are_honoured(duffel: httpx.Client):
    direct = search(duffel, max_connections=0).json()["data"]["offers"]
    assert {len(offer["slices"][0]["segments"]) for offer in direct} == {1}
    window = {
        "origin": "LHR",
        "destination": "JFK",
        "departure_date": "2027-03-03",
        "departure_time": {"from": "06:00", "to": "11:00"},
    }
    body = {"data": {"slices": [window], "passengers": [{"type": "adult"}]}}
    answer = duffel.post("/air/offer_requests", json=body, headers={"X-Sandbox-Now": NOW})
    for offer in answer.json()["data"]["offers"]:
        assert "06:00" <= offer["slices"][0]["segments"][0]["departing_at"][11:16] <= "11:00"


def test_outside_the_sales_window_there_are_no_offers(duffel: httpx.Client):
    for day in ("2026-12-01", "2026-11-01", "2027-12-15"):
        answer = search(duffel, ("JFK", "LHR", day))
        assert (answer.status_code, answer.json()["data"]["offers"]) == (201, [])


def test_every_bad_field_is_named(duffel: httpx.Client):
    body = {
        "slices": [{"origin": "QQQ", "departure_date": "soon"}],
        "passengers": [{"type": "dog"}, {}],
        "cabin_class": "cargo",
        "max_connections": 9,
    }
    answer = duffel.post("/air/offer_requests", json={"data": body})
    assert answer.status_code == 422
    pointers = {error["source"]["pointer"] for error in answer.json()["errors"]}
    assert pointers == {
        "/slices/0/origin",
        "/slices/0/destination",
        "/slices/0/departure_date",
        "/passengers/0/type",
        "/passengers/1/type",
        "/cabin_class",
        "/max_connections",
    }
    empty = duffel.post("/air/offer_requests", json={"data": {}})
    assert {e["source"]["pointer"] for e in empty.json()["errors"]} == {"/slices", "/passengers"}


def test_offers_can_be_listed_sorted_and_paged(duffel: httpx.Client):
    made = search(duffel).json()["data"]
    request_id = made["id"]
    wanted = {offer["id"] for offer in made["offers"]}
    seen: list[str] = []
    after = ""
    while True:
        path = f"/air/offers?offer_request_id={request_id}&sort=total_amount&limit=10{after}"
        answer = duffel.get(path).json()
        seen += [row["id"] for row in answer["data"]]
        if answer["meta"]["after"] is None:
            break
        after = f"&after={answer['meta']['after']}"
    assert seen == [offer["id"] for offer in made["offers"]]
    assert set(seen) == wanted
    again = duffel.get(f"/air/offer_requests/{request_id}").json()["data"]
    assert {offer["id"] for offer in again["offers"]} == wanted
    assert "offers" not in duffel.get("/air/offer_requests").json()["data"][0]
    assert duffel.get("/air/offers").status_code == 422
    assert duffel.get("/air/offers?offer_request_id=orq_none").status_code == 404
    bad = duffel.get(f"/air/offers?offer_request_id={request_id}&after=nonsense")
    assert bad.status_code == 422


def test_offers_expire_on_the_callers_clock(duffel: httpx.Client):
    offer = search(duffel).json()["data"]["offers"][0]
    assert get_offer(duffel, offer["id"], "2026-12-01T09:29:59Z").status_code == 200
    late = get_offer(duffel, offer["id"], "2026-12-01T09:30:00Z")
    assert (late.status_code, code(late)) == (422, "offer_no_longer_available")
    # Another caller, on an earlier clock, is not touched by that.
    assert get_offer(duffel, offer["id"]).status_code == 200
    assert get_offer(duffel, "off_none").status_code == 404


def test_services_can_be_priced(duffel: httpx.Client):
    offer = search(duffel, ("JFK", "LHR", "2027-03-03")).json()["data"]["offers"][0]
    shown = get_offer(duffel, offer["id"]).json()["data"]
    bag = shown["available_services"][0]
    body = {
        "intended_services": [{"id": bag["id"], "quantity": 2}],
        "intended_payment_methods": [{"type": "balance"}],
    }
    path = f"/air/offers/{offer['id']}/actions/price"
    priced = duffel.post(path, json={"data": body}, headers={"X-Sandbox-Now": NOW}).json()["data"]
    expected = Decimal(offer["total_amount"]) + 2 * Decimal(bag["total_amount"])
    assert Decimal(priced["intended_payment_methods"][0]["charge_amount"]) == expected
    unknown = {"data": {"intended_services": [{"id": "ase_none", "quantity": 1}]}}
    answer = duffel.post(path, json=unknown, headers={"X-Sandbox-Now": NOW})
    assert (answer.status_code, code(answer)) == (422, "not_found")


@pytest.mark.parametrize("fare", [{"amount": "199.99"}, {"amount": "199.99", "airline": "ZZ"}])
def test_fares_can_be_set(sandbox: Sandbox, duffel: httpx.Client, fare: dict[str, str]):
    before = search(duffel).json()["data"]["offers"]
    route = {"origin": "JFK", "destination": "LON", "departure_date": "2027-03-03"}
    sandbox.control("POST", "/duffel/fares", {**route, **fare})
    after = search(duffel).json()["data"]["offers"]
    assert after[0]["total_amount"] == "199.99"
    if "airline" in fare:
        assert after[0]["owner"]["iata_code"] == "ZZ"

        def others(offers: list[dict[str, object]]) -> list[object]:
            return [o["total_amount"] for o in offers if o["owner"]["iata_code"] != "ZZ"]  # type: ignore[index]

        assert others(after) == others(before)
    other_day = search(duffel, ("JFK", "LHR", "2027-03-04")).json()["data"]["offers"]
    assert other_day[0]["total_amount"] != "199.99"
    sandbox.control("DELETE", "/duffel/fares")
    cleared = search(duffel).json()["data"]["offers"]
    assert [o["total_amount"] for o in cleared] == [o["total_amount"] for o in before]


def test_fares_hold_for_a_span_of_the_callers_clock(sandbox: Sandbox, duffel: httpx.Client):
    rule = {"origin": "JFK", "destination": "LHR", "multiplier": 0.5}
    span = {"from": "2026-12-02T00:00:00Z", "until": "2026-12-03T00:00:00Z"}
    plain = search(duffel, now="2026-12-02T12:00:00Z").json()["data"]["offers"][0]
    sandbox.control("POST", "/duffel/fares", rule | span)
    half = search(duffel, now="2026-12-02T12:00:00Z").json()["data"]["offers"][0]
    ratio = Decimal(half["total_amount"]) / Decimal(plain["total_amount"])
    assert abs(ratio - Decimal("0.5")) < Decimal("0.001")
    for now in ("2026-12-01T23:59:59Z", "2026-12-03T00:00:00Z"):
        bent = search(duffel, now=now).json()["data"]["offers"][0]["total_amount"]
        sandbox.control("DELETE", "/duffel/fares")
        assert search(duffel, now=now).json()["data"]["offers"][0]["total_amount"] == bent
        sandbox.control("POST", "/duffel/fares", rule | span)


def test_reference_data(duffel: httpx.Client):
    zz = duffel.get("/air/airlines/arl_00009VME7D6ivUu8dn35WK").json()["data"]
    assert zz["iata_code"] == "ZZ"
    names: list[str] = []
    after = ""
    while after is not None:
        query = f"?limit=30{f'&after={after}' if after else ''}"
        answer = duffel.get(f"/air/airlines{query}").json()
        names += [row["name"] for row in answer["data"]]
        after = answer["meta"]["after"]
    assert names == sorted(names)
    assert len(names) > 50
    assert duffel.get("/air/airports/arp_lhr_gb").json()["data"]["iata_city_code"] == "LON"
    assert duffel.get("/air/airports/arp_lhr_fr").status_code == 404
    found = duffel.get("/air/airports?iata_code=JFK").json()["data"]
    assert [row["id"] for row in found] == ["arp_jfk_us"]
    places = duffel.get("/places/suggestions", params={"query": "new york"}).json()["data"]
    assert places[0]["id"] == "cit_nyc_us"
    near = duffel.get("/places/suggestions?lat=51.47&lng=-0.45&rad=20000").json()["data"]
    assert near[0]["iata_code"] == "LHR"


def test_search_scenarios(sandbox: Sandbox, duffel: httpx.Client):
    def offers(origin: str, destination: str) -> list[dict[str, object]]:
        answer = search(duffel, (origin, destination, "2027-03-03"))
        found: list[dict[str, object]] = answer.json()["data"]["offers"]
        return found

    assert offers("PVD", "RAI") == []
    assert search(duffel, ("STN", "LHR", "2027-03-03")).status_code == 504
    for hold in offers("JFK", "EWR"):
        assert hold["payment_requirements"]["requires_instant_payment"] is False  # type: ignore[index]
    text = str(offers("LHR", "DXB"))
    assert text
    for offer in offers("LHR", "DXB"):
        assert len(offer["slices"][0]["segments"]) == 2  # type: ignore[index]
    for offer in offers("DXB", "AMS"):
        assert len(offer["slices"][0]["segments"][0]["stops"]) == 1  # type: ignore[index]
    for offer in offers("BTS", "MRU"):
        assert offer["slices"][0]["segments"][0]["passengers"][0]["baggages"] == []  # type: ignore[index]
    bare = get_offer(duffel, str(offers("BTS", "ABV")[0]["id"])).json()["data"]
    assert bare["available_services"] == []
    gone = get_offer(duffel, str(offers("LGW", "LHR")[0]["id"]))
    assert code(gone) == "offer_no_longer_available"
    rising = offers("LHR", "STN")[0]
    for looks in (1, 2, 3):
        seen = get_offer(duffel, str(rising["id"])).json()["data"]["total_amount"]
        assert Decimal(seen) - Decimal(str(rising["total_amount"])) == 10 * looks
