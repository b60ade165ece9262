"""Refunds: who holds the money, which days are expected, what the law says."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.money import Money
from domain.orders import BookingState
from domain.refunds import (
    Holder,
    RefundCase,
    RefundFact,
    RefundPace,
    business_days_after,
    legal_deadline,
    refund_track,
)

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)  # a Thursday
PACE = RefundPace()


def usd(minor: int) -> Money:
    return Money(minor=minor, currency="USD")


def case(**changes: Any) -> RefundCase:
    facts: dict[str, Any] = {
        "state": BookingState.CANCELLED,
        "paid": usd(48_700),
        "penalty": usd(4_000),
        "cancelled_by": "traveller",
        "cancelled_at": NOW - timedelta(hours=1),
    }
    return RefundCase(**(facts | changes))


def refund(status: str = "succeeded", begun_at: datetime = NOW) -> RefundFact:
    return RefundFact(amount=usd(44_700), status=status, begun_at=begun_at, updated_at=begun_at)


def test_nothing_comes_back_while_a_booking_stands_or_nothing_is_left():
    assert refund_track(case(state=BookingState.TICKETED), PACE, NOW) is None
    assert refund_track(case(penalty=usd(48_700)), PACE, NOW) is None
    assert refund_track(case(paid=usd(0)), PACE, NOW) is None


@pytest.mark.parametrize(
    ("changes", "holder", "said"),
    [
        ({"state": BookingState.CANCELLING}, Holder.AIRLINE, "447.00 USD goes back to your card"),
        (
            {"state": BookingState.CANCELLING, "pays_back": False},
            Holder.AIRLINE,
            "does not say what comes back",
        ),
        ({}, Holder.HOUSE, "We have your 447.00 USD"),
        ({"pays_back": False}, Holder.UNSETTLED, "other than money"),
        ({"refunds": (refund("pending"),)}, Holder.BANK, "between 3 December and 10 December"),
        ({"refunds": (refund("failed"),)}, Holder.UNSETTLED, "nothing is lost"),
        (
            {"refunds": (refund(begun_at=NOW - timedelta(days=20)),)},
            Holder.TRAVELLER,
            "should be on your card by now",
        ),
    ],
)
def test_the_track_says_who_has_the_money(changes: dict[str, Any], holder: Holder, said: str):
    track = refund_track(case(**changes), PACE, NOW)
    assert track is not None
    assert track.holder is holder
    assert said in track.sentence
    done = [step.done for step in track.steps]
    assert done == sorted(done, reverse=True), "what is done stands before what is to come"


def test_the_pace_is_the_installations():
    track = refund_track(case(refunds=(refund(),)), RefundPace(first=2, last=2), NOW)
    assert track is not None
    assert "within 2 business days" in track.sentence
    assert track.steps[-1].until == date(2026, 11, 30)


def test_the_law_counts_only_where_the_airline_cancelled():
    gone = {"cancelled_by": "airline", "country": "PT"}
    track = refund_track(case(**gone), PACE, NOW)
    assert track is not None
    assert track.deadline is not None
    assert track.deadline.by == date(2026, 12, 3)
    own = refund_track(case(country="PT"), PACE, NOW)
    assert own is not None
    assert own.deadline is None
    american = legal_deadline("US", NOW)
    assert american is not None
    assert american.by == date(2026, 12, 7)
    assert "UK261" in str(legal_deadline("GB", NOW))
    assert legal_deadline("BR", NOW) is None


@given(st.dates(date(2020, 1, 1), date(2040, 1, 1)), st.integers(1, 60))
def test_business_days_never_end_on_a_weekend(day: date, count: int):
    end = business_days_after(day, count)
    assert end.weekday() < 5
    passed = (day + timedelta(days=n) for n in range(1, (end - day).days + 1))
    assert sum(one.weekday() < 5 for one in passed) == count
