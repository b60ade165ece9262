"""Booking: rules, outcomes, money."""

from decimal import Decimal
from typing import Any

import httpx
import pytest

from sandboxes.harness import Sandbox

NOW = "2026-12-01T09:00:00Z"
LATER = "2026-12-01T12:00:00Z"


def send(
    duffel: httpx.Client, method: str, path: str, body: Any = None, now: str = NOW
) -> httpx.Response:
    wrapped = None if body is None else {"data": body}
    return duffel.request(method, path, json=wrapped, headers={"X-Sandbox-Now": now})


def find_offer(
    duffel: httpx.Client,
    origin: str = "JFK",
    destination: str = "LHR",
    *,
    owner: str = "ZZ",
    passengers: list[dict[str, Any]] | None = None,
) -> dict[str, Any]:
    slices = [{"origin": origin, "destination": destination, "departure_date": "2027-03-03"}]
    body = {"slices": slices, "passengers": passengers or [{"type": "adult"}]}
    offers = send(duffel, "POST", "/air/offer_requests", body).json()["data"]["offers"]
    found: dict[str, Any] = next(o for o in offers if o["owner"]["iata_code"] == owner)
    return found


def person(passenger_id: str, **changes: Any) -> dict[str, Any]:
    return {
        "id": passenger_id,
        "title": "ms",
        "given_name": "Ada",
        "family_name": "Example",
        "gender": "f",
        "born_on": "1988-03-02",
        "email": "ada@example.com",
        "phone_number": "+442080160509",
        **changes,
    }


def order_body(offer: dict[str, Any], **changes: Any) -> dict[str, Any]:
    payment = {
        "type": "balance",
        "amount": offer["total_amount"],
        "currency": offer["total_currency"],
    }
    return {
        "type": "instant",
        "selected_offers": [offer["id"]],
        "passengers": [person(offer["passengers"][0]["id"])],
        "payments": [payment],
        "metadata": {"ref": "attempt-1"},
        **changes,
    }


def book(duffel: httpx.Client, offer: dict[str, Any], now: str = NOW, **changes: Any):
    return send(duffel, "POST", "/air/orders", order_body(offer, **changes), now)


def code(answer: httpx.Response) -> str:
    return str(answer.json()["errors"][0]["code"])


def orders_of(duffel: httpx.Client, offer: dict[str, Any], now: str = NOW) -> list[dict[str, Any]]:
    path = f"/air/orders?offer_id={offer['id']}"
    rows: list[dict[str, Any]] = send(duffel, "GET", path, now=now).json()["data"]
    return rows


def assert_money_is_conserved(sandbox: Sandbox) -> None:
    books = sandbox.ledger()["duffel"]
    rows = books["balance_transactions"]
    for currency, left in books["balance"].items():
        moved = [Decimal(row["amount"]) for row in rows if row["currency"] == currency]
        assert sum(moved, Decimal(0)) == Decimal(left)


def test_books_and_takes_the_money_once(sandbox: Sandbox, duffel: httpx.Client):
    offer = find_offer(duffel)
    answer = book(duffel, offer)
    assert answer.status_code == 201
    order = answer.json()["data"]
    assert order["offer_id"] == offer["id"]
    assert order["metadata"] == {"ref": "attempt-1"}
    assert len(order["documents"]) == 1
    assert order["payment_status"]["paid_at"] == NOW
    assert order["slices"][0]["segments"][0]["passengers"][0]["seat"] is None
    assert [row["id"] for row in orders_of(duffel, offer)] == [order["id"]]
    same = send(duffel, "GET", f"/air/orders/{order['id']}").json()["data"]
    assert same == order
    again = book(duffel, offer)
    assert (again.status_code, code(again)) == (422, "offer_request_already_booked")
    books = sandbox.ledger()["duffel"]
    assert [row["status"] for row in books["orders"]] == ["live"]
    assert books["orders"][0]["metadata"] == {"ref": "attempt-1"}
    assert Decimal(books["balance"]["USD"]) == 1_000_000 - Decimal(offer["total_amount"])
    assert_money_is_conserved(sandbox)


def test_another_offer_of_the_same_request_is_refused(duffel: httpx.Client):
    slices = [{"origin": "JFK", "destination": "LHR", "departure_date": "2027-03-03"}]
    body = {"slices": slices, "passengers": [{"type": "adult"}]}
    offers = send(duffel, "POST", "/air/offer_requests", body).json()["data"]["offers"]
    assert book(duffel, offers[0]).status_code == 201
    assert code(book(duffel, offers[1])) == "offer_request_already_booked"


def test_services_are_paid_for_and_shown(duffel: httpx.Client):
    offer = find_offer(duffel)
    path = f"/air/offers/{offer['id']}?return_available_services=true"
    bag = send(duffel, "GET", path).json()["data"]["available_services"][0]
    services = [{"id": bag["id"], "quantity": 1}]
    short = book(duffel, offer, services=services)
    assert code(short) == "payment_amount_does_not_match_order_amount"
    total = str(Decimal(offer["total_amount"]) + Decimal(bag["total_amount"]))
    payments = [{"type": "balance", "amount": total, "currency": "USD"}]
    order = book(duffel, offer, services=services, payments=payments).json()["data"]
    assert order["total_amount"] == total
    assert order["services"][0]["total_amount"] == bag["total_amount"]
    parts = Decimal(order["base_amount"]) + Decimal(order["tax_amount"])
    assert parts + Decimal(bag["total_amount"]) == Decimal(total)


@pytest.mark.parametrize(
    ("change", "expected", "pointer"),
    [
        ({"title": "sir"}, "invalid_passenger_title", "/passengers/0/title"),
        ({"given_name": "R2D2"}, "invalid_passenger_name", "/passengers/0/given_name"),
        ({"given_name": "A" * 21}, "invalid_passenger_name", "/passengers/0/given_name"),
        ({"gender": "x"}, "validation_inclusion", "/passengers/0/gender"),
        ({"born_on": "02/03/1988"}, "validation_format", "/passengers/0/born_on"),
        ({"email": "ada"}, "invalid_email_address", "/passengers/0/email"),
        ({"phone_number": "020 8016"}, "invalid_phone_number", "/passengers/0/phone_number"),
        ({"family_name": ""}, "validation_required", "/passengers/0/family_name"),
        ({"id": "pas_no"}, "order_passengers_incompatible_with_offer", "/passengers"),
        (
            {"born_on": "2020-01-01"},
            "order_passengers_incompatible_with_offer",
            "/passengers/0/born_on",
        ),
        (
            {"identity_documents": [{"type": "passport", "unique_identifier": "1"}]},
            "validation_inclusion",
            "/passengers/0/identity_documents/0/issuing_country_code",
        ),
    ],
)
def test_passenger_rules(
    sandbox: Sandbox,
    duffel: httpx.Client,
    change: dict[str, Any],
    expected: str,
    pointer: str,
):
    offer = find_offer(duffel)
    passenger = person(offer["passengers"][0]["id"]) | change
    answer = book(duffel, offer, passengers=[passenger])
    assert answer.status_code == 422
    error = answer.json()["errors"][0]
    assert (error["code"], error["source"]["pointer"]) == (expected, pointer)
    assert sandbox.ledger()["duffel"]["orders"] == []


def test_names_with_accents_and_apostrophes_are_taken(duffel: httpx.Client):
    offer = find_offer(duffel)
    passenger = person(
        offer["passengers"][0]["id"], given_name="Zoë-Anne", family_name="O'Brien Müller"
    )
    assert book(duffel, offer, passengers=[passenger]).status_code == 201


def test_families_need_links_ages_and_different_names(duffel: httpx.Client):
    offer = find_offer(duffel, passengers=[{"age": 39}, {"age": 7}, {"age": 1}])
    adult, child, infant = (row["id"] for row in offer["passengers"])
    people = [
        person(adult),
        person(child, given_name="Bob", born_on="2019-06-01"),
        person(infant, given_name="Cleo", born_on="2025-12-01"),
    ]
    unlinked = book(duffel, offer, passengers=people)
    assert code(unlinked) == "validation_required"
    linked = [people[0] | {"infant_passenger_id": infant}, *people[1:]]
    old = [*linked[:1], linked[1] | {"born_on": "2019-03-04"}, linked[2]]
    wrong = [*linked[:1], linked[1] | {"born_on": "2018-03-01"}, linked[2]]
    assert code(book(duffel, offer, passengers=wrong)) == "order_passengers_incompatible_with_offer"
    twins = [*linked[:1], linked[1] | {"given_name": "Ada"}, linked[2]]
    assert code(book(duffel, offer, passengers=twins)) == "duplicate_passenger_name"
    # The eighth birthday is the day after the flight: still seven.
    assert book(duffel, offer, passengers=old).status_code == 201


def test_documents_when_the_airline_wants_them(duffel: httpx.Client):
    offer = find_offer(duffel, "SYD", "DXB", owner="EK")
    assert offer["passenger_identity_documents_required"] is True
    assert code(book(duffel, offer)) == "validation_required"
    passport = {
        "type": "passport",
        "unique_identifier": "123456789",
        "issuing_country_code": "GB",
        "expires_on": "2027-03-02",
    }
    passenger_id = offer["passengers"][0]["id"]
    lapsed = [person(passenger_id, identity_documents=[passport])]
    assert code(book(duffel, offer, passengers=lapsed)) == "validation_required"
    valid = [person(passenger_id, identity_documents=[passport | {"expires_on": "2031-01-01"}])]
    assert book(duffel, offer, passengers=valid).status_code == 201


def test_the_payment_must_be_right(sandbox: Sandbox, duffel: httpx.Client):
    offer = find_offer(duffel)
    amount = offer["total_amount"]
    cases = [
        ({"type": "balance", "amount": "1.00", "currency": "USD"},
         422, "payment_amount_does_not_match_order_amount"),
        ({"type": "balance", "amount": amount, "currency": "EUR"}, 422, "no_match"),
        ({"type": "gold", "amount": amount, "currency": "USD"}, 422, "validation_inclusion"),
        ({"type": "card", "amount": amount, "currency": "USD"}, 403, "unavailable_feature"),
        ({"type": "balance", "amount": 12.5, "currency": "USD"}, 422, "validation_format"),
    ]  # fmt: skip
    for payment, status, expected in cases:
        answer = book(duffel, offer, payments=[payment])
        assert (answer.status_code, code(answer)) == (status, expected)
    assert code(book(duffel, offer, payments=[])) == "validation_required"
    sandbox.control("POST", "/duffel/balance", {"currency": "USD", "amount": "10.00"})
    assert code(book(duffel, offer)) == "insufficient_balance"
    assert sandbox.ledger()["duffel"]["orders"] == []
    assert_money_is_conserved(sandbox)


def test_metadata_rules(duffel: httpx.Client):
    offer = find_offer(duffel)
    for bad in ({"a b": "x"}, {"k" * 41: "x"}, {"k": "x" * 501}, {"k": 5}, ["k"]):
        assert book(duffel, offer, metadata=bad).status_code == 422
    many = {f"k{n}": "x" for n in range(51)}
    assert code(book(duffel, offer, metadata=many)) == "validation_length"
    order = book(duffel, offer).json()["data"]
    path = f"/air/orders/{order['id']}"
    changed = send(duffel, "PATCH", path, {"metadata": {"other": "1"}}).json()["data"]
    assert changed["metadata"] == {"other": "1"}
    wrapped = {"options": {"metadata": {"js": "1"}}}
    assert send(duffel, "PATCH", path, wrapped).json()["data"]["metadata"] == {"js": "1"}


def test_expired_unknown_and_sold_offers_are_refused(sandbox: Sandbox, duffel: httpx.Client):
    offer = find_offer(duffel)
    late = book(duffel, offer, now="2026-12-01T09:30:00Z")
    assert (late.status_code, code(late)) == (422, "offer_no_longer_available")
    unknown = book(duffel, offer, selected_offers=["off_none"])
    assert (unknown.status_code, code(unknown)) == (422, "not_found")
    assert unknown.json()["errors"][0]["source"]["pointer"] == "/selected_offers/0"
    sandbox.fault("duffel", "create_order", "sold_out")
    assert code(book(duffel, offer)) == "offer_no_longer_available"
    assert send(duffel, "GET", f"/air/offers/{offer['id']}").status_code == 422


def test_price_changes_show_before_and_at_booking(sandbox: Sandbox, duffel: httpx.Client):
    offer = find_offer(duffel)
    sandbox.fault("duffel", "create_order", "price_changed", value={"amount": "25.50"})
    seen = send(duffel, "GET", f"/air/offers/{offer['id']}").json()["data"]
    assert Decimal(seen["total_amount"]) - Decimal(offer["total_amount"]) == Decimal("25.50")
    assert code(book(duffel, offer)) == "payment_amount_does_not_match_order_amount"
    assert book(duffel, seen).status_code == 201
    other = find_offer(duffel)
    sandbox.fault("duffel", "create_order", "price_changed_at_create", value={"amount": "5.00"})
    seen = send(duffel, "GET", f"/air/offers/{other['id']}").json()["data"]
    assert seen["total_amount"] == other["total_amount"]
    assert code(book(duffel, seen)) == "payment_amount_does_not_match_order_amount"


@pytest.mark.parametrize(
    ("effect", "options", "status", "expected", "booked"),
    [
        ("order_5xx_booked", {"status": 500}, 500, "internal_server_error", True),
        ("order_5xx_booked", {"status": 504}, 504, "gateway_timeout_error", True),
        ("order_not_created_502", {}, 502, "order_not_created", False),
        ("order_airline_unknown_502", {}, 502, "airline_unknown", False),
        ("order_503", {}, 503, "service_unavailable", False),
        ("payment_declined", {}, 422, "payment_declined", False),
        ("insufficient_balance", {}, 422, "insufficient_balance", False),
        ("order_duplicate_booking", {}, 422, "duplicate_booking", False),
        (
            "order_already_attempted",
            {"value": {"booked": True}},
            422,
            "order_creation_already_attempted",
            True,
        ),
        (
            "order_already_attempted",
            {"value": {"booked": False}},
            422,
            "order_creation_already_attempted",
            False,
        ),
    ],
)
def test_outcomes_that_tests_can_ask_for(
    sandbox: Sandbox,
    duffel: httpx.Client,
    *,
    effect: str,
    options: dict[str, Any],
    status: int,
    expected: str,
    booked: bool,
):
    offer = find_offer(duffel)
    sandbox.fault("duffel", "create_order", effect, **options)
    answer = book(duffel, offer)
    assert (answer.status_code, code(answer)) == (status, expected)
    assert len(orders_of(duffel, offer)) == booked
    paid = [r for r in sandbox.ledger()["duffel"]["balance_transactions"] if r["type"] == "order"]
    assert len(paid) == booked
    # What was not booked may be booked now; what was may not be booked twice.
    assert book(duffel, offer).status_code == (422 if booked else 201)
    assert len(orders_of(duffel, offer)) == 1
    assert_money_is_conserved(sandbox)


@pytest.mark.parametrize(
    ("effect", "status"), [("order_202_then_created", 202), ("order_200_without_order", 200)]
)
def test_orders_that_appear_later(sandbox: Sandbox, duffel: httpx.Client, effect: str, status: int):
    offer = find_offer(duffel)
    sandbox.fault("duffel", "create_order", effect, value={"seconds": 3600})
    answer = book(duffel, offer)
    assert answer.status_code == status
    assert "id" not in answer.json()["data"]
    assert orders_of(duffel, offer) == []
    assert sandbox.ledger()["duffel"]["orders"][0]["status"] == "pending"
    assert code(book(duffel, offer)) == "order_creation_already_attempted"
    assert orders_of(duffel, offer, "2026-12-01T09:59:59Z") == []
    appeared = orders_of(duffel, offer, "2026-12-01T10:00:00Z")
    assert len(appeared) == 1
    assert appeared[0]["metadata"] == {"ref": "attempt-1"}
    assert [row["status"] for row in sandbox.ledger()["duffel"]["orders"]] == ["live"]
    assert_money_is_conserved(sandbox)


def test_bodies_of_unknown_outcomes_can_be_varied(sandbox: Sandbox, duffel: httpx.Client):
    for body in (None, {}, {"data": None}):
        offer = find_offer(duffel)
        value = {"seconds": 1, "body": body}
        sandbox.fault("duffel", "create_order", "order_202_then_created", value=value)
        answer = book(duffel, offer)
        assert answer.status_code == 202
        assert answer.content == b"" if body is None else answer.json() == body


def test_a_creation_that_fails_later_takes_no_money(sandbox: Sandbox, duffel: httpx.Client):
    offer = find_offer(duffel)
    sandbox.fault("duffel", "create_order", "order_202_then_failed", value={"seconds": 60})
    assert book(duffel, offer).status_code == 202
    assert orders_of(duffel, offer, LATER) == []
    books = sandbox.ledger()["duffel"]
    assert [row["status"] for row in books["orders"]] == ["failed"]
    assert Decimal(books["balance"]["USD"]) == 1_000_000


def test_booking_scenarios_by_route(sandbox: Sandbox, duffel: httpx.Client):
    cases = [
        (("LHR", "LGW"), 502, 0),
        (("LGW", "STN"), 422, 0),
        (("LTN", "STN"), 200, 1),
        (("SEN", "STN"), 202, 1),
        (("LCY", "STN"), 202, 0),
    ]
    for (origin, destination), status, booked in cases:
        offer = find_offer(duffel, origin, destination)
        assert book(duffel, offer).status_code == status
        assert orders_of(duffel, offer) == []
        assert len(orders_of(duffel, offer, LATER)) == booked
    assert_money_is_conserved(sandbox)


def test_tickets_can_come_late_or_only_by_hand(sandbox: Sandbox, duffel: httpx.Client):
    sandbox.fault("duffel", "create_order", "delayed_ticketing", value={"seconds": 600})
    order = book(duffel, find_offer(duffel)).json()["data"]
    path = f"/air/orders/{order['id']}"
    assert order["documents"] == []
    assert send(duffel, "GET", path, now="2026-12-01T09:09:59Z").json()["data"]["documents"] == []
    ticketed = send(duffel, "GET", path, now="2026-12-01T09:10:00Z").json()["data"]
    assert len(ticketed["documents"]) == 1
    sandbox.fault("duffel", "create_order", "delayed_ticketing", value="never")
    order = book(duffel, find_offer(duffel)).json()["data"]
    path = f"/air/orders/{order['id']}"
    assert send(duffel, "GET", path, now="2027-02-01T00:00:00Z").json()["data"]["documents"] == []
    sandbox.control("POST", f"/duffel/orders/{order['id']}/issue_tickets")
    assert len(send(duffel, "GET", path).json()["data"]["documents"]) == 1


def test_orders_are_found_by_filters_newest_first(duffel: httpx.Client):
    first = book(duffel, find_offer(duffel)).json()["data"]
    second = book(duffel, find_offer(duffel, "JFK", "EWR"), now="2026-12-01T09:10:00Z")
    newest = second.json()["data"]

    def ids(query: str) -> list[str]:
        return [row["id"] for row in send(duffel, "GET", f"/air/orders?{query}").json()["data"]]

    assert ids("") == [newest["id"], first["id"]]
    assert ids(f"booking_reference={first['booking_reference']}") == [first["id"]]
    assert ids("destination_id[]=arp_ewr_us") == [newest["id"]]
    assert ids("passenger_name[]=Ada Example") == [newest["id"], first["id"]]
    assert ids("passenger_name[]=Nobody") == []
    assert ids("created_at[after]=2026-12-01T09:05:00Z") == [newest["id"]]
    assert ids("awaiting_payment=true") == []
    assert ids("sort=created_at") == [first["id"], newest["id"]]
    # There is no filter on metadata, so one that is tried is not looked at.
    assert ids("metadata[ref]=nothing") == [newest["id"], first["id"]]


def test_a_hold_is_paid_once_and_in_time(sandbox: Sandbox, duffel: httpx.Client):
    offer = find_offer(duffel, "JFK", "EWR")
    paid_at_once = book(duffel, offer, type="hold")
    assert code(paid_at_once) == "payments_not_allowed_for_order_type"
    order = book(duffel, offer, type="hold", payments=[]).json()["data"]
    assert order["payment_status"]["awaiting_payment"] is True
    assert order["documents"] == []
    total, currency = order["total_amount"], order["total_currency"]
    payment = {"type": "balance", "amount": total, "currency": currency}
    body = {"order_id": order["id"], "payment": payment}
    late = send(duffel, "POST", "/air/payments", body, "2026-12-04T09:00:00Z")
    assert code(late) == "past_payment_required_by_date"
    lapsed = send(duffel, "GET", f"/air/orders/{order['id']}", now="2026-12-04T09:00:00Z")
    assert lapsed.json()["data"]["payment_status"]["awaiting_payment"] is False
    done = send(duffel, "POST", "/air/payments", body)
    assert (done.status_code, done.json()["data"]["status"]) == (201, "succeeded")
    assert code(send(duffel, "POST", "/air/payments", body)) == "already_paid"
    rows = send(duffel, "GET", f"/air/payments?order_id={order['id']}").json()["data"]
    assert [row["id"] for row in rows] == [done.json()["data"]["id"]]
    shown = send(duffel, "GET", f"/air/orders/{order['id']}").json()["data"]
    assert shown["payment_status"]["paid_at"] is not None
    assert len(shown["documents"]) == 1
    assert_money_is_conserved(sandbox)


def test_low_cost_airlines_hold_nothing(duffel: httpx.Client):
    offer = find_offer(duffel, "MIL", "ROM", owner="U2")
    assert offer["payment_requirements"]["requires_instant_payment"] is True
    answer = book(duffel, offer, type="hold", payments=[])
    assert code(answer) == "invalid_order_create_type"


def test_a_cut_after_booking_leaves_an_order_to_be_found(sandbox: Sandbox, duffel: httpx.Client):
    offer = find_offer(duffel)
    sandbox.fault("duffel", "create_order", "close_after")
    with pytest.raises(httpx.TransportError):
        book(duffel, offer)
    found = orders_of(duffel, offer)
    assert [row["metadata"] for row in found] == [{"ref": "attempt-1"}]
    assert code(book(duffel, offer)) == "offer_request_already_booked"
