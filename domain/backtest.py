"""What would have come of a wish with the prices that earlier looks saw, as far as they tell.

Looks keep the cheapest fare for each number of stops, airline and refundability, without hours
and bags, so the answer says what it does not know. It promises nothing: a fare that was seen may
not have been bookable, and nobody looked on most days.
"""

from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta

from babel.dates import format_date

from domain.criteria import Criteria
from domain.money import Money
from domain.offers import Party
from domain.values import Value

DAYS = 90


class Seen(Value):
    """The cheapest fare of a day of looks for one kind of flights.

    `fits` says whether the flights are within the wish's dates and nights; other dates of the
    route tell what it usually costs. `total` is for everybody in `party`.
    """

    day: date
    fits: bool
    departs_on: date
    returns_on: date | None
    stops: int
    airline: str
    refundable: bool | None
    party: Party
    total: Money


class Would(Value):
    """The first booking that would have been made."""

    day: date
    price: Money
    departs_on: date
    returns_on: date | None
    airline: str


class Backtest(Value):
    """What the history tells. `sentence` and `caveats` are what people read."""

    days: int
    days_seen: int
    days_within: int
    would: Would | None
    lowest: Money | None
    lowest_on: date | None
    route_days: int
    route_low: Money | None
    route_high: Money | None
    sentence: str
    caveats: tuple[str, ...]

    @property
    def known(self) -> bool:
        return self.days_seen > 0


def backtest(
    criteria: Criteria, seen: Sequence[Seen], *, party: Party, now: datetime, days: int = DAYS
) -> Backtest:
    """Replay the wish against what was seen in the last days.

    A fare counts on its day if the wish's stops, airlines, refundability and dates allow it; the
    first that is within the budget would have been booked.
    """
    today = now.date()
    usable = [one for one in seen if _usable(one, criteria, today, days)]
    route, multiplied = _for_party(usable, party)
    fitting, by_others = _for_party([one for one in usable if one.fits], party)
    daily = _cheapest_each_day(one for one in fitting if _allowed(one, criteria))
    within = [one for one in daily if one.total <= criteria.budget]
    first = within[0] if within else None
    lowest = min(daily, key=lambda one: (one.total.minor, one.day), default=None)
    usual = sorted((one.total for one in _cheapest_each_day(route)), key=lambda m: m.minor)
    found = Backtest(
        days=days,
        days_seen=len(daily),
        days_within=len(within),
        would=_would(first) if first else None,
        lowest=lowest.total if lowest else None,
        lowest_on=lowest.day if lowest else None,
        route_days=len(usual),
        route_low=usual[0] if usual else None,
        route_high=usual[-1] if usual else None,
        sentence="",
        caveats=(),
    )
    scaled = by_others if daily else multiplied
    return found.model_copy(
        update={
            "sentence": _sentence(found, criteria),
            "caveats": _caveats(found, criteria, party, scaled=scaled),
        }
    )


def _usable(one: Seen, criteria: Criteria, today: date, days: int) -> bool:
    recent = today - timedelta(days=days) < one.day <= today
    return recent and one.total.currency == criteria.budget.currency and one.departs_on > one.day


def _for_party(seen: Sequence[Seen], party: Party) -> tuple[list[Seen], bool]:
    """Return the fares of the very party; without any, those of other adults, multiplied."""
    own = [one for one in seen if one.party == party]
    if own or party.infants:
        return own, False
    seats = party.adults + party.children
    others = [one for one in seen if not one.party.children and not one.party.infants]
    scaled = [
        one.model_copy(update={"total": _times(one.total, seats, one.party.adults)})
        for one in others
    ]
    return scaled, bool(scaled)


def _times(total: Money, seats: int, adults: int) -> Money:
    """Rounded up, so that no booking is promised that would have cost a cent too much."""
    return Money(minor=-(-total.minor * seats // adults), currency=total.currency)


def _allowed(one: Seen, criteria: Criteria) -> bool:
    if criteria.max_connections is not None and one.stops > criteria.max_connections:
        return False
    if criteria.airlines_wanted and one.airline not in criteria.airlines_wanted:
        return False
    if one.airline in criteria.airlines_excluded:
        return False
    return one.refundable is True or not criteria.refundable_only


def _cheapest_each_day(seen: Iterable[Seen]) -> list[Seen]:
    best: dict[date, Seen] = {}
    for one in seen:
        other = best.get(one.day)
        if other is None or _order(one) < _order(other):
            best[one.day] = one
    return [best[day] for day in sorted(best)]


def _order(one: Seen) -> tuple[int, date, date, str]:
    return one.total.minor, one.departs_on, one.returns_on or one.departs_on, one.airline


def _would(one: Seen) -> Would:
    return Would(
        day=one.day,
        price=one.total,
        departs_on=one.departs_on,
        returns_on=one.returns_on,
        airline=one.airline,
    )


def _sentence(found: Backtest, criteria: Criteria) -> str:
    if found.would is not None:
        would = found.would
        return (
            f"With the prices seen so far you would have been booked on {_day(would.day)} for "
            f"{would.price}: {_dates(would.departs_on, would.returns_on)}."
        )
    if found.lowest is not None and found.lowest_on is not None:
        above = found.lowest - criteria.budget
        return (
            f"With the prices seen so far nothing would have been booked. The lowest was "
            f"{found.lowest} on {_day(found.lowest_on)}, {above} above your budget."
        )
    if found.route_low is not None and found.route_high is not None:
        usual = (
            str(found.route_low)
            if found.route_low == found.route_high
            else f"between {found.route_low} and {found.route_high}"
        )
        return (
            f"No history yet for flights like these. Others on this route were {usual}, "
            "the cheapest of each day that was looked at."
        )
    return "No history yet: nobody has looked at this route before."


def _caveats(found: Backtest, criteria: Criteria, party: Party, *, scaled: bool) -> tuple[str, ...]:
    seen_on = found.days_seen or found.route_days
    if not seen_on:
        return ()
    words = [f"seen on {seen_on} of {found.days} days"]
    if found.days_seen and found.would is not None:
        words[0] += f", within your budget on {found.days_within}"
    unknown = []
    if criteria.departure_hours or criteria.arrival_hours:
        unknown.append("hours")
    if criteria.checked_bags:
        unknown.append("bags")
    if criteria.airlines_wanted or criteria.airlines_excluded:
        unknown.append("the airline of each single flight")
    if unknown:
        words.append(f"{_and(unknown)} not known")
    if scaled:
        people = party.adults + party.children
        words.append(f"seen for others and reckoned for {people}")
    words.append("may not have been bookable")
    return tuple(words)


def _and(words: Sequence[str]) -> str:
    return " and ".join(filter(None, [", ".join(words[:-1]), words[-1]]))


def _dates(departs_on: date, returns_on: date | None) -> str:
    if returns_on is None:
        return f"out on {_day(departs_on)}"
    return f"out on {_day(departs_on)}, back on {_day(returns_on)}"


def _day(day: date) -> str:
    return format_date(day, "d MMMM yyyy", locale="en")
