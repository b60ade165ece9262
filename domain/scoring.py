"""Ranks offers that all satisfy a wish: which one a careful friend would take.

Scores compare offers of one search with each other; they never decide whether to book.
A wish that says what comfort is worth in money is followed to the cent: an offer counts as if it
cost more by what it lacks. A wish that does not is ranked by weights.
"""

from collections.abc import Sequence
from typing import Literal

from domain.criteria import Criteria, ScoreWeights
from domain.matching import total_with_bags
from domain.money import Money
from domain.offers import Offer, Party
from domain.values import Value

PartName = Literal["price", "stops", "duration", "airline", "times", "refund"]

# Hours at which nobody likes to be at an airport; half-open, local.
NIGHT_ENDS, NIGHT_BEGINS = 6, 23


class MarketFacts(Value):
    """What offers are measured against: the best that the search found."""

    cheapest: Money
    fastest_minutes: int


class ScorePart(Value):
    """One consideration: `value` from 0 (bad) to 1 (as good as it gets), its share, and why.

    `counts` is what it counts in money, where the wish gives comfort a price.
    """

    name: PartName
    value: float
    weight: float
    words: str
    counts: Money | None = None


class Score(Value):
    """`total` is the weighted mean of the parts, from 0 to 1."""

    total: float
    parts: tuple[ScorePart, ...]


def score(
    offer: Offer, criteria: Criteria, reference: MarketFacts, *, party: Party | None = None
) -> Score:
    """Score an offer against the best of its search.

    All else equal, a cheaper offer, or one with fewer stops, never scores lower.
    With a `party`, the bags asked for are in the price where the seller prices them.

    Raises:
        CurrencyMismatch: the reference is in another currency.
    """
    if criteria.worth.said:
        return _score_in_money(offer, criteria, reference, party)
    values = {
        "price": _price(_full_price(offer, criteria, party), reference.cheapest),
        "stops": _stops(offer),
        "duration": _duration(offer, reference.fastest_minutes),
        "airline": _airline(offer, criteria),
        "times": _times(offer),
    }
    parts = tuple(
        ScorePart(name=name, value=values[name][0], weight=weight, words=values[name][1])
        for name, weight in _shares(criteria.weights)
    )
    total = sum(part.value * part.weight for part in parts)
    return Score(total=min(1.0, max(0.0, total)), parts=parts)


def rank(
    offers: Sequence[Offer], criteria: Criteria, *, party: Party | None = None
) -> list[tuple[Offer, Score]]:
    """Sort offers of one currency, the best first; equal ones by price, duration, then flights.

    Raises:
        CurrencyMismatch: the offers are priced in different currencies.
    """
    if not offers:
        return []
    reference = MarketFacts(
        cheapest=min(_full_price(o, criteria, party) for o in offers),
        fastest_minutes=min(o.itinerary.duration_minutes for o in offers),
    )
    scored = [(offer, score(offer, criteria, reference, party=party)) for offer in offers]
    if criteria.worth.said:
        return sorted(scored, key=lambda pair: (*_felt(pair[1]), *_stable(pair[0])))
    return sorted(scored, key=lambda pair: (-pair[1].total, *_stable(pair[0])))


def felt_price(found: Score) -> Money:
    """Return what an offer counts as: its price and what it lacks; of a wish that prices comfort.

    Raises:
        ValueError: the score was made of weights.
    """
    counted = [part.counts for part in found.parts if part.counts is not None]
    if not counted:
        raise ValueError("a score made of weights has no price")
    return sum(counted[1:], counted[0])


def seats(party: Party | None) -> int:
    """Return how many have a seat: infants sit on a lap."""
    return party.adults + party.children if party else 1


def _felt(found: Score) -> tuple[int, int]:
    """Of two that count the same, the more comfortable one: that much it was worth."""
    price = found.parts[0].counts
    assert price is not None  # only called where money counts
    felt = felt_price(found)
    return felt.minor, (felt - price).minor


def _stable(offer: Offer) -> tuple[int, int, str, str]:
    itinerary = offer.itinerary
    return offer.total.minor, itinerary.duration_minutes, itinerary.key, offer.offer_id


def _score_in_money(
    offer: Offer, criteria: Criteria, reference: MarketFacts, party: Party | None
) -> Score:
    """Count the price and the price of everything that the offer lacks.

    The total is what the cheapest costs as a share of that, so that an offer which is the
    cheapest and lacks nothing scores 1. Each part's weight is its share of the felt price.
    """
    price = _full_price(offer, criteria, party)
    lacks = _lacks(offer, criteria, reference.fastest_minutes, seats(party))
    felt = max(1, sum((cost for _, cost, _ in lacks), price).minor)
    value, words = _price(price, reference.cheapest)
    parts = [
        ScorePart(name="price", value=value, weight=price.minor / felt, words=words, counts=price)
    ]
    parts += [
        ScorePart(name=name, value=0.0, weight=cost.minor / felt, words=why, counts=cost)
        for name, cost, why in lacks
    ]
    return Score(total=min(1.0, max(0, reference.cheapest.minor) / felt), parts=tuple(parts))


def _lacks(
    offer: Offer, criteria: Criteria, fastest_minutes: int, people: int
) -> list[tuple[PartName, Money, str]]:
    """Price what the offer lacks for each kind of comfort that the wish gives a price."""
    found: list[tuple[PartName, Money, str]] = []
    for name, each in criteria.worth.said:
        whole = Money(minor=each.minor * people, currency=each.currency)
        nothing = Money.zero(each.currency)
        match name:
            case "nonstop":
                _, words = _stops(offer)
                found.append(("stops", whole if offer.itinerary.connections else nothing, words))
            case "hour_shorter":
                over = max(0, offer.itinerary.duration_minutes - fastest_minutes)
                cost = Money(minor=whole.minor * over // 60, currency=whole.currency)
                found.append(("duration", cost, _duration(offer, fastest_minutes)[1]))
            case "by_day":
                day, words = _times(offer)
                found.append(("times", nothing if day == 1 else whole, words))
            case _:  # refundable
                back = offer.refundable is True
                words = "gives money back" if back else "may give nothing back"
                found.append(("refund", nothing if back else whole, words))
    return found


def _full_price(offer: Offer, criteria: Criteria, party: Party | None) -> Money:
    if party is None:
        return offer.total
    return total_with_bags(offer, criteria.checked_bags, party) or offer.total


def _shares(weights: ScoreWeights) -> tuple[tuple[PartName, float], ...]:
    """Return the weights as shares of one; all zero means that only the price counts."""
    named: tuple[tuple[PartName, float], ...] = (
        ("price", weights.price),
        ("stops", weights.stops),
        ("duration", weights.duration),
        ("airline", weights.airline),
        ("times", weights.times),
    )
    whole = sum(weight for _, weight in named)
    if whole <= 0:
        return tuple((name, 1.0 if name == "price" else 0.0) for name, _ in named)
    return tuple((name, weight / whole) for name, weight in named)


def _price(price: Money, cheapest: Money) -> tuple[float, str]:
    if price <= cheapest:
        return 1.0, f"{price}, the lowest fare"
    value = max(0, cheapest.minor) / price.minor
    return value, f"{price}, {price - cheapest} above the lowest fare"


def _stops(offer: Offer) -> tuple[float, str]:
    """The worse way counts, and halves with the first stop."""
    stops = offer.itinerary.connections
    words = "non-stop" if stops == 0 else f"{stops} stop{'s' if stops > 1 else ''}"
    return 1 / (1 + stops), words


def _duration(offer: Offer, fastest_minutes: int) -> tuple[float, str]:
    minutes = offer.itinerary.duration_minutes
    words = f"{minutes // 60} h {minutes % 60:02} min under way"
    return (1.0 if minutes <= fastest_minutes else fastest_minutes / minutes), words


def _airline(offer: Offer, criteria: Criteria) -> tuple[float, str]:
    """The order of the wanted airlines is their order of preference."""
    wanted = criteria.airlines_wanted
    if not wanted:
        return 1.0, "no airline preferred"
    if offer.airline not in wanted:
        return 0.0, f"{offer.airline} is not among the airlines wanted"
    place = wanted.index(offer.airline)
    return 1 - place / len(wanted), f"{offer.airline}, number {place + 1} of the airlines wanted"


def _times(offer: Offer) -> tuple[float, str]:
    """Each take-off and landing at night costs its share."""
    moments = [at for leg in offer.itinerary.slices for at in (leg.departing_at, leg.arriving_at)]
    at_night = [at for at in moments if not NIGHT_ENDS <= at.hour < NIGHT_BEGINS]
    if not at_night:
        return 1.0, "no departure or arrival at night"
    clocks = ", ".join(f"{at:%H:%M}" for at in at_night)
    return 1 - len(at_night) / len(moments), f"at night: {clocks}"
