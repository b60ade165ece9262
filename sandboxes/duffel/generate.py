"""Making the offers of a search: flights, brands, prices, and fares set from outside."""

import itertools
from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal

from sandboxes.clock import from_text
from sandboxes.duffel import brands
from sandboxes.duffel.airlines import DUFFEL_AIRWAYS, airlines
from sandboxes.duffel.fares import FareQuestion, adult_fare, on_sale, share, unit
from sandboxes.duffel.ids import new_id
from sandboxes.duffel.places import airports, resolve
from sandboxes.duffel.scenarios import Scenario, scenario_of
from sandboxes.duffel.schedule import Itinerary, Leg, itineraries
from sandboxes.duffel.search import Search, Slice
from sandboxes.duffel.wire import instant
from sandboxes.store import Json, Tx

OFFER_LIFE = timedelta(minutes=30)
FARE_KIND = "duffel_fare"
_COMBINATIONS = 13  # times three brands: 39 offers at most
_CENT = Decimal("0.01")


def make_offers(
    tx: Tx, search: Search, *, request_id: str, now: datetime, seed: int, currency: str
) -> list[Json]:
    """Make the offers of a search as they are kept, cheapest first."""
    scenario = search.scenario
    sold = all(on_sale(row.day, now) for row in search.slices)
    if not sold or scenario is Scenario.NO_OFFERS:
        return []
    per_slice = [
        [
            found
            for found in itineraries(
                seed,
                row.origin,
                row.destination,
                row.day,
                max_connections=search.max_connections,
                scenario=scenario_of(row.origin, row.destination),
            )
            if _in_window(found, row) and len(found.legs) <= search.max_connections + 1
        ]
        for row in search.slices
    ]
    cabin = search.cabin or "economy"
    priced = sorted(
        ((_plain(chosen, search, seed, cabin, now), chosen) for chosen in _combine(per_slice)),
        key=lambda item: item[0],
    )
    prices = [
        (brand, chosen, brand.price(plain, len(chosen)))
        for plain, chosen in priced[:_COMBINATIONS]
        for brand in brands.brands_of(chosen[0].carrier, cabin)
    ]
    overrides = tx.all(FARE_KIND)
    amounts = _override(overrides, search, [(c, p) for _, c, p in prices], now)
    offers = [
        _offer(search, chosen, brand, amount, request_id=request_id, now=now, currency=currency)
        for (brand, chosen, _), amount in zip(prices, amounts, strict=True)
    ]
    return sorted(offers, key=lambda offer: Decimal(offer["total"]))


def _in_window(found: Itinerary, asked: Slice) -> bool:
    leaves, lands = found.legs[0].departing_at, found.legs[-1].arriving_at
    return all(
        window is None or window[0] <= f"{moment:%H:%M}" <= window[1]
        for window, moment in ((asked.departs, leaves), (asked.arrives, lands))
    )


def _combine(per_slice: Sequence[Sequence[Itinerary]]) -> list[tuple[Itinerary, ...]]:
    if len(per_slice) == 1:
        return [(only,) for only in per_slice[0]]
    carriers = set.intersection(*({i.carrier for i in slice_} for slice_ in per_slice))
    return [
        chosen
        for carrier in sorted(carriers)
        for chosen in itertools.product(
            *([i for i in slice_ if i.carrier == carrier][:2] for slice_ in per_slice[:4])
        )
        if _in_order(chosen)
    ]


def _in_order(chosen: Sequence[Itinerary]) -> bool:
    ends = [
        airports()[leg.destination].instant(leg.arriving_at)
        for leg in (itinerary.legs[-1] for itinerary in chosen)
    ]
    starts = [
        airports()[leg.origin].instant(leg.departing_at)
        for leg in (itinerary.legs[0] for itinerary in chosen)
    ]
    gaps = zip(ends, starts[1:], strict=False)
    return all(end + timedelta(hours=2) <= start for end, start in gaps)


def _plain(
    chosen: Sequence[Itinerary], search: Search, seed: int, cabin: str, now: datetime
) -> Decimal:
    return sum(
        (
            adult_fare(
                FareQuestion(
                    seed=seed,
                    route=f"{itinerary.legs[0].origin}-{itinerary.legs[-1].destination}",
                    departure_date=row.day,
                    carrier=itinerary.carrier,
                    slot=itinerary.slot,
                    distance_km=itinerary.km,
                    level=airlines()[itinerary.carrier].level,
                    connections=len(itinerary.legs) - 1,
                    cabin=cabin,
                ),
                now,
            )
            for itinerary, row in zip(chosen, search.slices, strict=True)
        ),
        Decimal(0),
    )


def _override(
    overrides: Sequence[Json],
    search: Search,
    prices: Sequence[tuple[tuple[Itinerary, ...], Decimal]],
    now: datetime,
) -> list[Decimal]:
    """Bend the adults' prices by the fares that the control plane has set, in their order."""
    amounts = [price for _, price in prices]
    for rule in overrides:
        if not _applies(rule, search, now):
            continue
        hit = [
            n
            for n, (chosen, _) in enumerate(prices)
            if rule.get("airline") in (None, chosen[0].carrier)
        ]
        if not hit:
            continue
        cheapest = min(amounts[n] for n in hit)
        factor = Decimal(str(rule.get("multiplier") or 1))
        if rule.get("amount") is not None:
            # Scaled as a whole: the cheapest is exact, the others keep their distance.
            factor = Decimal(rule["amount"]) / cheapest
        for n in hit:
            exact = rule.get("amount") is not None and amounts[n] == cheapest
            bent = Decimal(rule["amount"]) if exact else amounts[n] * factor
            amounts[n] = bent.quantize(_CENT)
    return amounts


def _applies(rule: Json, search: Search, now: datetime) -> bool:
    first = search.slices[0]
    ends = (("origin", first.origin), ("destination", first.destination))
    same_route = all(
        rule[name] == asked or rule[name] in {airport.code for airport in resolve(asked)}
        or asked in {airport.code for airport in resolve(rule[name])}
        for name, asked in ends
    )  # fmt: skip
    since, until = rule.get("from"), rule.get("until")
    return (
        same_route
        and rule.get("departure_date") in (None, first.day.isoformat())
        and (since is None or now >= from_text(since))
        and (until is None or now < from_text(until))
    )


def _offer(
    search: Search,
    chosen: Sequence[Itinerary],
    brand: brands.Brand,
    adult: Decimal,
    *,
    request_id: str,
    now: datetime,
    currency: str,
) -> Json:
    carrier, scenario = chosen[0].carrier, search.scenario
    fares = [(person, share(adult, person["type"])) for person in search.passengers]
    total = sum((fare for _, fare in fares), Decimal(0))
    base = (total * Decimal("0.85")).quantize(_CENT)
    seated = [p for p, _ in fares if p["type"] != "infant_without_seat"]
    services = [
        {"id": new_id("ase"), "passenger_id": person["id"], "amount": brands.bag_price(carrier)}
        for person in seated
        if scenario is not Scenario.NO_SERVICES
    ]
    low_cost = airlines()[carrier].low_cost
    soon = search.slices[0].day - now.date() < timedelta(days=7)
    holdable = carrier == DUFFEL_AIRWAYS or scenario is Scenario.HOLD or not (low_cost or soon)
    ends = {airports()[i.legs[0].origin].country for i in chosen}
    ends |= {airports()[i.legs[-1].destination].country for i in chosen}
    return {
        "id": new_id("off"),
        "offer_request_id": request_id,
        "created_at": instant(now),
        "expires_at": instant(now + OFFER_LIFE),
        "carrier": carrier,
        "cabin": search.cabin or "economy",
        "brand": brand.name,
        "scenario": scenario,
        "currency": currency,
        "total": str(total),
        "base": str(base),
        "bump": "0.00",
        "bumped_by": [],
        "gone": False,
        "passengers": list(search.passengers),
        "slices": [_slice(itinerary) for itinerary in chosen],
        "services": services,
        "instant": not holdable,
        "documents": airlines()[carrier].needs_documents and len(ends) > 1,
        "kg": str(round(sum(i.km for i in chosen) * 0.085 * len(seated))),
        "shelf": 1 + int(unit("shelf", carrier, brand.name) * 4),
    }


def _slice(itinerary: Itinerary) -> Json:
    return {
        "id": new_id("sli"),
        "minutes": itinerary.minutes,
        "legs": [_leg(leg) for leg in itinerary.legs],
    }


def _leg(leg: Leg) -> Json:
    return {
        "id": new_id("seg"),
        "origin": leg.origin,
        "destination": leg.destination,
        "departing_at": leg.departing_at.isoformat(),
        "arriving_at": leg.arriving_at.isoformat(),
        "minutes": leg.minutes,
        "km": f"{leg.km:.2f}",
        "carrier": leg.carrier,
        "number": leg.number,
        "aircraft": list(leg.aircraft),
        "stop": leg.stop,
    }
