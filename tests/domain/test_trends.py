from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.money import Money
from domain.trends import trend_of

START = date(2026, 11, 1)
BUDGET = Money(minor=104_000, currency="USD")


def _days(*minors: int) -> list[tuple[date, int]]:
    return [(START + timedelta(days=n), minor) for n, minor in enumerate(minors)]


@pytest.mark.parametrize(
    ("minors", "words", "outlook"),
    [
        (
            [118_000, 117_000, 116_000, 115_000],
            "falling by about 70 USD a week",
            "within your budget in about 11 days, if fares went on like that",
        ),
        ([115_000, 116_000, 117_000, 118_000], "rising by about 70 USD a week", None),
        ([115_000, 115_001, 115_000, 115_000], "steady over the last two weeks", None),
        ([106_000, 105_000, 104_500, 103_000], "falling by about 66 USD a week", "within your budget now"),
        ([900_000, 899_000, 898_000, 897_000], "falling by about 70 USD a week", None),
    ],
)  # fmt: skip
def test_a_line_is_put_into_words(minors: list[int], words: str, outlook: str | None):
    found = trend_of(_days(*minors), BUDGET)
    assert found is not None
    assert (found.words, found.outlook) == (words, outlook)


def test_little_is_seen_from_few_days():
    assert trend_of([], BUDGET) is None
    assert trend_of(_days(118_000, 117_000, 116_000), BUDGET) is None


@given(st.lists(st.integers(1, 10**7), min_size=4, max_size=40))
def test_any_fares_have_a_trend(minors: list[int]):
    found = trend_of(_days(*minors), BUDGET)
    assert found is not None
    if minors[-1] <= BUDGET.minor:
        assert found.days_to_budget == 0
    elif found.weekly.minor >= 0:
        assert found.days_to_budget is None
