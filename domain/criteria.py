"""A traveller's wish: what an offer must be like to be booked."""

from datetime import date, time

from pydantic import Field

from domain.money import Money
from domain.offers import Cabin
from domain.values import Value


class Hours(Value):
    """A range of local clock times, both ends allowed."""

    earliest: time = time(0, 0)
    latest: time = time(23, 59)


class ScoreWeights(Value):
    """How much each part counts when offers that all satisfy the wish are ranked."""

    price: float = Field(default=0.5, ge=0)
    stops: float = Field(default=0.2, ge=0)
    duration: float = Field(default=0.15, ge=0)
    airline: float = Field(default=0.1, ge=0)
    times: float = Field(default=0.05, ge=0)


class Worth(Value):
    """What comfort is worth to each traveller with a seat, in the budget's currency.

    Offers are compared as if each cost more by what it lacks: with `nonstop` 60 USD, a non-stop
    is taken as long as it is at most 60 USD dearer for each. Where anything is said here, it
    replaces the weights.
    """

    nonstop: Money | None = None
    hour_shorter: Money | None = None  # for each hour less under way, both ways together
    by_day: Money | None = None  # no take-off and no landing at night
    refundable: Money | None = None  # a fare that gives money back

    @property
    def said(self) -> tuple[tuple[str, Money], ...]:
        """What was said, in the order of the fields; nothing counts as not said."""
        return tuple((name, money) for name, money in self if money is not None and money.minor)


class Criteria(Value):
    """The wish itself. `budget` is the most for the whole party, bags included.

    Nights are both given for a return, both absent for a one-way. Places are IATA airport
    or city codes. Clock times hold for each slice, local to its airport.
    """

    origins: tuple[str, ...] = Field(min_length=1, max_length=5)
    destinations: tuple[str, ...] = Field(min_length=1, max_length=5)
    departure_from: date
    departure_until: date
    nights_min: int | None = Field(default=None, ge=0, le=360)
    nights_max: int | None = Field(default=None, ge=0, le=360)
    cabin: Cabin = Cabin.ECONOMY
    budget: Money
    max_connections: int | None = Field(default=None, ge=0, le=2)
    airlines_wanted: tuple[str, ...] = ()
    airlines_excluded: tuple[str, ...] = ()
    departure_hours: Hours | None = None
    arrival_hours: Hours | None = None
    checked_bags: int = Field(default=0, ge=0, le=3)
    refundable_only: bool = False
    weights: ScoreWeights = ScoreWeights()
    worth: Worth = Worth()

    @property
    def flights(self) -> "Criteria":
        """The wish without what only decides between flights that fit: budget and preferences."""
        anything = {"budget": Money.zero(self.budget.currency), "weights": ScoreWeights()}
        return self.model_copy(update={**anything, "worth": Worth()})

    @property
    def is_return(self) -> bool:
        return self.nights_min is not None
