"""Checks a wish before it is accepted, and says which dates it could be flown on."""

import re
from collections.abc import Iterator
from datetime import date, timedelta
from functools import cache

from babel.dates import format_date

from domain.criteria import Criteria, Hours
from domain.errors import FieldProblem, UnknownPlace
from domain.offers import DatePair, Party
from domain.places import place

LONGEST_WINDOW_DAYS = 366


def check_criteria(
    criteria: Criteria,
    *,
    today: date,
    expires_on: date,
    seller_currencies: frozenset[str],
    horizon_days: int,
    minimum_notice_days: int = 1,
) -> tuple[FieldProblem, ...]:
    """Return what about the wish can never come true, field by field, with a remedy each.

    Args:
        criteria: the wish.
        today: the day on which it is made.
        expires_on: the day on which the campaign gives up.
        seller_currencies: what the seller prices in.
        horizon_days: how many days ahead airlines sell.
        minimum_notice_days: how many days before departure the last booking is made.
    """
    return (
        *_place_problems(criteria),
        *_window_problems(criteria, today, expires_on, horizon_days, minimum_notice_days),
        *_nights_problems(criteria),
        *_budget_problems(criteria, seller_currencies),
        *_airline_problems(criteria),
        *_hours_problems("departure_hours", criteria.departure_hours),
        *_hours_problems("arrival_hours", criteria.arrival_hours),
        *_weight_problems(criteria),
        *_worth_problems(criteria),
    )


def warnings(
    criteria: Criteria,
    *,
    today: date,
    horizon_days: int,
    card_expires_on: date | None = None,
    passports_expire_on: tuple[date, ...] = (),
) -> tuple[FieldProblem, ...]:
    """Return what will not stop the wish, but its owner should know."""
    found = []
    opens = opens_on(criteria, horizon_days)
    if opens > today:
        found.append(
            FieldProblem(
                field="departure_from",
                reason=f"airlines do not sell these dates before {_day(opens)}",
                remedy="Nothing to do: the wish sleeps until then and wakes by itself.",
            )
        )
    if card_expires_on is not None and card_expires_on < criteria.departure_until:
        found.append(
            FieldProblem(
                field="payment_method_id",
                reason=f"the card expires on {_day(card_expires_on)}, before the last date wished",
                remedy="Add the new card when it comes; until then the wish can be booked.",
            )
        )
    trip_end = criteria.departure_until + timedelta(days=criteria.nights_max or 0)
    if any(expiry < trip_end for expiry in passports_expire_on):
        first = min(passports_expire_on)
        found.append(
            FieldProblem(
                field="traveler_ids",
                reason=f"a passport expires on {_day(first)}, before the last possible day "
                f"of the trip, {_day(trip_end)}",
                remedy="Renew it in time, or choose earlier dates.",
            )
        )
    return tuple(found)


def opens_on(criteria: Criteria, horizon_days: int) -> date:
    """Return the first day on which a date pair of the wish is on sale, its way back included."""
    return _last_day(criteria.departure_from, criteria.nights_min) - timedelta(days=horizon_days)


def last_bookable(criteria: Criteria) -> date:
    """Return the last departure that the wish allows."""
    return criteria.departure_until


def date_pairs(
    criteria: Criteria, party: Party, *, today: date, horizon_days: int
) -> Iterator[DatePair]:
    """Yield what could be looked at: each market, departure and number of nights.

    Only departures after `today` whose last flight is on sale. A city is searched by its own
    code, in one look, and its airports are told apart when the offers are matched.
    """
    on_sale_until = today + timedelta(days=horizon_days)
    for departs_on, returns_on in trip_dates(
        criteria.departure_from, criteria.departure_until, criteria.nights_min, criteria.nights_max
    ):
        if departs_on <= today or (returns_on or departs_on) > on_sale_until:
            continue
        for origin, destination in markets(criteria.origins, criteria.destinations):
            yield DatePair(
                origin=origin,
                destination=destination,
                departs_on=departs_on,
                returns_on=returns_on,
                cabin=criteria.cabin,
                party=party,
            )


def trip_dates(
    departure_from: date, departure_until: date, nights_min: int | None, nights_max: int | None
) -> Iterator[tuple[date, date | None]]:
    """Yield each departure with each return, or with None for a one-way."""
    for offset in range((departure_until - departure_from).days + 1):
        departs_on = departure_from + timedelta(days=offset)
        if nights_min is None or nights_max is None:
            yield departs_on, None
            continue
        for nights in range(nights_min, nights_max + 1):
            yield departs_on, departs_on + timedelta(days=nights)


def markets(origins: tuple[str, ...], destinations: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    """Yield each origin with each destination, but for those that are the same place."""
    for origin in origins:
        for destination in destinations:
            if not _airports(origin) & _airports(destination):
                yield origin, destination


@cache
def _airports(code: str) -> frozenset[str]:
    try:
        return frozenset(place(code).airports)
    except UnknownPlace:
        return frozenset({code})


def _last_day(departs_on: date, nights: int | None) -> date:
    return departs_on + timedelta(days=nights or 0)


def _day(day: date) -> str:
    return format_date(day, "d MMMM yyyy", locale="en")


def _place_problems(criteria: Criteria) -> Iterator[FieldProblem]:
    for field, codes in (("origins", criteria.origins), ("destinations", criteria.destinations)):
        for number, code in enumerate(codes):
            if (problem := _code_problem(f"{field}.{number}", code)) is not None:
                yield problem
        if len(set(codes)) < len(codes):
            yield FieldProblem(
                field=field, reason="a place is named twice", remedy="Name each place once."
            )
    same = [
        (origin, destination)
        for origin in criteria.origins
        for destination in criteria.destinations
        if _airports(origin) & _airports(destination)
    ]
    if same:
        origin, destination = same[0]
        yield FieldProblem(
            field="destinations",
            reason=f"{destination} is where the trip would begin"
            if origin == destination
            else f"{origin} and {destination} are the same city",
            remedy="Choose a destination elsewhere.",
        )


def _code_problem(field: str, code: str) -> FieldProblem | None:
    try:
        found = place(code)
    except UnknownPlace as unknown:
        hints = [place(suggestion) for suggestion in unknown.suggestions]
        hint = ", ".join(f"{p.code} ({p.name}, {p.city})" for p in hints)
        return FieldProblem(
            field=field,
            reason=f"{code!r} is not an airport or city code",
            remedy=f"Did you mean {hint}?" if hint else "Search for the city by its name.",
        )
    if found.code != code:
        return FieldProblem(
            field=field, reason=f"{code!r} is not written as a code", remedy=f"Write {found.code}."
        )
    return None


def _window_problems(
    criteria: Criteria, today: date, expires_on: date, horizon_days: int, notice_days: int
) -> Iterator[FieldProblem]:
    first, last = criteria.departure_from, criteria.departure_until
    earliest = today + timedelta(days=notice_days)
    if last < first:
        yield FieldProblem(
            field="departure_until",
            reason=f"the window ends on {_day(last)}, before it begins on {_day(first)}",
            remedy="Swap the two dates.",
        )
        return
    if last < earliest:
        yield FieldProblem(
            field="departure_until",
            reason=f"the window ended on {_day(last)}"
            if last < today
            else f"{_day(last)} is too soon to be booked automatically",
            remedy=f"Choose dates from {_day(earliest)} on.",
        )
        return
    if (last - first).days > LONGEST_WINDOW_DAYS:
        yield FieldProblem(
            field="departure_until",
            reason=f"the window is {(last - first).days} days long",
            remedy=f"Keep it within {LONGEST_WINDOW_DAYS} days.",
        )
    if first > expires_on:
        yield FieldProblem(
            field="departure_from",
            reason=f"the window begins on {_day(first)}, after the wish ends on {_day(expires_on)}",
            remedy="Choose an earlier window, or make the wish later.",
        )
    elif (opens := opens_on(criteria, horizon_days)) > expires_on:
        yield FieldProblem(
            field="departure_from",
            reason=f"airlines sell these dates from {_day(opens)} on, after the wish ends on "
            f"{_day(expires_on)}",
            remedy="Choose an earlier window, or make the wish later.",
        )


def _nights_problems(criteria: Criteria) -> Iterator[FieldProblem]:
    least, most = criteria.nights_min, criteria.nights_max
    if (least is None) != (most is None):
        yield FieldProblem(
            field="nights_max" if most is None else "nights_min",
            reason="only one end of the number of nights is given",
            remedy="Give both for a return trip, none for one way.",
        )
    elif least is not None and most is not None and least > most:
        yield FieldProblem(
            field="nights_max",
            reason=f"at least {least} nights, but at most {most}",
            remedy="Swap the two numbers.",
        )


def _budget_problems(
    criteria: Criteria, seller_currencies: frozenset[str]
) -> Iterator[FieldProblem]:
    if criteria.budget.minor <= 0:
        yield FieldProblem(
            field="budget",
            reason=f"a budget of {criteria.budget} buys no flight",
            remedy="Give the most that you would pay for the whole party, bags included.",
        )
    if criteria.budget.currency not in seller_currencies:
        priced = ", ".join(sorted(seller_currencies))
        yield FieldProblem(
            field="budget.currency",
            reason=f"fares are not priced in {criteria.budget.currency}",
            remedy=f"Give the budget in {priced}.",
        )


def _airline_problems(criteria: Criteria) -> Iterator[FieldProblem]:
    lists = (
        ("airlines_wanted", criteria.airlines_wanted),
        ("airlines_excluded", criteria.airlines_excluded),
    )
    for field, codes in lists:
        for number, code in enumerate(codes):
            # Two characters, not both digits: what IATA gives to airlines.
            if not re.fullmatch(r"[A-Z][A-Z0-9]|[0-9][A-Z]", code):
                yield FieldProblem(
                    field=f"{field}.{number}",
                    reason=f"{code!r} is not an airline's code",
                    remedy="Use the two characters of its flight numbers, such as TP or B6.",
                )
    both = sorted(set(criteria.airlines_wanted) & set(criteria.airlines_excluded))
    if both:
        yield FieldProblem(
            field="airlines_excluded",
            reason=f"{', '.join(both)} is both wanted and excluded",
            remedy="Take it out of one of the two lists.",
        )


def _hours_problems(field: str, hours: Hours | None) -> Iterator[FieldProblem]:
    if hours is None:
        return
    if hours.earliest.tzinfo is not None or hours.latest.tzinfo is not None:
        yield FieldProblem(
            field=field,
            reason="the hours carry a time zone",
            remedy="Give them without: they are local to each airport.",
        )
    elif hours.earliest > hours.latest:
        yield FieldProblem(
            field=field,
            reason=f"the earliest hour, {hours.earliest:%H:%M}, is after the latest, "
            f"{hours.latest:%H:%M}",
            remedy="Swap them; a range cannot pass midnight.",
        )


def _weight_problems(criteria: Criteria) -> Iterator[FieldProblem]:
    if not any(value for _, value in criteria.weights):
        yield FieldProblem(
            field="weights",
            reason="nothing counts when offers are compared",
            remedy="Give at least one weight above zero.",
        )


def _worth_problems(criteria: Criteria) -> Iterator[FieldProblem]:
    budget = criteria.budget
    for name, money in criteria.worth.said:
        if money.currency != budget.currency:
            yield FieldProblem(
                field=f"worth.{name}",
                reason=f"it is in {money.currency}, but the budget is in {budget.currency}",
                remedy=f"Give it in {budget.currency}.",
            )
        elif money.minor < 0:
            yield FieldProblem(
                field=f"worth.{name}",
                reason="comfort is not worth less than nothing",
                remedy="Give an amount above zero, or leave it empty.",
            )
