"""Cards and passports that expire: when their owner is warned, once for each mark."""

from collections.abc import Collection
from datetime import date, timedelta


def mark_reached(expires_on: date, today: date, marks: Collection[int]) -> int | None:
    """Return the mark, in days before the end, that was reached last; None before the first.

    Whoever comes when several are past is told of the last alone. What has expired is told of
    once more, under mark 0; long after that it is no news.

    >>> mark_reached(date(2027, 3, 31), date(2027, 3, 11), (60, 30, 7))
    30
    """
    left = (expires_on - today).days
    if left < 0:
        return 0 if -left <= max(marks, default=-1) else None
    return min((mark for mark in marks if left <= mark), default=None)


def worth_a_look(today: date, marks: Collection[int]) -> tuple[date, date]:
    """Return the first and the last day of an end that may call for a warning today."""
    span = timedelta(days=max(marks, default=0))
    return today - span, today + span
