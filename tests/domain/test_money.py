from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from domain.errors import CurrencyMismatch, MoneyFormat
from domain.money import Money, exponent

CURRENCIES = st.sampled_from(["USD", "EUR", "JPY", "KWD"])
MINORS = st.integers(-(10**15), 10**15)
AMOUNTS = st.builds(Money, minor=MINORS, currency=CURRENCIES)


@given(AMOUNTS)
def test_what_is_written_is_read_back(money: Money):
    assert Money.parse(money.amount(), money.currency) == money


@given(MINORS, MINORS, CURRENCIES)
def test_sums_are_exact_and_differences_undo_them(left: int, right: int, currency: str):
    a, b = Money(minor=left, currency=currency), Money(minor=right, currency=currency)
    assert (a + b).minor == left + right
    assert (a + b) - b == a
    assert (a < b) == (left < right)
    assert (a <= b) == (left <= right)
    assert (a > b) == (left > right)
    assert (a >= b) == (left >= right)


@given(st.integers(0, 10**12), st.decimals(0, 50, places=2))
def test_a_raised_limit_never_exceeds_the_exact_percentage(minor: int, percent: Decimal):
    raised = Money(minor=minor, currency="USD").plus_percent(percent)
    exact = Decimal(minor) * (100 + percent) / 100
    assert minor <= raised.minor <= exact < raised.minor + 1


@pytest.mark.parametrize(
    ("amount", "currency", "minor"),
    [
        ("487.20", "USD", 48720),
        ("487.2", "USD", 48720),
        ("487.200", "USD", 48720),
        ("1200", "JPY", 1200),
        ("1.234", "KWD", 1234),
        ("-3.50", "EUR", -350),
        ("0", "USD", 0),
    ],
)
def test_reads_amounts_as_providers_write_them(amount: str, currency: str, minor: int):
    assert Money.parse(amount, currency).minor == minor


@pytest.mark.parametrize(
    ("amount", "currency"),
    [
        ("12.345", "USD"),
        ("1.5", "JPY"),
        ("NaN", "USD"),
        ("Infinity", "USD"),
        ("", "USD"),
        ("12,50", "EUR"),
        ("ten", "USD"),
    ],
)
def test_refuses_what_the_currency_cannot_express(amount: str, currency: str):
    with pytest.raises(MoneyFormat):
        Money.parse(amount, currency)


def test_currencies_do_not_mix():
    dollar, euro = Money(minor=1, currency="USD"), Money(minor=1, currency="EUR")
    for mix in (
        lambda: dollar + euro,
        lambda: dollar - euro,
        lambda: dollar < euro,
        lambda: dollar <= euro,
        lambda: dollar > euro,
        lambda: dollar >= euro,
    ):
        with pytest.raises(CurrencyMismatch):
            mix()
    assert dollar != euro


def test_no_float_and_no_small_currency_gets_in():
    with pytest.raises(ValidationError):
        Money(minor=12.5, currency="USD")  # type: ignore[arg-type]
    with pytest.raises(ValidationError):
        Money(minor=1, currency="usd")


def test_is_written_for_people_with_separators():
    assert str(Money(minor=123456, currency="USD")) == "1,234.56 USD"
    assert str(Money(minor=123456, currency="JPY")) == "123,456 JPY"
    assert Money(minor=123456, currency="USD").amount() == "1234.56"
    assert Money.zero("KWD").amount() == "0.000"


@pytest.mark.parametrize(("currency", "digits"), [("USD", 2), ("JPY", 0), ("KWD", 3), ("CLP", 0)])
def test_knows_minor_units(currency: str, digits: int):
    assert exponent(currency) == digits
