"""Why an offer was not booked, what would have changed that, and why another one was.

Each answer is a sentence with numbers. What would have changed it is not a guess: it is a wish
that was made from this one and that the offer satisfies by the very rules that decide.
"""

from collections.abc import Callable, Collection, Sequence
from datetime import time

from domain.criteria import Criteria, Hours
from domain.matching import (
    CABIN_ORDER,
    Reason,
    Unread,
    bag_choice,
    refusals,
    total_with_bags,
)
from domain.money import Money, exponent
from domain.offers import Cabin, Offer, Party
from domain.scoring import ScorePart
from domain.values import Value

# How far a reason keeps an offer from being booked, next to a fare that is over the budget by the
# same share of it. Only the order of the nearest offers hangs on it.
_DISTANCE = {
    Reason.IGNORED: 0.01,
    Reason.BAGS_NOT_PRICED: 0.02,
    Reason.DOCUMENTS: 0.05,
    Reason.BAGS: 0.1,
    Reason.DEPARTURE_HOURS: 0.15,
    Reason.ARRIVAL_HOURS: 0.15,
    Reason.NOT_REFUNDABLE: 0.2,
    Reason.AIRLINE_NOT_WANTED: 0.2,
    Reason.AIRLINE_EXCLUDED: 0.2,
    Reason.CONNECTIONS: 0.25,
    Reason.NIGHTS: 0.4,
    Reason.DATES: 0.4,
    Reason.CABIN: 0.6,
    Reason.CURRENCY: 5.0,
    Reason.ROUTE: 10.0,
}


# What came instead of offers.
NOTHING_READ = {
    Unread.NO_ANSWER: "the airlines' system did not answer",
    Unread.REFUSED: "the airlines' system refused to search",
    Unread.UNREADABLE: "the airlines' system gave an answer that could not be read",
}


class WhyNot(Value):
    """What speaks against one offer.

    `change` says what would have booked it, `wish` is that wish, and `allow` the figure that
    would do it alone; all are None where no change of the wish helps.
    """

    words: str
    change: str | None = None
    wish: Criteria | None = None
    allow: Money | None = None
    reasons: tuple[Reason, ...] = ()
    total: Money
    distance: float


class Contender(Value):
    """An offer that satisfied the wish in the look that led to a booking."""

    flights: str
    total: Money
    stops: int
    score: float
    parts: tuple[ScorePart, ...]


def why_not(
    offer: Offer,
    criteria: Criteria,
    *,
    party: Party,
    ignored_until: str | None = None,
    price_limit: Money | None = None,
    traveller_documents: bool = True,
) -> WhyNot:
    """Say everything that speaks against an offer, and the least change that would book it.

    `ignored_until` is the hour, in words, until which these flights are left alone.
    """
    total = total_with_bags(offer, criteria.checked_bags, party) or offer.total
    ignored = (offer.itinerary.key,) if ignored_until else ()
    found = list(
        refusals(
            offer,
            criteria,
            party=party,
            ignored=ignored,
            price_limit=price_limit,
            traveller_documents=traveller_documents,
        )
    )
    reasons = tuple(reason for reason, _ in found)
    limit = min(criteria.budget, price_limit) if price_limit else criteria.budget
    words = [_words(reason, detail, offer, total, limit) for reason, detail in found]
    if Reason.IGNORED in reasons:
        words[reasons.index(Reason.IGNORED)] += f" until {ignored_until}"
    change, wish, allow = _cure(offer, criteria, reasons, party, price_limit)
    return WhyNot(
        words=_sentence("; ".join(words)) if words else "Fits your wish.",
        change=change,
        wish=wish,
        allow=allow if reasons == (Reason.OVER_BUDGET,) else None,
        reasons=reasons,
        total=total,
        distance=sum(_distance(reason, total, limit) for reason in reasons),
    )


def rounded_up(amount: Money) -> Money:
    """Round up to three figures, as people name an amount: 1,118 becomes 1,120."""
    one = 10 ** exponent(amount.currency)
    whole = -(-amount.minor // one)
    step = 10 ** max(0, len(str(whole)) - 3)
    return Money(minor=-(-whole // step) * step * one, currency=amount.currency)


def why_booked(
    chosen: Contender, others: Sequence[Contender], *, paid: Money, budget: Money
) -> str:
    """Say in one sentence why this offer was booked and not another.

    "Booked TP 204: 487 USD, 33 under your budget; the non-stop was 96 dearer, more than the 60
    that it is worth to you."
    """
    room = budget - paid
    under = f"{room.figure()} under your budget" if room.minor > 0 else "just what you allow"
    tail = _against(chosen, [one for one in others if one.total.currency == paid.currency])
    return f"Booked {chosen.flights}: {paid.short()}, {under}{tail}."


def extra_worth(chosen: Contender, other: Contender, cheapest: Money) -> Money | None:
    """Return how much dearer than the chosen offer the other could have been and still won.

    It follows from what both were ranked by: what comfort is worth to the wish, or its weights.
    None: the price does not count.
    """
    if any(part.counts for part in other.parts):
        worth = _lacks(chosen) - _lacks(other)
        return Money(minor=max(0, worth), currency=cheapest.currency)
    price = next((p for p in other.parts if p.name == "price"), None)
    if price is None or price.weight <= 0:
        return None
    missing = chosen.score - (other.score - price.value * price.weight)
    if missing <= 0:
        return None
    most = int(price.weight * cheapest.minor / missing) - chosen.total.minor
    one = 10 ** exponent(cheapest.currency)
    return Money(minor=max(0, most) // one * one, currency=cheapest.currency)


def _lacks(offer: Contender) -> int:
    return sum(p.counts.minor for p in offer.parts if p.counts is not None and p.name != "price")


def _against(chosen: Contender, others: Sequence[Contender]) -> str:
    """Name the offer that came nearest for what it did better."""
    if not others:
        return "; nothing else fitted your wish"
    cheapest = min(chosen.total, *(one.total for one in others))
    faster = [one for one in others if one.stops < chosen.stops and one.total > chosen.total]
    if faster:
        other = min(faster, key=lambda one: one.total.minor)
        extra = other.total - chosen.total
        worth = extra_worth(chosen, other, cheapest)
        more = ""
        if worth is not None and 0 < worth.minor < extra.minor:
            more = f", more than the {worth.figure()} that it is worth to you"
        return f"; {_stops(other.stops, 'the ')} was {extra.figure()} dearer{more}"
    cheaper = [one for one in others if one.total < chosen.total]
    if cheaper:
        other = min(cheaper, key=lambda one: one.total.minor)
        less = (chosen.total - other.total).figure()
        if other.stops > chosen.stops:
            return f"; {less} less would have meant {_stops(other.stops)}"
        return f"; one for {less} less suited what you prefer less well"
    return f"; the cheapest of {len(others) + 1} that fitted"


def _stops(stops: int, article: str = "") -> str:
    if stops == 0:
        return f"{article}non-stop"
    plural = "s" if stops > 1 else ""
    return f"{article}one with {stops} stop{plural}" if article else f"{stops} stop{plural}"


def _words(reason: Reason, detail: str, offer: Offer, total: Money, limit: Money) -> str:
    if reason is Reason.OVER_BUDGET:
        if offer.total <= limit:
            return f"within budget at {offer.total.figure()}, but {total.figure()} with your bags"
        return f"{(total - limit).figure()} over your budget"
    return detail


def _distance(reason: Reason, total: Money, limit: Money) -> float:
    if reason is Reason.OVER_BUDGET:
        return (total.minor - limit.minor) / max(1, limit.minor)
    return _DISTANCE[reason]


_Cure = tuple[str, Criteria]


def _cure(
    offer: Offer,
    criteria: Criteria,
    reasons: Collection[Reason],
    party: Party,
    price_limit: Money | None,
) -> tuple[str | None, Criteria | None, Money | None]:
    """Return the change in words, the changed wish, and the figure that it names."""
    if Reason.IGNORED in reasons or not reasons:
        return None, None, None
    phrases: list[str] = []
    wish, allow = criteria, None
    while (against := next(refusals(offer, wish, party=party), None)) is not None:
        if against[0] is Reason.OVER_BUDGET:
            total = total_with_bags(offer, wish.checked_bags, party) or offer.total
            allow = rounded_up(total)
            phrases.insert(0, f"a budget of {allow.figure()}")
            wish = wish.model_copy(update={"budget": allow})
            continue
        cure = _CURES.get(against[0])
        cured = cure(offer, wish) if cure else None
        if cured is None:
            return None, None, None
        phrases.append(cured[0])
        wish = cured[1]
    choice = bag_choice(offer, wish.checked_bags, party)
    if price_limit is not None and allow is None and choice and choice.total > price_limit:
        allow = rounded_up(choice.total)
        phrases.insert(0, f"allowing a charge of {allow.figure()}")
    if Reason.DOCUMENTS in reasons:
        phrases.append("a passport on file for each traveller")
    return _sentence(f"{_and(phrases)} would book it"), wish, allow


def _connections(offer: Offer, wish: Criteria) -> _Cure:
    stops = offer.itinerary.connections
    words = f"allowing {stops} stop{'s' if stops > 1 else ''}"
    return words, wish.model_copy(update={"max_connections": stops})


def _cabin(offer: Offer, wish: Criteria) -> _Cure:
    lowest = wish.cabin
    for leg in offer.itinerary.slices:
        for segment in leg.segments:
            known = segment.cabin in CABIN_ORDER
            cabin = Cabin(segment.cabin) if known and segment.cabin else offer.cabin
            lowest = min(lowest, cabin or Cabin.ECONOMY, key=CABIN_ORDER.index)
    return f"accepting {lowest.replace('_', ' ')}", wish.model_copy(update={"cabin": lowest})


def _airline_wanted(offer: Offer, wish: Criteria) -> _Cure:
    flown = dict.fromkeys(
        segment.marketing_carrier for leg in offer.itinerary.slices for segment in leg.segments
    )
    more = tuple(code for code in flown if code not in wish.airlines_wanted)
    wanted = (*wish.airlines_wanted, *more)
    return f"accepting {_and(more)} too", wish.model_copy(update={"airlines_wanted": wanted})


def _airline_excluded(offer: Offer, wish: Criteria) -> _Cure:
    flown = {
        code
        for leg in offer.itinerary.slices
        for segment in leg.segments
        for code in (segment.marketing_carrier, segment.operating_carrier)
    }
    met = tuple(code for code in wish.airlines_excluded if code in flown)
    kept = tuple(code for code in wish.airlines_excluded if code not in flown)
    return f"accepting {_and(met)}", wish.model_copy(update={"airlines_excluded": kept})


def _departures(offer: Offer, wish: Criteria) -> _Cure | None:
    clocks = [leg.departing_at.time() for leg in offer.itinerary.slices]
    hours = _widened(wish.departure_hours, clocks)
    if hours is None:
        return None
    words = _hours_words("departures", wish.departure_hours, hours)
    return words, wish.model_copy(update={"departure_hours": hours})


def _arrivals(offer: Offer, wish: Criteria) -> _Cure | None:
    clocks = [leg.arriving_at.time() for leg in offer.itinerary.slices]
    hours = _widened(wish.arrival_hours, clocks)
    if hours is None:
        return None
    words = _hours_words("arrivals", wish.arrival_hours, hours)
    return words, wish.model_copy(update={"arrival_hours": hours})


def _widened(hours: Hours | None, clocks: Sequence[time]) -> Hours | None:
    if hours is None:
        return None
    return Hours(earliest=min(hours.earliest, *clocks), latest=max(hours.latest, *clocks))


def _hours_words(what: str, old: Hours | None, new: Hours) -> str:
    from_words = f"from {new.earliest:%H:%M}" if old and new.earliest < old.earliest else ""
    until_words = f"until {new.latest:%H:%M}" if old and new.latest > old.latest else ""
    return f"{what} {' '.join(word for word in (from_words, until_words) if word)}"


def _nights(offer: Offer, wish: Criteria) -> _Cure | None:
    back = offer.itinerary.returns_on
    if back is None or wish.nights_min is None or wish.nights_max is None:
        return None
    nights = (back - offer.itinerary.departs_on).days
    span = {
        "nights_min": min(wish.nights_min, nights),
        "nights_max": max(wish.nights_max, nights),
    }
    return f"{nights} nights", wish.model_copy(update=span)


def _dates(offer: Offer, wish: Criteria) -> _Cure:
    day = offer.itinerary.departs_on
    window = {
        "departure_from": min(wish.departure_from, day),
        "departure_until": max(wish.departure_until, day),
    }
    return f"leaving on {day:%-d %B}", wish.model_copy(update=window)


def _fewer_bags(offer: Offer, wish: Criteria) -> _Cure:
    bags = min(offer.checked_bags, wish.checked_bags)
    words = "no checked bag" if bags == 0 else f"{bags} checked bag{'s' if bags > 1 else ''} each"
    return words, wish.model_copy(update={"checked_bags": bags})


def _not_refundable(_offer: Offer, wish: Criteria) -> _Cure:
    return "a fare that is not refundable", wish.model_copy(update={"refundable_only": False})


# What time or the traveller's papers have to mend, and other cities, are not here.
_CURES: dict[Reason, Callable[[Offer, Criteria], _Cure | None]] = {
    Reason.DATES: _dates,
    Reason.NIGHTS: _nights,
    Reason.CABIN: _cabin,
    Reason.CONNECTIONS: _connections,
    Reason.AIRLINE_NOT_WANTED: _airline_wanted,
    Reason.AIRLINE_EXCLUDED: _airline_excluded,
    Reason.DEPARTURE_HOURS: _departures,
    Reason.ARRIVAL_HOURS: _arrivals,
    Reason.BAGS: _fewer_bags,
    Reason.BAGS_NOT_PRICED: _fewer_bags,
    Reason.NOT_REFUNDABLE: _not_refundable,
}


def _and(words: Sequence[str]) -> str:
    return " and ".join((", ".join(words[:-1]), words[-1])) if len(words) > 1 else words[0]


def _sentence(words: str) -> str:
    return f"{words[0].upper()}{words[1:]}."
