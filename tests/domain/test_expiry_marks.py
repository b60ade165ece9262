from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from domain.expiry import mark_reached, worth_a_look

ENDS = date(2027, 3, 31)
MARKS = (60, 30, 7)


def told(days: int) -> int | None:
    return mark_reached(ENDS, ENDS - timedelta(days=days), MARKS)


def test_each_mark_is_told_from_its_day_on():
    assert [told(days) for days in (61, 60, 31, 30, 8, 7, 0, -1, -60, -61)] == [
        None, 60, 60, 30, 30, 7, 7, 0, 0, None,
    ]  # fmt: skip


@given(st.lists(st.integers(1, 400), max_size=5), st.integers(-500, 500))
def test_whatever_calls_for_a_warning_is_looked_at(marks: list[int], days: int):
    today = ENDS - timedelta(days=days)
    mark = mark_reached(ENDS, today, marks)
    first, last = worth_a_look(today, marks)
    if mark is not None:
        assert first <= ENDS <= last
        assert mark in {*marks, 0}
    if not marks:
        assert mark is None
