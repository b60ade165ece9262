"""Disputes as Stripe lists them: read only, answering one is a person's work at Stripe's desk."""

from collections.abc import Sequence
from datetime import UTC, datetime

from stripe.params import DisputeListParams

from domain.disputes import DisputeStatus
from providers.disputes import Dispute
from providers.errors import BadAnswer
from providers.stripe.amounts import from_stripe
from providers.stripe.client import StripeConnection
from providers.stripe.errors import VENDOR
from providers.stripe.wire import WireDispute, WireDisputePage

_PAGE = 100
_OPERATION = "list_disputes"


class StripeDisputes:
    """The port CardDisputes. Belongs to the event loop of its connection."""

    def __init__(self, connection: StripeConnection) -> None:
        self._stripe = connection
        self._disputes = connection.api.disputes

    async def opened_since(self, since: datetime) -> Sequence[Dispute]:
        found: list[Dispute] = []
        wanted: DisputeListParams = {
            "created": {"gte": int(since.timestamp())},
            "limit": _PAGE,
        }
        while True:
            page = await self._stripe.read(
                _OPERATION, self._disputes.list_async(wanted), WireDisputePage
            )
            try:
                found += [_to_dispute(wire) for wire in page.data]
            except ValueError as error:
                raise BadAnswer(VENDOR, _OPERATION, str(error)) from error
            if not page.has_more or not page.data:
                return found
            wanted["starting_after"] = page.data[-1].id


def _to_dispute(wire: WireDispute) -> Dispute:
    """Raise ValueError for a status or an amount that we do not know."""
    details, due = wire.evidence_details, None
    if details is not None and details.due_by is not None:
        due = datetime.fromtimestamp(details.due_by, UTC)
    # One row takes the money, another brings it back; fees are rows' own and not the traveller's.
    moved = -sum(row.amount for row in wire.balance_transactions)
    return Dispute(
        dispute_ref=wire.id,
        intent_ref=wire.payment_intent,
        status=DisputeStatus(wire.status),
        reason=wire.reason,
        amount=from_stripe(wire.amount, wire.currency),
        withdrawn_minor=from_stripe(moved, wire.currency).minor,
        opened_at=datetime.fromtimestamp(wire.created, UTC),
        answer_by=due,
    )
