"""What each answer of Duffel lets us conclude, over HTTP with a server that answers as told."""

import json
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from domain.money import Money
from domain.offers import DatePair, Offer
from providers.duffel.adapter import (
    DuffelFlightOrders,
    DuffelFlightSearch,
    DuffelOrderCancellations,
)
from providers.duffel.client import DuffelClient, Timeouts
from providers.errors import (
    BadAnswer,
    CredentialsRefused,
    OutcomeUnknown,
    ProviderRefused,
    ProviderUnavailable,
    RateLimited,
)
from providers.http import HttpClient
from providers.ports import (
    CancellationQuote,
    CancellationRefused,
    OfferGone,
    OrderAbsent,
    OrderPassenger,
    OrderPlaced,
    OrderRefused,
    OrderRequest,
    OrderUnknown,
    RateWindow,
    RefusalKind,
    SearchRequest,
)

RECORDED = Path(__file__).parents[1] / "contracts" / "duffel"
SEARCH = SearchRequest(
    pair=DatePair(origin="LHR", destination="JFK", departs_on=date(2026, 12, 10))
)
ORDER = OrderRequest(
    attempt_reference="a-1",
    campaign_reference="c-1",
    offer_id="off_1",
    total=Money(minor=23245, currency="USD"),
    passengers=(
        OrderPassenger(
            ref="pas_1",
            title="ms",
            given_name="Ada",
            family_name="Example",
            gender="f",
            born_on=date(1988, 3, 2),
            email="ada@example.com",
            phone="+442080160509",
        ),
    ),
)
RESETS = "Tue, 24 Nov 2026 08:22:00 GMT"
RESETS_AT = datetime(2026, 11, 24, 8, 22, tzinfo=UTC)
CUT = b'{"data": {"id": "ord_1", "off'
HTML = b"<html>gateway</html>"


def recorded(name: str):
    return json.loads((RECORDED / f"{name}.json").read_text())


def errors(code: str, **more: Any):
    return {"errors": [{"code": code, "message": "for a human", **more}], "meta": {}}


def an_order(attempt: str = "a-1"):
    body = recorded("order")
    body["data"]["metadata"] = {"attempt_id": attempt, "campaign_id": "c-1"}
    return body


@pytest.fixture
async def client(scripted: Any) -> AsyncIterator[DuffelClient]:
    http = HttpClient("duffel", scripted.url)
    yield DuffelClient(http, "duffel_test_x", timeouts=Timeouts(order_seconds=0.3))
    await http.aclose()


@pytest.fixture
async def unreachable() -> AsyncIterator[DuffelClient]:
    http = HttpClient("duffel", "http://127.0.0.1:1")
    yield DuffelClient(http, "duffel_test_x")
    await http.aclose()


def sent(scripted: Any, index: Any = 0):
    line, headers, content = scripted.requests[index]
    method, target, _ = line.split(" ")
    url = urlsplit(target)
    return method, url.path, parse_qs(url.query), headers, content


# Placing an order


@pytest.mark.parametrize("status", [200, 201])
async def test_an_order_in_the_answer_is_placed(scripted: Any, client: DuffelClient, status: int):
    scripted.answers(status, an_order())

    outcome = await DuffelFlightOrders(client).place(ORDER)

    assert isinstance(outcome, OrderPlaced)
    assert outcome.order.order_id == "ord_0000B2wTestOrderAAAA01"
    method, path, _, headers, content = sent(scripted)
    assert (method, path) == ("POST", "/vendor/air/orders")
    assert headers["authorization"] == "Bearer duffel_test_x"
    assert headers["duffel-version"] == "v2"
    assert headers["accept"] == "application/json"
    assert headers["accept-encoding"] == "gzip"
    assert headers["content-type"] == "application/json"
    data = json.loads(content)["data"]
    assert data["metadata"] == {"attempt_id": "a-1", "campaign_id": "c-1"}
    assert data["payments"] == [{"type": "balance", "amount": "232.45", "currency": "USD"}]


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (200, None),
        (200, {"data": {"message": "accepted"}}),
        (200, HTML),
        (201, None),
        (201, CUT),
        (201, {"data": None}),
        (201, {"data": []}),
        (201, {"data": {"id": "ord_1"}}),
        (201, {"data": an_order()["data"] | {"total_amount": 232.45}}),
        (201, an_order("somebody else's")),
        (202, None),
        (202, an_order()),
        (204, None),
        (302, None),
        (408, None),
        (408, errors("offer_expired")),
        (422, CUT),
        (400, HTML),
        (422, errors("order_creation_already_attempted")),
        (422, errors("offer_request_already_booked")),
        (422, errors("duplicate_booking")),
        (400, errors("airline_unknown")),
        (500, errors("internal_server_error")),
        (500, errors("order_not_created")),
        (500, errors("offer_expired")),
        (502, HTML),
        (502, errors("airline_unknown")),
        (502, errors("order_not_created") | {"errors": [{"code": "duplicate_booking"}]}),
        (504, errors("gateway_timeout_error")),
        (520, HTML),
    ],
)
async def test_no_clear_answer_to_an_order_is_unknown(
    scripted: Any, client: DuffelClient, status: int, body: Any
):
    scripted.answers(status, body, {"X-Request-Id": "req_1"})

    outcome = await DuffelFlightOrders(client).place(ORDER)

    assert isinstance(outcome, OrderUnknown)
    assert outcome.request_id == "req_1"
    assert len(scripted.requests) == 1


@pytest.mark.parametrize(
    ("raw", "then_close"),
    [(b"", True), (b"", False), (b"HTTP/1.1 201 C\r\nContent-Length: 9\r\n\r\n{", False)],
)
async def test_an_order_without_an_answer_is_unknown(
    scripted: Any, client: DuffelClient, raw: bytes, then_close: bool
):
    scripted.sends(raw, then_close=then_close)
    assert isinstance(await DuffelFlightOrders(client).place(ORDER), OrderUnknown)
    assert len(scripted.requests) == 1


@pytest.mark.parametrize(
    ("status", "error", "kind"),
    [
        (422, errors("offer_no_longer_available"), RefusalKind.GONE),
        (422, errors("offer_expired"), RefusalKind.GONE),
        (422, errors("not_found", source={"pointer": "/selected_offers/0"}), RefusalKind.GONE),
        (422, errors("price_changed"), RefusalKind.PRICE_CHANGED),
        (422, errors("payment_amount_does_not_match_order_amount"), RefusalKind.PRICE_CHANGED),
        (422, errors("insufficient_balance"), RefusalKind.BALANCE),
        (422, errors("duplicate_passenger_name"), RefusalKind.PASSENGER_DATA),
        (422, errors("validation_format", source={"pointer": "/passengers/0/born_on"}), RefusalKind.PASSENGER_DATA),
        (422, errors("payment_declined"), RefusalKind.OTHER),
        (422, errors("never_seen_before"), RefusalKind.OTHER),
        (400, errors("missing_data_param"), RefusalKind.OTHER),
        (404, errors("not_found"), RefusalKind.OTHER),
    ],
)  # fmt: skip
async def test_a_clear_no_to_an_order_is_refused(
    scripted: Any, client: DuffelClient, status: int, error: Any, kind: RefusalKind
):
    scripted.answers(status, error, {"X-Request-Id": "req_1"})

    outcome = await DuffelFlightOrders(client).place(ORDER)

    source = error["errors"][0].get("source", {})
    assert outcome == OrderRefused(
        kind=kind,
        code=error["errors"][0]["code"],
        field=source.get("pointer"),
        request_id="req_1",
    )


@pytest.mark.parametrize(
    ("status", "body"), [(503, None), (503, HTML), (502, errors("order_not_created"))]
)
async def test_nothing_happened_says_so(
    scripted: Any, client: DuffelClient, status: int, body: Any
):
    scripted.answers(status, body)
    with pytest.raises(ProviderUnavailable):
        await DuffelFlightOrders(client).place(ORDER)


async def test_nothing_happened_when_duffel_is_not_reached(unreachable: DuffelClient):
    with pytest.raises(ProviderUnavailable):
        await DuffelFlightOrders(unreachable).place(ORDER)
    with pytest.raises(ProviderUnavailable):
        await DuffelFlightSearch(unreachable).search(SEARCH)
    with pytest.raises(ProviderUnavailable):
        await DuffelOrderCancellations(unreachable).confirm("ore_1")


@pytest.mark.parametrize(
    ("reset", "retry_at"),
    [
        (RESETS, RESETS_AT),
        ("2026-11-24T08:22:00Z", RESETS_AT),
        ("2026-11-24T09:22:00+01:00", RESETS_AT),
        ("in a while", None),
        ("", None),
    ],
)
async def test_going_too_fast_tells_when_to_go_on(
    scripted: Any, client: DuffelClient, reset: str, retry_at: Any
):
    scripted.answers(429, errors("rate_limit_exceeded"), {"RateLimit-Reset": reset})
    for attempt in (
        DuffelFlightOrders(client).place(ORDER),
        DuffelFlightSearch(client).search(SEARCH),
        DuffelOrderCancellations(client).confirm("ore_1"),
    ):
        with pytest.raises(RateLimited) as caught:
            await attempt
        assert caught.value.retry_at == retry_at


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (401, errors("access_token_not_found")),
        (401, HTML),
        (403, errors("insufficient_permissions")),
        (403, b"this account has no such product"),
        (400, errors("missing_authorization_header")),
    ],
)
async def test_a_wrong_key_is_told_apart(
    scripted: Any, client: DuffelClient, status: int, body: Any
):
    scripted.answers(status, body)
    for attempt in (
        DuffelFlightOrders(client).place(ORDER),
        DuffelFlightOrders(client).get("ord_1"),
        DuffelFlightSearch(client).search(SEARCH),
        DuffelOrderCancellations(client).quote("ord_1"),
    ):
        with pytest.raises(CredentialsRefused):
            await attempt


async def test_orders_and_confirmations_never_use_an_old_connection(
    scripted: Any, client: DuffelClient
):
    scripted.answers(422, errors("offer_expired"))
    for _ in range(2):
        await DuffelFlightSearch(client).refresh("off_1")
    assert scripted.connections == 1
    await DuffelFlightOrders(client).place(ORDER)
    await DuffelFlightOrders(client).place(ORDER)
    assert scripted.connections == 3
    await DuffelOrderCancellations(client).confirm("ore_1")
    assert scripted.connections == 4


# Finding out what became of an order


async def test_finds_its_order_on_a_later_page(scripted: Any, client: DuffelClient):
    other, ours = an_order("a-0")["data"], an_order()["data"]
    scripted.answers(200, {"data": [other, other | {"metadata": None}], "meta": {"after": "p2"}})
    scripted.answers(200, {"data": [ours], "meta": {"after": None}})

    found = await DuffelFlightOrders(client).resolve("off_1", "a-1")

    assert isinstance(found, OrderPlaced)
    assert found.order.attempt_reference == "a-1"
    assert [sent(scripted, i)[2] for i in range(2)] == [
        {"offer_id": ["off_1"], "limit": ["200"]},
        {"offer_id": ["off_1"], "limit": ["200"], "after": ["p2"]},
    ]


@pytest.mark.parametrize("meta", [{"meta": {"after": None}}, {"meta": None}, {}])
@pytest.mark.parametrize("rows", [[], [an_order("a-0")["data"]]])
async def test_an_order_that_is_in_no_row_is_absent(
    scripted: Any, client: DuffelClient, rows: Any, meta: Any
):
    scripted.answers(200, {"data": rows} | meta)
    found = await DuffelFlightOrders(client).resolve("off_1", "a-1")
    assert found == OrderAbsent()


@pytest.mark.parametrize(
    "body",
    [
        None,
        HTML,
        CUT,
        {},
        {"data": None},
        {"data": {}},
        {"data": ["ord_1"]},
        {"data": [{"id": "ord_1"}]},
        {"data": [{"id": "ord_1", "metadata": "a-1"}]},
        {"data": [{"id": "ord_1", "metadata": {"attempt_id": "a-1"}}]},
        {"data": [], "meta": {"after": 7}},
        {"data": [], "meta": {"after": "for ever"}},
    ],
)
async def test_never_calls_an_order_absent_on_a_list_it_cannot_read(
    scripted: Any, client: DuffelClient, body: Any
):
    scripted.answers(200, body)
    with pytest.raises(BadAnswer):
        await DuffelFlightOrders(client).resolve("off_1", "a-1")


@pytest.mark.parametrize("status", [408, 500, 502, 503, 504])
async def test_resolving_is_repeated_while_duffel_is_down(
    scripted: Any, client: DuffelClient, status: int
):
    scripted.answers(status, HTML)
    with pytest.raises(ProviderUnavailable):
        await DuffelFlightOrders(client).resolve("off_1", "a-1")


async def test_reads_an_order(scripted: Any, client: DuffelClient):
    scripted.answers(200, an_order())
    assert (await DuffelFlightOrders(client).get("ord/1")).attempt_reference == "a-1"
    assert sent(scripted)[:2] == ("GET", "/vendor/air/orders/ord%2F1")
    assert "content-type" not in sent(scripted)[3]


async def test_an_order_that_is_not_there_is_refused(scripted: Any, client: DuffelClient):
    scripted.answers(404, errors("not_found"))
    with pytest.raises(ProviderRefused) as caught:
        await DuffelFlightOrders(client).get("ord_1")
    assert caught.value.code == "not_found"


# Searching


async def test_sorts_offers_and_counts_those_it_cannot_read(scripted: Any, client: DuffelClient):
    body = recorded("offer_request")
    cheap = body["data"]["offers"][0]
    dear = cheap | {"id": "off_dear", "total_amount": "300.00"}
    body["data"]["offers"] = [dear, {"id": "off_bad"}, cheap, "offer", cheap | {"slices": []}]
    quota = {"RateLimit-Limit": "60", "RateLimit-Remaining": "59", "RateLimit-Reset": RESETS}
    scripted.answers(201, body, quota)

    result = await DuffelFlightSearch(client).search(SEARCH)

    assert [offer.offer_id for offer in result.offers] == [cheap["id"], "off_dear"]
    assert {offer.offer_request_id for offer in result.offers} == {"orq_0000B2wTestReqstAAAA01"}
    assert result.unreadable_offers == 3
    assert result.rate == RateWindow(limit=60, remaining=59, resets_at=RESETS_AT)
    _, path, query, _, content = sent(scripted)
    assert path == "/vendor/air/offer_requests"
    assert query == {"return_offers": ["true"], "supplier_timeout": ["20000"]}
    assert json.loads(content)["data"]["cabin_class"] == "economy"


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"RateLimit-Limit": "60", "RateLimit-Remaining": "59"},
        {"RateLimit-Limit": "many", "RateLimit-Remaining": "59", "RateLimit-Reset": RESETS},
    ],
)
async def test_a_search_without_a_whole_quota_has_none(
    scripted: Any, client: DuffelClient, headers: Any
):
    body = recorded("offer_request")
    body["data"]["offers"] = []
    scripted.answers(201, body, headers)
    result = await DuffelFlightSearch(client).search(SEARCH)
    assert (result.offers, result.rate, result.unreadable_offers) == ((), None, 0)


@pytest.mark.parametrize(("asked", "told"), [(1, "2000"), (15, "15000"), (99, "60000")])
async def test_keeps_the_supplier_timeout_in_duffels_range(
    scripted: Any, client: DuffelClient, asked: int, told: str
):
    scripted.answers(503)
    with pytest.raises(ProviderUnavailable):
        await DuffelFlightSearch(client).search(
            SEARCH.model_copy(update={"supplier_timeout_seconds": asked})
        )
    assert sent(scripted)[2]["supplier_timeout"] == [told]


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (504, errors("gateway_timeout_error"), ProviderUnavailable),
        (500, errors("internal_server_error"), ProviderUnavailable),
        (503, None, ProviderUnavailable),
        (422, errors("validation_format", source={"pointer": "/slices"}), ProviderRefused),
        (400, errors("unsupported_version"), ProviderRefused),
        (302, None, ProviderRefused),
        (201, CUT, BadAnswer),
        (200, HTML, BadAnswer),
        (201, {"data": {"id": "orq_1"}}, BadAnswer),
        (201, {"data": []}, BadAnswer),
        (201, {"offers": []}, BadAnswer),
    ],
)
async def test_a_search_that_fails_says_how(
    scripted: Any, client: DuffelClient, status: int, body: Any, error: Any
):
    scripted.answers(status, body, {"X-Request-Id": "req_1"})
    with pytest.raises(error) as caught:
        await DuffelFlightSearch(client).search(SEARCH)
    assert type(caught.value) is error
    assert caught.value.request_id == "req_1"


async def test_a_search_without_an_answer_may_be_repeated(scripted: Any, client: DuffelClient):
    scripted.sends(b"", then_close=True)
    with pytest.raises(ProviderUnavailable):
        await DuffelFlightSearch(client).search(SEARCH)


async def test_refreshes_an_offer_with_its_bags(scripted: Any, client: DuffelClient):
    offer = recorded("offer_request")["data"]["offers"][0]
    scripted.answers(200, {"data": offer | recorded("available_services")})

    found = await DuffelFlightSearch(client).refresh("off_1")

    assert isinstance(found, Offer)
    assert [bag.price.minor for bag in found.bag_services] == [2000]
    assert sent(scripted)[1:3] == (
        "/vendor/air/offers/off_1",
        {"return_available_services": ["true"]},
    )


@pytest.mark.parametrize(
    ("status", "code"),
    [(422, "offer_no_longer_available"), (422, "offer_expired"), (404, "not_found")],
)
async def test_an_offer_may_be_gone(scripted: Any, client: DuffelClient, status: int, code: str):
    scripted.answers(status, errors(code))
    assert await DuffelFlightSearch(client).refresh("off_1") == OfferGone(code=code)


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (422, errors("unsupported_action"), ProviderRefused),
        (404, HTML, ProviderRefused),
        (502, errors("airline_unknown"), ProviderUnavailable),
        (200, {"data": {"id": "off_1"}}, BadAnswer),
    ],
)
async def test_a_refresh_that_fails_does_not_call_the_offer_gone(
    scripted: Any, client: DuffelClient, status: int, body: Any, error: Any
):
    scripted.answers(status, body)
    with pytest.raises(error):
        await DuffelFlightSearch(client).refresh("off_1")


# Cancelling


async def test_quotes_and_confirms_a_cancellation(scripted: Any, client: DuffelClient):
    body = recorded("order_cancellation")
    done = {"data": body["data"] | {"confirmed_at": "2026-11-20T10:05:00Z"}}
    scripted.answers(201, body)
    scripted.answers(200, done)
    scripted.answers(200, done)
    cancellations = DuffelOrderCancellations(client)

    quote = await cancellations.quote("ord_1")
    confirmed = await cancellations.confirm("ore_1")
    read = await cancellations.get_quote("ore_1")

    assert isinstance(quote, CancellationQuote)
    assert quote.confirmed_at is None
    assert isinstance(confirmed, CancellationQuote)
    assert confirmed == read
    assert confirmed.confirmed_at == datetime(2026, 11, 20, 10, 5, tzinfo=UTC)
    assert json.loads(sent(scripted)[4]) == {"data": {"order_id": "ord_1"}}
    assert [sent(scripted, i)[:2] for i in range(3)] == [
        ("POST", "/vendor/air/order_cancellations"),
        ("POST", "/vendor/air/order_cancellations/ore_1/actions/confirm"),
        ("GET", "/vendor/air/order_cancellations/ore_1"),
    ]


@pytest.mark.parametrize(
    ("code", "already"),
    [
        ("order_not_cancellable", False),
        ("order_cancellation_stale", False),
        ("already_cancelled", True),
        ("never_seen", False),
    ],
)
async def test_a_cancellation_may_be_refused(
    scripted: Any, client: DuffelClient, code: str, already: bool
):
    scripted.answers(422, errors(code))
    cancellations = DuffelOrderCancellations(client)
    refused = CancellationRefused(code=code, already_cancelled=already)
    assert await cancellations.quote("ord_1") == refused
    assert await cancellations.confirm("ore_1") == refused


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (200, None),
        (200, CUT),
        (200, {"data": {"id": "ore_1"}}),
        (200, recorded("order_cancellation")),
        (202, None),
        (408, None),
        (422, HTML),
        (422, errors("airline_unknown")),
        (500, errors("internal_server_error")),
        (502, errors("airline_unknown")),
        (503, None),
        (504, errors("gateway_timeout_error")),
    ],
)
async def test_no_clear_answer_to_a_confirmation_is_unknown(
    scripted: Any, client: DuffelClient, status: int, body: Any
):
    scripted.answers(status, body)
    with pytest.raises(OutcomeUnknown):
        await DuffelOrderCancellations(client).confirm("ore_1")
    assert len(scripted.requests) == 1


async def test_a_confirmation_without_an_answer_is_unknown(scripted: Any, client: DuffelClient):
    scripted.sends(b"", then_close=True)
    with pytest.raises(OutcomeUnknown):
        await DuffelOrderCancellations(client).confirm("ore_1")


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (404, errors("not_found"), ProviderRefused),
        (500, errors("internal_server_error"), ProviderUnavailable),
        (201, {"data": {"id": "ore_1"}}, BadAnswer),
        (201, HTML, BadAnswer),
    ],
)
async def test_a_quote_that_fails_says_how(
    scripted: Any, client: DuffelClient, status: int, body: Any, error: Any
):
    scripted.answers(status, body)
    with pytest.raises(error):
        await DuffelOrderCancellations(client).quote("ord_1")
    if status != 201:
        with pytest.raises(error):
            await DuffelOrderCancellations(client).get_quote("ore_1")


async def test_a_confirmation_of_an_unknown_quote_is_refused(scripted: Any, client: DuffelClient):
    scripted.answers(404, errors("not_found"))
    with pytest.raises(ProviderRefused):
        await DuffelOrderCancellations(client).confirm("ore_1")


async def test_no_error_carries_personal_data(scripted: Any, client: DuffelClient):
    scripted.answers(422, errors("ada@example.com", source={"pointer": "Ada Example"}))
    outcome = await DuffelFlightOrders(client).place(ORDER)
    assert isinstance(outcome, OrderRefused)
    assert (outcome.code, outcome.field) == ("unreadable_code", None)
