"""Money as integer minor units and an ISO 4217 currency; never a float."""

from decimal import Decimal, InvalidOperation
from typing import Annotated, Self

from pydantic import Field, StringConstraints

from domain.errors import CurrencyMismatch, MoneyFormat
from domain.values import Value

CurrencyCode = Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")]

# ISO 4217 minor units where they are not two. All others have two.
_EXPONENTS = {
    **dict.fromkeys(
        (
            *("BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG"),
            *("RWF", "UGX", "UYI", "VND", "VUV", "XAF", "XOF", "XPF"),
        ),
        0,
    ),
    **dict.fromkeys(["BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"], 3),
}


def exponent(currency: str) -> int:
    """Return how many decimal digits the currency's minor unit has."""
    return _EXPONENTS.get(currency, 2)


class Money(Value):
    """An amount in minor units (cents for USD, yen for JPY) of one currency."""

    minor: int
    currency: CurrencyCode

    @classmethod
    def parse(cls, amount: str | Decimal, currency: str) -> Self:
        """Read a decimal amount exactly.

        Raises:
            MoneyFormat: not a finite number, or finer than the currency's minor unit.
        """
        try:
            scaled = Decimal(amount).scaleb(exponent(currency))
        except InvalidOperation as error:
            raise MoneyFormat(str(amount), currency) from error
        if not scaled.is_finite() or scaled != scaled.to_integral_value():
            raise MoneyFormat(str(amount), currency)
        return cls(minor=int(scaled), currency=currency)

    @classmethod
    def zero(cls, currency: str) -> Self:
        return cls(minor=0, currency=currency)

    def decimal(self) -> Decimal:
        return Decimal(self.minor).scaleb(-exponent(self.currency))

    def amount(self) -> str:
        """Return the amount as providers write it: `487.20`, `1200` for yen."""
        return f"{self.decimal():.{exponent(self.currency)}f}"

    def __str__(self) -> str:
        return f"{self.decimal():,.{exponent(self.currency)}f} {self.currency}"

    def figure(self) -> str:
        """Return the number as people say it: `1,118`, or `487.20` where there are cents."""
        digits = exponent(self.currency)
        whole = self.minor % 10**digits == 0
        return f"{self.decimal():,.{0 if whole else digits}f}"

    def short(self) -> str:
        """Return the amount as a sentence says it: `1,118 USD`."""
        return f"{self.figure()} {self.currency}"

    def __add__(self, other: "Money") -> "Money":
        return Money(minor=self.minor + self._same(other), currency=self.currency)

    def __sub__(self, other: "Money") -> "Money":
        return Money(minor=self.minor - self._same(other), currency=self.currency)

    def __lt__(self, other: "Money") -> bool:
        return self.minor < self._same(other)

    def __le__(self, other: "Money") -> bool:
        return self.minor <= self._same(other)

    def __gt__(self, other: "Money") -> bool:
        return self.minor > self._same(other)

    def __ge__(self, other: "Money") -> bool:
        return self.minor >= self._same(other)

    def plus_percent(self, percent: Decimal) -> "Money":
        """Raise by a percentage, rounded down so that a limit is never exceeded."""
        return Money(minor=int(Decimal(self.minor) * (100 + percent) / 100), currency=self.currency)

    def _same(self, other: "Money") -> int:
        if self.currency != other.currency:
            raise CurrencyMismatch(self.currency, other.currency)
        return other.minor


PositiveMinor = Annotated[int, Field(gt=0)]
