"""Decides whether an offer satisfies a wish; the first reason against it, in plain words.

The rules are checked in the order of `Reason`: first what the flights are, then what they
include, then what they cost. An offer whose bags have no price yet passes to the end with its
plain total, so that `BAGS_NOT_PRICED` means "everything else fits: ask for the bags' price".
"""

from collections.abc import Callable, Collection, Iterator
from enum import StrEnum

from domain.criteria import Criteria, Hours
from domain.errors import UnknownPlace
from domain.itineraries import Segment, Slice
from domain.money import Money
from domain.offers import BagService, Cabin, Offer, Party
from domain.places import airports_of
from domain.values import Value

CABIN_ORDER = tuple(Cabin)  # economy lowest


class Reason(StrEnum):
    """Why an offer was not taken, in the order in which the rules are checked."""

    MATCHES = "matches"
    ROUTE = "route"
    DATES = "dates"
    NIGHTS = "nights"
    CURRENCY = "currency"
    CABIN = "cabin"
    CONNECTIONS = "connections"
    AIRLINE_NOT_WANTED = "airline_not_wanted"
    AIRLINE_EXCLUDED = "airline_excluded"
    DEPARTURE_HOURS = "departure_hours"
    ARRIVAL_HOURS = "arrival_hours"
    BAGS = "bags"
    NOT_REFUNDABLE = "not_refundable"
    DOCUMENTS = "documents"
    IGNORED = "ignored"
    OVER_BUDGET = "over_budget"
    BAGS_NOT_PRICED = "bags_not_priced"


class Unread(StrEnum):
    """Why a look had no offers to decide on, or not all of them."""

    NO_ANSWER = "no_answer"
    REFUSED = "refused"
    UNREADABLE = "unreadable"
    SOME_UNREADABLE = "some_unreadable"


# Refused for one of these, an offer would still have been the flight that was wished for.
FLIGHTS_FIT = frozenset({Reason.MATCHES, Reason.OVER_BUDGET, Reason.IGNORED})


class Verdict(Value):
    """What was decided over one offer. `total` has the bags in it, once they are priced."""

    matches: bool
    reason: Reason
    detail: str
    total: Money | None = None


class BagChoice(Value):
    """The bags to buy with an offer: what all costs together, and which services."""

    total: Money
    services: tuple[tuple[str, int], ...] = ()


Refusal = tuple[Reason, str]
_Refusal = Refusal | None


def judge(
    offer: Offer,
    criteria: Criteria,
    *,
    party: Party,
    ignored: Collection[str] = (),
    price_limit: Money | None = None,
    traveller_documents: bool = True,
) -> Verdict:
    """Decide over one offer.

    Args:
        offer: what the seller offers.
        criteria: the wish.
        party: who travels; bags are counted for each adult and child.
        ignored: keys of itineraries that just failed and must not be tried again yet.
        price_limit: a limit besides the budget (a mandate's cap); the lower one counts.
        traveller_documents: whether every traveller has a passport on file.
    """
    against = refusals(
        offer,
        criteria,
        party=party,
        ignored=ignored,
        price_limit=price_limit,
        traveller_documents=traveller_documents,
    )
    refusal = next(against, None)
    total = total_with_bags(offer, criteria.checked_bags, party) or offer.total
    if refusal is not None:
        return Verdict(matches=False, reason=refusal[0], detail=refusal[1], total=total)
    return Verdict(
        matches=True, reason=Reason.MATCHES, detail=f"{total} satisfies the wish", total=total
    )


def refusals(
    offer: Offer,
    criteria: Criteria,
    *,
    party: Party,
    ignored: Collection[str] = (),
    price_limit: Money | None = None,
    traveller_documents: bool = True,
) -> Iterator[Refusal]:
    """Yield everything that speaks against an offer, in the order of `Reason`; see `judge`."""
    for check in _CHECKS:
        if (refusal := check(offer, criteria)) is not None:
            yield refusal
    bags = bag_choice(offer, criteria.checked_bags, party)
    unpriced = bags is None and not offer.bag_services
    if bags is None and not unpriced:
        yield Reason.BAGS, _bags_words(offer, criteria.checked_bags)
    yield from _conditions(offer, criteria, ignored, traveller_documents)
    total = bags.total if bags else offer.total
    if total.currency == criteria.budget.currency:
        over = _over_budget(total, criteria, price_limit)
        if over is not None:
            yield over
    if unpriced:
        words = _bags_words(offer, criteria.checked_bags)
        yield Reason.BAGS_NOT_PRICED, f"{words}; the price of more is not known"


def total_with_bags(offer: Offer, bags_per_paying_passenger: int, party: Party) -> Money | None:
    """Return what the offer costs with its bags; None if the seller does not price them."""
    choice = bag_choice(offer, bags_per_paying_passenger, party)
    return choice.total if choice else None


def bag_choice(offer: Offer, bags_per_paying_passenger: int, party: Party) -> BagChoice | None:
    """Choose the cheapest bag services that give each adult and child the bags asked for.

    None if they cannot be had: not sold, not enough of them, or priced in another currency.
    """
    missing = bags_per_paying_passenger - offer.checked_bags
    if missing <= 0:
        return BagChoice(total=offer.total)
    travellers = _paying_refs(offer)
    if len(travellers) < party.adults + party.children:
        return None
    total, services = offer.total, dict[str, int]()
    for ref in travellers:
        needed = missing
        for service in _cheapest_first(offer.bag_services, ref, offer.total.currency):
            count = min(needed, service.maximum_quantity)
            services[service.service_id] = services.get(service.service_id, 0) + count
            total += Money(minor=service.price.minor * count, currency=service.price.currency)
            needed -= count
            if needed == 0:
                break
        if needed > 0:
            return None
    return BagChoice(total=total, services=tuple(services.items()))


def _paying_refs(offer: Offer) -> list[str]:
    """Everybody with a seat; infants on a lap have no bags of their own."""
    if not offer.passengers:
        return sorted({service.passenger_ref for service in offer.bag_services})
    return [
        p.ref
        for p in offer.passengers
        if not p.kind.startswith("infant") and (p.age is None or p.age >= 2)
    ]


def _cheapest_first(services: Collection[BagService], ref: str, currency: str) -> list[BagService]:
    return sorted(
        (
            s
            for s in services
            if s.passenger_ref == ref and s.price.currency == currency and s.maximum_quantity > 0
        ),
        key=lambda s: (s.price.minor, s.service_id),
    )


def _route(offer: Offer, criteria: Criteria) -> _Refusal:
    slices = offer.itinerary.slices
    if len(slices) != (2 if criteria.is_return else 1):
        wanted = "a return" if criteria.is_return else "one way"
        return Reason.ROUTE, f"{len(slices)} journeys, but the wish is for {wanted}"
    for origin in criteria.origins:
        for destination in criteria.destinations:
            if _serves(slices, origin, destination):
                return None
    flown = ", ".join(f"{leg.origin} to {leg.destination}" for leg in slices)
    return Reason.ROUTE, f"flies {flown}"


def _serves(slices: tuple[Slice, ...], origin: str, destination: str) -> bool:
    """The way back may use other airports of the same two cities, no other cities."""
    here, there = _airports(origin), _airports(destination)
    ways = ((here, there), (there, here))
    return all(
        leg.origin in starts and leg.destination in ends
        for leg, (starts, ends) in zip(slices, ways, strict=False)
    )


def _airports(code: str) -> tuple[str, ...]:
    try:
        return airports_of(code)
    except UnknownPlace:  # a new airport that the table does not have yet is still itself
        return (code,)


def _dates(offer: Offer, criteria: Criteria) -> _Refusal:
    departs, returns = offer.itinerary.departs_on, offer.itinerary.returns_on
    if not criteria.departure_from <= departs <= criteria.departure_until:
        window = f"{criteria.departure_from} to {criteria.departure_until}"
        return Reason.DATES, f"departs on {departs}, outside {window}"
    if criteria.nights_min is None or criteria.nights_max is None or returns is None:
        return None
    nights = (returns - departs).days
    if criteria.nights_min <= nights <= criteria.nights_max:
        return None
    wanted = f"{criteria.nights_min} to {criteria.nights_max}"
    return Reason.NIGHTS, f"{nights} nights, but the wish is for {wanted}"


def _currency(offer: Offer, criteria: Criteria) -> _Refusal:
    priced, wanted = offer.total.currency, criteria.budget.currency
    return None if priced == wanted else (Reason.CURRENCY, f"priced in {priced}, not in {wanted}")


def _cabin(offer: Offer, criteria: Criteria) -> _Refusal:
    """Every segment must be in the wanted cabin or a better one."""
    needed = CABIN_ORDER.index(criteria.cabin)
    for leg in offer.itinerary.slices:
        for segment in leg.segments:
            cabin = _cabin_of(segment, offer)
            # Economy is the lowest, so an unknown cabin satisfies it.
            if (CABIN_ORDER.index(cabin) if cabin else 0) < needed:
                actual = cabin.replace("_", " ") if cabin else "an unknown cabin"
                wanted = criteria.cabin.replace("_", " ")
                where = f"{segment.origin} to {segment.destination}"
                return Reason.CABIN, f"{where} is in {actual}, not in {wanted}"
    return None


def _cabin_of(segment: Segment, offer: Offer) -> Cabin | None:
    if segment.cabin is None:
        return offer.cabin
    return Cabin(segment.cabin) if segment.cabin in CABIN_ORDER else None


def _connections(offer: Offer, criteria: Criteria) -> _Refusal:
    allowed, actual = criteria.max_connections, offer.itinerary.connections
    if allowed is None or actual <= allowed:
        return None
    limit = "non-stop only" if allowed == 0 else f"at most {allowed}"
    return Reason.CONNECTIONS, f"{actual} stop{'s' if actual > 1 else ''}, but {limit} is wanted"


def _airlines(offer: Offer, criteria: Criteria) -> _Refusal:
    segments = [s for leg in offer.itinerary.slices for s in leg.segments]
    if criteria.airlines_wanted:
        for segment in segments:
            if segment.marketing_carrier not in criteria.airlines_wanted:
                return (
                    Reason.AIRLINE_NOT_WANTED,
                    f"{_flight(segment)} is none of {', '.join(criteria.airlines_wanted)}",
                )
    for segment in segments:
        for carrier in (segment.marketing_carrier, segment.operating_carrier):
            if carrier in criteria.airlines_excluded:
                how = "sold" if carrier == segment.marketing_carrier else "flown"
                return Reason.AIRLINE_EXCLUDED, f"{_flight(segment)} is {how} by {carrier}"
    return None


def _flight(segment: Segment) -> str:
    return f"{segment.marketing_carrier} {segment.flight_number}"


def _hours(offer: Offer, criteria: Criteria) -> _Refusal:
    for leg in offer.itinerary.slices:
        departs, arrives = leg.departing_at, leg.arriving_at
        if (wrong := _outside(criteria.departure_hours, departs.strftime("%H:%M"))) is not None:
            return Reason.DEPARTURE_HOURS, f"leaves {leg.origin} at {departs:%H:%M}, {wrong}"
        if (wrong := _outside(criteria.arrival_hours, arrives.strftime("%H:%M"))) is not None:
            return Reason.ARRIVAL_HOURS, f"reaches {leg.destination} at {arrives:%H:%M}, {wrong}"
    return None


def _outside(hours: Hours | None, clock: str) -> str | None:
    if hours is None or f"{hours.earliest:%H:%M}" <= clock <= f"{hours.latest:%H:%M}":
        return None
    if clock < f"{hours.earliest:%H:%M}":
        return f"before your earliest hour, {hours.earliest:%H:%M}"
    return f"after your latest hour, {hours.latest:%H:%M}"


def _bags_words(offer: Offer, wanted: int) -> str:
    included = f"{offer.checked_bags} checked bag{'' if offer.checked_bags == 1 else 's'}"
    return f"{included} included, {wanted} wanted for each traveller"


def _conditions(
    offer: Offer,
    criteria: Criteria,
    ignored: Collection[str],
    has_documents: bool,  # noqa: FBT001
) -> Iterator[Refusal]:
    if criteria.refundable_only and offer.refundable is not True:
        known = "is not" if offer.refundable is False else "may not be"
        yield Reason.NOT_REFUNDABLE, f"the fare {known} refundable"
    if offer.documents_required and not has_documents:
        yield Reason.DOCUMENTS, "the airline wants a passport of each traveller to book"
    if offer.itinerary.key in ignored:
        yield (
            Reason.IGNORED,
            "booking these flights just failed; they are left out for a while",
        )


def _over_budget(total: Money, criteria: Criteria, price_limit: Money | None) -> _Refusal:
    if total > criteria.budget:
        return Reason.OVER_BUDGET, f"{total} is {total - criteria.budget} above the budget"
    if price_limit is not None and total > price_limit:
        return Reason.OVER_BUDGET, f"{total} is {total - price_limit} above what you allowed"
    return None


_CHECKS: tuple[Callable[[Offer, Criteria], _Refusal], ...] = (
    _route,
    _dates,
    _currency,
    _cabin,
    _connections,
    _airlines,
    _hours,
)
