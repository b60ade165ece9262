"""Giving a booking back, for the JSON API and the pages alike: the quote first, then the word."""

from dataclasses import dataclass
from datetime import datetime

from api.processes import ProcessEnded, confirm_cancellation, quote_cancellation
from api.services import Services
from db.models.booking import BookingRow
from domain.ids import BookingId
from domain.messages.order import (
    CancellationOffer,
    ConfirmAnswer,
    ConfirmCancellation,
    ConfirmCode,
    QuoteCode,
)
from domain.money import Money
from domain.orders import BookingState

TO_OUR_BALANCE = "balance"
CANCELLABLE = frozenset({BookingState.TICKETING, BookingState.TICKETED})


@dataclass(frozen=True)
class KeptQuote:
    """The newest quote as the row keeps it. `refund` None: not as money of a known amount."""

    quote_id: str
    refund: Money | None
    penalty: Money | None
    refund_to: str
    expires_at: datetime | None

    @property
    def loses(self) -> bool:
        """Say whether money is lost, or may be: what nobody tells may be nothing."""
        return self.penalty is None or self.penalty.minor > 0


async def ask_quote(services: Services, row: BookingRow, key: str | None) -> CancellationOffer:
    """Ask what cancelling would give back; a process that has ended is answered by the row."""
    try:
        return await quote_cancellation(services.temporal, row.id, key)
    except ProcessEnded:
        return CancellationOffer(code=_ended(row), booking_id=BookingId(row.id))


async def give_word(
    services: Services, row: BookingRow, quote_id: str, key: str | None
) -> ConfirmAnswer:
    """Cancel as quoted; a process that has ended is answered by the row."""
    request = ConfirmCancellation(booking_id=BookingId(row.id), quote_id=quote_id)
    try:
        return await confirm_cancellation(services.temporal, request, key)
    except ProcessEnded:
        cancelled = row.state is BookingState.CANCELLED
        return ConfirmAnswer(
            code=ConfirmCode.ALREADY if cancelled else ConfirmCode.NOT_NOW,
            booking_id=BookingId(row.id),
            state=row.state,
        )


def kept_quote(row: BookingRow, now: datetime) -> KeptQuote | None:
    """Return the quote that can still be confirmed; None: ask for one."""
    kept = row.quote or {}
    expires = kept.get("expires_at")
    expires_at = datetime.fromisoformat(expires) if expires else None
    spent = kept.get("accepted_at") is not None or (expires_at is not None and expires_at <= now)
    if not kept.get("quote_id") or spent or row.state not in CANCELLABLE:
        return None
    price = Money(minor=row.price_minor, currency=row.currency)
    pays = (
        kept.get("refund_minor") is not None
        and kept.get("refund_to") == TO_OUR_BALANCE
        and kept.get("currency") == row.currency
    )
    refund = Money(minor=int(kept["refund_minor"]), currency=row.currency) if pays else None
    return KeptQuote(
        quote_id=str(kept["quote_id"]),
        refund=refund,
        penalty=price - refund if refund else None,
        refund_to=str(kept.get("refund_to") or ""),
        expires_at=expires_at,
    )


def _ended(row: BookingRow) -> QuoteCode:
    match row.state:
        case BookingState.CANCELLED:
            return QuoteCode.ALREADY_CANCELLED
        case BookingState.FLOWN:
            return QuoteCode.FLOWN
        case BookingState.CANCELLING:
            return QuoteCode.CANCELLING
        case _:
            return QuoteCode.NOT_CANCELLABLE
