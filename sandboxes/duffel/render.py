"""Offers written out in full, in Duffel's words."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from functools import cache

from sandboxes.clock import from_text
from sandboxes.duffel import brands
from sandboxes.duffel.airlines import airline_json
from sandboxes.duffel.fares import unit
from sandboxes.duffel.places import airport_json, airports, place_json, place_type
from sandboxes.duffel.scenarios import Scenario
from sandboxes.duffel.wire import whole_second
from sandboxes.store import Json

PAY_WITHIN = timedelta(hours=72)  # after the search, on Duffel Airways
PRICE_HELD = timedelta(hours=48)


def total_of(offer: Json) -> Decimal:
    """Tell an offer's current total, without services."""
    return Decimal(offer["total"]) + Decimal(offer["bump"])


def offer_json(offer: Json, *, services: bool = False) -> Json:
    """Write an offer; services only where they were asked for."""
    created = from_text(offer["created_at"])
    currency = offer["currency"]
    total = total_of(offer)
    brand = brands.brand_of(offer["carrier"], offer["cabin"], offer["brand"])
    # The airline's own clock knows whole seconds; rounding down never lengthens a life.
    expires = whole_second(from_text(offer["expires_at"]))
    return {
        "id": offer["id"],
        "live_mode": False,
        "created_at": offer["created_at"],
        "updated_at": offer["created_at"],
        "expires_at": expires,
        "partial": False,
        "owner": airline_json(offer["carrier"]),
        "total_amount": str(total),
        "total_currency": currency,
        "base_amount": offer["base"],
        "base_currency": currency,
        "tax_amount": str(total - Decimal(offer["base"])),
        "tax_currency": currency,
        "total_emissions_kg": offer["kg"],
        "slices": slices_json(offer),
        "passengers": offer["passengers"],
        "conditions": brands.conditions(brand, currency),
        "payment_requirements": payment_requirements(offer, created),
        "passenger_identity_documents_required": offer["documents"],
        "supported_passenger_identity_document_types": [
            "passport",
            "known_traveler_number",
            "passenger_redress_number",
        ],
        "supported_loyalty_programmes": [offer["carrier"]],
        "private_fares": [],
        "available_airline_credit_ids": [],
        "available_services": services_json(offer) if services else None,
        "intended_services": [],
        "intended_payment_methods": [],
    }


def payment_requirements(offer: Json, created: datetime) -> Json:
    """Tell whether and until when an order may wait for its money."""
    instant = offer["instant"]
    return {
        "requires_instant_payment": instant,
        "payment_required_by": None if instant else whole_second(created + PAY_WITHIN),
        "price_guarantee_expires_at": None if instant else whole_second(created + PRICE_HELD),
    }


def services_json(offer: Json) -> list[Json]:
    """Write the bags that can be added."""
    segments = [leg["id"] for row in offer["slices"] for leg in row["legs"]]
    return [
        {
            "id": service["id"],
            "type": "baggage",
            "total_amount": service["amount"],
            "total_currency": offer["currency"],
            "maximum_quantity": 2,
            "passenger_ids": [service["passenger_id"]],
            "segment_ids": segments,
            "metadata": {
                "type": "checked",
                "maximum_weight_kg": 23,
                "maximum_height_cm": None,
                "maximum_length_cm": None,
                "maximum_depth_cm": None,
            },
        }
        for service in offer["services"]
    ]


def slices_json(offer: Json, *, ordered: bool = False) -> list[Json]:
    """Write the slices; those of an order have seats, not shelves."""
    return [_slice(offer, row, ordered=ordered) for row in offer["slices"]]


def _slice(offer: Json, row: Json, *, ordered: bool) -> Json:
    first, last = row["legs"][0], row["legs"][-1]
    brand = brands.brand_of(offer["carrier"], offer["cabin"], offer["brand"])
    conditions = brands.conditions(brand, offer["currency"])
    written: Json = {
        "id": row["id"],
        "origin": _place(first["origin"]),
        "origin_type": "airport",
        "destination": _place(last["destination"]),
        "destination_type": "airport",
        "duration": duration(row["minutes"]),
        "fare_brand_name": offer["brand"],
        "segments": [_segment(offer, leg, brand, ordered=ordered) for leg in row["legs"]],
    }
    if ordered:
        change = {"change_before_departure": conditions["change_before_departure"]}
        return written | {"conditions": change}
    extras = {
        "advance_seat_selection": brand.checked_bags > 0,
        "priority_boarding": brand.priority,
        "priority_check_in": brand.priority,
    }
    return written | {
        "conditions": conditions | extras,
        "ngs_shelf": offer["shelf"],
        "comparison_key": f"{offer['carrier']}-{first['number']}-{offer['brand']}",
    }


def _segment(offer: Json, leg: Json, brand: brands.Brand, *, ordered: bool) -> Json:
    code, name = leg["aircraft"]
    carrier = airline_json(leg["carrier"])
    return {
        "id": leg["id"],
        "origin": _place(leg["origin"]),
        "destination": _place(leg["destination"]),
        "origin_terminal": str(1 + int(unit("terminal", leg["origin"], leg["carrier"]) * 5)),
        "destination_terminal": str(
            1 + int(unit("terminal", leg["destination"], leg["carrier"]) * 5)
        ),
        "departing_at": leg["departing_at"],
        "arriving_at": leg["arriving_at"],
        "duration": duration(leg["minutes"]),
        "distance": leg["km"],
        "aircraft": {"id": f"arc_00009VMF8AhXSSRnQD{code:0>4}", "iata_code": code, "name": name},
        "marketing_carrier": carrier,
        "marketing_carrier_flight_number": leg["number"],
        "operating_carrier": carrier,
        "operating_carrier_flight_number": leg["number"],
        "stops": [_stop(leg)] if leg["stop"] else [],
        "passengers": _segment_passengers(offer, brand, ordered=ordered),
    }


def _stop(leg: Json) -> Json:
    # The stop is halfway, for fifty minutes.
    airport = airports()[leg["stop"]]
    start = airports()[leg["origin"]].instant(datetime.fromisoformat(leg["departing_at"]))
    lands = start + timedelta(minutes=(leg["minutes"] - 50) // 2)
    return {
        "id": f"sto_{leg['id'].removeprefix('seg_')}",
        "airport": _place(leg["stop"]),
        "arriving_at": airport.local(lands).isoformat(),
        "departing_at": airport.local(lands + timedelta(minutes=50)).isoformat(),
        "duration": duration(50),
    }


def _segment_passengers(offer: Json, brand: brands.Brand, *, ordered: bool) -> list[Json]:
    cabin = offer["cabin"]
    name = cabin.replace("_", " ").title()
    scenario = Scenario(offer["scenario"]) if offer["scenario"] else None
    rows: list[Json] = []
    for person in offer["passengers"]:
        row: Json = {
            "passenger_id": person["id"],
            "cabin_class": cabin,
            "cabin_class_marketing_name": name,
            "fare_basis_code": f"{cabin[0].upper()}20{offer['carrier']}{brand.name[0]}2",
            "baggages": brands.baggages(brand, scenario, person["type"]),
            "cabin": {
                "name": cabin,
                "marketing_name": name,
                "amenities": {
                    "wifi": {"available": True, "cost": "paid"},
                    "seat": {"pitch": "31", "legroom": "standard", "type": "standard"},
                    "power": {"available": True},
                },
            },
        }
        rows.append(row | {"seat": None} if ordered else row)
    return rows


def request_json(request: Json, offers: Sequence[Json] | None) -> Json:
    """Write an offer request, with its offers or without."""
    written: Json = {
        "id": request["id"],
        "live_mode": False,
        "created_at": request["created_at"],
        "cabin_class": request["cabin_class"],
        "client_key": request["client_key"],
        "airline_credit_ids": [],
        "slices": [
            {
                "origin": _place(row["origin"]),
                "origin_type": place_type(row["origin"]),
                "destination": _place(row["destination"]),
                "destination_type": place_type(row["destination"]),
                "departure_date": row["departure_date"],
            }
            for row in request["slices"]
        ],
        "passengers": request["passengers"],
    }
    if offers is None:
        return written
    return written | {"offers": [offer_json(offer) for offer in offers]}


@cache
def _place(code: str) -> Json:
    airport = airports().get(code)
    return place_json(code) if airport is None else airport_json(airport)


def duration(minutes: int) -> str:
    """Write minutes as ISO 8601, days split off as Duffel does."""
    days, rest = divmod(minutes, 1440)
    hours, left = divmod(rest, 60)
    day = f"P{days}D" if days else "P"
    time = (f"{hours}H" if hours else "") + (f"{left}M" if left else "")
    return f"{day}T{time}" if time else (day if days else "PT0M")
