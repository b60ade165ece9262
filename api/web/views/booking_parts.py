"""Pieces that the pages of bookings share: states in words, moments on their own clocks, cards."""

from dataclasses import dataclass
from datetime import date, datetime

from babel.dates import format_date

from db.models.booking import BookingProvider, BookingRow, BookingStatus
from db.models.dispute import DisputeRow
from db.models.payment_method import PaymentMethodRow
from domain.cards import card_name as domain_card_name
from domain.disputes import DisputeWords, words_of
from domain.errors import UnknownPlace
from domain.itineraries import Itinerary
from domain.journeys import Moment
from domain.money import Money
from domain.orders import BookingState
from domain.places import place

_PROVIDERS = {
    BookingProvider.AMADEUS: "Amadeus",
    BookingProvider.DUFFEL: "Duffel",
    BookingProvider.DUFFEL_STAYS: "Duffel Stays",
    BookingProvider.BOOKING_COM: "Booking.com",
    BookingProvider.VIATOR: "Viator",
    BookingProvider.AVINODE: "Avinode",
    BookingProvider.SIMULATOR: "Simulator",
    BookingProvider.STRIPE: "Stripe",
}


@dataclass(frozen=True)
class StateView:
    """A state by its name: a word, a mark and a tone, which never speaks alone."""

    words: str
    tone: str
    mark: str


STATES = {
    BookingState.ORDERED: StateView("Being paid", "accent", "◉"),
    BookingState.TICKETING: StateView("Tickets being issued", "accent", "◉"),
    BookingState.TICKETED: StateView("Ticketed", "good", "✓"),
    BookingState.CANCELLING: StateView("Being cancelled", "wait", "◉"),
    BookingState.CANCELLED: StateView("Cancelled", "quiet", "✕"),
    BookingState.FLOWN: StateView("Flown", "quiet", "✓"),
}
REFUNDED = StateView("Cancelled and refunded", "good", "✓")


def state_view(row: BookingRow) -> StateView:
    return REFUNDED if row.status is BookingStatus.REFUNDED else STATES[row.state]


def provider_name(provider: BookingProvider) -> str:
    return _PROVIDERS[provider]


def card_name(card: PaymentMethodRow) -> str:
    return domain_card_name(card.brand, card.last4)


def city(code: str) -> str:
    try:
        return place(code).city
    except UnknownPlace:
        return code


def route(itinerary: Itinerary) -> str:
    """Return `New York → Lisbon`, the way out alone."""
    if not itinerary.slices:
        return "Flights"
    first = itinerary.slices[0]
    return f"{city(first.origin)} \N{RIGHTWARDS ARROW} {city(first.destination)}"


def travel_dates(itinerary: Itinerary) -> str:
    """Return `12 May 2027`, or `12 to 20 May 2027`, as short as it stays clear."""
    if not itinerary.slices:
        return ""
    out, back = itinerary.departs_on, itinerary.returns_on
    if back is None or back == out:
        return _day(out)
    if (out.year, out.month) == (back.year, back.month):
        return f"{out.day} to {_day(back)}"
    if out.year == back.year:
        return f"{_day(out, 'd MMMM')} to {_day(back)}"
    return f"{_day(out)} to {_day(back)}"


@dataclass(frozen=True)
class DisputeView:
    """What a card's bank asked back; `answer_by` is told while we have to answer."""

    words: DisputeWords
    amount: Money
    opened_at: datetime
    answer_by: datetime | None
    news_at: datetime

    @classmethod
    def of(cls, row: DisputeRow) -> "DisputeView":
        amount = Money(minor=row.amount_minor, currency=row.currency)
        return cls(
            words=words_of(row.status, amount, row.reason),
            amount=amount,
            opened_at=row.opened_at,
            answer_by=row.answer_by if row.status.needs_answer else None,
            news_at=row.updated_at,
        )


@dataclass(frozen=True)
class MomentView:
    """A moment as it is read on the spot: day, clock, place and zone."""

    day: str
    clock: str
    airport: str
    name: str
    city: str
    offset: str
    iso: str
    terminal: str | None = None

    @classmethod
    def of(cls, moment: Moment, terminal: str | None = None) -> "MomentView":
        return cls(
            day=_day(moment.local.date(), "EEE d MMM yyyy"),
            clock=moment.clock,
            airport=moment.airport,
            name=moment.name,
            city=moment.city,
            offset=moment.offset,
            iso=moment.instant.isoformat(timespec="minutes"),
            terminal=terminal,
        )


def instant_at(at: datetime, where: Moment) -> MomentView:
    """Show an instant on the clock of a place."""
    shift = where.local - where.instant.replace(tzinfo=None)
    local = at.replace(tzinfo=None) + shift
    shown = where.model_copy(update={"local": local, "instant": at})
    return MomentView.of(shown)


def day_mark(days: int) -> str:
    """Return the `+1 day` of an arrival; nothing on the same day."""
    if not days:
        return ""
    sign = "+" if days > 0 else "\N{MINUS SIGN}"
    return f"{sign}{abs(days)} day{'' if abs(days) == 1 else 's'}"


def cabin_name(cabin: str | None) -> str | None:
    return cabin.replace("_", " ").capitalize() if cabin else None


def person_kind(kind: str | None) -> str | None:
    names = {"adult": None, "child": "child", "infant_without_seat": "under 2, on a lap"}
    return names.get(kind or "")


def states_for(choice: str) -> tuple[BookingState, ...]:
    """Return what a choice of the history's filter lets through; nothing for an unknown one."""
    match choice:
        case "upcoming":
            return (BookingState.ORDERED, BookingState.TICKETING, BookingState.TICKETED)
        case "cancelled":
            return (BookingState.CANCELLING, BookingState.CANCELLED)
        case "flown":
            return (BookingState.FLOWN,)
        case _:
            return ()


def _day(day: date, pattern: str = "d MMMM yyyy") -> str:
    return format_date(day, pattern, locale="en")
