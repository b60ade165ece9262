"""Money as Stripe counts it, which differs from ISO 4217 for some currencies.

https://docs.stripe.com/currencies: MGA has no minor unit at Stripe; ISK and UGX are written with
two decimals that must be zero; the last digit of a three-decimal amount must be zero.
"""

from domain.money import Money, exponent
from providers.errors import ProviderRefused

_EXPONENTS = {"MGA": 0, "ISK": 2, "UGX": 2}
_STEPS = {"ISK": 100, "UGX": 100} | dict.fromkeys(["BHD", "JOD", "KWD", "OMR", "TND"], 10)


def to_stripe(money: Money, operation: str) -> int:
    """Return the integer that Stripe wants for a positive amount.

    Raises:
        ProviderRefused: Stripe cannot take exactly this; nothing was sent.
    """
    minor = money.minor
    # The SDK would send a float or True as it is, and Stripe would read something else.
    if type(minor) is not int or minor <= 0:
        raise ProviderRefused("stripe", operation, "amount_not_positive")
    shift = _shift(money.currency)
    factor = _power(abs(shift))
    amount, rest = (minor * factor, 0) if shift >= 0 else divmod(minor, factor)
    if rest or amount % _STEPS.get(money.currency, 1):
        raise ProviderRefused("stripe", operation, "amount_not_chargeable")
    return amount


def from_stripe(amount: int, currency: str) -> Money:
    """Read an amount; it is exact, since Stripe's steps are never finer than ours.

    Raises:
        ValueError: finer than the currency's minor unit.
    """
    code = currency.upper()
    shift = _shift(code)
    factor = _power(abs(shift))
    minor, rest = (amount * factor, 0) if shift < 0 else divmod(amount, factor)
    if rest:
        raise ValueError(f"{amount} {code} is finer than its minor unit")
    return Money(minor=minor, currency=code)


def _shift(currency: str) -> int:
    iso = exponent(currency)
    return _EXPONENTS.get(currency, iso) - iso


def _power(digits: int) -> int:
    return int(10**digits)
