"""When somebody may be erased, what stays of them, and how long anything is kept."""

from datetime import UTC, date, datetime, timedelta

from domain.erasures import Hindrance, Obstacle, possible_from
from domain.retention import (
    PERIODS,
    TABLES,
    Fate,
    Record,
    Sweep,
    keep_until,
    kept_after_erasure,
)

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)


def test_with_nothing_in_the_way_it_is_possible_now() -> None:
    assert possible_from([], NOW) == NOW


def test_the_longest_hindrance_says_when() -> None:
    landing = NOW + timedelta(days=40)
    found = [Hindrance(Obstacle.REFUND, NOW), Hindrance(Obstacle.TRIP, landing)]
    assert possible_from(found, NOW) == landing + timedelta(days=1)
    assert possible_from(found[:1], NOW) == NOW + timedelta(days=14)


def test_what_should_have_ended_by_now_is_looked_at_again_tomorrow() -> None:
    for obstacle in Obstacle:
        late = Hindrance(obstacle, NOW - timedelta(days=100))
        assert possible_from([late], NOW) == NOW + timedelta(days=1)


def test_records_are_kept_so_many_years_after_the_year_of_the_last_payment() -> None:
    assert keep_until(date(2026, 1, 1), 10) == date(2036, 12, 31)
    assert keep_until(date(2028, 2, 29), 1) == date(2029, 12, 31)


def test_all_that_stays_is_said_with_its_years_and_its_reason() -> None:
    kept = kept_after_erasure(receipts_years=8, mandates_years=5)
    assert {one.record for one in kept} == set(Record)
    years = {one.record: one.years for one in kept}
    assert (years[Record.RECEIPT], years[Record.MANDATE]) == (8, 5)
    assert all(one.title and one.fields and one.because for one in kept)


def test_nothing_is_emptied_that_goes_and_every_sweep_has_a_period() -> None:
    for name, rule in TABLES.items():
        assert bool(rule.empties) == (rule.fate is Fate.EMPTIED), name
        assert rule.of_traveler is None or rule.fate is Fate.GONE, name
    assert set(PERIODS) == set(Sweep)
