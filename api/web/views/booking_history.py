"""The history of bookings: its lines, its sums, its filters as they stand in the address."""

import csv
import io
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from urllib.parse import urlencode
from uuid import UUID

from api.web.views.booking_parts import (
    StateView,
    provider_name,
    route,
    state_view,
    states_for,
    travel_dates,
)
from db.models.booking import BookingProvider
from db.queries.booking_history import HistoryFilter, HistoryLine, HistoryTotals
from domain.airlines import airline
from domain.itineraries import Itinerary
from domain.money import Money

STATE_CHOICES = (
    ("", "All"),
    ("upcoming", "To come"),
    ("flown", "Flown"),
    ("cancelled", "Cancelled"),
)
PATH = "/auto-booking/history"
_COLUMNS = (
    "booking_reference", "ticket_numbers", "state", "route", "departs", "returns", "airline",
    "provider", "travellers", "wish", "price", "currency", "charged", "refunded", "penalty",
    "saved_against_budget", "booked_at",
)  # fmt: skip


@dataclass(frozen=True)
class Asked:
    """The filter as it was asked for, word for word, to be shown again."""

    state: str = ""
    provider: str = ""
    traveler: str = ""
    departs_from: str = ""
    departs_until: str = ""
    code: str = ""

    @classmethod
    def of(cls, query: Mapping[str, str]) -> "Asked":
        names = {"from": "departs_from", "until": "departs_until"}
        known = set(cls.__dataclass_fields__)
        given = {names.get(name, name): value.strip()[:60] for name, value in query.items()}
        return cls(**{name: value for name, value in given.items() if name in known})

    def filter(self) -> HistoryFilter:
        """Return what is looked for; a word that means nothing narrows nothing."""
        return HistoryFilter(
            states=states_for(self.state),
            provider=_known_provider(self.provider),
            traveler_id=_id(self.traveler),
            departs_from=_date(self.departs_from),
            departs_until=_date(self.departs_until),
            code=self.code,
        )

    def path(self, base: str = PATH, **more: str) -> str:
        """Return the address that asks for this again."""
        words = {
            "code": self.code,
            "state": self.state,
            "provider": self.provider,
            "traveler": self.traveler,
            "from": self.departs_from,
            "until": self.departs_until,
            **more,
        }
        given = {name: value for name, value in words.items() if value}
        return f"{base}?{urlencode(given)}" if given else base


@dataclass(frozen=True)
class LineView:
    id: UUID
    title: str
    dates: str
    reference: str | None
    tickets: tuple[str, ...]
    state: StateView
    airline: str
    provider: str
    people: tuple[str, ...]
    price: Money
    saved: Money | None
    refunded: Money | None


@dataclass(frozen=True)
class TotalsView:
    bookings: int
    cancelled: int
    paid: Money  # charged less what came back
    refunded: Money
    saved: Money
    compared: int


def line_view(line: HistoryLine, labels: Mapping[UUID, str]) -> LineView:
    row = line.booking
    itinerary = Itinerary.model_validate(row.itinerary)

    def money(minor: int | None) -> Money | None:
        return Money(minor=minor, currency=row.currency) if minor else None

    return LineView(
        id=row.id,
        title=route(itinerary),
        dates=travel_dates(itinerary),
        reference=row.booking_reference,
        tickets=_tickets(line),
        state=state_view(row),
        airline=_airline(itinerary),
        provider=provider_name(row.provider),
        people=_people(line, labels),
        price=Money(minor=row.price_minor, currency=row.currency),
        saved=money(line.saved_minor),
        refunded=money(line.refunded_minor),
    )


def totals_view(totals: HistoryTotals) -> TotalsView:
    def money(minor: int) -> Money:
        return Money(minor=minor, currency=totals.currency)

    return TotalsView(
        bookings=totals.bookings,
        cancelled=totals.cancelled,
        paid=money(totals.charged_minor - totals.refunded_minor),
        refunded=money(totals.refunded_minor),
        saved=money(totals.saved_minor),
        compared=totals.compared,
    )


def provider_choices(used: Iterable[BookingProvider]) -> list[tuple[str, str]]:
    return [("", "Any"), *((one.value, provider_name(one)) for one in used)]


def traveler_choices(labels: Mapping[UUID, str]) -> list[tuple[str, str]]:
    return [("", "Anybody"), *((str(one), label) for one, label in labels.items())]


def history_sentence(totals: Iterable[TotalsView], *, narrowed: bool) -> str:
    """Say what the list comes to, in money first."""
    told = list(totals)
    if not told:
        return "No booking fits what you look for. Nothing else has changed."
    count = sum(one.bookings for one in told)
    paid = " and ".join(one.paid.short() for one in told)
    which = " that fit" if narrowed else ""
    verb = "cost" if count > 1 else "costs"
    sentence = f"{count} booking{'s' if count > 1 else ''}{which} {verb} you {paid}"
    saved = [one.saved for one in told if one.saved.minor]
    if saved:
        sentence += f", {' and '.join(one.short() for one in saved)} less than you allowed"
    return f"{sentence}."


def history_csv(lines: Iterable[HistoryLine], labels: Mapping[UUID, str]) -> str:
    """Write the list for a spreadsheet; amounts are plain decimals, instants ISO 8601."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(_COLUMNS)
    for line in lines:
        writer.writerow([_cell(value) for value in _row(line, labels)])
    return out.getvalue()


def _row(line: HistoryLine, labels: Mapping[UUID, str]) -> list[str]:
    row = line.booking
    itinerary = Itinerary.model_validate(row.itinerary)
    legs = itinerary.slices

    def amount(minor: int | None) -> str:
        return "" if minor is None else Money(minor=minor, currency=row.currency).amount()

    def departs(position: int) -> str:
        return legs[position].departing_at.isoformat() if len(legs) > position else ""

    return [
        row.booking_reference or "",
        " ".join(_tickets(line)),
        state_view(row).words,
        " ".join(f"{leg.origin}-{leg.destination}" for leg in legs),
        departs(0),
        departs(1),
        _airline(itinerary),
        provider_name(row.provider),
        ", ".join(_people(line, labels)),
        line.wish or "",
        amount(row.price_minor),
        row.currency,
        amount(line.charged_minor),
        amount(line.refunded_minor),
        amount(row.penalty_minor),
        amount(line.saved_minor),
        _instant(row.created_at),
    ]


def _cell(value: str) -> str:
    # A spreadsheet would run a cell that begins so as a formula, and wishes are named by people.
    return f"'{value}" if value[:1] in set("=+-@\t\r") else value


def _people(line: HistoryLine, labels: Mapping[UUID, str]) -> tuple[str, ...]:
    return tuple(labels.get(one, "a removed traveller") for one in line.traveler_ids)


def _airline(itinerary: Itinerary) -> str:
    if not itinerary.slices:
        return ""
    return airline(itinerary.slices[0].segments[0].marketing_carrier).name


def _tickets(line: HistoryLine) -> tuple[str, ...]:
    return tuple(
        str(one["number"]) if isinstance(one, dict) else str(one)
        for one in line.booking.ticket_numbers
    )


def _instant(at: datetime) -> str:
    return at.isoformat(timespec="seconds")


def _known_provider(word: str) -> BookingProvider | None:
    return BookingProvider(word) if word in set(BookingProvider) else None


def _id(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def _date(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None
