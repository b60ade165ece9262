"""What a processor knows of disputes over charges; see `providers/stripe/disputes.py`."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from domain.disputes import DisputeStatus
from domain.money import Money
from domain.values import Value


class Dispute(Value):
    """One dispute. `withdrawn_minor` is what the bank holds of our money at this moment."""

    dispute_ref: str
    intent_ref: str | None
    status: DisputeStatus
    reason: str
    amount: Money
    withdrawn_minor: int
    opened_at: datetime
    answer_by: datetime | None = None


class CardDisputes(Protocol):
    async def opened_since(self, since: datetime) -> Sequence[Dispute]:
        """Return every dispute that was opened since then, as it stands now.

        Raises:
            ProviderUnavailable, RateLimited, BadAnswer, CredentialsRefused, ProviderRefused.
        """
        ...
