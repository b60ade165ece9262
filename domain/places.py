"""Airports and cities by their IATA codes, and the search for them by name.

Airports come from the bundled table of `airportsdata`; the codes of cities with several airports
are not in it and stand below, as facts. Where one code names both an airport and its city (BKK,
SHA), it means the airport here: a traveller who wants the other one too can add it, and nobody
is flown to an airport that they did not name.
"""

import unicodedata
from dataclasses import dataclass
from functools import cache, lru_cache
from math import asin, cos, radians, sin, sqrt
from typing import Literal

import airportsdata
from rapidfuzz import fuzz, process
from rapidfuzz.distance import OSA

from domain.errors import UnknownPlace
from domain.values import Value

# City code: its name as travellers write it, then its airports, the main one first.
_CITIES = {
    "BHZ": ("Belo Horizonte", "CNF PLU"),
    "BJS": ("Beijing", "PEK PKX"),
    "BUE": ("Buenos Aires", "EZE AEP"),
    "BUH": ("Bucharest", "OTP BBU"),
    "CHI": ("Chicago", "ORD MDW"),
    "DTT": ("Detroit", "DTW"),
    "JKT": ("Jakarta", "CGK HLP"),
    "LON": ("London", "LHR LGW STN LTN LCY SEN"),
    "MIL": ("Milan", "MXP LIN BGY"),
    "MOW": ("Moscow", "SVO DME VKO ZIA"),
    "NYC": ("New York", "JFK EWR LGA"),
    "OSA": ("Osaka", "KIX ITM UKB"),
    "PAR": ("Paris", "CDG ORY BVA"),
    "REK": ("Reykjavik", "KEF RKV"),
    "RIO": ("Rio de Janeiro", "GIG SDU"),
    "ROM": ("Rome", "FCO CIA"),
    "SAO": ("São Paulo", "GRU CGH VCP"),
    "SEL": ("Seoul", "ICN GMP"),
    "SPK": ("Sapporo", "CTS OKD"),
    "STO": ("Stockholm", "ARN BMA NYO VST"),
    "TCI": ("Tenerife", "TFS TFN"),
    "TYO": ("Tokyo", "HND NRT"),
    "WAS": ("Washington", "IAD DCA"),
    "YEA": ("Edmonton", "YEG"),
    "YMQ": ("Montreal", "YUL YHU"),
    "YTO": ("Toronto", "YYZ YTZ"),
}

_EARTH_KM = 6371.0


class Place(Value):
    """An airport, or a city with its airports. `time_zone` is a name of the tz database."""

    code: str
    kind: Literal["airport", "city"]
    name: str
    city: str
    country: str
    time_zone: str
    airports: tuple[str, ...]


def place(code: str) -> Place:
    """Return the airport or city with this code; capitals do not matter.

    Raises:
        UnknownPlace: no such code, with the codes that were probably meant.
    """
    wanted = code.strip().upper()
    found = _atlas().places.get(wanted)
    if found is None:
        raise UnknownPlace(code, _suggest(code))
    return found


def airports_of(code: str) -> tuple[str, ...]:
    """Return the city's airports, main one first, or the airport itself.

    Raises:
        UnknownPlace: no such code.
    """
    return place(code).airports


def time_zone(code: str) -> str:
    """Return the place's time zone.

    Raises:
        UnknownPlace: no such code.
    """
    return place(code).time_zone


def distance_km(origin: str, destination: str) -> int:
    """Return the great-circle distance; a city stands where its main airport is.

    Raises:
        UnknownPlace: one of the codes is unknown.
    """
    positions = _atlas().positions
    lat1, lon1 = positions[airports_of(origin)[0]]
    lat2, lon2 = positions[airports_of(destination)[0]]
    half = (
        sin(radians(lat2 - lat1) / 2) ** 2
        + cos(radians(lat1)) * cos(radians(lat2)) * sin(radians(lon2 - lon1) / 2) ** 2
    )
    return round(2 * _EARTH_KM * asin(sqrt(min(1.0, half))))


def search_places(text: str, limit: int = 10) -> tuple[Place, ...]:
    """Find places by code, city or airport name, the likeliest first; forgives small typos.

    A city comes before its airports, and its airports follow it.
    """
    wanted = _plain(text)
    if not wanted:
        return ()
    return tuple(_atlas().places[code] for code in _ranked(wanted)[:limit])


@dataclass(frozen=True)
class _Atlas:
    places: dict[str, Place]
    positions: dict[str, tuple[float, float]]
    city_names: dict[str, str]  # code -> plain name of its city
    names: dict[str, str]  # code -> plain city and airport name


@cache
def _atlas() -> _Atlas:
    places: dict[str, Place] = {}
    positions: dict[str, tuple[float, float]] = {}
    for code, row in airportsdata.load("IATA").items():
        positions[code] = (row["lat"], row["lon"])
        places[code] = Place(
            code=code,
            kind="airport",
            name=row["name"],
            city=row["city"] or row["name"],
            country=row["country"],
            time_zone=row["tz"] or "UTC",  # only Antarctica has none
            airports=(code,),
        )
    for code, (name, listed) in _CITIES.items():
        airports = tuple(a for a in listed.split() if a in places)
        main = places[airports[0]]
        places[code] = Place(
            code=code,
            kind="city",
            name=name,
            city=name,
            country=main.country,
            time_zone=main.time_zone,
            airports=airports,
        )
    city_names = {code: _plain(p.city) for code, p in places.items()}
    names = {code: f"{city_names[code]} {_plain(p.name)}" for code, p in places.items()}
    return _Atlas(places, positions, city_names, names)


def _plain(text: str) -> str:
    """Lower case, without accents, words separated by single spaces."""
    bare = "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
    return " ".join("".join(c if c.isalnum() else " " for c in bare.casefold()).split())


@lru_cache(maxsize=1024)
def _ranked(wanted: str) -> tuple[str, ...]:
    atlas = _atlas()
    ranks = {
        code: rank
        for code, names in atlas.names.items()
        if (rank := _rank(code, atlas.city_names[code], names, wanted)) is not None
    }
    if not ranks and len(wanted) >= 3:
        return _fuzzy(wanted)
    by_rank = sorted(ranks, key=lambda code: (ranks[code], _importance(code), code))
    return _with_airports(by_rank)


def _rank(code: str, city: str, names: str, wanted: str) -> int | None:
    if code.casefold() == wanted:
        return 0
    if city == wanted:
        return 1
    if city.startswith(wanted):
        return 2
    if names.startswith(wanted) or f" {wanted}" in names:
        return 3
    if all(f" {word}" in f" {names}" for word in wanted.split()):
        return 4
    return None


def _importance(code: str) -> int:
    """Order by what little the table tells: cities, then international airports, then the rest."""
    found = _atlas().places[code]
    if found.kind == "city":
        return 0
    name = found.name.casefold()
    if any(word in name for word in ("air base", "airfield", "heliport", "seaplane", "afb")):
        return 3
    return 1 if "international" in name or code in _metropolitan() else 2


@cache
def _metropolitan() -> frozenset[str]:
    return frozenset(a for _, listed in _CITIES.values() for a in listed.split())


def _with_airports(codes: list[str]) -> tuple[str, ...]:
    """Put each city's airports right behind it, once each."""
    ordered: dict[str, None] = {}
    for code in codes:
        ordered[code] = None
        ordered.update(dict.fromkeys(_atlas().places[code].airports))
    return tuple(ordered)


def _fuzzy(wanted: str) -> tuple[str, ...]:
    """Find the city or airport names that look most like the text."""
    atlas = _atlas()
    found: dict[str, float] = {}
    for choices, scorer in ((atlas.city_names, fuzz.ratio), (atlas.names, fuzz.token_set_ratio)):
        hits = process.extract(wanted, choices, scorer=scorer, limit=30, score_cutoff=75)
        for _, score, code in hits:
            found[code] = max(found.get(code, 0.0), score)
    by_score = sorted(found, key=lambda code: (-round(found[code]), _importance(code), code))
    return _with_airports(by_score)


def _suggest(text: str) -> tuple[str, ...]:
    """Return up to three codes that a mistaken one may have meant."""
    wanted = _plain(text)
    named = [p.code for p in search_places(wanted, 3)]
    if named or not 2 <= len(wanted) <= 4:
        return tuple(named)
    # A slip of the fingers in a code: swapped letters first, busy places first.
    slips = process.extract(
        wanted.upper(), list(_atlas().places), scorer=OSA.distance, limit=None, score_cutoff=1
    )
    ordered = sorted(
        (code for code, _, _ in slips),
        key=lambda code: (sorted(code) != sorted(wanted.upper()), _importance(code), code),
    )
    return tuple(ordered[:3])
