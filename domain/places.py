"""Airports and cities by their IATA codes, and the search for them by name.

Airports come from the bundled table of `airportsdata`; the codes of cities with several airports
are not in it and stand below, as facts. Where one code names both an airport and its city (BKK,
SHA), it means the airport here: a traveller who wants the other one too can add it, and nobody
is flown to an airport that they did not name.
"""

import re
import unicodedata
from dataclasses import dataclass
from functools import cache, lru_cache
from math import asin, cos, radians, sin, sqrt
from typing import Literal

import airportsdata
from babel import Locale
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
_NEAR_KM, _NEAR_DEGREES = 250.0, 2.5  # a degree of latitude is 111 km
_SAME_CITY_KM = 120.0
_MOST_CHOICES = 10
_AIRFIELD = 3  # the importance of what is no public airport


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
    return round(_great_circle(position(origin), position(destination)))


def _great_circle(start: tuple[float, float], end: tuple[float, float]) -> float:
    (lat1, lon1), (lat2, lon2) = start, end
    half = (
        sin(radians(lat2 - lat1) / 2) ** 2
        + cos(radians(lat1)) * cos(radians(lat2)) * sin(radians(lon2 - lon1) / 2) ** 2
    )
    return 2 * _EARTH_KM * asin(sqrt(min(1.0, half)))


def search_places(text: str, limit: int = 10) -> tuple[Place, ...]:
    """Find places by code, city or airport name, the likeliest first; forgives small typos.

    A city comes before its airports, and its airports follow it.
    """
    wanted = plain_words(text)
    if not wanted:
        return ()
    return tuple(_atlas().places[code] for code in _ranked(wanted)[:limit])


def resolve_place(text: str) -> str | tuple[Place, ...]:
    """Return the code that a text means beyond doubt, else the places that it may mean.

    Beyond doubt is a code, a text that ends in one in brackets (which is how choices are written
    into a field), and the exact name of a city that has one airport or a code of its own. Nothing
    is guessed: a trip to the wrong London cannot be given back.
    """
    written = text.strip()
    bracketed = re.fullmatch(r".*\(([A-Za-z]{3})\)", written)
    code = (bracketed[1] if bracketed else written).upper()
    atlas = _atlas()
    wanted = plain_words(written)
    named = [one for one, city in _names().cities.items() if wanted and city == wanted]
    if code in atlas.places and (bracketed or not named):
        return code
    cities = [one for one in named if atlas.places[one].kind == "city"]
    if len(cities) == 1 and not set(named) - _together(cities[0]):
        return cities[0]
    if len(named) == 1 and code not in atlas.places:
        return named[0]
    meant = [code] if code in atlas.places else []
    meant += cities
    if cities:  # the other towns of that name, before the airports of the likeliest one
        meant += sorted(set(named) - _together(cities[0]))
    meant += [p.code for p in search_places(written, _MOST_CHOICES)]
    return tuple(atlas.places[one] for one in list(dict.fromkeys(meant))[:_MOST_CHOICES])


def nearest_airports(latitude: float, longitude: float, limit: int = 5) -> tuple[Place, ...]:
    """Return the airports about a position, those that look like real ones first."""
    atlas = _atlas()
    near = sorted(
        (km * (1 if _importance(code) <= 1 else 1.5), code)
        for code, position in atlas.positions.items()
        if abs(position[0] - latitude) < _NEAR_DEGREES
        and (km := _great_circle((latitude, longitude), position)) < _NEAR_KM
        and _importance(code) < _AIRFIELD
    )
    return tuple(atlas.places[code] for _, code in near[:limit])


def position(code: str) -> tuple[float, float]:
    """Return latitude and longitude; a city stands where its main airport is.

    Raises:
        UnknownPlace: no such code.
    """
    return _atlas().positions[airports_of(code)[0]]


def every_position() -> tuple[tuple[float, float], ...]:
    """Return where all airports are: enough of them that one sees the continents."""
    return tuple(_atlas().positions.values())


def label_of(found: Place) -> str:
    """Name a place so that it cannot be mistaken, ending in its code in brackets."""
    if found.kind == "city":
        return f"{found.name}, all airports ({found.code})"
    if found.city == found.name or plain_words(found.city) in plain_words(found.name):
        return f"{found.name} ({found.code})"
    return f"{found.city}, {found.name} ({found.code})"


def country_name(code: str) -> str:
    return str(Locale("en").territories.get(code, code))


def _together(code: str) -> set[str]:
    """Return the codes that name the same city: its airports, and smaller ones about it."""
    atlas = _atlas()
    here = position(code)
    about = {
        other for other in _same_name(code) if _great_circle(here, position(other)) < _SAME_CITY_KM
    }
    return {code, *atlas.places[code].airports} | about


def _same_name(code: str) -> list[str]:
    cities = _names().cities
    return [other for other, city in cities.items() if city == cities[code]]


@dataclass(frozen=True)
class _Atlas:
    places: dict[str, Place]
    positions: dict[str, tuple[float, float]]


@dataclass(frozen=True)
class _Names:
    """By code, in plain words. Made apart: who books by code never looks for a name."""

    cities: dict[str, str]
    both: dict[str, str]  # the city's and the airport's


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
    return _Atlas(places, positions)


@cache
def _names() -> _Names:
    places = _atlas().places
    cities = {code: plain_words(p.city) for code, p in places.items()}
    both = {code: f"{cities[code]} {plain_words(p.name)}" for code, p in places.items()}
    return _Names(cities, both)


def plain_words(text: str) -> str:
    """Lower case, without accents, words separated by single spaces."""
    if not text.isascii():
        text = "".join(
            c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c)
        )
    return " ".join("".join(c if c.isalnum() else " " for c in text.casefold()).split())


@lru_cache(maxsize=1024)
def _ranked(wanted: str) -> tuple[str, ...]:
    names = _names()
    ranks = {
        code: rank
        for code, both in names.both.items()
        if (rank := _rank(code, names.cities[code], both, wanted)) is not None
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
        return _AIRFIELD
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
    names = _names()
    found: dict[str, float] = {}
    for choices, scorer in ((names.cities, fuzz.ratio), (names.both, fuzz.token_set_ratio)):
        hits = process.extract(wanted, choices, scorer=scorer, limit=30, score_cutoff=75)
        for _, score, code in hits:
            found[code] = max(found.get(code, 0.0), score)
    by_score = sorted(found, key=lambda code: (-round(found[code]), _importance(code), code))
    return _with_airports(by_score)


def _suggest(text: str) -> tuple[str, ...]:
    """Return up to three codes that a mistaken one may have meant."""
    wanted = plain_words(text)
    named = search_places(wanted, 3)
    begun = any(plain_words(p.city).startswith(wanted) for p in named)
    if begun or not 2 <= len(wanted) <= 4:
        return tuple(p.code for p in named)
    # A slip of the fingers in a code: swapped letters first, then a letter too many at its end,
    # busy places first.
    slips = process.extract(
        wanted.upper(), list(_atlas().places), scorer=OSA.distance, limit=None, score_cutoff=1
    )
    ordered = sorted(
        (code for code, _, _ in slips),
        key=lambda code: (
            sorted(code) != sorted(wanted.upper()),
            not wanted.upper().startswith(code),
            _importance(code),
            code,
        ),
    )
    return tuple(dict.fromkeys([*ordered, *(p.code for p in named)]))[:3]
