"""What a seat costs when somebody looks: pure, seeded, smooth in time, never random.

The price of one adult on one slice is a product of a distance fare and slowly moving factors.
Each factor is a function of its inputs through a hash, so the same question always has the same
answer, and a look is rounded down to the hour so that repeated looks agree.
"""

import hashlib
import math
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import ROUND_HALF_UP, Decimal

SALES_WINDOW_DAYS = range(1, 361)
CABIN_FACTORS = {"economy": 1.0, "premium_economy": 1.7, "business": 3.4, "first": 5.6}
_CENT = Decimal("0.01")
_HOUR = 3600.0
_DAY = 86400.0


@dataclass(frozen=True)
class FareQuestion:
    """Everything that a price depends on."""

    seed: int
    route: str
    departure_date: date
    carrier: str
    slot: int
    """Which departure of the day."""
    distance_km: float
    level: float
    """The carrier's own price level."""
    connections: int
    cabin: str


def unit(*parts: object) -> float:
    """Hash the parts to a number in [0, 1)."""
    digest = hashlib.sha256("|".join(map(str, parts)).encode()).digest()
    return int.from_bytes(digest[:8], "big") / 2**64


def days_left(departure: date, now: datetime) -> int:
    """Count the days from the caller's date (UTC) to the departure."""
    return (departure - now.astimezone(UTC).date()).days


def on_sale(departure: date, now: datetime) -> bool:
    """Tell whether airlines sell that day yet, or still."""
    return days_left(departure, now) in SALES_WINDOW_DAYS


def adult_fare(question: FareQuestion, now: datetime) -> Decimal:
    """Price one adult, one slice, the plainest brand, in whole cents.

    Within an hour of `now` the answer does not move; over days it drifts.
    """
    hour = math.floor(now.timestamp() / _HOUR) * _HOUR
    price = (
        _distance_fare(question.distance_km)
        * question.level
        * CABIN_FACTORS[question.cabin]
        * _season(question.departure_date)
        * _weekday(question.departure_date)
        * _advance(question.departure_date, hour)
        * _place(question)
        * _drift(question, hour)
        * _sale(question, hour)
        * (1.0, 0.86, 0.78)[question.connections]
    )
    return Decimal(max(price, 9.0)).quantize(_CENT, ROUND_HALF_UP)


def share(adult: Decimal, passenger_type: str) -> Decimal:
    """Take the part of an adult's price that a passenger pays: children 75 %, lap infants 10 %."""
    part = {"child": Decimal("0.75"), "infant_without_seat": Decimal("0.10")}.get(passenger_type)
    return adult if part is None else (adult * part).quantize(_CENT, ROUND_HALF_UP)


def _distance_fare(km: float) -> float:
    # About 90 for an hour's flight, 340 across the Atlantic, 600 to the other side of the world.
    return 45.0 + 0.85 * math.pow(km, 0.68)


def _season(departure: date) -> float:
    day = departure.timetuple().tm_yday
    summer = math.exp(-(((day - 205) / 38) ** 2))
    turn_of_year = math.exp(-((min(abs(day - 358), day + 7) / 9) ** 2))
    winter = math.exp(-(((day - 32) / 22) ** 2))
    return 1.0 + 0.24 * summer + 0.30 * turn_of_year - 0.09 * winter


def _weekday(departure: date) -> float:
    return (0.99, 0.93, 0.94, 1.0, 1.09, 1.0, 1.07)[departure.weekday()]


def _advance(departure: date, hour: float) -> float:
    left = (_epoch(departure) - hour) / _DAY
    late = 0.75 * math.pow(max(0.0, 1 - max(left, 0.0) / 21), 1.5)
    early = 0.10 * max(0.0, min(1.0, (left - 120) / 180))
    return 1.0 + late + early


def _place(question: FareQuestion) -> float:
    # What stays for this departure: some flights of the day are simply dearer.
    same = (question.seed, question.route, question.carrier)
    carrier = 0.92 + 0.16 * unit("carrier", *same)
    slot = 0.95 + 0.12 * unit("slot", *same, question.slot, question.departure_date)
    return carrier * slot


def _drift(question: FareQuestion, hour: float) -> float:
    key = (question.seed, question.route, question.departure_date, question.carrier, question.slot)
    slow = _noise(("slow", *key), hour / (4 * _DAY))
    quick = _noise(("quick", *key), hour / (18 * _HOUR))
    return 1.0 + 0.09 * (slow - 0.5) + 0.03 * (quick - 0.5)


def _sale(question: FareQuestion, hour: float) -> float:
    # A carrier's route is now and then on sale for some days, deepest in the middle.
    span = 6 * _DAY
    shift = unit("shift", question.seed, question.route, question.carrier) * span
    cell, place = divmod(hour + shift, span)
    key = (question.seed, question.route, question.carrier, int(cell))
    if unit("sale?", *key) > 0.18:
        return 1.0
    depth = 0.12 + 0.16 * unit("depth", *key)
    return 1.0 - depth * math.sin(math.pi * place / span) ** 2


def _noise(key: tuple[object, ...], at: float) -> float:
    cell = math.floor(at)
    one, other = unit(*key, cell), unit(*key, cell + 1)
    eased = (1 - math.cos(math.pi * (at - cell))) / 2
    return one + (other - one) * eased


def _epoch(day: date) -> float:
    return datetime(day.year, day.month, day.day, 12, tzinfo=UTC).timestamp()
