"""Airports and cities: looking them up, measuring between them, writing them as Duffel does."""

import math
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from zoneinfo import ZoneInfo

import airportsdata
from babel import Locale

from sandboxes.store import Json

# Cities with several airports, the busiest first. Those that the airport table knows in another
# order, or not at all.
_METROS = {
    "BJS": ("Beijing", "CN", ("PEK", "PKX")),
    "BUE": ("Buenos Aires", "AR", ("EZE", "AEP")),
    "CHI": ("Chicago", "US", ("ORD", "MDW")),
    "DTT": ("Detroit", "US", ("DTW",)),
    "HOU": ("Houston", "US", ("IAH", "HOU")),
    "LON": ("London", "GB", ("LHR", "LGW", "STN", "LTN", "LCY", "SEN")),
    "MIL": ("Milan", "IT", ("MXP", "LIN", "BGY")),
    "MOW": ("Moscow", "RU", ("SVO", "DME", "VKO")),
    "NYC": ("New York", "US", ("JFK", "EWR", "LGA")),
    "OSA": ("Osaka", "JP", ("KIX", "ITM")),
    "PAR": ("Paris", "FR", ("CDG", "ORY")),
    "QSF": ("San Francisco", "US", ("SFO", "OAK", "SJC")),
    "RIO": ("Rio de Janeiro", "BR", ("GIG", "SDU")),
    "ROM": ("Rome", "IT", ("FCO", "CIA")),
    "SAO": ("São Paulo", "BR", ("GRU", "CGH", "VCP")),
    "SEL": ("Seoul", "KR", ("ICN", "GMP")),
    "SPK": ("Sapporo", "JP", ("CTS", "OKD")),
    "STO": ("Stockholm", "SE", ("ARN", "BMA")),
    "TYO": ("Tokyo", "JP", ("HND", "NRT")),
    "WAS": ("Washington", "US", ("IAD", "DCA", "BWI")),
    "YMQ": ("Montreal", "CA", ("YUL",)),
    "YTO": ("Toronto", "CA", ("YYZ", "YTZ")),
}
_EARTH_KM = 6371.0


@dataclass(frozen=True)
class Airport:
    """One airport; `city_code` is its own code where no wider city exists."""

    code: str
    name: str
    city: str
    city_code: str
    country: str
    icao: str
    latitude: float
    longitude: float
    time_zone: str

    def local(self, instant: datetime) -> datetime:
        """Tell the wall time here at an instant, without a zone, as flight times are written."""
        return instant.astimezone(ZoneInfo(self.time_zone)).replace(tzinfo=None)

    def instant(self, local: datetime) -> datetime:
        """Tell the instant of a wall time here."""
        return local.replace(tzinfo=ZoneInfo(self.time_zone)).astimezone(UTC)


@dataclass(frozen=True)
class City:
    """A city with more than one airport, or one whose code differs from its airport's."""

    code: str
    name: str
    country: str
    airports: tuple[str, ...]


@cache
def airports() -> dict[str, Airport]:
    """Load every airport with a code."""
    city_of = {code: city.code for city in cities().values() for code in city.airports}
    return {
        code: Airport(
            code=code,
            name=row["name"],
            city=row["city"] or row["name"],
            city_code=city_of.get(code, code),
            country=row["country"],
            icao=row["icao"],
            latitude=row["lat"],
            longitude=row["lon"],
            time_zone=row["tz"],
        )
        for code, row in airportsdata.load("IATA").items()
    }


@cache
def cities() -> dict[str, City]:
    """Load every city of several airports."""
    known = {
        code: City(code, row["name"], row["country"], tuple(row["airports"]))
        for code, row in airportsdata.load_iata_macs().items()
    }
    own = {code: City(code, *facts) for code, facts in _METROS.items()}
    return known | own


def resolve(code: str) -> tuple[Airport, ...]:
    """Give the airports that a code stands for: one, a city's, or none if unknown."""
    table = airports()
    if code in table:
        return (table[code],)
    city = cities().get(code)
    return tuple(table[c] for c in city.airports if c in table) if city else ()


def distance_km(one: Airport, other: Airport) -> float:
    """Measure the great circle."""
    lat1, lat2 = math.radians(one.latitude), math.radians(other.latitude)
    dlon = math.radians(other.longitude - one.longitude)
    h = math.sin((lat2 - lat1) / 2) ** 2 + math.cos(lat1) * math.cos(lat2) * math.sin(dlon / 2) ** 2
    return 2 * _EARTH_KM * math.asin(math.sqrt(min(1.0, h)))


def place_json(code: str) -> Json:
    """Write an airport or a city as Duffel does inside slices and segments."""
    airport = airports().get(code)
    return _city_json(code, with_airports=True) if airport is None else airport_json(airport)


def place_type(code: str) -> str:
    return "airport" if code in airports() else "city"


def airport_json(airport: Airport) -> Json:
    has_city = airport.city_code in cities()
    return {
        "id": f"arp_{airport.code.lower()}_{airport.country.lower()}",
        "type": "airport",
        "name": airport.name,
        "iata_code": airport.code,
        "icao_code": airport.icao or None,
        "iata_city_code": airport.city_code,
        "iata_country_code": airport.country,
        "city_name": airport.city,
        "city": _city_json(airport.city_code, with_airports=False) if has_city else None,
        "airports": None,
        "latitude": airport.latitude,
        "longitude": airport.longitude,
        "time_zone": airport.time_zone,
    }


def _city_json(code: str, *, with_airports: bool) -> Json:
    city = cities()[code]
    inside = [airport_json(a) | {"city": None} for a in resolve(code)] if with_airports else None
    if with_airports and code in airports():
        inside = [airport_json(airports()[c]) | {"city": None} for c in city.airports]
    found = {
        "id": f"cit_{code.lower()}_{city.country.lower()}",
        "type": "city",
        "name": city.name,
        "iata_code": code,
        "iata_city_code": code,
        "iata_country_code": city.country,
        "icao_code": None,
        "latitude": None,
        "longitude": None,
        "time_zone": None,
        "city_name": None,
    }
    return found | {"airports": inside} if with_airports else found


def suggest(query: str, limit: int = 20) -> list[Json]:
    """Find places by name or code: exact codes first, then cities, then airports."""
    text = query.strip().casefold()
    if not text:
        return []
    ranked: list[tuple[int, str, Json]] = []
    for city in cities().values():
        rank = _rank(text, city.code, city.name)
        if rank is not None:
            ranked.append((rank, city.name, _suggestion(_city_json(city.code, with_airports=True))))
    for airport in airports().values():
        rank = _rank(text, airport.code, airport.city, airport.name)
        if rank is not None:
            ranked.append((rank + 1, airport.name, _suggestion(airport_json(airport))))
    ranked.sort(key=lambda item: (item[0], item[1]))
    return [place for _, _, place in ranked[:limit]]


def near(latitude: float, longitude: float, radius_m: float, limit: int = 20) -> list[Json]:
    """Find airports around a point, nearest first."""
    here = Airport("", "", "", "", "", "", latitude, longitude, "UTC")
    found = [(distance_km(here, airport), airport) for airport in airports().values()]
    inside = sorted(
        ((km, airport) for km, airport in found if km * 1000 <= radius_m),
        key=lambda item: (item[0], item[1].code),
    )
    return [_suggestion(airport_json(airport)) for _, airport in inside[:limit]]


def _rank(text: str, code: str, *names: str) -> int | None:
    folded = [name.casefold() for name in names]
    if text == code.casefold():
        return 0
    if any(name == text for name in folded):
        return 2
    if any(name.startswith(text) for name in folded):
        return 4
    inside = len(text) >= 3 and any(text in name for name in folded)
    return 6 if inside else None


def _suggestion(place: Json) -> Json:
    country = Locale("en").territories.get(place["iata_country_code"])
    return place | {"country_name": country}
