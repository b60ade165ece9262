"""Reading what a search asks for."""

import re
from dataclasses import dataclass
from datetime import date
from typing import Any

from sandboxes.duffel.errors import DuffelError, invalid
from sandboxes.duffel.fares import CABIN_FACTORS
from sandboxes.duffel.ids import new_id
from sandboxes.duffel.places import resolve
from sandboxes.duffel.scenarios import Scenario, scenario_of
from sandboxes.store import Json

_MAX_PASSENGERS = 9
_NAME = re.compile(r"[^\W\d_](?:[^\W\d_]|[ '’-]){0,19}")


@dataclass(frozen=True)
class Slice:
    origin: str
    destination: str
    day: date
    departs: tuple[str, str] | None
    arrives: tuple[str, str] | None


@dataclass(frozen=True)
class Search:
    """A valid search."""

    slices: tuple[Slice, ...]
    passengers: tuple[Json, ...]
    """As they are kept and shown, with new ids."""
    cabin: str | None
    max_connections: int

    @property
    def scenario(self) -> Scenario | None:
        return scenario_of(self.slices[0].origin, self.slices[0].destination)


def read_search(body: Json) -> Search:
    """Read the body of an offer request. Raises DuffelError naming every bad field."""
    problems: list[Json] = []
    slices = _read_list(body, "slices", problems)
    passengers = _read_list(body, "passengers", problems)
    read = [_read_slice(row, f"/slices/{n}", problems) for n, row in enumerate(slices)]
    people = [
        _read_passenger(row, f"/passengers/{n}", problems) for n, row in enumerate(passengers)
    ]
    if len(people) > _MAX_PASSENGERS:
        message = f"Field 'passengers' has more than {_MAX_PASSENGERS} entries"
        problems.append(invalid("validation_length", "/passengers", message))
    adults = sum(person["type"] == "adult" for person in people)
    infants = sum(person["type"] == "infant_without_seat" for person in people)
    if infants > adults:
        message = "Each infant without a seat needs an adult"
        problems.append(invalid("validation_inclusion", "/passengers", message))
    cabin = body.get("cabin_class")
    if cabin is not None and cabin not in CABIN_FACTORS:
        problems.append(_not_in("/cabin_class"))
    connections = body.get("max_connections", 1)
    if connections is None:
        connections = 1
    if not isinstance(connections, int) or connections not in (0, 1, 2):
        problems.append(_not_in("/max_connections"))
    days = [row.day for row in read if row is not None]
    if days != sorted(days):
        message = "Departure dates must not go back in time"
        problems.append(invalid("validation_inclusion", "/slices", message))
    if problems:
        raise DuffelError(422, *problems)
    return Search(
        slices=tuple(row for row in read if row is not None),
        passengers=tuple(people),
        cabin=cabin,
        max_connections=connections,
    )


def _read_list(body: Json, name: str, problems: list[Json]) -> list[Any]:
    value = body.get(name)
    if not isinstance(value, list) or not value:
        code = "validation_required" if not value else "validation_type"
        problems.append(invalid(code, f"/{name}", f"Field '{name}' can't be blank"))
        return []
    return value


def _read_slice(row: Any, at: str, problems: list[Json]) -> Slice | None:
    if not isinstance(row, dict):
        problems.append(invalid("validation_type", at, "A slice must be an object"))
        return None
    before = len(problems)
    for name in ("origin", "destination"):
        code = row.get(name)
        if not code:
            problems.append(_blank(f"{at}/{name}"))
        elif not isinstance(code, str) or not resolve(code):
            problems.append(_not_in(f"{at}/{name}"))
    day = None
    try:
        day = date.fromisoformat(str(row.get("departure_date") or ""))
    except ValueError:
        missing = not row.get("departure_date")
        where = f"{at}/departure_date"
        problem = invalid("validation_format", where, "Field 'departure_date' must be a date")
        problems.append(_blank(where) if missing else problem)
    if len(problems) == before and row["origin"] == row["destination"]:
        problems.append(_not_in(f"{at}/destination"))
    windows = [_read_window(row, at, name, problems) for name in ("departure_time", "arrival_time")]
    if day is None or len(problems) > before:
        return None
    return Slice(row["origin"], row["destination"], day, windows[0], windows[1])


def _read_window(row: Json, at: str, name: str, problems: list[Json]) -> tuple[str, str] | None:
    window = row.get(name)
    if window is None:
        return None
    ends = (window.get("from"), window.get("to")) if isinstance(window, dict) else (None, None)
    if all(isinstance(end, str) and re.fullmatch(r"[0-2]\d:[0-5]\d", end) for end in ends):
        return (str(ends[0]), str(ends[1]))
    problems.append(invalid("validation_format", f"{at}/{name}", "Times are written HH:MM"))
    return None


def _read_passenger(row: Any, at: str, problems: list[Json]) -> Json:
    given: Json = row if isinstance(row, dict) else {}
    kind, age = given.get("type"), given.get("age")
    if age is not None and (not isinstance(age, int) or not 0 <= age <= 130):
        problems.append(invalid("validation_inclusion", f"{at}/age", "Field 'age' is not an age"))
        age = None
    elif kind is None and age is None and not given.get("fare_type"):
        problems.append(_blank(f"{at}/type"))
    if kind is not None and kind not in {"adult", "child", "infant_without_seat"}:
        problems.append(_not_in(f"{at}/type"))
    if kind is None:
        kind = type_of_age(age)
    for name in ("given_name", "family_name"):
        value = given.get(name)
        if value is not None and not is_name(value):
            problems.append(invalid("validation_format", f"{at}/{name}", "Not a name"))
    return {
        "id": new_id("pas"),
        "type": kind,
        "age": age,
        "given_name": given.get("given_name"),
        "family_name": given.get("family_name"),
        "fare_type": given.get("fare_type"),
        "loyalty_programme_accounts": given.get("loyalty_programme_accounts") or [],
    }


def is_name(value: object) -> bool:
    """Tell whether airlines take it: 1-20 letters, spaces, hyphens, apostrophes."""
    return isinstance(value, str) and _NAME.fullmatch(value) is not None


def type_of_age(age: int | None) -> str:
    """Tell which fare an age pays."""
    if age is None or age >= 12:
        return "adult"
    return "child" if age >= 2 else "infant_without_seat"


def _blank(pointer: str) -> Json:
    name = pointer.rsplit("/", 1)[-1]
    return invalid("validation_required", pointer, f"Field '{name}' can't be blank")


def _not_in(pointer: str) -> Json:
    name = pointer.rsplit("/", 1)[-1]
    return invalid("validation_inclusion", pointer, f"Field '{name}' has a value that is not known")
