"""Ids of our own keys: a letter, a number, and the day that the key was made, as in `k2-20261127`.

The day stands in the id, so that it is known wherever the key is, and survives every restore.
"""

import re
from collections.abc import Iterable
from datetime import date, datetime
from typing import NamedTuple

_ID = re.compile(r"([a-z])(\d+)(?:-(\d{8}))?")


class KeyId(NamedTuple):
    """A key's id read; `made` is None where it names no day, or none that there is."""

    letter: str
    number: int
    made: date | None = None

    def __str__(self) -> str:
        day = f"-{self.made:%Y%m%d}" if self.made else ""
        return f"{self.letter}{self.number}{day}"


def read_id(text: str) -> KeyId | None:
    """Read an id of ours; None of one that somebody thought up.

    >>> read_id("k2-20261127")
    KeyId(letter='k', number=2, made=datetime.date(2026, 11, 27))
    >>> read_id("k2").made, read_id("k2-20261399").made, read_id("mine")
    (None, None, None)
    """
    found = _ID.fullmatch(text)
    if found is None:
        return None
    return KeyId(found[1], int(found[2]), _day(found[3]) if found[3] else None)


def next_id(ids: Iterable[str], letter: str, today: date) -> str:
    """Return the id of a fresh key beside others.

    >>> next_id(["k7"], "k", date(2026, 11, 27))
    'k8-20261127'
    """
    known = [read_id(text) for text in ids]
    numbers = [one.number for one in known if one is not None and one.letter == letter]
    return str(KeyId(letter, max(numbers, default=len(known)) + 1, today))


def _day(digits: str) -> date | None:
    try:
        return datetime.strptime(digits, "%Y%m%d").date()  # noqa: DTZ007 - a day has no zone
    except ValueError:
        return None
