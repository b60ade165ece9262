"""How often somebody may try: a bucket that leaks, known by one instant alone.

The instant is when the bucket will be empty again. A try fills it by one interval; it is refused
while that would fill the bucket above its brim. So nothing is counted, and nothing need be cleared.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True)
class Limit:
    """So many tries at once, then one an interval."""

    burst: int
    every: timedelta

    def take(self, empty_at: datetime | None, now: datetime) -> "Taken | TryAgain":
        """Take one try from a bucket that will be empty at that instant."""
        filled = max(empty_at or now, now) + self.every
        brim = now + self.every * self.burst
        return Taken(filled) if filled <= brim else TryAgain(now + (filled - brim))


@dataclass(frozen=True)
class Taken:
    """The try may be made; this is the bucket now."""

    empty_at: datetime


@dataclass(frozen=True)
class TryAgain:
    """Not now: at this instant at the earliest."""

    at: datetime
