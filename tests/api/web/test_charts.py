"""Charts: whatever the fares, everything is inside, in order, and said in words."""

import re
from datetime import date, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from api.web.charts import DayPrice, Drawing, Sparkline, price_chart, sparkline
from domain.money import Money

START = date(2026, 9, 22)


@st.composite
def _days(draw: Any, least: int = 1) -> list[DayPrice]:
    offsets = sorted(draw(st.sets(st.integers(0, 370), min_size=least, max_size=60)))
    return [
        DayPrice(START + timedelta(days=offset), draw(st.integers(1, 10**7))) for offset in offsets
    ]


_budgets = st.builds(
    Money, minor=st.integers(1, 10**7), currency=st.sampled_from(["USD", "JPY", "KWD"])
)


def _points(path: str) -> list[tuple[float, float]]:
    found = re.findall(r"[ML]?([\d.]+) ([\d.]+)", path)
    return [(float(x), float(y)) for x, y in found]


def _assert_drawn_inside(drawing: Drawing, prices: list[DayPrice]) -> None:
    width, height = drawing.sheet.width, drawing.sheet.height
    points = _points(drawing.line)
    assert len(points) == len(prices)
    for x, y in [*points, *_points(drawing.band or ""), (drawing.last_x, drawing.last_y)]:
        assert 0 <= x <= width
        assert 0 <= y <= height
    assert [x for x, _ in points] == sorted(x for x, _ in points)
    by_price = sorted(zip((p.minor for p in prices), points, strict=True))
    heights = [y for _, (_, y) in by_price]
    assert heights == sorted(heights, reverse=True)
    assert 0 < drawing.budget_y < height
    for label in (*drawing.ticks, *drawing.days, drawing.budget_label, drawing.last_label):
        assert 0 <= label.x <= width
        assert 8 <= label.y <= height
        assert label.words
    assert len(drawing.ticks) <= 5


@given(prices=_days(), budget=_budgets, later=st.integers(0, 3))
def test_everything_is_drawn_inside_and_the_dearer_stands_higher(
    prices: list[DayPrice], budget: Money, later: int
):
    today = prices[-1].day + timedelta(days=later)
    chart = price_chart(prices, budget, today)
    assert chart is not None
    for drawing in (chart.wide, chart.narrow):
        _assert_drawn_inside(drawing, prices)
    assert [row.minor for row in chart.rows] == [p.minor for p in reversed(prices)]


@given(prices=_days(least=2), budget=_budgets)
def test_a_small_line_fits_its_place(prices: list[DayPrice], budget: Money):
    spark = sparkline(prices, budget, prices[-1].day)
    assert isinstance(spark, Sparkline)
    for x, y in [*_points(spark.line), (spark.last_x, spark.budget_y)]:
        assert 0 <= x <= spark.width
        assert 0 <= y <= spark.height


def test_the_band_is_the_middle_half_of_thirty_days():
    budget = Money(minor=104_000, currency="USD")
    prices = [DayPrice(START + timedelta(days=n), 100_000 + n * 1000) for n in range(40)]
    chart = price_chart(prices, budget, prices[-1].day)
    assert chart is not None
    assert chart.wide.band is not None
    corners = _points(chart.wide.band)
    assert len(corners) == 80
    line = _points(chart.wide.line)
    upper, lower = corners[39], corners[40]
    # Of the last thirty days' 110,000 to 139,000 the quarters are 117,250 and 131,750.
    assert line[17][1] > lower[1] > line[18][1]
    assert line[31][1] > upper[1] > line[32][1]
    assert price_chart(prices[:7], budget, START).wide.band is None  # type: ignore[union-attr]


def test_days_that_nobody_looked_at_leave_a_gap():
    budget = Money(minor=104_000, currency="USD")
    days = [0, 1, 5, 10, 11]
    prices = [DayPrice(START + timedelta(days=n), 100_000) for n in days]
    chart = price_chart(prices, budget, prices[-1].day)
    assert chart is not None
    assert re.sub(r"[^ML]", "", chart.wide.line) == "MLLML"


def test_the_words_say_what_is_drawn():
    budget = Money(minor=104_000, currency="USD")
    fares = [131_000, 125_000, 120_000, 118_000, 116_000, 114_000, 105_200, 111_800]
    prices = [DayPrice(START + timedelta(days=n), minor) for n, minor in enumerate(fares)]
    chart = price_chart(prices, budget, prices[-1].day)
    assert chart is not None
    assert chart.summary == (
        "Cheapest fare a day over 8 days: between 1,052 and 1,310 USD, never within your budget of"
        " 1,040; falling over the last week."
    )
    assert chart.wide.last_label.words == "1,118 now"
    assert chart.wide.budget_label.words == "your budget, 1,040"
    assert [label.words for label in chart.wide.days] == ["22 Sep", "today"]
    one = price_chart(prices[:1], budget, START)
    assert one is not None
    assert one.summary == "One day seen so far: 1,310 USD; your budget is 1,040."
    assert price_chart([], budget, START) is None
    assert sparkline(prices[:1], budget, START) is None
    met = price_chart([*prices, DayPrice(START + timedelta(days=8), 100_000)], budget, START)
    assert met is not None
    assert "within your budget of 1,040 on 1 of 9 days seen" in met.summary
