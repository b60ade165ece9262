"""Airlines, airports and place suggestions."""

from sandboxes.duffel.airlines import airline_json, airlines
from sandboxes.duffel.errors import refuse
from sandboxes.duffel.places import airport_json, airports, near, suggest
from sandboxes.duffel.wire import Call, Reply, data, page


def list_airlines(call: Call) -> Reply:
    rows = [airline_json(code) for code in airlines()]
    return page(call, sorted(rows, key=lambda row: str(row["name"])))


def get_airline(call: Call) -> Reply:
    for code in airlines():
        row = airline_json(code)
        if row["id"] == call.path("id"):
            return data(row)
    raise refuse(404, "not_found")


def list_airports(call: Call) -> Reply:
    """List airports by name; either code narrows the list."""
    code, country = call.query("iata_code"), call.query("iata_country_code")
    rows = [
        airport_json(airport)
        for airport in airports().values()
        if code in (None, airport.code) and country in (None, airport.country)
    ]
    return page(call, sorted(rows, key=lambda row: (str(row["name"]), str(row["id"]))))


def get_airport(call: Call) -> Reply:
    parts = call.path("id").split("_")
    airport = airports().get(parts[1].upper()) if len(parts) == 3 else None
    if airport is None or airport_json(airport)["id"] != call.path("id"):
        raise refuse(404, "not_found")
    return data(airport_json(airport))


def place_suggestions(call: Call) -> Reply:
    """Suggest by text, or around a point."""
    lat, lng, rad = call.query("lat"), call.query("lng"), call.query("rad")
    if lat is not None and lng is not None:
        try:
            return data(near(float(lat), float(lng), float(rad or "100000")))
        except ValueError as error:
            raise refuse(422, "validation_format", pointer="/lat") from error
    query = call.query("query") or call.query("name")
    if query is None:
        raise refuse(422, "validation_required", pointer="/query")
    return data(suggest(query))
