"""What a flight must be like to be booked, as the API takes and gives it."""

from datetime import date, time
from typing import Annotated, Any, Self

from pydantic import ConfigDict, Field, StringConstraints, field_validator

from api.rest.schemas.common import MoneyBody, Request
from domain.criteria import Criteria, Hours, ScoreWeights, Worth
from domain.offers import Cabin

Code = Annotated[str, StringConstraints(to_upper=True, min_length=1, max_length=40)]
Airline = Annotated[str, StringConstraints(to_upper=True, min_length=1, max_length=10)]

WISH_EXAMPLE: dict[str, Any] = {
    "origins": ["NYC"],
    "destinations": ["LIS"],
    "departure_from": "2027-05-01",
    "departure_until": "2027-06-20",
    "nights_min": 6,
    "nights_max": 10,
    "cabin": "economy",
    "budget": {"amount": "520.00", "currency": "USD"},
    "max_connections": 1,
}


class HoursBody(Request):
    """A range of local clock times, both ends allowed."""

    earliest: time = time(0, 0)
    latest: time = time(23, 59)


class WeightsBody(Request):
    """How much each part counts when several offers satisfy the wish."""

    price: float = Field(default=0.5, ge=0, le=100)
    stops: float = Field(default=0.2, ge=0, le=100)
    duration: float = Field(default=0.15, ge=0, le=100)
    airline: float = Field(default=0.1, ge=0, le=100)
    times: float = Field(default=0.05, ge=0, le=100)


class WorthBody(Request):
    """What comfort is worth to each traveller with a seat, in the budget's currency.

    Where anything is said here, offers are compared by it and not by `weights`.
    """

    nonstop: MoneyBody | None = Field(default=None, description="A non-stop, over one with stops.")
    hour_shorter: MoneyBody | None = Field(
        default=None, description="Each hour less under way, both ways together."
    )
    by_day: MoneyBody | None = Field(
        default=None, description="No take-off or landing between 23:00 and 06:00."
    )
    refundable: MoneyBody | None = Field(default=None, description="A fare that gives money back.")

    @field_validator("*")
    @classmethod
    def _expressible(cls, amount: MoneyBody | None) -> MoneyBody | None:
        if amount is not None:
            amount.money()
        return amount

    def worth(self) -> Worth:
        return Worth(**{name: body and body.money() for name, body in self})

    @classmethod
    def of(cls, worth: Worth) -> Self | None:
        said = {name: MoneyBody.of(money) for name, money in worth.said}
        return cls(**said) if said else None


class CriteriaBody(Request):
    """What a flight must be like to be booked."""

    model_config = ConfigDict(json_schema_extra={"examples": [WISH_EXAMPLE]})

    origins: list[Code] = Field(
        min_length=1, max_length=5, description="IATA airport or city codes."
    )
    destinations: list[Code] = Field(
        min_length=1, max_length=5, description="IATA airport or city codes."
    )
    departure_from: date = Field(description="First day of departure, local to the origin.")
    departure_until: date = Field(description="Last day of departure, local to the origin.")
    nights_min: int | None = Field(default=None, ge=0, le=360, description="Absent: one-way.")
    nights_max: int | None = Field(default=None, ge=0, le=360, description="Absent: one-way.")
    cabin: Cabin = Cabin.ECONOMY
    budget: MoneyBody = Field(description="The most for the whole party, bags included.")
    max_connections: int | None = Field(default=None, ge=0, le=2, description="0: non-stop.")
    airlines_wanted: list[Airline] = Field(default=[], max_length=20)
    airlines_excluded: list[Airline] = Field(default=[], max_length=20)
    departure_hours: HoursBody | None = None
    arrival_hours: HoursBody | None = None
    checked_bags: int = Field(default=0, ge=0, le=3, description="For each paying passenger.")
    refundable_only: bool = False
    weights: WeightsBody | None = None
    worth: WorthBody | None = None

    @field_validator("budget")
    @classmethod
    def _expressible(cls, budget: MoneyBody) -> MoneyBody:
        budget.money()
        return budget

    def criteria(self, weights: ScoreWeights) -> Criteria:
        """Return the wish; `weights` are the installation's, for where it has none of its own."""
        return Criteria(
            origins=tuple(self.origins),
            destinations=tuple(self.destinations),
            departure_from=self.departure_from,
            departure_until=self.departure_until,
            nights_min=self.nights_min,
            nights_max=self.nights_max,
            cabin=self.cabin,
            budget=self.budget.money(),
            max_connections=self.max_connections,
            airlines_wanted=tuple(self.airlines_wanted),
            airlines_excluded=tuple(self.airlines_excluded),
            departure_hours=_hours(self.departure_hours),
            arrival_hours=_hours(self.arrival_hours),
            checked_bags=self.checked_bags,
            refundable_only=self.refundable_only,
            weights=ScoreWeights(**self.weights.model_dump()) if self.weights else weights,
            worth=self.worth.worth() if self.worth else Worth(),
        )

    @classmethod
    def of(cls, criteria: Criteria) -> Self:
        plain = criteria.model_dump(mode="json")
        plain["budget"] = MoneyBody.of(criteria.budget).model_dump()
        worth = WorthBody.of(criteria.worth)
        plain["worth"] = worth.model_dump() if worth else None
        return cls.model_validate(plain)


def _hours(body: HoursBody | None) -> Hours | None:
    return Hours(earliest=body.earliest, latest=body.latest) if body else None


class CriteriaChange(Request):
    """Only the parts of the wish that change; null where a limit is lifted."""

    origins: list[Code] | None = Field(default=None, min_length=1, max_length=5)
    destinations: list[Code] | None = Field(default=None, min_length=1, max_length=5)
    departure_from: date | None = None
    departure_until: date | None = None
    nights_min: int | None = Field(default=None, ge=0, le=360)
    nights_max: int | None = Field(default=None, ge=0, le=360)
    cabin: Cabin | None = None
    budget: MoneyBody | None = None
    max_connections: int | None = Field(default=None, ge=0, le=2)
    airlines_wanted: list[Airline] | None = Field(default=None, max_length=20)
    airlines_excluded: list[Airline] | None = Field(default=None, max_length=20)
    departure_hours: HoursBody | None = None
    arrival_hours: HoursBody | None = None
    checked_bags: int | None = Field(default=None, ge=0, le=3)
    refundable_only: bool | None = None
    weights: WeightsBody | None = None
    worth: WorthBody | None = None

    def applied_to(self, current: Criteria) -> CriteriaBody:
        """Return the whole new wish; raises pydantic's ValidationError where it cannot hold."""
        plain = CriteriaBody.of(current).model_dump(mode="json")
        return CriteriaBody.model_validate(plain | self.model_dump(mode="json", exclude_unset=True))
