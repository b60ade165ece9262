"""Which flights there are on a day: pure, the same for everybody who asks."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache, lru_cache

from sandboxes.duffel.airlines import DUFFEL_AIRWAYS, Airline, airlines
from sandboxes.duffel.fares import unit
from sandboxes.duffel.places import Airport, airports, distance_km, resolve
from sandboxes.duffel.scenarios import Scenario

_CARRIERS = 6
_PAIRS = 4
_LONG_HAUL_KM = 4500
_SMALL_FLEET = (("E90", "Embraer 190"), ("320", "Airbus A320"), ("738", "Boeing 737-800"))
_LARGE_FLEET = (("77W", "Boeing 777-300ER"), ("789", "Boeing 787-9"), ("359", "Airbus A350-900"))
# Served from afar though nobody is at home there.
_ALSO_MAJOR = {
    "ACC", "BCN", "BKK", "BUD", "CPT", "CUN", "DUS", "EDI", "FLL", "GIG", "HNL", "JED", "LAS",
    "LAX", "LOS", "MAN", "MCO", "MLE", "MRU", "NCE", "OSL", "PRG", "RUH", "TUN", "VCE", "ZNZ",
}  # fmt: skip


@dataclass(frozen=True)
class Leg:
    """One flight; times are local to its airports."""

    origin: str
    destination: str
    departing_at: datetime
    arriving_at: datetime
    minutes: int
    km: float
    carrier: str
    number: str
    aircraft: tuple[str, str]
    stop: str | None = None


@dataclass(frozen=True)
class Itinerary:
    """One way to get there with one carrier."""

    carrier: str
    slot: int
    legs: tuple[Leg, ...]
    minutes: int
    km: float
    """Great circle between the ends, whatever way is flown."""


@dataclass(frozen=True)
class _Path:
    carrier: Airline
    stops: tuple[Airport, ...]
    score: float


@lru_cache(maxsize=4096)
def itineraries(
    seed: int,
    origin: str,
    destination: str,
    day: date,
    *,
    max_connections: int = 1,
    scenario: Scenario | None = None,
) -> tuple[Itinerary, ...]:
    """List the day's itineraries between two places; unknown places have none."""
    paths = list(_paths(seed, origin, destination, max_connections))
    found = [
        _itinerary(seed, path, day, slot, scenario)
        for path in paths
        for slot in range(_slots(seed, path))
    ]
    pair = _pairs(origin, destination)[:1]
    if pair:
        own = _own_paths(pair[0], scenario, max_connections)
        # Duffel Airways flies any pair; where it flies almost alone it flies oftener.
        found += [
            _itinerary(seed, path, day, slot, scenario)
            for path in own
            for slot in range(2 if len(found) >= 3 else 4)
        ]
    if scenario is Scenario.CONNECTING:
        found = [itinerary for itinerary in found if len(itinerary.legs) == 2]
    if scenario is Scenario.STOP:
        found = [itinerary for itinerary in found if len(itinerary.legs) == 1]
    return tuple(found)


def _pairs(origin: str, destination: str) -> list[tuple[Airport, Airport]]:
    pairs = [(o, d) for o in resolve(origin) for d in resolve(destination) if o.code != d.code]
    return pairs[:_PAIRS]


def _own_paths(
    pair: tuple[Airport, Airport], scenario: Scenario | None, max_connections: int
) -> list[_Path]:
    own = airlines()[DUFFEL_AIRWAYS]
    if scenario is Scenario.CONNECTING and max_connections:
        return [_Path(own, (pair[0], airports()["VIE"], pair[1]), 0)]
    return [_Path(own, pair, 0)]


def _paths(seed: int, origin: str, destination: str, max_connections: int) -> Iterator[_Path]:
    best: dict[str, _Path] = {}
    for o, d in _pairs(origin, destination):
        for airline in airlines().values():
            if airline.code == DUFFEL_AIRWAYS:
                continue
            for path in _ways(seed, airline, o, d, max_connections):
                known = best.get(airline.code)
                if known is None or path.score < known.score:
                    best[airline.code] = path
    yield from sorted(best.values(), key=lambda path: (path.score, path.carrier.code))[:_CARRIERS]


def _ways(
    seed: int, airline: Airline, o: Airport, d: Airport, max_connections: int
) -> Iterator[_Path]:
    direct = distance_km(o, d)
    luck = 0.3 * unit("way", seed, airline.code, o.code, d.code)
    if _flies(seed, airline, o, d, direct):
        yield _Path(airline, (o, d), luck)
        return
    if max_connections == 0 or direct < 600 or airline.low_cost:
        return
    longest = 1.7 if airline.connector and direct > 3000 else 1.35
    for hub in (airports()[code] for code in airline.hubs):
        first, second = distance_km(o, hub), distance_km(hub, d)
        detour = (first + second) / direct
        served = _served(o, first) and _served(d, second)
        if served and min(first, second) > 100 and max(first, second) <= airline.reach_km:
            if detour <= longest:
                yield _Path(airline, (o, hub, d), 0.3 + detour - 1 + luck)
        elif max_connections == 2 and direct > 2500 and detour <= 1.5:
            feeder = _feeder(o if first < second else d)
            stops = (o, feeder, hub, d) if first < second else (o, hub, feeder, d)
            if len({stop.code for stop in stops}) == len(stops):
                yield _Path(airline, stops, 0.9 + detour - 1 + luck)


def _flies(seed: int, airline: Airline, o: Airport, d: Airport, km: float) -> bool:
    at_home = o.code in airline.hubs or d.code in airline.hubs
    if not at_home or km > airline.reach_km:
        return False
    if airline.low_cost and unit("flies", seed, airline.code, *sorted((o.code, d.code))) < 0.35:
        return False
    return _served(o, km) and _served(d, km)


def _served(airport: Airport, km: float) -> bool:
    return km <= _LONG_HAUL_KM or airport.code in _majors()


@cache
def _majors() -> frozenset[str]:
    hubs = {code for airline in airlines().values() for code in airline.hubs}
    return frozenset(hubs | _ALSO_MAJOR)


@cache
def _feeder(airport: Airport) -> Airport:
    hubs = (airports()[code] for code in sorted(_majors()) if code != airport.code)
    return min((hub for hub in hubs), key=lambda hub: distance_km(airport, hub))


def _slots(seed: int, path: _Path) -> int:
    if len(path.stops) > 2:
        return 1
    return 1 + (
        unit("slots", seed, path.carrier.code, path.stops[0].code, path.stops[1].code) < 0.5
    )


def _itinerary(
    seed: int, path: _Path, day: date, slot: int, scenario: Scenario | None
) -> Itinerary:
    route = "-".join(stop.code for stop in path.stops)
    key = (seed, route, path.carrier.code, slot)
    minute = 6 * 60 + (slot % 4) * 240 + int(unit("departs", *key) * 44) * 5
    local = datetime(day.year, day.month, day.day) + timedelta(minutes=minute)  # noqa: DTZ001
    legs: list[Leg] = []
    moment = path.stops[0].instant(local)
    start = moment
    for place, (o, d) in enumerate(zip(path.stops, path.stops[1:], strict=False)):
        if place:
            moment += timedelta(minutes=70 + int(unit("layover", *key, place) * 26) * 5)
        stop = "VIE" if scenario is Scenario.STOP else None
        km = distance_km(o, d)
        minutes = 5 * round((35 + km / 13.5) / 5) + (50 if stop else 0)
        fleet = _LARGE_FLEET if km > _LONG_HAUL_KM else _SMALL_FLEET
        ends = moment + timedelta(minutes=minutes)
        legs.append(
            Leg(
                origin=o.code,
                destination=d.code,
                departing_at=o.local(moment),
                arriving_at=d.local(ends),
                minutes=minutes,
                km=round(km, 2),
                carrier=path.carrier.code,
                number=str(100 + int(unit("number", *key, place) * 4800)),
                aircraft=fleet[int(unit("fleet", *key, place) * len(fleet))],
                stop=stop,
            )
        )
        moment = ends
    return Itinerary(
        carrier=path.carrier.code,
        slot=slot,
        legs=tuple(legs),
        minutes=int((moment - start).total_seconds() // 60),
        km=distance_km(path.stops[0], path.stops[-1]),
    )
