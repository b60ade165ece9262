"""Idempotency keys: the first answer is given again, and one call at a time holds a key."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sandboxes.clock import from_text, to_text
from sandboxes.store import Json, Tx
from sandboxes.stripe.errors import StripeError

KEPT_FOR = timedelta(hours=24)
"""After that the same key means a new call; https://docs.stripe.com/api/idempotent_requests."""
_KIND = "stripe.idempotency_key"


@dataclass(frozen=True, kw_only=True)
class Stored:
    """An answer under a key."""

    digest: str
    """Of path and parameters: the same key with others is a mistake."""
    status: int
    body: Json
    request_id: str


class Keys:
    """The kept answers, and the keys of calls that have not ended yet."""

    def __init__(self) -> None:
        # In memory on purpose: when the process dies, so do the calls that held them.
        self._held: set[str] = set()

    def begin(self, tx: Tx, key: str | None, digest: str, now: datetime) -> Stored | None:
        """Give the kept answer, or hold the key until `end`. Raises for misuse and races."""
        if key is None:
            return None
        if key in self._held:
            raise StripeError(
                409,
                "There is currently another in-progress request using this Stripe"
                f" idempotency key: {key}.",
                type="idempotency_error",
                code="idempotency_key_in_use",
            )
        row = tx.get(_KIND, key)
        if row is not None and now - from_text(row["at"]) < KEPT_FOR:
            if row["digest"] != digest:
                raise StripeError(
                    400,
                    "Keys for idempotent requests can only be used with the same endpoint and"
                    f" parameters they were first used with. Key: {key}.",
                    type="idempotency_error",
                )
            return Stored(
                digest=digest,
                status=row["status"],
                body=row["body"],
                request_id=row["request_id"],
            )
        self._held.add(key)
        return None

    def end(self, key: str | None) -> None:
        """Let go of a key."""
        self._held.discard(key or "")

    def keep(self, tx: Tx, key: str | None, stored: Stored, now: datetime) -> None:
        """Keep an answer, in the transaction of its effects where there are any."""
        if key is not None:
            row = {
                "digest": stored.digest,
                "status": stored.status,
                "body": stored.body,
                "request_id": stored.request_id,
                "at": to_text(now),
            }
            tx.put(_KIND, key, row)
