"""Where a wish's fares are heading: a line through the last two weeks, and what it would mean."""

from collections.abc import Sequence
from datetime import date, timedelta

from domain.money import Money
from domain.values import Value

_WINDOW = timedelta(days=14)
_FEWEST_DAYS = 4
# Farther than this nobody can see, and a line says nothing.
_FARTHEST_DAYS = 90
_STEADY_SHARE = 0.005  # of the fare, a week


class Trend(Value):
    """How much the best fare moves a week, and in how many days it would meet the budget."""

    weekly: Money
    days_to_budget: int | None = None

    @property
    def words(self) -> str:
        if self.weekly.minor == 0:
            return "steady over the last two weeks"
        amount = Money(minor=abs(self.weekly.minor), currency=self.weekly.currency).short()
        return f"{'falling' if self.weekly.minor < 0 else 'rising'} by about {amount} a week"

    @property
    def outlook(self) -> str | None:
        """Say when it would be booked, if fares went on like that; None where they would not."""
        if self.days_to_budget is None:
            return None
        if self.days_to_budget == 0:
            return "within your budget now"
        days = f"{self.days_to_budget} day{'' if self.days_to_budget == 1 else 's'}"
        return f"within your budget in about {days}, if fares went on like that"


def trend_of(prices: Sequence[tuple[date, int]], budget: Money) -> Trend | None:
    """Fit a line through the last two weeks, oldest first; None for too few days."""
    if not prices:
        return None
    newest = prices[-1][0]
    window = [(day, minor) for day, minor in prices if newest - day < _WINDOW]
    if len(window) < _FEWEST_DAYS:
        return None
    places = [(day - newest).days for day, _ in window]
    fares = [minor for _, minor in window]
    middle, mean = sum(places) / len(places), sum(fares) / len(fares)
    spread = sum((place - middle) ** 2 for place in places)
    slope = sum((p - middle) * (f - mean) for p, f in zip(places, fares, strict=True)) / spread
    if abs(slope) * 7 < _STEADY_SHARE * mean:
        slope = 0.0
    gap = fares[-1] - budget.minor
    days: int | None = None
    if gap <= 0:
        days = 0
    elif slope < 0 and gap / -slope <= _FARTHEST_DAYS:
        days = max(1, round(gap / -slope))
    weekly = Money(minor=_whole(slope * 7), currency=budget.currency)
    return Trend(weekly=weekly, days_to_budget=days)


def _whole(minor: float) -> int:
    """Round to two figures: more would be believed."""
    amount = round(minor)
    step: int = 10 ** max(0, len(str(abs(amount))) - 2)
    return round(amount / step) * step
