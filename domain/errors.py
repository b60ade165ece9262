"""Refusals of the domain.

DomainError
├── MoneyFormat            an amount that its currency cannot express
├── CurrencyMismatch       two currencies in one sum
├── IllegalTransition      a state change that the table does not allow
├── UnknownPlace           a code that is no airport and no city (with a suggestion)
└── CriteriaRefused        one or more fields of a wish that cannot hold
"""

from domain.values import Value


class DomainError(Exception):
    """Something the rules of the product do not allow."""


class MoneyFormat(DomainError):
    def __init__(self, amount: str, currency: str) -> None:
        super().__init__(f"{amount!r} is not an amount of {currency}")
        self.amount, self.currency = amount, currency


class CurrencyMismatch(DomainError):
    def __init__(self, left: str, right: str) -> None:
        super().__init__(f"{left} and {right} do not add up")


class IllegalTransition(DomainError):
    def __init__(self, entity: str, current: str, wanted: str) -> None:
        super().__init__(f"{entity} cannot go from {current} to {wanted}")
        self.entity, self.current, self.wanted = entity, current, wanted


class UnknownPlace(DomainError):
    def __init__(self, code: str, suggestions: tuple[str, ...] = ()) -> None:
        hint = f"; did you mean {', '.join(suggestions)}?" if suggestions else ""
        super().__init__(f"{code!r} is not an airport or city code{hint}")
        self.code, self.suggestions = code, suggestions


class FieldProblem(Value):
    """One field that cannot hold: where, why, and what to do about it."""

    field: str
    reason: str
    remedy: str


class CriteriaRefused(DomainError):
    def __init__(self, problems: tuple[FieldProblem, ...]) -> None:
        super().__init__("; ".join(f"{p.field}: {p.reason}" for p in problems))
        self.problems = problems
