"""When a provider that fails again and again is left alone, and when it is tried once more.

After a few failures in a row nobody calls for a while; then one call tries, and an answer, be it a
no, lets everybody through again. A failure says that nobody answered, never that the answer was no.
"""

from datetime import datetime, timedelta

from domain.values import Value

FAILURES = 5
PAUSE = timedelta(seconds=30)
# Whoever left it alone may have stopped since: what they said holds for this long beyond its time.
BELIEVED = timedelta(minutes=2)


class Breaker(Value):
    """`retry_at`: until then nobody calls; None: everybody does."""

    failures: int = 0
    retry_at: datetime | None = None

    def failed(self, now: datetime) -> "Breaker":
        """Return what is so after a call that nobody answered."""
        if self.retry_at is not None:
            return self  # of a call that was on its way, or the one that tried
        count = self.failures + 1
        return Breaker(failures=count, retry_at=now + PAUSE if count >= FAILURES else None)

    def tried(self, now: datetime) -> "Breaker | None":
        """Return what is so once a call is let through; None: it is not."""
        if self.retry_at is None:
            return self
        if now < self.retry_at:
            return None
        return self.model_copy(update={"retry_at": now + PAUSE})

    def away(self, now: datetime) -> bool:
        """Say whether people should be told."""
        return self.retry_at is not None and now < self.retry_at + BELIEVED
