"""How pages write what they hold: money, days, moments, spans of time."""

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from babel.dates import format_date, format_datetime, format_time, format_timedelta
from markupsafe import Markup, escape

from api.web.speech import spoken
from domain.files import size_words
from domain.money import Money
from domain.words import Words
from runtime.catalogue import ENGLISH

_NOW, _MINUTE, _HOUR, _DAY = 10, 60, 3600, 86_400


def day(value: date) -> str:
    """Write a day: 3 November 2026."""
    return Words(spoken()).day(value)


def short_day(value: date) -> str:
    """Write a day where the year is plain: Tue 3 Nov."""
    return format_date(value, _shape("EEE d MMM", "short"), locale=spoken())


def clock(value: time | datetime) -> str:
    """Write a local time: 14:06."""
    return format_time(value, "HH:mm", locale=spoken())


def zone_of(name: str) -> ZoneInfo:
    """Return a time zone; UTC where nobody knows the name."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo("UTC")


def moment(value: datetime, zone: str = "UTC") -> Markup:
    """Write an instant on the reader's clock, and for machines in UTC."""
    local = value.astimezone(zone_of(zone))
    shown = format_datetime(local, _shape("d MMM yyyy, HH:mm", "medium"), locale=spoken())
    if zone == "UTC":
        shown += " UTC"
    return Markup('<time datetime="{}">{}</time>').format(_iso(value), shown)


def ago(value: datetime, now: datetime) -> Markup:
    """Write how long ago something was, or how soon it will be, with the exact time beside it."""
    seconds = int((now - value).total_seconds())
    span = span_of(abs(seconds))
    shown = f"{span} ago" if seconds > 0 else f"in {span}"
    if abs(seconds) < _NOW:
        shown = "now"
    if spoken() != ENGLISH:
        shown = format_timedelta(value - now, add_direction=True, locale=spoken())
    shape = _shape("d MMM yyyy, HH:mm:ss", "medium")
    exact = format_datetime(value.astimezone(UTC), shape, locale=spoken())
    return Markup('<time datetime="{}" title="{} UTC">{}</time>').format(_iso(value), exact, shown)


def span_of(seconds: int) -> str:
    """Write a span of time as people say it, in its largest unit."""
    if seconds < _MINUTE:
        return _counted(seconds, "second")
    if seconds < _HOUR:
        return _counted(seconds // _MINUTE, "minute")
    if seconds < 2 * _DAY:
        return _counted(seconds // _HOUR, "hour")
    return _counted(seconds // _DAY, "day")


def duration(value: timedelta) -> str:
    """Write a journey's length: 7 h 05."""
    minutes = int(value.total_seconds()) // _MINUTE
    return f"{minutes // 60} h {minutes % 60:02d}"


def money(value: Money) -> str:
    return str(value) if spoken() == ENGLISH else Words(spoken()).money(value)


def minor(value: int, currency: str) -> str:
    """Write an amount that comes in minor units; it may be owed, and then is negative."""
    return money(Money(minor=value, currency=currency))


def plural(number: int, one: str, many: str | None = None) -> str:
    """Write a number with its noun: 1 look, 2 looks."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def attributes(values: dict[str, object]) -> Markup:
    """Write attributes of an element; those that are None or False are left out."""
    shown = [
        escape(name) if value is True else Markup('{}="{}"').format(name, value)
        for name, value in values.items()
        if value is not None and value is not False
    ]
    return Markup(" ").join(shown)


def _shape(english: str, elsewhere: str) -> str:
    """Return the house's own order of a date's parts; other languages have orders of their own."""
    return english if spoken() == ENGLISH else elsewhere


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _iso(value: datetime) -> str:
    return value.astimezone(UTC).isoformat(timespec="seconds")


FILTERS: dict[str, Callable[..., Any]] = {
    "file_size": size_words,
    "day": day,
    "short_day": short_day,
    "clock": clock,
    "moment": moment,
    "ago": ago,
    "duration": duration,
    "money": money,
    "minor": minor,
    "plural": plural,
    "span": span_of,
    "attributes": attributes,
}
