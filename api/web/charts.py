"""Charts as numbers: where a line, a band and their labels go. Templates draw them as SVG.

Pure, so that what is drawn can be tested: everything stays inside the picture, the dearer stands
higher, and the budget is always to be seen.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import NamedTuple

from babel.dates import format_date

from domain.money import Money, exponent

BAND_DAYS = 30
# A line over days on which nobody looked would claim to know them.
_MOST_GAP = timedelta(days=4)
_FEWEST_FOR_A_BAND = 8
_Middle = tuple[date, int, int]  # a day, and the quarters between which half of the fares lies


@dataclass(frozen=True)
class Sheet:
    """What is drawn on, and the part of it that lines stand in."""

    width: int
    height: int
    left: float
    right: float
    top: float
    bottom: float


WIDE = Sheet(640, 250, left=64.0, right=612.0, top=24.0, bottom=206.0)
# A phone would shrink the wide one until nobody reads its words.
NARROW = Sheet(320, 230, left=56.0, right=308.0, top=24.0, bottom=188.0)
_SPARK = Sheet(120, 32, left=4.0, right=116.0, top=4.0, bottom=28.0)


@dataclass(frozen=True)
class DayPrice:
    day: date
    minor: int


@dataclass(frozen=True)
class Label:
    """Words at a place; `anchor` is start, middle or end."""

    x: float
    y: float
    words: str
    anchor: str = "start"


class TableRow(NamedTuple):
    """A day in words: sixty of them are written, each time that the page is."""

    day: str
    fare: str
    against: str
    minor: int


@dataclass(frozen=True)
class Drawing:
    """The lines of a chart, and their labels, on one sheet."""

    sheet: Sheet
    line: str
    band: str | None
    budget_y: float
    budget_label: Label
    last_x: float
    last_y: float
    last_label: Label
    ticks: tuple[Label, ...]
    days: tuple[Label, ...]


@dataclass(frozen=True)
class PriceChart:
    """The best fare a day against the budget: drawn wide and narrow, in words and as a table."""

    wide: Drawing
    narrow: Drawing
    summary: str
    rows: tuple[TableRow, ...]  # newest first


@dataclass(frozen=True)
class Sparkline:
    line: str
    budget_y: float
    last_x: float
    last_y: float
    summary: str
    width: int = _SPARK.width
    height: int = _SPARK.height


def price_chart(prices: Sequence[DayPrice], budget: Money, today: date) -> PriceChart | None:
    """Draw the fares, oldest first; None where there is none to draw."""
    if not prices:
        return None
    middle = _middle_half(prices) if len(prices) >= _FEWEST_FOR_A_BAND else []
    return PriceChart(
        wide=_drawing(WIDE, prices, middle, budget, today),
        narrow=_drawing(NARROW, prices, middle, budget, today),
        summary=summary_of(prices, budget, today),
        rows=tuple(_rows(prices, budget)),
    )


def sparkline(prices: Sequence[DayPrice], budget: Money, today: date) -> Sparkline | None:
    """Draw the fares as a small line without words; its summary says what it shows."""
    if len(prices) < 2:
        return None
    low, high = _range([*(price.minor for price in prices), budget.minor])
    scale = _Scale(prices[0].day, max(today, prices[-1].day), low, high, _SPARK)
    points = [(scale.x(price.day), scale.y(price.minor)) for price in prices]
    return Sparkline(
        line=_path(points, prices),
        budget_y=scale.y(budget.minor),
        last_x=points[-1][0],
        last_y=points[-1][1],
        summary=summary_of(prices, budget, today),
    )


def summary_of(prices: Sequence[DayPrice], budget: Money, today: date) -> str:
    """Say what the chart shows."""
    currency = budget.currency
    lowest = min(price.minor for price in prices)
    highest = max(price.minor for price in prices)
    if len(prices) == 1:
        fare = _rounded(lowest, currency).short()
        return f"One day seen so far: {fare}; your budget is {budget.figure()}."
    days = (max(today, prices[-1].day) - prices[0].day).days + 1
    within = sum(1 for price in prices if price.minor <= budget.minor)
    met = f"within your budget of {budget.figure()} on {within} of {len(prices)} days seen"
    if within == 0:
        met = f"never within your budget of {budget.figure()}"
    low, high = _rounded(lowest, currency).figure(), _rounded(highest, currency).short()
    return (
        f"Cheapest fare a day over {days} days: between {low} and {high}, {met};"
        f" {_trend(prices)} over the last week."
    )


def _drawing(
    sheet: Sheet,
    prices: Sequence[DayPrice],
    middle: Sequence[_Middle],
    budget: Money,
    today: date,
) -> Drawing:
    shown = [price.minor for price in prices]
    low, high = _range([*shown, budget.minor])
    scale = _Scale(prices[0].day, max(today, prices[-1].day), low, high, sheet)
    points = [(scale.x(price.day), scale.y(price.minor)) for price in prices]
    budget_y = scale.y(budget.minor)
    last_x, last_y = points[-1]
    now = _rounded(shown[-1], budget.currency)
    said = f"{now.figure()} {'now' if prices[-1].day == today else 'last'}"
    return Drawing(
        sheet=sheet,
        line=_path(points, prices),
        band=_band(middle, scale) if middle else None,
        budget_y=budget_y,
        budget_label=_budget_label(budget, budget_y, points, sheet),
        last_x=last_x,
        last_y=last_y,
        last_label=_last_label(said, points, budget_y, sheet),
        ticks=tuple(
            Label(sheet.left - 8, scale.y(minor) + 4, _figure(minor, budget.currency), "end")
            for minor in _ticks(low, high, 10 ** exponent(budget.currency))
        ),
        days=_day_labels(prices[0].day, today, scale),
    )


@dataclass(frozen=True)
class _Scale:
    """Places days from left to right and prices from bottom to top."""

    since: date
    until: date
    low: int
    high: int
    sheet: Sheet

    def x(self, day: date) -> float:
        span = (self.until - self.since).days
        if span == 0:
            return self.sheet.right
        share = (day - self.since).days / span
        return round(self.sheet.left + share * (self.sheet.right - self.sheet.left), 1)

    def y(self, minor: int) -> float:
        share = (minor - self.low) / (self.high - self.low)
        return round(self.sheet.bottom - share * (self.sheet.bottom - self.sheet.top), 1)


def _range(minors: Sequence[int]) -> tuple[int, int]:
    """Return what the chart spans: all of it with a little air, and never nothing."""
    low, high = min(minors), max(minors)
    air = max((high - low) // 10, high // 50, 1)
    return max(0, low - air), high + air


def _ticks(low: int, high: int, one: int) -> list[int]:
    """Choose three to six round amounts inside the range."""
    step = one
    while True:
        for factor in (1, 2, 5):
            first = -(-low // (step * factor)) * step * factor
            found = range(first, high + 1, step * factor)
            if len(found) <= 5:
                return list(found)
        step *= 10


def _path(points: Sequence[tuple[float, float]], prices: Sequence[DayPrice]) -> str:
    """Join the points, with a gap where nobody looked for days."""
    parts: list[str] = []
    before: date | None = None
    for (x, y), price in zip(points, prices, strict=True):
        joined = before is not None and price.day - before <= _MOST_GAP
        parts.append(f"{'L' if joined else 'M'}{x} {y}")
        before = price.day
    return " ".join(parts)


def _middle_half(prices: Sequence[DayPrice]) -> list[_Middle]:
    """Return for each day the quarters between which half of the last thirty days lies."""
    found = []
    for price in prices:
        since = price.day - timedelta(days=BAND_DAYS - 1)
        window = sorted(p.minor for p in prices if since <= p.day <= price.day)
        found.append((price.day, _quantile(window, 1), _quantile(window, 3)))
    return found


def _quantile(ordered: Sequence[int], quarter: int) -> int:
    place = (len(ordered) - 1) * quarter
    below, rest = divmod(place, 4)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * rest // 4


def _band(middle: Sequence[_Middle], scale: _Scale) -> str:
    upper = [f"{scale.x(day)} {scale.y(high)}" for day, _, high in middle]
    lower = [f"{scale.x(day)} {scale.y(low)}" for day, low, _ in reversed(middle)]
    return f"M{' L'.join(upper + lower)}Z"


def _budget_label(
    budget: Money, y: float, points: Sequence[tuple[float, float]], sheet: Sheet
) -> Label:
    """Label the line at its left, on the side where the fares are not."""
    left = [point_y for x, point_y in points if x < sheet.left + 200] or [points[0][1]]
    below = sum(left) / len(left) <= y
    place = y + 16 if below and y < sheet.bottom - 4 else y - 7
    return Label(sheet.left + 6, max(place, 12.0), f"your budget, {budget.figure()}")


def _last_label(
    words: str, points: Sequence[tuple[float, float]], budget_y: float, sheet: Sheet
) -> Label:
    """Say the last fare above its point, or below where the line comes from above or no room is."""
    x, y = points[-1]
    above = y > sheet.top + 4 and not 0 < y - budget_y < 24
    below = y < sheet.bottom - 10 and not 0 <= budget_y - y < 30
    falls = len(points) > 1 and points[-2][1] < y
    return Label(x, y + 20 if (falls and below) or not above else y - 11, words, "end")


def _day_labels(since: date, today: date, scale: _Scale) -> tuple[Label, ...]:
    until, foot = scale.until, scale.sheet.height - 14
    last = "today" if until == today else _short(until)
    labels = [Label(scale.sheet.right, foot, last, "end")]
    span = (until - since).days
    if span >= 2:
        labels.insert(0, Label(scale.sheet.left, foot, _short(since)))
    if span >= 8:
        middle = since + timedelta(days=span // 2)
        labels.insert(1, Label(scale.x(middle), foot, _short(middle), "middle"))
    return tuple(labels)


def _short(day: date) -> str:
    return format_date(day, "d MMM", locale="en")


def _figure(minor: int, currency: str) -> str:
    return Money(minor=minor, currency=currency).figure()


def _rounded(minor: int, currency: str) -> Money:
    """Leave out the cents of an amount that has three digits without them."""
    one = 10 ** exponent(currency)
    whole = minor if minor < 100 * one else round(minor / one) * one
    return Money(minor=whole, currency=currency)


def _rows(prices: Sequence[DayPrice], budget: Money) -> list[TableRow]:
    rows = []
    for price in reversed(prices):
        fare = Money(minor=price.minor, currency=budget.currency)
        against = "within" if fare <= budget else f"{(fare - budget).figure()} above"
        rows.append(TableRow(f"{price.day:%-d %B %Y}", fare.short(), against, price.minor))
    return rows


def _trend(prices: Sequence[DayPrice]) -> str:
    newest = prices[-1]
    week = [p for p in prices if p.day > newest.day - timedelta(days=7)]
    change = newest.minor - week[0].minor
    if abs(change) * 100 < week[0].minor:
        return "steady"
    return "falling" if change < 0 else "rising"
