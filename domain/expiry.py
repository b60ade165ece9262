"""Cards and passports that expire: when their owner is warned, once for each mark."""

import calendar
from collections.abc import Collection
from datetime import date, timedelta


def last_day_of(year: int, month: int) -> date:
    """Return the last day on which a card is good: cards are good for all of their month."""
    return date(year, month, calendar.monthrange(year, month)[1])


def mark_reached(expires_on: date, today: date, marks: Collection[int]) -> int | None:
    """Return the mark, in days before the end, that was reached last; None before the first.

    Whoever comes when several are past is told of the last alone. What has expired is told of
    once more, under mark 0; long after that it is no news.

    >>> mark_reached(date(2027, 3, 31), date(2027, 3, 11), (60, 30, 7))
    30
    """
    left = (expires_on - today).days
    if left < 0:
        return 0 if left >= -max(marks, default=0) else None
    reached = [mark for mark in marks if mark > 0 and left <= mark]
    return min(reached, default=None)


def soonest(marks: Collection[int], today: date) -> date:
    """Return the last day that is near enough for a warning."""
    return today + timedelta(days=max(marks, default=0))
