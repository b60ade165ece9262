"""Sentences about decisions, held against the rules that decide."""

from datetime import date, datetime, time, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.criteria import Criteria, Hours, ScoreWeights, Worth
from domain.explanations import (
    Contender,
    extra_worth,
    rounded_up,
    why_booked,
    why_not,
)
from domain.itineraries import Itinerary
from domain.matching import Reason, judge
from domain.money import Money
from domain.offers import BagService, Cabin, Offer, OfferPassenger, Party
from domain.scoring import rank

TWO = Party(adults=2)


def test_a_dear_fare_names_the_figure_that_would_book_it(make: Any):
    found = why_not(make.offer(total="1118.00"), make.wish(budget=make.usd("1040")), party=Party())
    assert found.words == "78 over your budget."
    assert found.change == "A budget of 1,120 would book it."
    assert found.allow == make.usd("1120")


def test_several_reasons_are_all_said_and_their_cures_joined(make: Any):
    hours = Hours(earliest=time(6), latest=time(23))
    late = make.round_trip(
        departs=datetime(2027, 5, 12, 11, 35),  # noqa: DTZ001
        arriving_at=datetime(2027, 5, 12, 23, 35),  # noqa: DTZ001
    )
    wish = make.wish(arrival_hours=hours, departure_hours=None, budget=make.usd("500"))
    found = why_not(make.offer(late, "524.00"), wish, party=Party())
    assert "24 over your budget" in found.words
    assert "after your latest hour" in found.words
    assert found.change == "A budget of 524 and arrivals until 23:35 would book it."
    assert found.allow is None, "more money alone would not book it"


def test_bags_that_break_the_budget_are_told_apart_from_the_fare(make: Any):
    bag = BagService(
        service_id="b", price=make.usd("80"), maximum_quantity=1, passenger_ref="pas_1"
    )
    offer = make.offer(total="500.00", bag_services=(bag,))
    found = why_not(offer, make.wish(checked_bags=1), party=Party())
    assert found.words == "Within budget at 500, but 580 with your bags."
    assert found.change == "A budget of 580 would book it."


def test_what_just_failed_waits_and_asks_for_nothing(make: Any):
    found = why_not(make.offer(), make.wish(), party=Party(), ignored_until="14:00")
    assert found.reasons == (Reason.IGNORED,)
    assert "until 14:00" in found.words
    assert (found.change, found.wish, found.allow) == (None, None, None)


def test_missing_passports_are_asked_for(make: Any):
    offer = make.offer(documents_required=True)
    found = why_not(offer, make.wish(), party=Party(), traveller_documents=False)
    assert found.change == "A passport on file for each traveller would book it."


def test_an_offer_that_fits_says_so(make: Any):
    found = why_not(make.offer(), make.wish(), party=Party())
    assert (found.words, found.change, found.distance) == ("Fits your wish.", None, 0)


_clock = st.times().map(lambda t: t.replace(second=0, microsecond=0, tzinfo=None))


@st.composite
def _hours(draw: Any) -> Hours | None:
    if draw(st.booleans()):
        return None
    first, second = sorted((draw(_clock), draw(_clock)))
    return Hours(earliest=first, latest=second)


@st.composite
def _wishes(draw: Any, make: Any) -> Any:
    start = date(2027, 5, 1) + timedelta(days=draw(st.integers(-20, 20)))
    nights = sorted((draw(st.integers(1, 14)), draw(st.integers(1, 14))))
    return make.wish(
        departure_from=start,
        departure_until=start + timedelta(days=draw(st.integers(0, 20))),
        nights_min=nights[0],
        nights_max=nights[1],
        budget=Money(minor=draw(st.integers(1, 90_000)), currency="USD"),
        cabin=draw(st.sampled_from(Cabin)),
        max_connections=draw(st.sampled_from([None, 0, 1, 2])),
        airlines_wanted=tuple(draw(st.sets(st.sampled_from(["TP", "UA", "IB"]), max_size=2))),
        airlines_excluded=tuple(draw(st.sets(st.sampled_from(["TP", "LH"]), max_size=2))),
        departure_hours=draw(_hours()),
        arrival_hours=draw(_hours()),
        checked_bags=draw(st.integers(0, 3)),
        refundable_only=draw(st.booleans()),
    )


@st.composite
def _offers(draw: Any, make: Any) -> Any:
    first = make.segment(
        departs=datetime(2027, 5, 12, draw(st.integers(0, 23)), 5),  # noqa: DTZ001
        cabin=draw(st.sampled_from([None, "economy", "business", "strange"])),
        operating_carrier=draw(st.sampled_from(["TP", "LH"])),
        technical_stops=draw(st.integers(0, 2)),
    )
    home = make.out + timedelta(days=draw(st.integers(1, 15)))
    back = make.segment("LIS", "JFK", home, flight_number="203")
    itinerary = make.round_trip().model_copy(update={"slices": (make.leg(first), make.leg(back))})
    bag = BagService(
        service_id="b", price=make.usd("45.50"), maximum_quantity=1, passenger_ref="pas_1"
    )
    return make.offer(
        itinerary,
        total=f"{draw(st.integers(100, 1500))}.{draw(st.integers(10, 99))}",
        checked_bags=draw(st.integers(0, 2)),
        bag_services=draw(st.sampled_from([(), (bag,)])),
        refundable=draw(st.sampled_from([True, False, None])),
        passengers=(OfferPassenger(ref="pas_1", kind="adult"),),
    )


@given(data=st.data())
def test_the_change_that_is_named_really_books_the_offer(make: Any, data: Any):
    wish, offer = data.draw(_wishes(make)), data.draw(_offers(make))
    verdict = judge(offer, wish, party=Party())
    found = why_not(offer, wish, party=Party())
    assert bool(found.reasons) is not verdict.matches
    if found.reasons:
        assert found.reasons[0] is verdict.reason
        assert found.wish is not None
        assert found.change is not None
        assert judge(offer, found.wish, party=Party()).matches
        assert found.change.endswith(" would book it.")
    if found.allow:
        assert judge(offer, wish.model_copy(update={"budget": found.allow}), party=Party()).matches


@given(minor=st.integers(1, 10**9), currency=st.sampled_from(["USD", "JPY", "KWD"]))
def test_a_rounded_figure_is_enough_and_has_three_digits(minor: int, currency: str):
    amount = Money(minor=minor, currency=currency)
    up = rounded_up(amount)
    assert up >= amount
    one = {"USD": 100, "JPY": 1, "KWD": 1000}[currency]
    assert up.minor - minor < max(one, minor / 99 + one)
    assert len(str(up.minor // one).rstrip("0")) <= 3


def _contenders(wish: Criteria, *offers: Offer) -> list[Contender]:
    return [
        Contender(
            flights=f"TP {one.offer_id}",
            total=one.total,
            stops=one.itinerary.connections,
            score=score.total,
            parts=score.parts,
        )
        for one, score in rank(offers, wish)
    ]


def _stopping(make: Any, total: str, stops: int, name: str) -> Any:
    return make.offer(make.round_trip(technical_stops=stops), total, offer_id=name)


def test_a_booking_is_explained_by_what_it_was_weighed_against(make: Any):
    offers = [_stopping(make, "487.00", 1, "204"), _stopping(make, "583.00", 0, "900")]
    wish = make.wish(weights=ScoreWeights(price=0.8, stops=0.1))
    chosen, other = _contenders(wish, *offers)
    sentence = why_booked(chosen, [other], paid=make.usd("487"), budget=make.usd("520"))
    worth = extra_worth(chosen, other, make.usd("487"))
    assert worth is not None
    assert 0 < worth.minor < 9600
    assert sentence == (
        "Booked TP 204: 487 USD, 33 under your budget; the non-stop was 96 dearer, more than the"
        f" {worth.figure()} that it is worth to you."
    )
    # And at that price it would have won: the figure is not a manner of speaking.
    nearer = _stopping(make, str(worth.decimal() + 486), 0, "900")
    assert _contenders(wish, offers[0], nearer)[0].stops == 0
    too_dear = _stopping(make, str(worth.decimal() + 489), 0, "900")
    assert _contenders(wish, offers[0], too_dear)[0].stops == 1


def test_comfort_that_has_a_price_is_told_at_that_price(make: Any):
    offers = [_stopping(make, "487.00", 1, "204"), _stopping(make, "583.00", 0, "900")]
    wish = make.wish(worth=Worth(nonstop=make.usd("60")))
    chosen, other = _contenders(wish, *offers)
    assert why_booked(chosen, [other], paid=make.usd("487"), budget=make.usd("520")) == (
        "Booked TP 204: 487 USD, 33 under your budget; the non-stop was 96 dearer, more than the 60"
        " that it is worth to you."
    )


_PRICES = st.none() | st.integers(1, 30_000)


@given(
    totals=st.tuples(*[st.integers(10_000, 90_000)] * 2),
    stops=st.tuples(*[st.integers(0, 2)] * 2),
    refundable=st.tuples(*[st.booleans()] * 2),
    worth=st.fixed_dictionaries(
        {"nonstop": _PRICES, "hour_shorter": _PRICES, "refundable": _PRICES}
    ),
    minutes=st.tuples(*[st.integers(300, 900)] * 2),
    shares=st.tuples(*[st.integers(1, 9)] * 3),
)
def test_what_comfort_is_said_to_be_worth_is_what_decided(
    make: Any, totals: Any, stops: Any, refundable: Any, worth: Any, minutes: Any, shares: Any
) -> None:
    """A little below the figure the other one would have won, and a little above it lost."""
    said = {n: Money(minor=m, currency="USD") for n, m in worth.items() if m is not None}
    weights = dict(zip(("price", "stops", "duration"), shares, strict=True))
    wish = make.wish(worth=Worth(**said), weights=ScoreWeights(**weights))
    offers = {
        name: _stopping(make, str(Money(minor=totals[n], currency="USD").decimal()), stops[n], name)
        .model_copy(update={"refundable": refundable[n]})
        for n, name in enumerate(("one", "two"))
    }  # fmt: skip
    offers = {name: _lasting(offers[name], minutes[n]) for n, name in enumerate(offers)}
    chosen, other = _contenders(wish, *offers.values())
    cheapest = min(chosen.total, other.total)
    figure = extra_worth(chosen, other, cheapest)
    assert figure is not None
    extra = other.total.minor - chosen.total.minor
    if extra <= 0 or figure.minor == 0:
        return
    below, above = (1, 1) if said else (100, 200)  # weights are told in whole units
    assert extra >= figure.minor, "dearer by less than it is worth, it would have been chosen"
    for change, winner in ((-below, other), (above, chosen)):
        price = Money(minor=chosen.total.minor + figure.minor + change, currency="USD")
        told = other.flights.removeprefix("TP ")
        repriced = offers | {told: offers[told].model_copy(update={"total": price})}
        first, _ = _contenders(wish, *repriced.values())
        assert first.flights == winner.flights, (change, figure)


def _lasting(offer: Offer, minutes: int) -> Offer:
    out, back = offer.itinerary.slices
    out = out.model_copy(update={"duration_minutes": minutes})
    return offer.model_copy(update={"itinerary": Itinerary(slices=(out, back))})


@pytest.mark.parametrize(
    ("others", "tail"),
    [
        ([], "just what you allow; nothing else fitted your wish."),
        ([("600.00", 0)], "just what you allow; the cheapest of 2 that fitted."),
        ([("480.00", 1)], "just what you allow; 40 less would have meant 1 stop."),
        ([("500.00", 0)], "just what you allow; one for 20 less suited what you prefer less well."),
    ],
)
def test_every_booking_has_a_reason(make: Any, others: list[tuple[str, int]], tail: str):
    def plain(total: str, stops: int) -> Contender:
        return Contender(flights="TP 1", total=make.usd(total), stops=stops, score=0.5, parts=())

    rest = [plain(total, stops) for total, stops in others]
    paid = make.usd("520.00")
    sentence = why_booked(plain("520.00", 0), rest, paid=paid, budget=paid)
    assert sentence == f"Booked TP 1: 520 USD, {tail}"
