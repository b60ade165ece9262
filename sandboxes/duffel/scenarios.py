"""Routes that Duffel's test mode reserves for a scenario, with any airline's offers on them."""

from enum import StrEnum


class Scenario(StrEnum):
    """What is special about a route."""

    NO_OFFERS = "no_offers"
    HOLD = "hold"
    CONNECTING = "connecting"
    STOP = "stop"
    NO_BAGGAGE = "no_baggage"
    NO_SERVICES = "no_services"
    SEARCH_TIMEOUT = "search_timeout"
    OFFER_GONE = "offer_gone"
    PRICE_RISES = "price_rises"
    CREATION_ERROR = "creation_error"
    INSUFFICIENT_BALANCE = "insufficient_balance"
    CREATED_LATER_200 = "created_later_200"
    CREATED_LATER_202 = "created_later_202"
    CREATION_FAILS_202 = "creation_fails_202"
    AIRLINE_CHANGES = "airline_changes"
    REFUND_AIRLINE_CREDITS = "refund_airline_credits"


_ROUTES = {
    ("PVD", "RAI"): Scenario.NO_OFFERS,
    ("JFK", "EWR"): Scenario.HOLD,
    ("LHR", "DXB"): Scenario.CONNECTING,
    ("DXB", "AMS"): Scenario.STOP,
    ("BTS", "MRU"): Scenario.NO_BAGGAGE,
    ("BTS", "ABV"): Scenario.NO_SERVICES,
    ("STN", "LHR"): Scenario.SEARCH_TIMEOUT,
    ("LGW", "LHR"): Scenario.OFFER_GONE,
    ("LHR", "STN"): Scenario.PRICE_RISES,
    ("LHR", "LGW"): Scenario.CREATION_ERROR,
    ("LGW", "STN"): Scenario.INSUFFICIENT_BALANCE,
    ("LTN", "STN"): Scenario.CREATED_LATER_200,
    ("SEN", "STN"): Scenario.CREATED_LATER_202,
    ("LCY", "STN"): Scenario.CREATION_FAILS_202,
    ("LHR", "LTN"): Scenario.AIRLINE_CHANGES,
    ("LTN", "SYD"): Scenario.REFUND_AIRLINE_CREDITS,
}


def scenario_of(origin: str, destination: str) -> Scenario | None:
    """Tell the scenario of a search by its first slice, as the codes were asked for."""
    return _ROUTES.get((origin, destination))
