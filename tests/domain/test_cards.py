"""Cards: their last day, and which of the warnings is due."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.cards import CardStanding, card_name, card_state, due_warning, valid_until

DAYS = (60, 30, 7)


@pytest.mark.parametrize(
    ("today", "standing", "step"),
    [
        (date(2027, 12, 1), CardStanding.ACTIVE, None),
        (date(2027, 12, 31), CardStanding.ENDS_SOON, 60),
        (date(2028, 1, 30), CardStanding.ENDS_SOON, 30),
        (date(2028, 2, 22), CardStanding.ENDS_SOON, 7),
        (date(2028, 2, 29), CardStanding.ENDS_SOON, 7),
        (date(2028, 3, 1), CardStanding.EXPIRED, None),
    ],
)
def test_a_card_ends_with_the_month_that_is_printed_on_it(
    today: date, standing: CardStanding, step: int | None
):
    state = card_state(2028, 2, usable=True, today=today, warning_days=DAYS)
    assert (state.standing, state.warned_at) == (standing, step)
    assert state.valid_until == date(2028, 2, 29)


def test_a_refused_card_needs_attention_until_it_is_over():
    def standing(today: date) -> CardStanding:
        return card_state(2027, 1, usable=False, today=today, warning_days=DAYS).standing

    assert standing(date(2026, 1, 1)) is CardStanding.NEEDS_ATTENTION
    assert standing(date(2027, 2, 1)) is CardStanding.EXPIRED
    assert card_name("amex", "0005") == "American Express ending 0005"
    assert card_name("new_brand", "1") == "New Brand ending 1"


@given(st.dates(date(2020, 1, 1), date(2040, 12, 31)), st.integers(0, 120))
def test_each_warning_comes_once_on_the_way_to_the_end(end: date, ahead: int):
    last = valid_until(end.year, end.month)
    assert (last + timedelta(days=1)).day == 1
    seen = [due_warning(left, DAYS) for left in range(ahead, -1, -1)]
    told = [step for step, before in zip(seen, [None, *seen], strict=False) if step != before]
    assert told == [step for step in sorted(DAYS, reverse=True) if step in told]
    assert seen[-1] == 7
