"""What the fare brands include and forgive."""

from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

from sandboxes.duffel.airlines import DUFFEL_AIRWAYS, airlines
from sandboxes.duffel.scenarios import Scenario
from sandboxes.store import Json

_CENT = Decimal("0.01")


@dataclass(frozen=True)
class Brand:
    """One fare brand; the price of an adult is `factor` x the plain fare + `extra` a slice."""

    name: str
    factor: Decimal
    extra: Decimal
    checked_bags: int
    change_penalty: str | None
    """None: changes are not allowed."""
    refund_penalty: str | None
    """None: no refund."""
    priority: bool = False

    def price(self, plain: Decimal, slices: int) -> Decimal:
        """Price one adult for the whole journey from the sum of plain fares."""
        return (plain * self.factor + self.extra * slices).quantize(_CENT, ROUND_HALF_UP)


BASIC = Brand("Basic", Decimal(1), Decimal(0), 0, None, None)
STANDARD = Brand("Standard", Decimal("1.12"), Decimal(15), 1, "40.00", None)
FLEX = Brand("Flex", Decimal("1.42"), Decimal(35), 2, "0.00", "0.00", priority=True)
_OWN = (
    # Duffel Airways: one checked bag with every fare, 40.00 wherever it forgives.
    Brand("Basic", Decimal(1), Decimal(0), 1, "40.00", None),
    Brand("Standard", Decimal("1.10"), Decimal(12), 1, "40.00", "40.00"),
    Brand("Flex", Decimal("1.35"), Decimal(30), 1, "0.00", "0.00", priority=True),
)


def brands_of(carrier: str, cabin: str) -> tuple[Brand, ...]:
    """List a carrier's brands, the plainest first; the front of the plane has no Basic."""
    brands = _OWN if carrier == DUFFEL_AIRWAYS else (BASIC, STANDARD, FLEX)
    return brands if cabin == "economy" else brands[1:]


def brand_of(carrier: str, cabin: str, name: str) -> Brand:
    return next(brand for brand in brands_of(carrier, cabin) if brand.name == name)


def baggages(brand: Brand, scenario: Scenario | None, passenger_type: str) -> list[Json]:
    """Tell what a passenger may bring without paying more."""
    if scenario is Scenario.NO_BAGGAGE:
        return []
    infant = passenger_type == "infant_without_seat"
    checked = 0 if infant else brand.checked_bags
    cabin = 0 if infant else 1
    return [{"type": "checked", "quantity": checked}, {"type": "carry_on", "quantity": cabin}]


def bag_price(carrier: str) -> str:
    """Price one more checked bag for the journey."""
    if carrier == DUFFEL_AIRWAYS:
        return "20.00"
    return "34.00" if airlines()[carrier].low_cost else "45.00"


def conditions(brand: Brand, currency: str) -> Json:
    return {
        "change_before_departure": _condition(brand.change_penalty, currency),
        "refund_before_departure": _condition(brand.refund_penalty, currency),
    }


def _condition(penalty: str | None, currency: str) -> Json:
    return {
        "allowed": penalty is not None,
        "penalty_amount": penalty,
        "penalty_currency": None if penalty is None else currency,
    }
