"""Our Duffel adapters against the stand-in: the calls fit, and we conclude what is in its books."""

import asyncio
import json
import time
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from domain.money import Money
from domain.offers import Cabin, DatePair, Offer, Party
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
    ProviderUnavailable,
    RateLimited,
)
from providers.http import Answer, HttpClient
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
    PassengerDocument,
    RefusalKind,
    SearchPassenger,
    SearchRequest,
)

DAY = date(2027, 3, 10)
AGES = {"adult": 34, "child": 8, "infant": 1}
TIMEOUTS = Timeouts(order_seconds=2, cancellation_seconds=2)
Behave = Callable[..., None]


@dataclass
class Clock:
    now: datetime = datetime(2026, 12, 1, 9, tzinfo=UTC)

    def header(self) -> dict[str, str]:
        return {"X-Sandbox-Now": self.now.isoformat()}


@dataclass(frozen=True)
class Duffel:
    """Our three adapters on one connection, at a moment that tests can move."""

    client: DuffelClient
    clock: Clock

    @property
    def search(self) -> DuffelFlightSearch:
        return DuffelFlightSearch(self.client)

    @property
    def orders(self) -> DuffelFlightOrders:
        return DuffelFlightOrders(self.client)

    @property
    def cancellations(self) -> DuffelOrderCancellations:
        return DuffelOrderCancellations(self.client)

    async def cheapest(self, origin: str = "LHR", destination: str = "JFK") -> Offer:
        pair = DatePair(origin=origin, destination=destination, departs_on=DAY)
        people = (SearchPassenger(age=AGES["adult"]),)
        return (await self.search.search(SearchRequest(pair=pair, passengers=people))).offers[0]


@pytest.fixture
async def duffel(sandbox: Any) -> AsyncIterator[Duffel]:
    clock = Clock()
    http = HttpClient("duffel", f"{sandbox.url}/duffel", on_request=[clock.header])
    yield Duffel(DuffelClient(http, "duffel_test_x", timeouts=TIMEOUTS), clock)
    await http.aclose()


@pytest.fixture
def behave(sandbox: Any) -> Iterator[Behave]:
    def add(operation: str, effect: str, **more: Any) -> None:
        rule = {"vendor": "duffel", "operation": operation, "effect": effect} | more
        sandbox.control("POST", "/faults", json=rule)

    yield add
    sandbox.control("DELETE", "/faults")


def booked(sandbox: Any, reference: str) -> list[dict[str, Any]]:
    orders = sandbox.control("GET", "/ledger")["duffel"]["orders"]
    return [o for o in orders if (o["metadata"] or {}).get("attempt_id") == reference]


def order_for(offer: Offer, **changes: Any) -> OrderRequest:
    """Name a traveller for each passenger of the offer; infants go with the first adult."""
    infants = [p.ref for p in offer.passengers if p.age is not None and p.age < 2]
    people = []
    for number, passenger in enumerate(offer.passengers):
        age = AGES["adult"] if passenger.age is None else passenger.age
        seated = passenger.ref not in infants
        people.append(
            OrderPassenger(
                ref=passenger.ref,
                title="ms",
                given_name=["Ada", "Grace", "Mary", "Joan"][number],
                family_name="Example",
                gender="f",
                born_on=DAY - timedelta(days=365 * age + 100),
                email="ada@example.com",
                phone="+442080160509",
                infant_ref=infants.pop() if infants and seated else None,
                documents=(
                    PassengerDocument(
                        kind="passport",
                        number="000000000",
                        issuing_country="GB",
                        expires_on=date(2035, 1, 1),
                    ),
                )
                if offer.documents_required
                else (),
            )
        )
    request = OrderRequest(
        attempt_reference=f"attempt-{uuid.uuid4()}",
        campaign_reference="campaign-1",
        offer_id=offer.offer_id,
        total=offer.total,
        passengers=tuple(people),
    )
    return request.model_copy(update=changes)


# Searching


@pytest.mark.parametrize("cabin", list(Cabin))
async def test_reads_every_offer_of_a_return_for_a_family(duffel: Duffel, cabin: Cabin) -> None:
    pair = DatePair(
        origin="LON",
        destination="NYC",
        departs_on=DAY,
        returns_on=DAY + timedelta(days=7),
        cabin=cabin,
        party=Party(adults=2, children=1, infants=1),
    )
    result = await duffel.search.search(SearchRequest(pair=pair))

    assert len(result.offers) > 5
    assert result.unreadable_offers == 0
    assert result.rate is not None
    assert 0 <= result.rate.remaining < result.rate.limit
    totals = [offer.total.minor for offer in result.offers]
    assert totals == sorted(totals)
    for offer in result.offers:
        assert len(offer.itinerary.slices) == 2
        assert offer.itinerary.departs_on == DAY
        assert len(offer.passengers) == 4
        assert offer.expires_at > duffel.clock.now


@pytest.mark.parametrize("connections", [0, 1])
async def test_asks_for_no_more_connections_than_wanted(duffel: Duffel, connections: int) -> None:
    pair = DatePair(origin="LHR", destination="SIN", departs_on=DAY)
    result = await duffel.search.search(SearchRequest(pair=pair, max_connections=connections))
    assert result.offers
    assert all(len(o.itinerary.slices[0].segments) - 1 <= connections for o in result.offers)


async def test_finds_nothing_where_nothing_is_sold(duffel: Duffel) -> None:
    pair = DatePair(origin="PVD", destination="RAI", departs_on=DAY)
    result = await duffel.search.search(SearchRequest(pair=pair))
    assert (result.offers, result.unreadable_offers) == ((), 0)


async def test_a_search_that_times_out_at_the_airline_may_be_repeated(duffel: Duffel) -> None:
    with pytest.raises(ProviderUnavailable) as caught:
        await duffel.cheapest("STN", "LHR")
    assert caught.value.code == "gateway_timeout_error"


async def test_refreshes_an_offer_and_sees_its_bags(duffel: Duffel) -> None:
    offer = await duffel.cheapest()
    fresh = await duffel.search.refresh(offer.offer_id)
    assert isinstance(fresh, Offer)
    assert fresh.itinerary == offer.itinerary
    assert fresh.total == offer.total
    assert fresh.bag_services
    assert {bag.passenger_ref for bag in fresh.bag_services} == {offer.passengers[0].ref}


async def test_sees_that_an_offer_is_gone(duffel: Duffel) -> None:
    assert isinstance(await duffel.search.refresh("off_never_seen"), OfferGone)
    gone = await duffel.cheapest("LGW", "LHR")
    assert await duffel.search.refresh(gone.offer_id) == OfferGone(code="offer_no_longer_available")
    expired = await duffel.cheapest()
    duffel.clock.now += timedelta(hours=1)
    assert isinstance(await duffel.search.refresh(expired.offer_id), OfferGone)


@pytest.mark.parametrize(
    ("effect", "error"),
    [
        ("rate_limit", RateLimited),
        ("close_before", ProviderUnavailable),
        ("close_after", ProviderUnavailable),
        ("error_before", ProviderUnavailable),
        ("garbage_truncated", BadAnswer),
        ("garbage_html", BadAnswer),
        ("garbage_missing", BadAnswer),
        ("garbage_huge", ProviderUnavailable),
    ],
)
async def test_a_disturbed_refresh_is_never_taken_for_an_answer(
    duffel: Duffel, behave: Behave, effect: str, error: type[Exception]
) -> None:
    offer = await duffel.cheapest()
    behave("get_offer", effect, status=500)
    with pytest.raises(error):
        await duffel.search.refresh(offer.offer_id)


async def test_a_wrong_key_is_refused(sandbox: Any) -> None:
    http = HttpClient("duffel", f"{sandbox.url}/duffel")
    with pytest.raises(CredentialsRefused):
        await DuffelFlightOrders(DuffelClient(http, "wrong")).get("ord_1")
    await http.aclose()


# Ordering


async def test_places_an_order_with_a_bag_and_finds_it_again(sandbox: Any, duffel: Duffel) -> None:
    offer = await duffel.search.refresh((await duffel.cheapest()).offer_id)
    assert isinstance(offer, Offer)
    bag = offer.bag_services[0]
    request = order_for(offer, total=offer.total + bag.price, services=((bag.service_id, 1),))

    placed = await duffel.orders.place(request)

    assert isinstance(placed, OrderPlaced)
    assert placed.order.total == request.total
    assert placed.order.offer_id == offer.offer_id
    assert placed.order.attempt_reference == request.attempt_reference
    assert placed.order.itinerary == offer.itinerary
    assert placed.order.tickets
    assert json.loads(placed.order.raw)["id"] == placed.order.order_id
    resolved = await duffel.orders.resolve(offer.offer_id, request.attempt_reference)
    assert isinstance(resolved, OrderPlaced)
    assert resolved.order.order_id == placed.order.order_id
    assert (await duffel.orders.get(placed.order.order_id)).order_id == placed.order.order_id
    (row,) = booked(sandbox, request.attempt_reference)
    assert row["total_amount"] == request.total.amount()


async def test_places_an_order_for_a_family(duffel: Duffel) -> None:
    pair = DatePair(origin="LHR", destination="JFK", departs_on=DAY)
    people = tuple(SearchPassenger(age=age) for age in AGES.values())
    found = await duffel.search.search(SearchRequest(pair=pair, passengers=people))
    placed = await duffel.orders.place(order_for(found.offers[0]))
    assert isinstance(placed, OrderPlaced), placed


async def test_a_second_order_for_one_offer_is_never_a_second_booking(
    sandbox: Any, duffel: Duffel
) -> None:
    request = order_for(await duffel.cheapest())
    assert isinstance(await duffel.orders.place(request), OrderPlaced)
    again = await duffel.orders.place(request)
    assert isinstance(again, OrderUnknown)
    assert again.code == "offer_request_already_booked"
    assert len(booked(sandbox, request.attempt_reference)) == 1


async def test_an_offer_of_another_attempt_is_not_ours(duffel: Duffel) -> None:
    request = order_for(await duffel.cheapest())
    assert isinstance(await duffel.orders.place(request), OrderPlaced)
    found = await duffel.orders.resolve(request.offer_id, "somebody-else")
    assert found == OrderAbsent()


@pytest.mark.parametrize(
    ("effect", "kind"),
    [
        ("sold_out", RefusalKind.GONE),
        ("insufficient_balance", RefusalKind.BALANCE),
        ("payment_declined", RefusalKind.OTHER),
    ],
)
async def test_a_refused_order_books_nothing(
    sandbox: Any, duffel: Duffel, behave: Behave, effect: str, kind: RefusalKind
) -> None:
    request = order_for(await duffel.cheapest())
    behave("create_order", effect)
    refused = await duffel.orders.place(request)
    assert isinstance(refused, OrderRefused)
    assert refused.kind is kind
    assert refused.request_id
    assert booked(sandbox, request.attempt_reference) == []


async def test_a_wrong_amount_is_a_changed_price(duffel: Duffel) -> None:
    offer = await duffel.cheapest()
    less = Money(minor=offer.total.minor - 1, currency=offer.total.currency)
    refused = await duffel.orders.place(order_for(offer, total=less))
    assert isinstance(refused, OrderRefused)
    assert refused.kind is RefusalKind.PRICE_CHANGED


async def test_a_name_that_the_airline_cannot_take_is_passenger_data(duffel: Duffel) -> None:
    request = order_for(await duffel.cheapest())
    person = request.passengers[0].model_copy(update={"given_name": "4da"})
    refused = await duffel.orders.place(request.model_copy(update={"passengers": (person,)}))
    assert isinstance(refused, OrderRefused)
    assert refused.kind is RefusalKind.PASSENGER_DATA
    assert refused.field == "/passengers/0/given_name"


async def test_an_expired_offer_is_gone(duffel: Duffel) -> None:
    request = order_for(await duffel.cheapest())
    duffel.clock.now += timedelta(hours=1)
    refused = await duffel.orders.place(request)
    assert isinstance(refused, OrderRefused)
    assert refused.kind is RefusalKind.GONE


UNKNOWN: list[tuple[str, dict[str, Any], bool]] = [
    ("timeout_before", {}, False),
    ("timeout_after", {}, True),
    ("hang_headers", {}, False),
    ("close_before", {}, False),
    ("close_after", {}, True),
    ("error_before", {"status": 500}, False),
    ("error_after", {"status": 500}, True),
    ("error_after", {"status": 504}, True),
    ("garbage_truncated", {"value": "after"}, True),
    ("garbage_missing", {"value": "after"}, True),
    ("garbage_types", {"value": "after"}, True),
    ("garbage_html", {"value": "after"}, True),
    ("garbage_html", {}, False),
    ("garbage_huge", {"value": "after"}, True),
    ("order_5xx_booked", {"status": 500}, True),
    ("order_5xx_booked", {"status": 502}, True),
    ("order_5xx_booked", {"status": 504}, True),
    ("order_airline_unknown_502", {}, False),
    ("order_already_attempted", {"value": {"booked": True}}, True),
    ("order_already_attempted", {"value": {"booked": False}}, False),
    ("order_duplicate_booking", {"value": {"booked": True}}, True),
    ("order_202_then_created", {"value": {"seconds": 3600}}, False),
    ("order_200_without_order", {"value": {"seconds": 3600}}, False),
    ("order_202_then_failed", {"value": {"seconds": 0}}, False),
]


@pytest.mark.parametrize("case", UNKNOWN, ids=str)
async def test_resolves_every_unknown_outcome_to_what_is_in_the_books(
    sandbox: Any, duffel: Duffel, behave: Behave, case: tuple[str, dict[str, Any], bool]
) -> None:
    effect, more, exists = case
    request = order_for(await duffel.cheapest())
    behave("create_order", effect, **more)

    assert isinstance(await duffel.orders.place(request), OrderUnknown)

    found = await duffel.orders.resolve(request.offer_id, request.attempt_reference)
    live = [o for o in booked(sandbox, request.attempt_reference) if o["status"] == "live"]
    assert isinstance(found, OrderPlaced if exists else OrderAbsent)
    assert len(live) == exists
    if isinstance(found, OrderPlaced):
        assert found.order.order_id == live[0]["id"]


async def test_an_order_that_comes_later_is_found_later(duffel: Duffel, behave: Behave) -> None:
    request = order_for(await duffel.cheapest())
    behave("create_order", "order_202_then_created", value={"seconds": 600})
    assert isinstance(await duffel.orders.place(request), OrderUnknown)
    key = (request.offer_id, request.attempt_reference)
    assert await duffel.orders.resolve(*key) == OrderAbsent()
    duffel.clock.now += timedelta(days=400)  # the later of our clock and the machine's counts
    assert isinstance(await duffel.orders.resolve(*key), OrderPlaced)


async def test_an_order_made_after_we_had_gone_is_found(
    sandbox: Any, duffel: Duffel, behave: Behave
) -> None:
    request = order_for(await duffel.cheapest())
    behave("create_order", "late", seconds=3)
    assert isinstance(await duffel.orders.place(request), OrderUnknown)
    deadline = time.monotonic() + 30
    while not booked(sandbox, request.attempt_reference):
        assert time.monotonic() < deadline
        await asyncio.sleep(0.05)
    found = await duffel.orders.resolve(request.offer_id, request.attempt_reference)
    assert isinstance(found, OrderPlaced)


@pytest.mark.parametrize(
    ("effect", "error"),
    [
        ("order_503", ProviderUnavailable),
        ("order_not_created_502", ProviderUnavailable),
        ("rate_limit", RateLimited),
    ],
)
async def test_nothing_is_booked_when_we_say_that_nothing_happened(
    sandbox: Any, duffel: Duffel, behave: Behave, effect: str, error: type[Exception]
) -> None:
    request = order_for(await duffel.cheapest())
    behave("create_order", effect)
    with pytest.raises(error) as caught:
        await duffel.orders.place(request)
    if isinstance(caught.value, RateLimited):
        assert caught.value.retry_at is not None
    assert booked(sandbox, request.attempt_reference) == []


@pytest.mark.parametrize(
    "effect", ["garbage_truncated", "garbage_html", "garbage_missing", "close_after", "rate_limit"]
)
async def test_a_disturbed_list_never_makes_an_order_absent(
    duffel: Duffel, behave: Behave, effect: str
) -> None:
    request = order_for(await duffel.cheapest())
    assert isinstance(await duffel.orders.place(request), OrderPlaced)
    behave("list_orders", effect)
    with pytest.raises((BadAnswer, ProviderUnavailable)):
        await duffel.orders.resolve(request.offer_id, request.attempt_reference)


async def test_waits_for_tickets(duffel: Duffel, behave: Behave) -> None:
    request = order_for(await duffel.cheapest())
    behave("create_order", "delayed_ticketing", value={"seconds": 600})
    placed = await duffel.orders.place(request)
    assert isinstance(placed, OrderPlaced)
    assert placed.order.tickets == ()
    duffel.clock.now += timedelta(days=400)
    assert (await duffel.orders.get(placed.order.order_id)).tickets


# Afterwards


@pytest.fixture
async def order_id(duffel: Duffel) -> str:
    placed = await duffel.orders.place(order_for(await duffel.cheapest()))
    assert isinstance(placed, OrderPlaced)
    return placed.order.order_id


async def test_cancels_an_order_on_the_terms_of_its_quote(duffel: Duffel, order_id: str) -> None:
    quote = await duffel.cancellations.quote(order_id)
    assert isinstance(quote, CancellationQuote)
    assert quote.order_id == order_id

    done = await duffel.cancellations.confirm(quote.quote_id)

    assert isinstance(done, CancellationQuote)
    assert (done.refund, done.refund_to) == (quote.refund, quote.refund_to)
    assert done.confirmed_at is not None
    assert await duffel.cancellations.get_quote(quote.quote_id) == done
    order = await duffel.orders.get(order_id)
    assert order.cancelled_at is not None
    assert not order.cancelled_by_airline
    assert not order.cancellable
    refused = CancellationRefused(code="already_cancelled", already_cancelled=True)
    assert await duffel.cancellations.quote(order_id) == refused
    assert await duffel.cancellations.confirm(quote.quote_id) == refused
    listed = await duffel.client.list_order_cancellations(order_id=order_id)
    assert isinstance(listed, Answer)
    assert quote.quote_id in str(listed.json)


async def test_an_older_quote_cannot_be_confirmed(duffel: Duffel, order_id: str) -> None:
    first = await duffel.cancellations.quote(order_id)
    assert isinstance(first, CancellationQuote)
    await duffel.cancellations.quote(order_id)
    refused = await duffel.cancellations.confirm(first.quote_id)
    assert refused == CancellationRefused(code="order_cancellation_stale")


async def test_an_order_may_be_impossible_to_cancel(
    duffel: Duffel, behave: Behave, order_id: str
) -> None:
    behave("create_order_cancellation", "order_not_cancellable")
    refused = await duffel.cancellations.quote(order_id)
    assert refused == CancellationRefused(code="order_not_cancellable")


async def test_a_refund_may_be_unknown(duffel: Duffel, behave: Behave, order_id: str) -> None:
    behave("create_order_cancellation", "refund_amount_null")
    quote = await duffel.cancellations.quote(order_id)
    assert isinstance(quote, CancellationQuote)
    assert quote.refund is None


@pytest.mark.parametrize(
    "case",
    [
        ("timeout_after", {}, True),
        ("close_before", {}, False),
        ("close_after", {}, True),
        ("error_after", {"status": 500}, True),
        ("garbage_html", {"value": "after"}, True),
        ("garbage_truncated", {"value": "after"}, True),
    ],
    ids=str,
)
async def test_an_unclear_confirmation_is_read_from_the_quote(
    duffel: Duffel, behave: Behave, order_id: str, case: tuple[str, dict[str, Any], bool]
) -> None:
    effect, more, done = case
    quote = await duffel.cancellations.quote(order_id)
    assert isinstance(quote, CancellationQuote)
    behave("confirm_order_cancellation", effect, **more)
    with pytest.raises(OutcomeUnknown):
        await duffel.cancellations.confirm(quote.quote_id)
    read = await duffel.cancellations.get_quote(quote.quote_id)
    assert (read.confirmed_at is not None) == done


async def test_sees_what_the_airline_changes(sandbox: Any, duffel: Duffel, order_id: str) -> None:
    path = f"/duffel/orders/{order_id}"
    sandbox.control("POST", f"{path}/schedule_change", json={"minutes": 90})
    moved = await duffel.orders.get(order_id)
    assert (moved.schedule_changes, moved.cancelled_by_airline) == (1, False)
    sandbox.control("POST", f"{path}/airline_cancel", json={})
    gone = await duffel.orders.get(order_id)
    assert gone.cancelled_by_airline
