"""How a time zone's clocks are set over some years: what a calendar file has to say of it.

Calendar files name zones, but not every reader knows every name, and rules change. So each file
carries what it needs: every change of the clocks around its flights, one by one.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from domain.values import Value

_DAY = timedelta(days=1)


class Observance(Value):
    """From an instant on, clocks show so much more than UTC, until the next one."""

    onset: datetime  # local, by the clock that was before
    before: timedelta
    after: timedelta
    name: str
    summer: bool


@lru_cache(maxsize=256)
def observances(zone: str, first_year: int, last_year: int) -> tuple[Observance, ...]:
    """Return how the clocks are set at the beginning of a year, and each change to another's end.

    No zone changes its clocks there and back within one day.
    """
    place = ZoneInfo(zone)
    begins = datetime(first_year, 1, 1, tzinfo=UTC)
    found = [_observance(begins, begins, place)]
    found += [
        _observance(_second(before, after, place), before, place)
        for before, after in _days(begins, datetime(last_year + 1, 1, 1, tzinfo=UTC))
        if _clock(before, place) != _clock(after, place)
    ]
    return tuple(found)


def _days(begins: datetime, ends: datetime) -> Iterator[tuple[datetime, datetime]]:
    at = begins
    while at < ends:
        yield at, at + _DAY
        at += _DAY


def _clock(at: datetime, place: ZoneInfo) -> tuple[timedelta, timedelta, str]:
    local = at.astimezone(place)
    return local.utcoffset() or timedelta(), local.dst() or timedelta(), local.tzname() or ""


def _second(before: datetime, after: datetime, place: ZoneInfo) -> datetime:
    """Return the first second at which the clocks are as they are afterwards."""
    was = _clock(before, place)
    while after - before > timedelta(seconds=1):
        middle = before + timedelta(seconds=(after - before).total_seconds() // 2)
        before, after = (middle, after) if _clock(middle, place) == was else (before, middle)
    return after


def _observance(onset: datetime, before: datetime, place: ZoneInfo) -> Observance:
    was, _, _ = _clock(before, place)
    offset, summer, name = _clock(onset, place)
    return Observance(
        onset=(onset + was).replace(tzinfo=None),
        before=was,
        after=offset,
        name=name,
        # Where winter is the exception by law, readers still want the later clock to be summer's.
        summer=offset > was or (offset == was and bool(summer)),
    )
