"""Sample wishes for a sandbox: routes and fares that are found at the first look."""

from collections.abc import Mapping
from datetime import date, timedelta

from domain.criteria import Criteria
from domain.money import Money
from domain.values import Value

_AHEAD, _WINDOW = 42, 3  # days: far enough for every rule, short enough for a few looks


class Sample(Value):
    name: str
    title: str
    origin: str
    destination: str
    budget: Money
    nights: tuple[int, int] | None = None


def _usd(amount: int) -> Money:
    return Money(minor=amount * 100, currency="USD")


# Generous budgets: the point is to see a booking, not to wait for a fare.
SAMPLES: Mapping[str, Sample] = {
    one.name: one
    for one in (
        Sample(
            name="lisbon",
            title="New York to Lisbon, one way",
            origin="JFK",
            destination="LIS",
            budget=_usd(650),
        ),
        Sample(
            name="rome",
            title="Paris to Rome, 3 to 5 nights",
            origin="PAR",
            destination="FCO",
            budget=_usd(500),
            nights=(3, 5),
        ),
        Sample(
            name="london",
            title="Lisbon to London, a weekend",
            origin="LIS",
            destination="LON",
            budget=_usd(500),
            nights=(2, 3),
        ),
    )
}


def sample_wish(name: str, today: date) -> Criteria | None:
    """Return the wish of a sample, some weeks from today; None if there is no such sample."""
    found = SAMPLES.get(name)
    if found is None:
        return None
    first = today + timedelta(days=_AHEAD)
    least, most = found.nights or (None, None)
    return Criteria(
        origins=(found.origin,),
        destinations=(found.destination,),
        departure_from=first,
        departure_until=first + timedelta(days=_WINDOW),
        nights_min=least,
        nights_max=most,
        budget=found.budget,
    )
