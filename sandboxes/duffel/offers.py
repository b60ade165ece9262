"""Searching and looking at offers."""

from datetime import datetime
from decimal import Decimal

from sandboxes.clock import from_text
from sandboxes.duffel.errors import DuffelError, invalid, refuse
from sandboxes.duffel.generate import make_offers
from sandboxes.duffel.ids import new_id
from sandboxes.duffel.render import offer_json, request_json, total_of
from sandboxes.duffel.scenarios import Scenario
from sandboxes.duffel.search import read_search
from sandboxes.duffel.wire import Call, Reply, data, found, instant, page
from sandboxes.store import Json, Tx

REQUEST = "duffel_offer_request"
OFFER = "duffel_offer"
_STEP = Decimal("10.00")  # by which the price-rise route climbs at each look


def create_offer_request(call: Call) -> Reply:
    """Search."""
    search = read_search(call.data)
    if search.scenario is Scenario.SEARCH_TIMEOUT:
        raise refuse(504, "gateway_timeout_error")
    request_id = new_id("orq")
    request: Json = {
        "id": request_id,
        "created_at": instant(call.now),
        "cabin_class": search.cabin,
        "client_key": f"sandbox.{request_id}",
        "slices": [
            {
                "origin": row.origin,
                "destination": row.destination,
                "departure_date": row.day.isoformat(),
            }
            for row in search.slices
        ],
        "passengers": list(search.passengers),
    }
    offers = make_offers(
        call.tx,
        search,
        request_id=request_id,
        now=call.now,
        seed=call.ctx.seed,
        currency=call.ctx.options.currency,
    )
    call.tx.put(REQUEST, request_id, request)
    for offer in offers:
        put_offer(call.tx, offer)
    shown = None if call.query("return_offers") == "false" else offers
    return data(request_json(request, shown), 201)


def get_offer_request(call: Call) -> Reply:
    request = found(call.tx, REQUEST, call.path("id"))
    return data(request_json(request, _offers_of(call.tx, request["id"])))


def list_offer_requests(call: Call) -> Reply:
    rows = [request_json(row, None) for row in reversed(call.tx.all(REQUEST))]
    return page(call, rows)


def list_offers(call: Call) -> Reply:
    """List the offers of one request."""
    request_id = call.query("offer_request_id")
    if not request_id:
        message = "Field 'offer_request_id' can't be blank"
        raise DuffelError(422, invalid("validation_required", "/offer_request_id", message))
    if call.tx.get(REQUEST, request_id) is None:
        raise refuse(404, "not_found")
    rows = _offers_of(call.tx, request_id)
    most = call.query("max_connections")
    if most is not None and most.isdigit():
        rows = [row for row in rows if all(len(s["legs"]) <= int(most) + 1 for s in row["slices"])]
    sort = call.query("sort") or "id"
    match sort.removeprefix("-"):
        case "id":
            rows.sort(key=lambda row: str(row["id"]))
        case "total_amount":
            rows.sort(key=total_of)
        case "total_duration":
            rows.sort(key=lambda row: sum(int(part["minutes"]) for part in row["slices"]))
        case _:
            message = "Field 'sort' has a value that is not known"
            raise DuffelError(422, invalid("validation_inclusion", "/sort", message))
    if sort.startswith("-"):
        rows.reverse()
    return page(call, [offer_json(row) for row in rows])


def get_offer(call: Call) -> Reply:
    """Show an offer as it is now; the price may have moved."""
    offer = refreshed(call)
    wanted = call.query("return_available_services") == "true"
    return data(offer_json(offer, services=wanted))


def price_offer(call: Call) -> Reply:
    """Show an offer with the services and ways of payment that are intended."""
    offer = refreshed(call)
    services = call.data.get("intended_services") or []
    methods = call.data.get("intended_payment_methods") or []
    chosen = services_cost(offer, services, "/intended_services")
    written = offer_json(offer, services=True)
    charge = str(total_of(offer) + chosen)
    currency = offer["currency"]
    priced = [
        method
        | {
            "charge_amount": charge,
            "charge_currency": currency,
            "surcharge_amount": "0.00",
            "surcharge_currency": currency,
        }
        for method in methods
    ]
    return data(written | {"intended_services": services, "intended_payment_methods": priced})


def refreshed(call: Call) -> Json:
    """Fetch an offer and ask its airline again. Raises DuffelError when it is sold or too old."""
    offer = found(call.tx, OFFER, call.path("id"))
    if offer["scenario"] == Scenario.OFFER_GONE:
        raise refuse(422, "offer_no_longer_available")
    check_alive(call, offer)
    if offer["scenario"] == Scenario.PRICE_RISES:
        raise_price(call.tx, offer, _STEP)
    move_price(call, offer)
    return offer


def check_alive(call: Call, offer: Json) -> None:
    """Refuse an offer that is past its time on the caller's clock, or sold."""
    if call.behaviour("sold_out"):
        offer["gone"] = True
        put_offer(call.tx, offer)
    if offer["gone"] or expired(offer, call.now):
        raise refuse(422, "offer_no_longer_available", pointer=_pointer(call))


def _pointer(call: Call) -> str | None:
    return "/selected_offers/0" if call.ctx.operation == "create_order" else None


def expired(offer: Json, now: datetime) -> bool:
    return now >= from_text(offer["expires_at"]).replace(microsecond=0)


def move_price(call: Call, offer: Json) -> None:
    """Let a price rule move this offer's price, once for each rule.

    A rule set for create_order shows at earlier looks too; `price_changed_at_create` does not.
    """
    rule = call.behaviour("price_changed")
    if call.ctx.operation == "create_order":
        rule = rule or call.behaviour("price_changed_at_create")
    else:
        rule = rule or call.behaviour("price_changed", operation="create_order")
    if rule is not None and rule.id not in offer["bumped_by"]:
        offer["bumped_by"].append(rule.id)
        raise_price(call.tx, offer, Decimal(str(rule.option("amount", "10.00"))))


def raise_price(tx: Tx, offer: Json, by: Decimal) -> None:
    offer["bump"] = str((Decimal(offer["bump"]) + by).quantize(Decimal("0.01")))
    put_offer(tx, offer)


def services_cost(offer: Json, wanted: object, at: str) -> Decimal:
    """Add up services of an offer. Raises DuffelError for one that it does not have."""
    if not isinstance(wanted, list):
        raise DuffelError(422, invalid("validation_type", at, "Services must be a list"))
    prices = {service["id"]: Decimal(service["amount"]) for service in offer["services"]}
    total, seen = Decimal(0), set[str]()
    for place, row in enumerate(wanted):
        service_id = row.get("id") if isinstance(row, dict) else None
        quantity = row.get("quantity") if isinstance(row, dict) else None
        if not isinstance(service_id, str) or service_id not in prices or service_id in seen:
            pointer = f"{at}/{place}/id"
            raise DuffelError(422, invalid("not_found", pointer, "Linked record(s) not found"))
        if not isinstance(quantity, int) or not 1 <= quantity <= 2:
            pointer = f"{at}/{place}/quantity"
            problem = invalid("validation_inclusion", pointer, "Quantity must be 1 or 2")
            raise DuffelError(422, problem)
        seen.add(service_id)
        total += prices[service_id] * quantity
    return total


def put_offer(tx: Tx, offer: Json) -> None:
    tx.put(OFFER, offer["id"], offer, keys={"offer_request_id": offer["offer_request_id"]})


def _offers_of(tx: Tx, request_id: str) -> list[Json]:
    return tx.find(OFFER, offer_request_id=request_id)
