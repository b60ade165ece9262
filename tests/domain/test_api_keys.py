from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from domain.api_keys import (
    EVERY_SCOPE,
    KeyGrant,
    Scope,
    SpendingLimits,
    SpendingRefusal,
    highest_of,
    may_consent,
    scopes_up_to,
)
from domain.money import Money

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)


def usd(minor: int) -> Money:
    return Money(minor=minor, currency="USD")


def grant(**changes: Any) -> KeyGrant:
    limits = SpendingLimits(each=usd(50_000), total=usd(120_000))
    return KeyGrant(**({"limits": limits, "expires_at": NOW + timedelta(days=30)} | changes))


def test_a_scope_brings_along_those_below_it():
    assert scopes_up_to(Scope.READ) == {Scope.READ}
    assert scopes_up_to(Scope.WRITE) == {Scope.READ, Scope.WRITE}
    assert scopes_up_to(Scope.SPEND) == EVERY_SCOPE == set(Scope)
    for scope in Scope:
        assert highest_of(scopes_up_to(scope)) is scope
    assert highest_of(frozenset()) is None


def test_a_key_of_the_operators_may_do_everything_for_ever():
    full = KeyGrant()
    assert all(full.may(scope) for scope in Scope)
    assert not full.expired(NOW + timedelta(days=10_000))
    assert may_consent(full, usd(10_000_000), 0) is None


def test_a_key_ends_at_its_instant():
    key = grant(expires_at=NOW)
    assert key.expired(NOW)
    assert not key.expired(NOW - timedelta(microseconds=1))


@pytest.mark.parametrize(
    ("wanted", "committed", "refusal"),
    [
        (usd(50_000), 70_000, None),
        (usd(50_000), 0, None),
        (usd(50_001), 0, SpendingRefusal.ABOVE_EACH),
        (usd(50_000), 70_001, SpendingRefusal.ABOVE_TOTAL),
        (usd(1), 120_000, SpendingRefusal.ABOVE_TOTAL),
        (Money(minor=1, currency="EUR"), 0, SpendingRefusal.OTHER_CURRENCY),
    ],
)
def test_a_key_consents_within_its_limits(wanted: Money, committed: int, refusal: Any):
    found = may_consent(grant(), wanted, committed)
    assert (found.kind if found else None) is refusal


def test_a_key_that_may_not_spend_consents_to_nothing():
    found = may_consent(grant(scopes=scopes_up_to(Scope.WRITE)), usd(1), 0)
    assert found is not None
    assert found.kind is SpendingRefusal.NO_SPENDING


def test_a_refusal_says_what_is_left():
    found = may_consent(grant(), usd(50_000), 100_000)
    assert found is not None
    assert found.words == "of the 1,200.00 USD that this key may spend in all, 200.00 USD are left"


@given(st.lists(st.integers(1, 60_000), max_size=20))
def test_however_it_is_asked_it_never_commits_more_than_its_limits(wanted: list[int]):
    key, committed = grant(), 0
    for minor in wanted:
        if may_consent(key, usd(minor), committed) is None:
            assert minor <= 50_000
            committed += minor
    assert committed <= 120_000


@pytest.mark.parametrize(
    ("each", "total"),
    [
        (usd(2), usd(1)),
        (usd(0), usd(1)),
        (usd(-1), usd(1)),
        (usd(1), Money(minor=1, currency="EUR")),
    ],
)
def test_limits_that_cannot_hold_are_refused(each: Money, total: Money):
    with pytest.raises(ValidationError):
        SpendingLimits(each=each, total=total)
