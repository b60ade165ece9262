from datetime import UTC, datetime, timedelta
from decimal import Decimal
from hashlib import sha256
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.campaigns import BookingMode
from domain.errors import CurrencyMismatch
from domain.ids import CampaignId
from domain.mandates import (
    ASKED_CONSENT,
    CONSENT_TEXTS,
    CURRENT_ALLOWANCE,
    CURRENT_CONSENT,
    Mandate,
    MandateRefusal,
    allowance_text,
    consent_for,
    consent_text,
    may_book,
    within_tolerance,
)
from domain.money import Money

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


def mandate(**changes: Any) -> Mandate:
    facts = {
        "id": UUID(int=1),
        "campaign_id": CampaignId(UUID(int=2)),
        "cap": Money(minor=52_000, currency="USD"),
        "text_version": CURRENT_CONSENT,
        "consented_at": NOW - timedelta(days=1),
        "expires_at": NOW + timedelta(days=300),
    }
    return Mandate(**(facts | changes))


@pytest.mark.parametrize(
    ("changes", "total", "kind"),
    [
        ({}, Money(minor=52_000, currency="USD"), None),
        ({}, Money(minor=52_001, currency="USD"), MandateRefusal.ABOVE_CAP),
        ({}, Money(minor=1, currency="EUR"), MandateRefusal.OTHER_CURRENCY),
        ({"expires_at": NOW}, Money(minor=1, currency="USD"), MandateRefusal.EXPIRED),
        ({"revoked_at": NOW}, Money(minor=1, currency="USD"), MandateRefusal.REVOKED),
        ({"revoked_at": NOW + timedelta(seconds=1)}, Money(minor=1, currency="USD"), None),
        (
            {"consented_at": NOW + timedelta(seconds=1)},
            Money(minor=1, currency="USD"),
            MandateRefusal.NOT_YET_GIVEN,
        ),
    ],
)
def test_says_what_the_mandate_does_not_allow(changes: Any, total: Any, kind: Any):
    problem = may_book(mandate(**changes), total, NOW)
    assert (problem.kind if problem else None) == kind
    assert problem is None or problem.words


def test_says_by_how_much_the_cap_is_exceeded():
    problem = may_book(mandate(), Money(minor=61_240, currency="USD"), NOW)
    assert problem is not None
    assert problem.words == "612.40 USD is 92.40 USD above the 520.00 USD that you allowed"


@given(st.integers(0, 10**9), st.integers(1, 10**9))
def test_no_total_above_the_cap_is_ever_allowed(total: Any, cap: int):
    given = mandate(cap=Money(minor=cap, currency="USD"))
    allowed = may_book(given, Money(minor=total, currency="USD"), NOW) is None
    assert allowed == (total <= cap)


@given(st.integers(0, 10**9), st.integers(0, 10**9), st.decimals(-5, 30, places=1))
def test_the_tolerance_is_relative_to_the_matched_price(matched: int, found: int, percent: Decimal):
    near = within_tolerance(
        Money(minor=matched, currency="USD"), Money(minor=found, currency="USD"), percent
    )
    assert near == (found <= Decimal(matched) * (100 + max(percent, Decimal(0))) / 100)
    if found <= matched:
        assert near


def test_two_per_cent_of_400_are_8():
    matched = Money(minor=40_000, currency="USD")
    assert within_tolerance(matched, Money(minor=40_800, currency="USD"), Decimal(2))
    assert not within_tolerance(matched, Money(minor=40_801, currency="USD"), Decimal(2))
    with pytest.raises(CurrencyMismatch):
        within_tolerance(matched, Money(minor=1, currency="EUR"), Decimal(2))


@pytest.mark.parametrize("version", CONSENT_TEXTS)
def test_the_consent_names_who_charges_how_much_until_when_and_how_to_stop(version: str):
    words = consent_text(
        version, Money(minor=104_000, currency="USD"), datetime(2027, 6, 22, tzinfo=UTC)
    )
    for fact in ("Parker Flight", "1,040.00 USD", "once", "22 June 2027", "withdraw"):
        assert fact in words


def test_what_is_allowed_once_names_the_flights_and_how_long():
    words = allowance_text(
        CURRENT_ALLOWANCE, Money(minor=52_000, currency="USD"), "TP 204 on 10 May 2027", NOW
    )
    for fact in ("520.00 USD", "TP 204 on 10 May 2027", f"{NOW:%H:%M} UTC", "no others"):
        assert fact in words


def test_each_mode_has_words_of_its_own():
    assert consent_for(BookingMode.AUTO) == CURRENT_CONSENT
    assert consent_for(BookingMode.ASK_ME_FIRST) == ASKED_CONSENT


def test_the_first_consent_text_never_changes():
    fingerprint = sha256(CONSENT_TEXTS["2026-11"].encode()).hexdigest()
    assert fingerprint.startswith("c5057329490b49d2")
    with pytest.raises(KeyError):
        consent_text("1999-01", Money(minor=1, currency="USD"), NOW)
