"""Travellers as their pages show them: how complete, which documents, what their trips need."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from uuid import UUID

from babel import Locale
from babel.dates import format_date

from api.web.views.booking_parts import route, travel_dates
from db.models.booking import BookingRow
from db.models.campaign import CampaignRow
from db.models.traveler import TravelerRow
from db.models.traveler_document import TravelerDocumentRow
from domain.airlines import airline
from domain.itineraries import Itinerary
from domain.profiles import Completion, ProfileStep, completion, fare_age, masked
from domain.travelers import (
    TravelerDetails,
    TravelerDocument,
    age_on,
    countries,
    document_warning,
)

DOCUMENT_KINDS = (
    ("passport", "Passport"),
    ("known_traveler_number", "Known traveller number"),
    ("passenger_redress_number", "Redress number"),
    ("tax_id", "Tax number"),
)
STEP_TITLES = {
    ProfileStep.NAME: "Name, as in the passport",
    ProfileStep.CONTACT: "Contact",
    ProfileStep.DOCUMENT: "Passport",
    ProfileStep.LOYALTY: "Frequent-flyer numbers",
}
STEP_WHY = {
    ProfileStep.NAME: "An airline turns a traveller away whose ticket has another name.",
    ProfileStep.CONTACT: "The airline writes there when flights change.",
    ProfileStep.DOCUMENT: "Flights to another country are sold with it.",
    ProfileStep.LOYALTY: "Miles are credited and some fares are cheaper.",
}
TITLES = (("mr", "Mr"), ("ms", "Ms"), ("mrs", "Mrs"), ("miss", "Miss"), ("dr", "Dr"))
GENDERS = (("f", "Female (F)"), ("m", "Male (M)"))


@dataclass(frozen=True)
class StepView:
    key: str
    title: str
    why: str
    path: str
    done: bool
    optional: bool
    problem: str | None


@dataclass(frozen=True)
class ProgressView:
    """ProfileCompletion: how far a profile is, and where it goes on."""

    percent: int
    steps: tuple[StepView, ...]
    next_path: str | None
    next_title: str | None
    sentence: str


@dataclass(frozen=True)
class DocumentView:
    id: UUID
    kind: str
    number: str
    country: str
    expires: str | None
    expired: bool


@dataclass(frozen=True)
class TripView:
    path: str
    name: str
    when: str
    age: str
    warning: str | None


@dataclass(frozen=True)
class TravelerView:
    id: UUID
    label: str
    name: str
    born: str
    age: int
    title: str
    gender: str
    email: str
    phone: str
    documents: tuple[DocumentView, ...]
    loyalty: tuple[tuple[str, str], ...]
    progress: ProgressView
    trips: tuple[TripView, ...]

    @property
    def warnings(self) -> tuple[str, ...]:
        return tuple(f"{one.name}: {one.warning}" for one in self.trips if one.warning)


Trip = tuple[CampaignRow, BookingRow | None]


def traveler_view(
    row: TravelerRow,
    details: TravelerDetails,
    documents: Sequence[TravelerDocumentRow],
    trips: Iterable[Trip],
    today: date,
) -> TravelerView:
    """Show a traveller; `documents` are the rows of `details.documents`, in the same order."""
    return TravelerView(
        id=row.id,
        label=row.label,
        name=f"{details.given_name} {details.family_name}".strip(),
        born=_day(details.born_on),
        age=age_on(details.born_on, today),
        title=dict(TITLES)[details.title],
        gender=dict(GENDERS)[details.gender],
        email=details.email,
        phone=details.phone,
        documents=tuple(
            document_view(one.id, document, today)
            for one, document in zip(documents, details.documents, strict=True)
        ),
        loyalty=tuple((airline(code).name, number) for code, number in details.loyalty),
        progress=progress_view(row.id, completion(details, today=today)),
        trips=tuple(
            _trip(campaign, booking, details)
            for campaign, booking in trips
            if row.id in campaign.traveler_ids
        ),
    )


def progress_view(traveler_id: UUID, found: Completion) -> ProgressView:
    steps = tuple(
        StepView(
            key=one.step.value,
            title=STEP_TITLES[one.step],
            why=STEP_WHY[one.step],
            path=step_path(traveler_id, one.step),
            done=one.done,
            optional=one.optional,
            problem=one.problems[0].reason if one.problems else None,
        )
        for one in found.steps
    )
    onward = found.next
    return ProgressView(
        percent=found.percent,
        steps=steps,
        next_path=step_path(traveler_id, onward) if onward else None,
        next_title=STEP_TITLES[onward] if onward else None,
        sentence=_progress_sentence(found),
    )


def step_path(traveler_id: UUID, step: ProfileStep) -> str:
    """Return the page of one part of a profile."""
    last = "documents/new" if step is ProfileStep.DOCUMENT else step.value
    return f"/travelers/{traveler_id}/{last}"


def document_view(document_id: UUID, document: TravelerDocument, today: date) -> DocumentView:
    return DocumentView(
        id=document_id,
        kind=dict(DOCUMENT_KINDS)[document.kind],
        number=masked(document.number),
        country=country_name(document.issuing_country),
        expires=_day(document.expires_on) if document.expires_on else None,
        expired=document.expires_on is not None and document.expires_on < today,
    )


def country_name(code: str) -> str:
    return str(Locale("en").territories.get(code, code))


def country_choices() -> list[tuple[str, str]]:
    named = sorted((country_name(code), code) for code in countries())
    return [("", "Choose a country"), *((code, name) for name, code in named)]


def _trip(campaign: CampaignRow, booking: BookingRow | None, details: TravelerDetails) -> TripView:
    if booking is not None:
        itinerary = Itinerary.model_validate(booking.itinerary)
        first = itinerary.departs_on if itinerary.slices else campaign.departure_date_start
        last = itinerary.slices[-1].arriving_at.date() if itinerary.slices else first
        days = (last, last)
        path, name = f"/bookings/{booking.id}", route(itinerary)
        when = travel_dates(itinerary)
    else:
        wish = campaign.wish
        first = wish.departure_from + timedelta(days=wish.nights_min or 0)
        last = wish.departure_until + timedelta(days=wish.nights_max or 0)
        days = (first, last)
        path, name = f"/auto-booking/wishes/{campaign.id}", campaign.name
        when = f"{_day(wish.departure_from)} to {_day(last)}"
    warning = document_warning(details.documents, last)
    return TripView(
        path=path,
        name=name,
        when=when,
        age=fare_age(details.born_on, *days).words,
        warning=f"{warning.reason}. {warning.remedy}" if warning else None,
    )


def _progress_sentence(found: Completion) -> str:
    if found.percent == 100:
        return "This profile is complete: airlines can book this person anywhere."
    if found.bookable:
        return (
            "Flights that need no passport can be booked. Add a passport for all others, or an"
            " airline may refuse the booking."
        )
    return "Nothing can be booked for this person until name and contact are complete."


def _day(day: date) -> str:
    return format_date(day, "d MMMM yyyy", locale="en")
