"""What the page of API keys shows, and what its form asks for."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Self
from uuid import UUID

from pydantic import ValidationError

from api.web.forms import Form, Problems
from db.models.api_key import ApiKeyRow
from domain.api_keys import KeyGrant, Scope, SpendingLimits, highest_of, scopes_up_to
from domain.errors import MoneyFormat
from domain.money import Money

LONGEST_NAME = 60
LONGEST_DAYS = 365
_MAY = {
    None: "May do nothing.",
    Scope.READ: "May look.",
    Scope.WRITE: "May look, and make and change wishes; each waits for your consent.",
    Scope.SPEND: "May look, make wishes and consent to charges for you.",
}


@dataclass(frozen=True)
class KeyShown:
    """A key as its owner knows it."""

    id: UUID
    name: str
    prefix: str
    may: str
    limits: str | None
    made_at: datetime
    used_at: datetime | None
    expires_at: datetime | None
    revoked_at: datetime | None
    live: bool

    @classmethod
    def of(cls, row: ApiKeyRow, committed_minor: int, now: datetime) -> Self:
        grant = row.grant
        highest = highest_of(grant.scopes)
        return cls(
            id=row.id,
            name=row.name,
            prefix=row.prefix,
            may=_MAY[highest],
            limits=_limits(grant, committed_minor) if highest is Scope.SPEND else None,
            made_at=row.created_at,
            used_at=row.last_used_at,
            expires_at=row.expires_at,
            revoked_at=row.revoked_at,
            live=row.revoked_at is None and not grant.expired(now),
        )


def _limits(grant: KeyGrant, committed_minor: int) -> str:
    if grant.limits is None:
        return "Without a limit: the operator of this installation made it for you."
    each, total = grant.limits.each, grant.limits.total
    committed = Money(minor=committed_minor, currency=total.currency)
    return (
        f"At most {each.short()} for one booking and {total.short()} in all;"
        f" {committed.short()} of that is agreed so far."
    )


@dataclass(frozen=True)
class NewKey:
    """What somebody wants of a new key."""

    name: str
    scope: Scope
    days: int
    limits: SpendingLimits | None

    def grant(self, expires_at: datetime) -> KeyGrant:
        return KeyGrant(scopes=scopes_up_to(self.scope), limits=self.limits, expires_at=expires_at)


def read_new_key(form: Form, currencies: Sequence[str], problems: Problems) -> NewKey | None:
    """Read the form; None where something in it cannot hold."""
    problems.need(form, {"name": "Say what the key is for."})
    if len(form.text("name")) > LONGEST_NAME:
        problems.add("name", f"Use at most {LONGEST_NAME} characters.")
    scope, days = form.text("scope"), form.text("days")
    if scope not in set(Scope):
        problems.add("scope", "Choose what the key may do.")
    if not (days.isascii() and days.isdigit() and 1 <= int(days) <= LONGEST_DAYS):
        problems.add("days", "Choose how long the key is good, a year at most.")
    limits = _read_limits(form, currencies, problems) if scope == Scope.SPEND else None
    if problems:
        return None
    return NewKey(form.text("name"), Scope(scope), int(days), limits)


def _read_limits(
    form: Form, currencies: Sequence[str], problems: Problems
) -> SpendingLimits | None:
    currency = form.text("currency")
    if currency not in currencies:
        problems.add("currency", "Choose a currency that fares are sold in.")
        return None
    each, total = (_amount(form, name, currency, problems) for name in ("each", "total"))
    if each is None or total is None:
        return None
    if total < each:
        problems.add("total", "The most in all is not less than the most for one booking.")
        return None
    try:
        return SpendingLimits(each=each, total=total)
    except ValidationError:
        problems.add("each", "Give amounts above zero.")
        return None


def _amount(form: Form, name: str, currency: str, problems: Problems) -> Money | None:
    try:
        amount = Money.parse(form.text(name).replace(",", ""), currency)
    except MoneyFormat:
        problems.add(name, f"Give an amount in {currency}, for example 500.")
        return None
    # As much as the column holds is more than anybody's; the wish's own consent limits it too.
    if not 0 < amount.minor < 10**12:
        problems.add(name, "Give an amount above zero that somebody could mean.")
        return None
    return amount
