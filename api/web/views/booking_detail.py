"""One booking as its page shows it: the sentence, the next step, flights, people, money."""

from dataclasses import dataclass
from datetime import datetime
from typing import assert_never
from uuid import UUID

from api.booking_reading import WORTH_KEEPING, BookingRead
from api.cancelling import CANCELLABLE, TO_OUR_BALANCE
from api.web.views.booking_legs import ChangeView, LegView, change_view, leg_views
from api.web.views.booking_live import code_of, steps_of, version_of
from api.web.views.booking_parts import (
    DisputeView,
    MomentView,
    StateView,
    card_name,
    instant_at,
    person_kind,
    provider_name,
    route,
    state_view,
    travel_dates,
)
from domain.airlines import Airline, airline
from domain.errors import UnknownPlace
from domain.fare_rules import Rule, bag_words, rules_of, same_everywhere, service_words
from domain.itineraries import Itinerary
from domain.journeys import legs_of
from domain.merchants import House, Merchant, merchant_of
from domain.money import Money
from domain.next_steps import NextStep, next_step
from domain.order_details import AirlineChange, Bags, OrderDetails, OrderPerson
from domain.orders import BookingState
from domain.places import place
from domain.progress import Step
from domain.refunds import RefundCase, RefundFact, RefundPace, RefundTrack, refund_track
from domain.storyline import StoryFacts, StoryLine, story_line
from runtime.money_settings import MoneySettings


@dataclass(frozen=True)
class PersonView:
    name: str
    kind: str | None
    tickets: tuple[str, ...]
    bags: tuple[str, ...]
    seats: str | None


@dataclass(frozen=True)
class StepView:
    step: NextStep
    at: MomentView | None


@dataclass(frozen=True)
class BookingView:
    id: UUID
    path: str
    version: str
    code: str
    reference: str | None
    references: tuple[tuple[str, str], ...]  # where airlines have their own
    title: str
    dates: str
    state: StateView
    sentence: str
    steps: tuple[Step, ...]  # while the tickets are not there
    next: StepView
    legs: tuple[LegView, ...]
    people: tuple[PersonView, ...]
    tickets: tuple[str, ...]
    rules: tuple[Rule, ...]
    extras: tuple[tuple[str, Money], ...]
    price: Money
    fare: Money | None
    taxes: Money | None
    charged: Money
    refunded: Money
    penalty: Money
    saved: Money | None
    card: str | None
    charged_at: datetime | None
    payment_id: UUID | None
    merchant: Merchant
    airline: Airline
    carriage_url: str | None
    provider: str
    provider_key: str
    change: ChangeView | None
    past_changes: tuple[ChangeView, ...]
    refund: RefundTrack | None
    disputes: tuple[DisputeView, ...]
    story: tuple[StoryLine, ...]
    cancellable: bool
    wish_id: UUID | None
    wish: str | None
    order: "OrderFactsView"
    keepable: bool  # worth reading without network


@dataclass(frozen=True)
class OrderFactsView:
    """What the seller calls the order, for whoever has to speak with them."""

    order_id: str | None
    state: str | None
    actions: tuple[str, ...]
    checked_at: datetime | None
    told_at: datetime | None


def booking_view(read: BookingRead, money: MoneySettings, now: datetime) -> BookingView:
    row, details = read.row, read.details
    flying = _airline(read.itinerary, details)
    change = details.open_change
    track = refund_of(read, money, now)
    step = next_step(
        row.state, legs_of(read.itinerary), flying, now, change_open=change is not None
    )
    payment = read.payment
    tickets = tuple(_number(one) for one in row.ticket_numbers)
    return BookingView(
        id=row.id,
        path=f"/bookings/{row.id}",
        version=version_of(read),
        code=code_of(read, track),
        reference=row.booking_reference,
        references=_others(details, row.booking_reference),
        title=route(read.itinerary),
        dates=travel_dates(read.itinerary),
        state=state_view(row),
        sentence=_sentence(read, track),
        steps=steps_of(read),
        next=StepView(step, instant_at(step.at, step.place) if step.at and step.place else None),
        legs=leg_views(read.itinerary, details),
        people=_people(read),
        tickets=tickets,
        rules=rules_of(details.change, details.refund),
        extras=tuple((service_words(one), one.price) for one in details.services),
        price=read.price,
        fare=details.base,
        taxes=details.taxes,
        charged=read.charged,
        refunded=read.refunded,
        penalty=read.penalty,
        saved=read.saved,
        card=card_name(read.card) if read.card else None,
        charged_at=payment.updated_at if payment else None,
        payment_id=payment.id if payment else None,
        merchant=merchant_of(payment.rail if payment else "stripe", house_of(money), flying.name),
        airline=flying,
        carriage_url=_https(details.conditions_of_carriage_url),
        provider=provider_name(row.provider),
        provider_key=row.provider.value,
        change=change_view(change, asked=_asked(read, change)) if change else None,
        past_changes=tuple(change_view(one) for one in details.changes if one.answer is not None),
        refund=track,
        disputes=tuple(map(DisputeView.of, read.disputes)),
        story=_story(read),
        cancellable=row.state in CANCELLABLE and now < row.departs_at,
        wish_id=row.campaign_id,
        wish=read.campaign.name if read.campaign else None,
        order=OrderFactsView(
            order_id=row.duffel_order_id,
            state=row.duffel_order_status,
            actions=details.actions,
            checked_at=row.checked_at,
            told_at=details.synced_at,
        ),
        keepable=row.state in WORTH_KEEPING,
    )


def house_of(money: MoneySettings) -> House:
    return House(name=money.merchant_name, statement_descriptor=money.statement_descriptor)


def refund_of(read: BookingRead, money: MoneySettings, now: datetime) -> RefundTrack | None:
    """Return where the money of a cancelled booking is."""
    row = read.row
    quote = row.quote or {}
    country = refund_country(read.itinerary)
    first, last = money.refund_days(country)
    pays_back = row.cancelled_by == "airline" or (
        quote.get("refund_minor") is not None and quote.get("refund_to") == TO_OUR_BALANCE
    )
    penalty = row.penalty_minor
    if row.state is BookingState.CANCELLING and quote.get("refund_minor") is not None:
        # The penalty is written when the airline confirms; until then the quote says it.
        penalty = row.price_minor - int(quote["refund_minor"])
    case = RefundCase(
        state=row.state,
        paid=read.charged,
        penalty=read.money(penalty),
        cancelled_by=row.cancelled_by,
        cancelled_at=_when(read, "booking.cancelled"),
        asked_at=_when(read, "booking.cancelling"),
        pays_back=pays_back,
        refunds=tuple(
            RefundFact(
                amount=Money(minor=one.amount_minor, currency=one.currency),
                status=one.status,
                begun_at=one.created_at,
                updated_at=one.updated_at,
            )
            for one in read.refunds
        ),
        country=country,
    )
    return refund_track(case, RefundPace(first=first, last=last), now)


def _sentence(read: BookingRead, track: RefundTrack | None) -> str:
    """Say what is so, what it means for the money, what comes next."""
    price = read.price.short()
    card = f" to {card_name(read.card)}" if read.card else ""
    under = ""
    if read.saved is not None and read.saved.minor > 0:
        under = f", {read.saved.figure()} under your budget"
    match read.row.state:
        case BookingState.ORDERED:
            return f"Your seats are booked. We are charging {price} now; your tickets follow."
        case BookingState.TICKETING:
            return (
                f"You are booked and {price} is charged{card}, once{under}. The airline is issuing"
                " your tickets; nothing more is charged."
            )
        case BookingState.TICKETED:
            return (
                f"You are booked and your tickets are issued. {price} was charged{card},"
                f" once{under}; nothing more is due."
            )
        case BookingState.CANCELLING:
            return (
                "We are cancelling your booking with the airline. It stands until the airline has"
                " confirmed, and nothing is given back before."
            )
        case BookingState.CANCELLED:
            who = "The airline" if read.row.cancelled_by == "airline" else "You"
            if track is None:
                nothing = read.charged.minor > 0
                end = f" Nothing of the {price} comes back." if nothing else " Nothing was charged."
                return f"{who} cancelled this booking.{end}"
            return f"{who} cancelled this booking. {track.sentence}"
        case BookingState.FLOWN:
            return f"This trip has been flown. It cost {price}{under}."
    assert_never(read.row.state)


def _people(read: BookingRead) -> tuple[PersonView, ...]:
    details = read.details
    numbers = [one for one in read.row.ticket_numbers if isinstance(one, dict)]
    return tuple(
        PersonView(
            name=person.name or "A traveller",
            kind=person_kind(person.kind),
            tickets=tuple(
                _number(one) for one in numbers if person.ref in (one.get("passenger_refs") or ())
            ),
            bags=_bags(person, read.itinerary, details),
            seats=_seats(person, read.itinerary, details),
        )
        for person in details.people
    )


def _bags(person: OrderPerson, itinerary: Itinerary, details: OrderDetails) -> tuple[str, ...]:
    """Say the bags once where all flights agree, else flight by flight."""
    each = [
        (segment.marketing_carrier, segment.flight_number, dict(facts.bags).get(person.ref, Bags()))
        for leg, known in zip(itinerary.slices, details.flights, strict=False)
        for segment, facts in zip(leg.segments, known, strict=False)
    ]
    same = same_everywhere(tuple(bags for _, _, bags in each))
    if same is not None:
        return (bag_words(same),)
    return tuple(f"{carrier} {number}: {bag_words(bags)}" for carrier, number, bags in each)


def _seats(person: OrderPerson, itinerary: Itinerary, details: OrderDetails) -> str | None:
    found = [
        f"{segment.marketing_carrier} {segment.flight_number}: {seat}"
        for leg, known in zip(itinerary.slices, details.flights, strict=False)
        for segment, facts in zip(leg.segments, known, strict=False)
        if (seat := dict(facts.seats).get(person.ref))
    ]
    return ", ".join(found) or None


def _story(read: BookingRead) -> tuple[StoryLine, ...]:
    facts = StoryFacts(currency=read.row.currency)
    lines = [story_line(one.kind, one.data, one.at, facts) for one in read.events]
    return tuple(line for line in reversed(lines) if line is not None)


def _airline(itinerary: Itinerary, details: OrderDetails) -> Airline:
    code = details.airline_code
    if code is None and itinerary.slices:
        code = itinerary.slices[0].segments[0].marketing_carrier
    return airline(code or "", details.airline_name or "The airline")


def _others(details: OrderDetails, own: str | None) -> tuple[tuple[str, str], ...]:
    return tuple((name, code) for name, code in details.references if code != own)


def _asked(read: BookingRead, change: AirlineChange) -> bool:
    """Say whether a person of ours looks for other flights since this change."""
    asked = _when(read, "booking.others_asked")
    return asked is not None and asked >= change.at


def _when(read: BookingRead, kind: str) -> datetime | None:
    found = [one.at for one in read.events if one.kind == kind]
    return found[-1] if found else None


def refund_country(itinerary: Itinerary) -> str | None:
    """Return the country in which the trip begins, whose rules for refunds count."""
    try:
        return place(itinerary.slices[0].origin).country if itinerary.slices else None
    except UnknownPlace:
        return None


def _number(ticket: object) -> str:
    return str(ticket["number"]) if isinstance(ticket, dict) else str(ticket)


def _https(url: str | None) -> str | None:
    """Let through what is a link to another site, and nothing else that an order may hold."""
    return url if url and url.startswith("https://") else None
