"""Duffel behind our ports.

Calls are made in `client.py`, words translated in `mapping.py`, codes weighed in `errors.py`. Here
it is decided what an answer lets us conclude, above all whether an order exists.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import datetime

from pydantic import ValidationError

from domain.offers import Offer
from providers.changes import ChangeAccepted, ChangeRefused
from providers.duffel import mapping
from providers.duffel.answers import (
    VENDOR,
    code_of,
    data_of,
    data_or_no,
    raise_if_turned_away,
    rate_window,
)
from providers.duffel.client import DuffelClient
from providers.duffel.errors import Failure, Meaning, read_failure
from providers.duffel.mapping import Unreadable
from providers.duffel.wire import WireOfferRequest, WireOrderPage, WireOrderReference
from providers.errors import BadAnswer, OutcomeUnknown, ProviderRefused, ProviderUnavailable
from providers.http import Answer, NotSent, Reply, Unanswered
from providers.ports import (
    CancellationQuote,
    CancellationRefused,
    OfferGone,
    OrderAbsent,
    OrderPlaced,
    OrderRefused,
    OrderRequest,
    OrderUnknown,
    ProviderOrder,
    RefusalKind,
    SearchRequest,
    SearchResult,
)

# One offer has one order, or a few after refusals. More pages than this is a loop.
_MOST_PAGES = 20
_MOST_PAGES_SINCE = 1_000  # of 200 each
_REFUSALS = {
    Meaning.GONE: RefusalKind.GONE,
    Meaning.PRICE_CHANGED: RefusalKind.PRICE_CHANGED,
    Meaning.BALANCE: RefusalKind.BALANCE,
    Meaning.PASSENGER_DATA: RefusalKind.PASSENGER_DATA,
}


class DuffelFlightSearch:
    """`FlightSearch` at Duffel."""

    def __init__(self, client: DuffelClient) -> None:
        self._client = client

    async def search(self, request: SearchRequest) -> SearchResult:
        operation = "create_offer_request"
        reply = await self._client.create_offer_request(
            mapping.offer_request(request),
            supplier_timeout_seconds=request.supplier_timeout_seconds,
        )
        data = data_of(reply, operation)
        try:
            wire = WireOfferRequest.model_validate(data)
        except ValidationError:
            raise BadAnswer(VENDOR, operation, "no_offers_list", reply.request_id) from None
        offers = []
        for each in wire.offers:
            try:
                offers.append(mapping.offer(each, offer_request_id=wire.id))
            except Unreadable:
                continue
        return SearchResult(
            offers=tuple(sorted(offers, key=lambda o: (o.total.currency, o.total.minor))),
            rate=rate_window(reply.headers) if isinstance(reply, Answer) else None,
            unreadable_offers=len(wire.offers) - len(offers),
        )

    async def refresh(self, offer_id: str) -> Offer | OfferGone:
        """Ask for the offer's price of this moment, with the bags that it sells.

        Duffel does not repeat the offer request here, so `offer_request_id` is empty.
        """
        reply = await self._client.get_offer(offer_id)
        data = data_or_no(reply, "get_offer")
        if isinstance(data, Failure):
            gone = data.known is not None and data.known.meaning is Meaning.GONE
            if gone or data.code == "not_found":
                return OfferGone(code=data.code)
            raise ProviderRefused(VENDOR, "get_offer", data.code, reply.request_id)
        try:
            return mapping.offer(data, offer_request_id="")
        except Unreadable as error:
            raise _bad_answer("get_offer", error, reply) from error


class DuffelFlightOrders:
    """`FlightOrders` at Duffel, paid from our balance there."""

    def __init__(self, client: DuffelClient) -> None:
        self._client = client

    async def place(self, request: OrderRequest) -> OrderPlaced | OrderRefused | OrderUnknown:
        """Create the order; Duffel documents no idempotency key, so never call twice on a doubt.

        Raises:
            ProviderUnavailable: certainly no order: not sent, 503, 502 `order_not_created`, 429.
            CredentialsRefused: certainly no order, and there will not be one with this key.
        """
        reply = await self._client.create_order(mapping.order_request(request))
        match reply:
            case NotSent():
                raise ProviderUnavailable(VENDOR, "create_order", reply.code)
            case Unanswered():
                return OrderUnknown(code=reply.code, request_id=reply.request_id)
            case Answer():
                return _order_outcome(reply, request)

    async def resolve(self, offer_id: str, attempt_reference: str) -> OrderPlaced | OrderAbsent:
        """Look through the orders of the offer for ours. "Absent" is only said of whole lists."""

        def page(after: str | None) -> Awaitable[Reply]:
            return self._client.list_orders(offer_id=offer_id, after=after)

        async for row, reply in _listed(page, most=_MOST_PAGES):
            if _reference(row, reply) == attempt_reference:
                return OrderPlaced(order=_order(row, "list_orders", reply))
        return OrderAbsent()

    async def created_since(self, since: datetime) -> Sequence[ProviderOrder]:
        """Return whole lists only; what others ordered with this account carries no reference."""

        def page(after: str | None) -> Awaitable[Reply]:
            return self._client.list_orders_since(since, after=after)

        found = [
            _order(row, "list_orders", reply)
            async for row, reply in _listed(page, most=_MOST_PAGES_SINCE)
            if _reference(row, reply) is not None
        ]
        return sorted(found, key=lambda order: order.created_at)

    async def get(self, order_id: str) -> ProviderOrder:
        reply = await self._client.get_order(order_id)
        return _order(data_of(reply, "get_order"), "get_order", reply)


def _order_outcome(
    answer: Answer, request: OrderRequest
) -> OrderPlaced | OrderRefused | OrderUnknown:
    """Conclude from the status first: https://duffel.com/docs/api/overview/response-handling.

    What is not clearly a yes or a no is unknown, and so is a "no" whose code cannot be read: it
    may be one of those that say that there is an order already.
    """
    raise_if_turned_away(answer, "create_order")
    failure = read_failure(answer)
    not_created = failure is not None and failure.code == "order_not_created"
    if answer.status == 503 or (answer.status == 502 and not_created):
        raise ProviderUnavailable(VENDOR, "create_order", code_of(answer), answer.request_id)
    unknown = OrderUnknown(code=code_of(answer), request_id=answer.request_id)
    if answer.status in {200, 201}:
        return _created(answer, request) or unknown
    if not 400 <= answer.status < 500 or answer.status == 408 or failure is None:
        return unknown
    meaning = failure.known.meaning if failure.known else Meaning.NOT_POSSIBLE
    if meaning is Meaning.UNKNOWN_OUTCOME:
        return unknown
    return OrderRefused(
        kind=_REFUSALS.get(meaning, RefusalKind.OTHER),
        code=failure.code,
        field=failure.field,
        request_id=answer.request_id,
    )


def _created(answer: Answer, request: OrderRequest) -> OrderPlaced | None:
    data = (answer.json or {}).get("data")
    if not isinstance(data, dict):
        return None
    try:
        order = mapping.provider_order(data)
    except Unreadable:
        return None
    ours = order.attempt_reference in {None, request.attempt_reference}
    return OrderPlaced(order=order) if ours else None


async def _listed(
    page: Callable[[str | None], Awaitable[Reply]], *, most: int
) -> AsyncIterator[tuple[dict[str, object], Reply]]:
    """Yield every row of a list, with the answer that it came in."""
    after: str | None = None
    for _ in range(most):
        reply = await page(after)
        data_of(reply, "list_orders")
        rows = _order_page(reply)
        for row in rows.data:
            yield row, reply
        after = rows.meta.after if rows.meta else None
        if not after:
            return
    raise BadAnswer(VENDOR, "list_orders", "endless_list", reply.request_id)


def _order_page(reply: Reply) -> WireOrderPage:
    try:
        return WireOrderPage.model_validate(reply.json if isinstance(reply, Answer) else None)
    except ValidationError:
        raise BadAnswer(VENDOR, "list_orders", "no_order_list", reply.request_id) from None


def _reference(row: dict[str, object], reply: Reply) -> object:
    try:
        reference = WireOrderReference.model_validate(row)
    except ValidationError:
        raise BadAnswer(VENDOR, "list_orders", "no_metadata", reply.request_id) from None
    return (reference.metadata or {}).get(mapping.ATTEMPT_KEY)


def _order(data: object, operation: str, reply: Reply) -> ProviderOrder:
    if not isinstance(data, dict):
        raise BadAnswer(VENDOR, operation, "no_order", reply.request_id)
    try:
        return mapping.provider_order(data)
    except Unreadable as error:
        raise _bad_answer(operation, error, reply) from error


class DuffelOrderCancellations:
    """`OrderCancellations` at Duffel: quote, then confirm the newest quote."""

    def __init__(self, client: DuffelClient) -> None:
        self._client = client

    async def quote(self, order_id: str) -> CancellationQuote | CancellationRefused:
        """Ask what cancelling would give back. Cancels nothing, so it may be repeated."""
        operation = "create_order_cancellation"
        reply = await self._client.create_order_cancellation(order_id)
        data = data_or_no(reply, operation)
        if isinstance(data, Failure):
            if isinstance(reply, Answer) and reply.status == 422:
                return _cancellation_refused(data)
            raise ProviderRefused(VENDOR, operation, data.code, reply.request_id)
        return _quote(data, operation, reply)

    async def confirm(self, quote_id: str) -> CancellationQuote | CancellationRefused:
        """Cancel for good.

        Raises:
            OutcomeUnknown: no answer, 5xx, or a yes that cannot be read; ask `get_quote`.
            ProviderUnavailable: certainly nothing happened: not sent, 429.
        """
        operation = "confirm_order_cancellation"
        reply = await self._client.confirm_order_cancellation(quote_id)
        return _confirmed(_answered(reply, operation), operation)

    async def confirmed(self, order_id: str) -> CancellationQuote | None:
        operation = "list_order_cancellations"
        reply = await self._client.list_order_cancellations(order_id=order_id)
        rows = data_of(reply, operation)
        if not isinstance(rows, list):
            raise BadAnswer(VENDOR, operation, "no_list", reply.request_id)
        quotes = [_quote(row, operation, reply) for row in rows]
        return next((quote for quote in quotes if quote.confirmed_at), None)

    async def get_quote(self, quote_id: str) -> CancellationQuote:
        reply = await self._client.get_order_cancellation(quote_id)
        return _quote(data_of(reply, "get_order_cancellation"), "get_order_cancellation", reply)


class DuffelScheduleChanges:
    """`ScheduleChanges` at Duffel."""

    def __init__(self, client: DuffelClient) -> None:
        self._client = client

    async def accept(self, change_id: str) -> ChangeAccepted | ChangeRefused:
        """Take the airline's new flights.

        Raises:
            OutcomeUnknown: no answer, or 5xx; the order says what is so.
            ProviderUnavailable: certainly nothing happened: not sent, 429.
        """
        operation = "accept_airline_initiated_change"
        reply = await self._client.accept_airline_initiated_change(change_id)
        answer = _answered(reply, operation)
        if answer.status in {200, 201}:
            return ChangeAccepted()
        return ChangeRefused(code=_definite_no(answer, operation).code)


def _answered(reply: Reply, operation: str) -> Answer:
    """Return what was answered to a call that changes something.

    Raises:
        OutcomeUnknown: it was sent, and no answer came.
        ProviderUnavailable, CredentialsRefused: certainly nothing happened.
    """
    match reply:
        case NotSent():
            raise ProviderUnavailable(VENDOR, operation, reply.code)
        case Unanswered():
            raise OutcomeUnknown(VENDOR, operation, reply.code, reply.request_id)
        case Answer():
            raise_if_turned_away(reply, operation)
            return reply


def _definite_no(answer: Answer, operation: str) -> Failure:
    """Return the refusal of an answer that certainly changed nothing.

    Raises:
        OutcomeUnknown: the answer leaves it open.
        ProviderRefused: a no that is not about the thing itself.
    """
    unknown = OutcomeUnknown(VENDOR, operation, code_of(answer), answer.request_id)
    failure = read_failure(answer)
    if not 400 <= answer.status < 500 or answer.status == 408 or failure is None:
        raise unknown
    if failure.known is not None and failure.known.meaning is Meaning.UNKNOWN_OUTCOME:
        raise unknown
    if answer.status != 422:
        raise ProviderRefused(VENDOR, operation, failure.code, answer.request_id)
    return failure


def _confirmed(answer: Answer, operation: str) -> CancellationQuote | CancellationRefused:
    if answer.status in {200, 201}:
        unknown = OutcomeUnknown(VENDOR, operation, code_of(answer), answer.request_id)
        try:
            quote = mapping.cancellation_quote((answer.json or {}).get("data"))
        except Unreadable as error:
            raise unknown from error
        if quote.confirmed_at is None:
            raise unknown
        return quote
    return _cancellation_refused(_definite_no(answer, operation))


def _cancellation_refused(failure: Failure) -> CancellationRefused:
    return CancellationRefused(
        code=failure.code, already_cancelled=failure.code == "already_cancelled"
    )


def _quote(data: object, operation: str, reply: Reply) -> CancellationQuote:
    try:
        return mapping.cancellation_quote(data)
    except Unreadable as error:
        raise _bad_answer(operation, error, reply) from error


def _bad_answer(operation: str, error: Unreadable, reply: Reply) -> BadAnswer:
    return BadAnswer(VENDOR, operation, f"unreadable: {error}", reply.request_id)
