"""A small map of what the chosen codes cover: where their airports are, and the ways between.

No coastline is needed: thousands of airports, a faint dot each, draw the continents by themselves.
"""

from collections.abc import Sequence
from itertools import pairwise
from math import cos, radians

from domain.places import distance_km, every_position, place, position
from domain.values import Value

WIDTH, HEIGHT = 640, 280
_MARGIN = 28
_SMALLEST_SPAN = 3.0  # degrees: two airports of a city still lie apart
_CELL = 5  # pixels: one dot in each is enough
_MOST_LINES = 6


class Pin(Value):
    """An airport on the map; `label` is written beside it where there is room."""

    code: str
    x: float
    y: float
    kind: str  # origin or destination
    label: bool


class PlaceMap(Value):
    """What is drawn, in pixels of WIDTH by HEIGHT; `words` says the same."""

    pins: tuple[Pin, ...]
    ways: tuple[tuple[float, float, float, float], ...]
    dots: str
    words: str


def place_map(origins: Sequence[str], destinations: Sequence[str]) -> PlaceMap | None:
    """Draw the airports of these codes; None where there are none yet.

    Raises:
        UnknownPlace: one of the codes is unknown.
    """
    airports = [(a, "origin") for code in origins for a in place(code).airports]
    airports += [(a, "destination") for code in destinations for a in place(code).airports]
    if not airports:
        return None
    frame = _Frame([position(code) for code, _ in airports])
    pins: list[Pin] = []
    for code, kind in dict(airports).items():
        x, y = frame.at(position(code))
        apart = all(abs(x - p.x) > 40 or abs(y - p.y) > 14 for p in pins if p.label)
        pins.append(Pin(code=code, x=x, y=y, kind=kind, label=apart))
    return PlaceMap(
        pins=tuple(pins),
        ways=tuple(
            (*frame.at(position(start)), *frame.at(position(end)))
            for start in origins
            for end in destinations
        )[:_MOST_LINES],
        dots=frame.dots(),
        words=_words(origins, destinations),
    )


class _Frame:
    """Puts positions on the picture; the world may be cut open anywhere but at the chosen ones."""

    def __init__(self, positions: Sequence[tuple[float, float]]) -> None:
        self._cut = _widest_gap([lon for _, lon in positions])
        lats = [lat for lat, _ in positions]
        lons = [self._unrolled(lon) for _, lon in positions]
        middle = (min(lats) + max(lats)) / 2, (min(lons) + max(lons)) / 2
        self._narrow = max(0.2, cos(radians(middle[0])))
        across = max(max(lons) - min(lons), _SMALLEST_SPAN) * self._narrow
        along = max(max(lats) - min(lats), _SMALLEST_SPAN)
        self._scale = min((WIDTH - 2 * _MARGIN) / across, (HEIGHT - 2 * _MARGIN) / along)
        self._middle = middle

    def at(self, where: tuple[float, float]) -> tuple[float, float]:
        x = WIDTH / 2 + (self._unrolled(where[1]) - self._middle[1]) * self._narrow * self._scale
        y = HEIGHT / 2 - (where[0] - self._middle[0]) * self._scale
        return round(x, 1), round(y, 1)

    def dots(self) -> str:
        """Return one path of points, at most one in each small square of the picture."""
        taken = set()
        for where in every_position():
            x, y = self.at(where)
            if 0 <= x <= WIDTH and 0 <= y <= HEIGHT:
                taken.add((int(x // _CELL), int(y // _CELL)))
        half = _CELL / 2
        return "".join(f"M{x * _CELL + half:g} {y * _CELL + half:g}h0" for x, y in sorted(taken))

    def _unrolled(self, longitude: float) -> float:
        return (longitude - self._cut) % 360


def _widest_gap(longitudes: Sequence[float]) -> float:
    """Return the middle of the widest stretch without a chosen place: the map is cut there."""
    ordered = sorted(lon % 360 for lon in longitudes)
    gaps = [(b - a, a) for a, b in pairwise([*ordered, ordered[0] + 360])]
    gap, start = max(gaps)
    return start + gap / 2


def _words(origins: Sequence[str], destinations: Sequence[str]) -> str:
    start, goal = _listed(origins), _listed(destinations)
    if not destinations:
        return f"Map of where you could leave from: {start}."
    if not origins:
        return f"Map of where you could go: {goal}."
    distances = [distance_km(o, d) for o in origins for d in destinations]
    least, most = min(distances), max(distances)
    far = f"{least:,} km" if least == most else f"{least:,} to {most:,} km"
    return f"Map: from {start} to {goal}, {far}."


def _listed(codes: Sequence[str]) -> str:
    """Name the places with the airports that their codes cover."""
    found = []
    for code in codes:
        one = place(code)
        covered = f" ({', '.join(one.airports)})" if one.kind == "city" else f" ({code})"
        found.append((one.name if one.kind == "city" else one.city) + covered)
    return ", ".join(found)
