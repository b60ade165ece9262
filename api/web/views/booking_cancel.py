"""What cancelling a booking means, before anybody presses: what comes back, where, until when."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from api.booking_reading import BookingRead
from api.cancelling import CANCELLABLE, KeptQuote, kept_quote
from api.web.views.booking_detail import refund_country
from api.web.views.booking_parts import card_name, route, travel_dates
from domain.fare_rules import change_rule, service_words
from domain.money import Money
from domain.orders import BookingState
from domain.refunds import RefundPace
from runtime.money_settings import MoneySettings


@dataclass(frozen=True)
class CancelView:
    """The page's facts. `quote` None: nothing was asked yet, or what was said holds no more."""

    booking_id: UUID
    reference: str
    title: str
    dates: str
    sentence: str
    possible: bool
    quote: KeptQuote | None
    price: Money
    card: str
    pace: str
    lost: tuple[str, ...]
    instead: tuple[str, ...]


def cancel_view(read: BookingRead, money: MoneySettings, now: datetime) -> CancelView:
    row = read.row
    quote = kept_quote(row, now)
    first, last = money.refund_days(refund_country(read.itinerary))
    possible = row.state in CANCELLABLE
    return CancelView(
        booking_id=row.id,
        reference=row.booking_reference or "CANCEL",
        title=route(read.itinerary),
        dates=travel_dates(read.itinerary),
        sentence=_sentence(read, quote, possible=possible),
        possible=possible,
        quote=quote,
        price=read.price,
        card=card_name(read.card) if read.card else "the card that was charged",
        pace=RefundPace(first=first, last=last).words,
        lost=_lost(read, quote) if quote else (),
        instead=_instead(read),
    )


def _sentence(read: BookingRead, quote: KeptQuote | None, *, possible: bool) -> str:
    if not possible:
        return {
            BookingState.CANCELLED: "This booking is cancelled already. Nothing more can be lost.",
            BookingState.CANCELLING: "This booking is being cancelled already.",
            BookingState.FLOWN: "This trip has been flown; there is nothing left to cancel.",
            BookingState.ORDERED: "The seats are being paid at this moment. Once they are, you can"
            " ask what cancelling gives back.",
        }.get(read.row.state, "This booking cannot be cancelled now.")
    if quote is None:
        return (
            "Nothing is cancelled yet. First we ask the airline what it would give back of your"
            f" {read.price.short()}; then you decide."
        )
    if quote.refund is None:
        return (
            "The airline does not say how much money comes back, or gives something else. If you"
            f" cancel, you may lose up to {read.price.short()}; a person of ours looks after it."
        )
    if quote.penalty is not None and quote.penalty.minor > 0:
        if quote.refund.minor == 0:
            return f"If you cancel, nothing comes back: you lose all of the {read.price.short()}."
        return (
            f"If you cancel, {quote.refund.short()} comes back and you lose"
            f" {quote.penalty.short()}, which the airline keeps."
        )
    return f"If you cancel, all of your money comes back: {quote.refund.short()}."


def _lost(read: BookingRead, quote: KeptQuote) -> tuple[str, ...]:
    seats = len(read.details.people) or 1
    lost = [f"{'Your seat' if seats == 1 else f'The seats of {seats} people'} on these flights"]
    lost += [f"{service_words(one)[2:]}" for one in read.details.services]
    if quote.penalty is None:
        lost.append("All or a part of the money, which only the airline knows")
    elif quote.penalty.minor:
        lost.append(f"{quote.penalty} of money")
    return tuple(lost)


def _instead(read: BookingRead) -> tuple[str, ...]:
    ways = []
    if read.details.open_change is not None:
        ways.append(
            "The airline has changed your flights. Where it does, it usually refunds all of the"
            " money: if the quote says otherwise, ask the airline first."
        )
    change = read.details.change
    if change is not None and change.allowed:
        ways.append(f"Change the flights instead. {change_rule(change).sentence}")
    return tuple(ways)
