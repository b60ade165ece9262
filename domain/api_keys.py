"""What an API key may do, and how much it may spend."""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Self

from pydantic import model_validator

from domain.money import Money
from domain.values import Value

LONGEST_SPENDING = timedelta(days=365)


class Scope(StrEnum):
    READ = "read"
    WRITE = "write"
    """Make and change wishes and travellers; nothing that lets money move."""
    SPEND = "spend"
    """Consent to charges, within the key's limits."""


# What each brings along: whoever may change may look.
_BRINGS = {
    Scope.READ: frozenset({Scope.READ}),
    Scope.WRITE: frozenset({Scope.READ, Scope.WRITE}),
    Scope.SPEND: frozenset({Scope.READ, Scope.WRITE, Scope.SPEND}),
}
EVERY_SCOPE = _BRINGS[Scope.SPEND]


def scopes_up_to(highest: Scope) -> frozenset[Scope]:
    return _BRINGS[highest]


def highest_of(scopes: frozenset[Scope]) -> Scope | None:
    """Return the scope that brings all the others along; None where there is none at all."""
    return next((scope for scope in reversed(Scope) if scope in scopes), None)


class SpendingLimits(Value):
    """The most that may be charged by a key's consent: for one booking, and in all."""

    each: Money
    total: Money

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.each.currency != self.total.currency:
            raise ValueError("both limits are in one currency")
        if not 0 < self.each.minor <= self.total.minor:
            raise ValueError("one booking costs something, and not more than all of them")
        return self


class KeyGrant(Value):
    """What a key may do. Without limits, spending is bounded by each wish's own consent alone.

    Only the operator makes such keys, and those that had been made before keys had scopes.
    """

    scopes: frozenset[Scope] = EVERY_SCOPE
    limits: SpendingLimits | None = None
    expires_at: datetime | None = None

    def may(self, scope: Scope) -> bool:
        return scope in self.scopes

    def expired(self, now: datetime) -> bool:
        return self.expires_at is not None and self.expires_at <= now


FULL_GRANT = KeyGrant()


class SpendingRefusal(StrEnum):
    NO_SPENDING = "no_spending"
    OTHER_CURRENCY = "other_currency"
    ABOVE_EACH = "above_each"
    ABOVE_TOTAL = "above_total"


class SpendingProblem(Value):
    """Why a key may not consent to a charge, in words for whoever holds it."""

    kind: SpendingRefusal
    words: str


def may_consent(grant: KeyGrant, wanted: Money, committed_minor: int) -> SpendingProblem | None:
    """Return what forbids this key to consent to a charge of so much, or None.

    `committed_minor` is what the key consented to for other wishes and may still cost something.
    """
    if not grant.may(Scope.SPEND):
        return _problem(SpendingRefusal.NO_SPENDING, "this key may not consent to charges")
    limits = grant.limits
    if limits is None:
        return None
    if wanted.currency != limits.each.currency:
        return _problem(
            SpendingRefusal.OTHER_CURRENCY,
            f"this key may spend {limits.each.currency}, not {wanted.currency}",
        )
    if wanted > limits.each:
        return _problem(
            SpendingRefusal.ABOVE_EACH,
            f"{wanted} is {wanted - limits.each} above the {limits.each} that this key may spend"
            " on one booking",
        )
    committed = Money(minor=committed_minor, currency=wanted.currency)
    if committed + wanted > limits.total:
        left = max(limits.total.minor - committed.minor, 0)
        return _problem(
            SpendingRefusal.ABOVE_TOTAL,
            f"of the {limits.total} that this key may spend in all,"
            f" {Money(minor=left, currency=wanted.currency)} are left",
        )
    return None


def _problem(kind: SpendingRefusal, words: str) -> SpendingProblem:
    return SpendingProblem(kind=kind, words=words)
