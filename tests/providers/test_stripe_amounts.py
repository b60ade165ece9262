"""Amounts as Stripe counts them: exact in both directions, or refused."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.money import Money
from providers.errors import ProviderRefused
from providers.stripe.amounts import from_stripe, to_stripe

CURRENCIES = ["USD", "EUR", "JPY", "KRW", "ISK", "UGX", "MGA", "BHD", "KWD", "HUF", "TWD"]


@pytest.mark.parametrize(
    ("minor", "currency", "amount"),
    [
        (48720, "USD", 48720),
        (1200, "JPY", 1200),
        (1500, "ISK", 150000),
        (500, "UGX", 50000),
        (250000, "MGA", 2500),
        (12340, "KWD", 12340),
    ],
)
def test_counts_as_stripe_does(minor: int, currency: str, amount: int) -> None:
    money = Money(minor=minor, currency=currency)

    assert to_stripe(money, "test") == amount
    assert from_stripe(amount, currency.lower()) == money


@pytest.mark.parametrize(
    ("minor", "currency"), [(12345, "KWD"), (250050, "MGA"), (0, "USD"), (-1, "USD")]
)
def test_refuses_what_stripe_cannot_charge(minor: int, currency: str) -> None:
    with pytest.raises(ProviderRefused):
        to_stripe(Money(minor=minor, currency=currency), "test")


@pytest.mark.parametrize("minor", [487.2, 487.0, True, "487"])
def test_lets_nothing_out_but_whole_numbers(minor: Any) -> None:
    with pytest.raises(ProviderRefused):
        to_stripe(Money.model_construct(minor=minor, currency="USD"), "test")


def test_refuses_an_answer_finer_than_the_currency() -> None:
    with pytest.raises(ValueError, match="finer"):
        from_stripe(150050, "isk")


@given(st.integers(1, 10**9), st.sampled_from(CURRENCIES))
def test_what_goes_out_comes_back(minor: int, currency: str) -> None:
    money = Money(minor=minor, currency=currency)
    try:
        amount = to_stripe(money, "test")
    except ProviderRefused:
        return
    assert from_stripe(amount, currency) == money
